"""Digests to look at again: one with its papers as they are now, and the list of all of a subscription.

What was chosen does not change any more; a paper that lists show no longer stands here no longer either.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.db.models import Q, QuerySet

from broadsheet.digest import reasons
from broadsheet.digest.models import Digest, Subscription
from broadsheet.papers.models import Paper

# Digests that are listed on one page.
PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class Picked:
    """A paper of a digest. why: sentences. also: near-duplicates, which the reader was told of by it."""

    paper: Paper
    why: tuple[str, ...]
    also: tuple[Paper, ...]


@dataclass(frozen=True, slots=True)
class Issue:
    """A digest as its page shows it. gone: papers that were taken off the lists since. earlier, later: its neighbours.

    Neighbours are digests of the same subscription, without their picks; None at the ends.
    """

    digest: Digest
    picked: tuple[Picked, ...]
    gone: int
    earlier: Digest | None
    later: Digest | None


def of(subscription: Subscription) -> QuerySet[Digest]:
    """Give the digests of a subscription, the newest first."""
    return Digest.objects.filter(subscription=subscription).order_by("-last")


def issue(digest: Digest) -> Issue:
    """Read what the page of a digest shows."""
    papers = papers_of(digest)
    shown = {key: paper for key, paper in papers.items() if paper.is_shown}
    picked = tuple(
        Picked(
            shown[pick["paper"]],
            tuple(reasons.sentences(_lasting(pick.get("why", ())))),
            tuple(shown[key] for key in pick.get("also", ()) if key in shown),
        )
        for pick in digest.picks
        if pick["paper"] in shown
    )
    others = of(digest.subscription).defer("picks")
    return Issue(
        digest,
        picked,
        len(digest.picks) - len(picked),
        earlier=others.filter(last__lt=digest.last).first(),
        later=others.filter(last__gt=digest.last).reverse().first(),
    )


def _lasting(why: Iterable[reasons.Terms]) -> list[reasons.Terms]:
    """Leave out of the terms of a pick what counts votes: the page tells how many there are now."""
    return [{name: value for name, value in terms.items() if name != "votes"} for terms in why]


def papers_of(digest: Digest) -> dict[str, Paper]:
    """Read the papers of a digest and their near-duplicates, by the keys that the digest has of them."""
    numbers = {pick["id"]: pick["paper"] for pick in digest.picks}
    also = [key for pick in digest.picks for key in pick.get("also", ())]
    found = Paper.objects.filter(Q(pk__in=list(numbers)) | Q(key__in=also))
    # A paper may have got another key since, as a preprint that was published.
    return {numbers.get(paper.pk, paper.key): paper for paper in found}


def counted(digests: Iterable[Digest]) -> list[tuple[Digest, int]]:
    """Give digests with how many papers were chosen for each."""
    return [(digest, len(digest.picks)) for digest in digests]
