"""The papers of a reader's digests as the list `digest` of `editions.named`: what their feed and their chat show.

The newest digest comes first, each in its own order, and each paper with the day of its digest. Whoever gets no digests
finds in that list what is new in the lists they follow.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from itertools import islice
from typing import Final

from django.urls import reverse
from django.utils.translation import gettext as _

from broadsheet.digest import run, subscribing
from broadsheet.digest.models import Digest, Subscription
from broadsheet.editions import named
from broadsheet.editions.edition import Entry
from broadsheet.editions.named import NamedList, OwnKind
from broadsheet.papers.models import Paper
from broadsheet.readers.models import Reader

KEY: Final = "digest"
READ_AT_ONCE: Final = 20
_followed = named.OWN[KEY]


def register() -> None:
    """Give the list from now on."""
    named.provide(KEY, OwnKind(head, entries))


def head(reader: Reader) -> NamedList:
    """Give the list without its papers."""
    if _subscription(reader) is None:
        return _followed.head(reader)
    return NamedList(KEY, _("My digest"), reverse("my-digests"), (), own=True, paced=True)


def entries(reader: Reader, skip: int, limit: int, now: datetime) -> Iterable[Entry]:
    """Give its papers."""
    subscription = _subscription(reader)
    if subscription is None:
        return _followed.entries(reader, skip, limit, now)
    told = list(islice(_picked(subscription), skip, skip + limit))
    papers = Paper.objects.in_bulk([number for number, _day in told])
    found = ((rank, papers.get(number), day) for rank, (number, day) in enumerate(told, skip + 1))
    return [Entry(rank, paper, day=day) for rank, paper, day in found if paper and paper.is_shown]


def _subscription(reader: Reader) -> Subscription | None:
    """Give the subscription that makes digests for a reader now."""
    found = subscribing.of_reader(reader) if run.is_on() else None
    return found if found and found.state == "active" else None


def _picked(subscription: Subscription) -> Iterator[tuple[int, date]]:
    """Give the papers of digests by their numbers, each with the day of its digest."""
    made = Digest.objects.filter(subscription=subscription).exclude(state="nothing").order_by("-last")
    for picks, last in made.values_list("picks", "last").iterator(READ_AT_ONCE):
        yield from ((pick["id"], last) for pick in picks)
