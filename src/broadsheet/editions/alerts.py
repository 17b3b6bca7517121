"""Readers are told at once of new papers in the lists for which they want it: one notification a reader and look.

A look goes over the changes of the record since the last one, up to the newest that can be searched. What is new is
read once for all, and each list looked at once, however many readers follow it. A reader's notification and the numbers
up to which their follows were looked at are written in one transaction, under a lock on those follows: of two workers
one tells, and one that is killed leaves the look to the next.

A paper is told a reader once: in one look it counts once, and later looks leave out what their last notifications hold.
"""

import time
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Min, Q, QuerySet
from django.urls import reverse
from django.utils import translation

from broadsheet.community.models import Affiliation
from broadsheet.editions import lists, named
from broadsheet.editions.holding import Holding
from broadsheet.editions.named import NoSuchList
from broadsheet.papers import finding, schedule
from broadsheet.papers.models import Change, Paper
from broadsheet.readers import follows, notifications
from broadsheet.readers.models import Follow, Notification, Reader

KIND: Final = "alert"
# Papers of a day may come in late; older ones, as of an import of the past, are not news.
LATE: Final = timedelta(days=7)
# Papers stay news for LATE, so what was told longer ago than this cannot come again.
REMEMBERED: Final = timedelta(days=30)
BATCH: Final = 200
# Nothing new is begun after so many seconds of a look; the rest comes with the next.
SECONDS: Final = 20.0
MOST_TOLD: Final = 2_000
BY_MEANING: Final = ("like", "similar")


@dataclass(frozen=True, slots=True)
class News:
    """What came into the record up to one of its changes, and which lists hold it.

    came: the change with which a paper came. encoded: the change that gave a paper its first vector.
    joined: the same for papers of organisations, by (organisation, paper), as people add them later.
    """

    upto: int
    holding: Holding
    came: Mapping[int, int]
    encoded: Mapping[int, int]
    joined: Mapping[tuple[str, int], int]

    def of(self, key: str, after: int) -> set[int]:
        """Give the papers that are new in a list since a change."""
        return {paper for paper in self.holding.of(key) if after < self._since(key, paper) <= self.upto}

    def _since(self, key: str, paper: int) -> int:
        kind, _slash, value = key.partition("/")
        came = self.came.get(paper, 0)
        if kind in BY_MEANING:
            # A text that was known has its vector from the beginning.
            return self.encoded.get(paper, came)
        return max(came, self.joined.get((value, paper), 0)) if kind == "organisation" else came


def look(now: datetime, seconds: float = SECONDS) -> int:
    """Tell readers what is new in the lists they want to be alerted of; give how many were told."""
    begun, told = time.monotonic(), 0
    upto = min(follows.latest_change(), finding.indexed_up_to())
    low = _due(upto).aggregate(low=Min("change"))["low"]
    if low is None:
        return 0
    news = _news(low, upto, now)
    if not news.holding.categories:
        _due(upto).filter(change__gte=low).update(change=upto)
        return 0
    for batch in _batches(upto):
        told += _tell(batch, news, now)
        if time.monotonic() - begun > seconds:
            break
    return told


def _due(upto: int) -> QuerySet[Follow]:
    return Follow.objects.filter(alert=True, change__lt=upto, reader__state="active")


def _batches(upto: int) -> Iterator[list[int]]:
    """Give the readers who wait, the longest waiting first."""
    waiting = _due(upto).values("reader").annotate(oldest=Min("change")).order_by("oldest", "reader")
    readers = [row["reader"] for row in waiting]
    yield from (readers[start : start + BATCH] for start in range(0, len(readers), BATCH))


def _news(low: int, upto: int, now: datetime) -> News:
    first = _first_day(now)
    if first is None:
        return News(upto, Holding({}, None), {}, {}, {})
    recent = lists.shown().filter(Q(announced__gte=first) | Q(placed__gte=first))
    changes = Change.objects.filter(seq__gt=low, seq__lte=upto)
    of_recent = changes.filter(paper__in=recent.values("id"))
    came = dict(of_recent.filter(kind="insert").values_list("paper_id", "seq"))
    encoded = _first_vectors(of_recent, low)
    joined = _joined(changes, low, recent)
    numbers = {*came, *encoded, *(paper for _slug, paper in joined)}
    categories = {pk: codes for pk, codes in recent.values_list("id", "categories") if pk in numbers} if numbers else {}
    return News(upto, Holding(categories, first), came, encoded, joined)


