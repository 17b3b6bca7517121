"""What readers gave to a paper, counted from the rows; never counted up."""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Count, Sum

from broadsheet.community.models import Claim, Comment, Vote
from broadsheet.community.weights import weigh
from broadsheet.papers import store


def recount(numbers: Iterable[int]) -> None:
    """Weigh the votes of papers anew and count what they were given, each paper held while it is counted.

    Papers are taken in the order of their numbers, so that two who recount the same ones wait and do not block each
    other. A number without a paper is passed over.
    """
    for number in sorted(set(numbers)):
        with transaction.atomic():
            if store.lock_paper(number):
                weigh(number)
                keep(number)


def keep(number: int) -> store.Tally:
    """Count a paper's rows and keep the counts; the caller holds `store.lock_paper`."""
    tally = count(number)
    store.write_tally(number, tally)
    return tally


def count(number: int) -> store.Tally:
    """Count a paper's rows.

    commenters: each reader with a comment that is shown, who is not a confirmed author of the paper, weighed by
    standing, at most 1.
    """
    votes = Vote.objects.filter(paper=number).aggregate(number=Count("id"), weight=Sum("weight"))
    shown = Comment.objects.filter(paper=number, state="shown")
    comments = shown.count()
    return store.Tally(votes["number"], votes["weight"] or 0.0, comments, _commenters(number) if comments else 0.0)


def _commenters(number: int) -> float:
    authors = Claim.objects.filter(paper=number, state="confirmed").values("reader")
    others = Comment.objects.filter(paper=number, state="shown", author__isnull=False).exclude(author__in=authors)
    standings = dict(others.values_list("author", "author__standing"))
    return float(sum(min(1.0, standing) for standing in standings.values()))
