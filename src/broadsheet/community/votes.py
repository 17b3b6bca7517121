"""Votes of readers: one per reader and paper, with a weight; the paper's counts follow in the same transaction."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from broadsheet.community import standing, tally
from broadsheet.community.models import Vote
from broadsheet.community.weights import of_new, weigh
from broadsheet.papers import store
from broadsheet.papers.models import Paper
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused


@dataclass(frozen=True, slots=True)
class VoteCount:
    """A paper's votes, as its page shows them, and whether the reader's is among them."""

    votes: int
    voted: bool


def cast(reader: Reader, paper: Paper, *, now: datetime, origin: str = "") -> VoteCount:
    """Vote for a paper; a second vote is the first one. Raises Refused.

    origin: `origins.digest` of the reader's address. The paper is held before the reader, everywhere.
    """
    if not reader.standing_terms:
        standing.assess([reader.pk], now)
    with transaction.atomic():
        here = _hold(paper)
        if not here.is_shown:
            raise Refused(_("This paper was taken off the lists, so it takes no votes."))
        voter = _hold_reader(reader)
        if not Vote.objects.filter(reader=voter, paper=here).exists():
            day = now.astimezone(UTC).date()
            nth = Vote.objects.filter(reader=voter, day=day).count() + 1
            weight = of_new(voter.pk, here.pk, voter.standing, nth, origin)
            Vote.objects.create(reader=voter, paper=here, cast=now, day=day, nth=nth, origin=origin, weight=weight)
        return VoteCount(here.votes_outside + tally.keep(here.pk).votes, voted=True)


def take_back(reader: Reader, paper: Paper, *, now: datetime) -> VoteCount:
    """Take a vote back; without one nothing changes. Raises Refused."""
    with transaction.atomic():
        here = _hold(paper)
        voter = _hold_reader(reader)
        vote = Vote.objects.filter(reader=voter, paper=here).first()
        if vote:
            vote.delete()
            if vote.origin:
                # Someone else from the same network may move up among the first few.
                weigh(here.pk)
        return VoteCount(here.votes_outside + tally.keep(here.pk).votes, voted=False)


def voted_for(reader: Reader, numbers: Iterable[int]) -> set[int]:
    """Say which of these papers (a page's) the reader voted for."""
    return set(Vote.objects.filter(reader=reader, paper__in=list(numbers)).values_list("paper_id", flat=True))


def _hold(paper: Paper) -> Paper:
    if not store.lock_paper(paper.pk):
        raise Refused(_("This paper is no longer here."))
    return Paper.objects.only("votes_outside", "withdrawn", "hidden").get(pk=paper.pk)


def _hold_reader(reader: Reader) -> Reader:
    """Read a reader as it stands now; until the transaction ends no other vote of the reader's is numbered."""
    held = Reader.objects.select_for_update(no_key=True).filter(pk=reader.pk)
    found = held.only("state", "standing").first()
    if found is None or not found.is_active:
        raise Refused(_("Only readers with an active account can vote."))
    return found
