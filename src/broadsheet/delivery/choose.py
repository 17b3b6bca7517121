"""Which papers a place has not been told of: what came to its list since the place was made, each once."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Final

from django.db.models import Q, QuerySet

from broadsheet.delivery.models import Hook, Told
from broadsheet.editions import lists, named
from broadsheet.editions.edition import Entry
from broadsheet.editions.named import NamedList
from broadsheet.editions.order import newest_day
from broadsheet.papers import queries, schedule
from broadsheet.papers.models import Paper

# Papers of a day may come in late; older ones, as of an import of the past, are not news.
LATE: Final = timedelta(days=7)
# A look never finds more than this, so that one wide list cannot hold up the others; the rest comes with later looks.
MOST_FOUND: Final = 2000


def current(hook: Hook, now: datetime) -> tuple[NamedList, list[Paper]]:
    """Give a place's list and what stands first in it now, as a preview shows it. Raises NoSuchList."""
    found = named.named(hook.key, limit=hook.most, now=now, reader=hook.reader)
    return found, [entry.paper for entry in found.entries if entry.paper.is_shown]


def fresh(hook: Hook, now: datetime) -> tuple[NamedList, list[int]]:
    """Give a place's list and the numbers of the papers it should be told of, in order. Raises NoSuchList."""
    kind, _slash, value = hook.key.partition("/")
    standing = kind == "trending" or (kind == "edition" and value)
    limit = hook.most if standing else 1 if kind in named.SELECT or kind in ("edition", "library") else named.MOST
    found = named.named(hook.key, limit=limit, now=now, reader=hook.reader)
    if standing:
        numbers = [entry.paper.id for entry in found.entries]
    elif kind in named.SELECT:
        numbers = list(_untold(hook, _came(hook, named.of_kind(kind, value), now)).values_list("id", flat=True))
    elif kind == "edition":
        numbers = list(_by_editions(_untold(hook, _came(hook, lists.shown(), now)), now))
    elif kind == "library":
        saved = Paper.objects.filter(saved_by__reader=hook.reader, saved_by__at__gte=hook.since, hidden=False)
        numbers = list(_untold(hook, saved.order_by("-saved_by__at")).values_list("id", flat=True))
    else:
        numbers = [entry.paper.id for entry in found.entries if _is_news(hook, entry, now)]
    return found, untold(hook, numbers)


def untold(hook: Hook, numbers: Iterable[int]) -> list[int]:
    """Give those of the papers that a place was neither told of nor passed over for, in their order."""
    wanted = list(numbers)
    known = set(Told.objects.filter(hook=hook, paper__in=wanted).values_list("paper_id", flat=True))
    return [number for number in wanted if number not in known]


def pass_over(hook: Hook, numbers: Iterable[int], now: datetime) -> None:
    """Note papers as no news for a place."""
    rows = [Told(hook=hook, paper_id=number, at=now) for number in numbers]
    Told.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)


def whole(numbers: Iterable[int]) -> list[Paper]:
    """Give papers in the order of their numbers, without those that lists no longer show."""
    return [paper for paper in queries.in_order(numbers) if paper.is_shown]


def _first_day(hook: Hook, now: datetime) -> date:
    # A record without a network lives in the past; its newest day is its today.
    known = lists.latest_day(now)
    days = [hook.since.date(), schedule.latest_due(now), *([known] if known else [])]
    return min(days) - LATE


def _came(hook: Hook, papers: QuerySet[Paper], now: datetime) -> QuerySet[Paper]:
    first = _first_day(hook, now)
    new = Q(first_seen__gte=hook.since) | Q(placed__gte=hook.since.date())
    return papers.filter(new, Q(announced__gte=first) | Q(placed__gte=first))


def _is_news(hook: Hook, entry: Entry, now: datetime) -> bool:
    paper = entry.paper
    if entry.day is not None:
        # News is what the list took up, however long its papers are known here.
        return paper.is_shown and entry.day >= _first_day(hook, now)
    new = paper.first_seen >= hook.since or (paper.placed is not None and paper.placed >= hook.since.date())
    return new and paper.is_shown and (newest_day(paper) or date.min) >= _first_day(hook, now)


def _untold(hook: Hook, papers: QuerySet[Paper]) -> QuerySet[Paper]:
    return papers.exclude(id__in=Told.objects.filter(hook=hook).values("paper_id"))[:MOST_FOUND]


def _by_editions(papers: QuerySet[Paper], now: datetime) -> Iterator[int]:
    """Order papers as their editions do: the newest day first."""
    by_day: dict[date, set[int]] = {}
    for paper in papers.only("id", "announced", "placed"):
        by_day.setdefault(newest_day(paper) or date.min, set()).add(paper.id)
    for day in sorted(by_day, reverse=True):
        for entry in lists.day(day, now).entries:
            if entry.paper.id in by_day[day]:
                yield entry.paper.id