def _first_day(now: datetime) -> date | None:
    # A record without a network lives in the past; its newest day is its today.
    newest = lists.latest_day(now)
    return min(newest, schedule.latest_due(now)) - LATE if newest else None


def _first_vectors(changes: QuerySet[Change], low: int) -> dict[int, int]:
    """Give the papers that were encoded for the first time, each with the change that says so."""
    vectors = changes.filter(kind="vector")
    again = Change.objects.filter(kind="vector", seq__lte=low, paper__in=vectors.values("paper"))
    known = set(again.values_list("paper_id", flat=True))
    first = vectors.order_by().values_list("paper_id").annotate(first=Min("seq"))
    return {paper: seq for paper, seq in first if paper not in known}


def _joined(changes: QuerySet[Change], low: int, recent: QuerySet[Paper]) -> dict[tuple[str, int], int]:
    """Give the papers that people gave to organisations since the change `low`, each with the change that came next."""
    before = Change.objects.filter(seq=low).values_list("at", flat=True).first()
    found = Affiliation.objects.filter(paper__in=recent.values("id"))
    if before is not None:
        found = found.filter(at__gt=before)
    given = list(found.values_list("organisation__slug", "paper_id", "at"))
    if not given:
        return {}
    made = list(changes.order_by("at").values_list("at").annotate(last=Max("seq")))
    moments = [at for at, _last in made]
    ends = [low, *(last for _at, last in made)]
    return {(slug, paper): ends[bisect_right(moments, at)] + 1 for slug, paper, at in given}


def _tell(readers: Sequence[int], news: News, now: datetime) -> int:
    """Tell a batch of readers what is new for them, and note up to where was looked; give how many were told."""
    due = _due(news.upto).filter(reader__in=readers)
    # Outside the transaction, so that nobody waits for a search.
    looked = {key: news.holding.of(key) for key in due.values_list("key", flat=True).distinct()}
    with transaction.atomic():
        held = due.select_for_update(of=("self",)).order_by("pk").select_related("reader")
        rows = [row for row in held if row.key in looked]
        told = [(reader, _data(reader, found)) for reader, found in _fresh(rows, news, now).items()]
        notifications.notify_each(told, KIND, reverse("follows") + "#new", now=now)
        Follow.objects.filter(pk__in=[row.pk for row in rows]).update(change=news.upto)
    return len(told)


def _fresh(rows: Sequence[Follow], news: News, now: datetime) -> dict[Reader, list[tuple[Follow, set[int]]]]:
    """Give what is new for each reader, by follow; a paper that they were told of is left out."""
    found = [(row, papers) for row in rows if (papers := news.of(row.key, row.change))]
    told = _told({row.reader_id for row, _papers in found}, now)
    fresh: dict[Reader, list[tuple[Follow, set[int]]]] = {}
    for row, papers in found:
        if left := papers - told.get(row.reader_id, set()):
            fresh.setdefault(row.reader, []).append((row, left))
    return fresh


def _told(readers: set[int], now: datetime) -> dict[int, set[int]]:
    """Give the papers that readers were told of lately."""
    lately = Notification.objects.filter(kind=KIND, reader__in=readers, at__gte=now - REMEMBERED)
    told: dict[int, set[int]] = {}
    for reader, data in lately.values_list("reader_id", "data"):
        told.setdefault(reader, set()).update(data.get("papers", ()))
    return told


def _data(reader: Reader, found: Sequence[tuple[Follow, set[int]]]) -> dict[str, object]:
    """Give what a reader's notification says: the list with the most new papers is named, the others are counted."""
    papers = set().union(*(some for _row, some in found))
    most = max(found, key=lambda pair: (len(pair[1]), -pair[0].pk))[0]
    return {
        "count": len(papers),
        "list": most.name or _label(most.key, reader.language or settings.LANGUAGE_CODE),
        "more": len(found) - 1,
        "papers": sorted(papers)[:MOST_TOLD],
    }


def _label(key: str, language: str) -> str:
    try:
        with translation.override(language):
            found = named.head(key)
            return found.title if key.startswith("similar/") else found.label
    except NoSuchList:
        return key
