"""Editions by day, week and month, and the trending list: papers and votes in, ordered lists out."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple, cast

from django.conf import settings
from django.db.models import Count, F, Q, QuerySet, Value
from django.db.models.functions import Concat, Left, StrIndex

from broadsheet.editions.edition import Edition, Entry, NoSuchEdition
from broadsheet.editions.models import ClosedEdition, ClosedPlace
from broadsheet.editions.order import Group, Heat, Supported, by_support, field_of, newest_day
from broadsheet.lib.clock import now as wall_clock
from broadsheet.papers import schedule
from broadsheet.papers.models import Paper

Terms = dict[str, object]

# Nothing is announced outside these years, so a key that names another is a mistake.
FIRST_DAY, LAST_DAY = date(1991, 1, 1), date(2100, 12, 31)
# Most of a paper's bytes, and nothing of its place in a list: a month of all arXiv is 25,000 papers.
HEAVY = ("abstract", "authors", "facts", "links", "listing", "remarks", "journal_ref")


def by_key(key: str, now: datetime | None = None) -> Edition:
    """Give the list that a key names: a day, an ISO week, a month or "trending". Raises NoSuchEdition."""
    if key == "trending":
        return trending(now=now)
    if re.fullmatch(r"\d{4}-W\d{2}", key):
        return week(key)
    if re.fullmatch(r"\d{4}-\d{2}", key):
        return month(key)
    return day(read_day(key), now)


def read_day(key: str) -> date:
    """Read a day written YYYY-MM-DD. Raises NoSuchEdition."""
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", key):
            raise ValueError
        found = date.fromisoformat(key)
    except ValueError:
        raise NoSuchEdition(f"{key!r} is no day; write it like 2024-05-27") from None
    if not FIRST_DAY <= found <= LAST_DAY:
        raise NoSuchEdition(f"there are no editions in the year {found.year}")
    return found


def shown() -> QuerySet[Paper]:
    """The papers that editions show: of a known day, neither withdrawn nor hidden."""
    return Paper.objects.filter(withdrawn=False, hidden=False).exclude(announced=None, placed=None)


def places(first: date, last: date) -> QuerySet[Paper]:
    """The papers of a span of days, with what their places in a list need and no more; see `whole`.

    A paper belongs to the day of its announcement, and to the one a curator placed it in.
    """
    return shown().filter(Q(announced__range=(first, last)) | Q(placed__range=(first, last))).defer(*HEAVY)


def whole(entries: Iterable[Entry]) -> list[Entry]:
    """Give the entries with all of their papers, read in one query: for the few of a list that are shown."""
    wanted = list(entries)
    papers = Paper.objects.in_bulk([entry.paper.id for entry in wanted])
    return [replace(entry, paper=papers[entry.paper.id]) for entry in wanted if entry.paper.id in papers]


def day(wanted: date, now: datetime | None = None) -> Edition:
    """Give the edition of a day: by support, then the latest submitted first; ties by lot.

    Once the day is closed its order stands; papers that came after that follow it, marked late.
    """
    papers = list(places(wanted, wanted))
    closed = ClosedEdition.objects.filter(day=wanted).first()
    key = wanted.isoformat()
    entries = _as_closed(key, papers, closed.places.all()) if closed else _entries(by_support(papers, key))
    state = "closed" if closed else "open" if papers else _why_empty(wanted, now or wall_clock())
    earlier, later = _neighbours(wanted, wanted)
    return Edition(
        key,
        "day",
        state,
        entries,
        len(entries),
        earlier.isoformat() if earlier else "",
        later.isoformat() if later else "",
    )


def _entries(supported: Sequence[Supported], first: int = 1, late: bool = False) -> tuple[Entry, ...]:
    return tuple(Entry(rank, one.paper, late, one.why) for rank, one in enumerate(supported, first))


def _as_closed(key: str, papers: Sequence[Paper], kept: Iterable[ClosedPlace]) -> tuple[Entry, ...]:
    places = {place.paper_id: place for place in kept}
    stood = sorted((paper for paper in papers if paper.id in places), key=lambda paper: places[paper.id].rank)
    # Ranks are counted anew: a paper withdrawn since leaves no gap.
    first = tuple(Entry(rank, paper, False, places[paper.id].why) for rank, paper in enumerate(stood, 1))
    late = by_support((paper for paper in papers if paper.id not in places), key)
    return first + _entries(late, len(first) + 1, late=True)


def recent(
    count: int, skip: int = 0, since: date | None = None, until: date | None = None, *, why: bool = True
) -> tuple[list[tuple[date, Entry]], bool]:
    """Give papers across days, each with its day: the newest day first, each day in the order of its edition.

    A paper placed in a second edition stands in the newer one alone. since, until: the first and the last day.
    why: tell the terms of each place; a bare list can do without them.
    The second value says whether there are more papers after these.
    """
    found, before = _newest_days(skip, count + 1, since or FIRST_DAY, until or LAST_DAY)
    wanted = found[:count]
    if not wanted:
        return [], False
    chosen = _in_order_of_days(wanted[-1], wanted[0])[before : before + count]
    papers = Paper.objects.in_bulk([place.number for place in chosen])
    entries = [(place.day, place.entry(papers[place.number], why)) for place in chosen if place.number in papers]
    return entries, len(found) > count


def _newest_days(skip: int, count: int, since: date, until: date) -> tuple[list[date], int]:
    """Give the newest days of `count` papers after the first `skip`, and how many of those share the first of the days.

    The many announced ones before are passed over by the database; the few placed ones are put among them here.
    """
    by_placed = shown().filter(placed__range=(since, until)).exclude(announced__gt=F("placed"))
    by_announced = shown().exclude(placed__gte=F("announced")).order_by("-announced")
    placed = list(by_placed.order_by("-placed").values_list("placed", flat=True)[: skip + count])
    passed = max(0, skip - len(placed))
    announced = by_announced.filter(announced__range=(since, until)).values_list("announced", flat=True)
    days = [*placed, *announced[passed : skip + count]]
    found = sorted((day for day in days if day), reverse=True)[skip - passed :][:count]
    if not found or not skip:
        return found, 0
    newer = by_announced.filter(announced__range=(found[0] + timedelta(days=1), until)).count()
    return found, skip - newer - sum(1 for day in placed if day and day > found[0])


def _in_order_of_days(first: date, last: date) -> list["_Place"]:
    by_day: dict[date, list[Paper]] = {}
    for paper in _light(places(first, last)):
        day = newest_day(paper)
        if day and first <= day <= last:
            by_day.setdefault(day, []).append(paper)
    kept: dict[date, dict[int, tuple[int, Terms]]] = {}
    closed = ClosedPlace.objects.filter(edition__in=by_day).values_list("edition_id", "paper_id", "rank", "why")
    for day, number, rank, why in closed:
        kept.setdefault(day, {})[number] = (rank, why)
    ordered: list[_Place] = []
    for day, papers in sorted(by_day.items(), reverse=True):
        stood = kept.get(day, {})
        fixed = sorted((paper.id for paper in papers if paper.id in stood), key=lambda number: stood[number][0])
        ordered += [_Place(day, rank, number, False, stood[number][1]) for rank, number in enumerate(fixed, 1)]
        rest = by_support((paper for paper in papers if paper.id not in stood), day.isoformat())
        late = day in kept
        ordered += [_Place(day, rank, one.paper.id, late, one) for rank, one in enumerate(rest, len(fixed) + 1)]
    return ordered


class _Light(NamedTuple):
    """What stands in for a paper while days are put in order: they can hold thousands, of which a page shows a few."""

    id: int
    key: str
    announced: date | None
    placed: date | None
    votes: int
    votes_outside: int
    vote_weight: float
    commenters: float
    stars: int
    categories: str
    submitted: datetime | None = None


# Reading a moment costs as much as all the rest, and age is counted in days.
_FOR_HEAT = _Light._fields[:-1]


def _light(papers: QuerySet[Paper], names: Sequence[str] = _Light._fields) -> list[Paper]:
    return [cast(Paper, _Light(*row)) for row in papers.values_list(*names)]


@dataclass(frozen=True, slots=True)
class _Place:
    """A place in the edition of a day, before the paper itself is read. terms: as kept, or what they are told from."""

    day: date
    rank: int
    number: int
    late: bool
    terms: Terms | Supported

    def entry(self, paper: Paper, why: bool) -> Entry:
        terms = self.terms.why if why and isinstance(self.terms, Supported) else self.terms
        return Entry(self.rank, paper, self.late, terms if why and isinstance(terms, dict) else {})


def _why_empty(wanted: date, now: datetime) -> str:
    if not schedule.has_edition(wanted):
        return "holiday"
    newest = latest_day(now)
    return "waiting" if newest and wanted > newest and wanted <= schedule.latest_due(now) else "empty"


def _neighbours(first: date, last: date) -> tuple[date | None, date | None]:
    """The nearest days with papers before and after a span."""
    earlier = [_outermost("-", name, shown().filter(**{f"{name}__lt": first})) for name in ("announced", "placed")]
    later = [_outermost("", name, shown().filter(**{f"{name}__gt": last})) for name in ("announced", "placed")]
    return max(filter(None, earlier), default=None), min(filter(None, later), default=None)


def _outermost(direction: str, name: str, papers: QuerySet[Paper]) -> date | None:
    # Not by Max or Min, which would read every row: the first of an index is at hand.
    found: date | None = papers.order_by(direction + name).values_list(name, flat=True).first()
    return found


def week(key: str) -> Edition:
    """Give the edition of an ISO week, written 2024-W22. Raises NoSuchEdition."""
    match = re.fullmatch(r"(\d{4})-W(\d{2})", key)
    try:
        first = date.fromisocalendar(int(match[1]), int(match[2]), 1) if match else None
    except ValueError:
        first = None
    if first is None or not FIRST_DAY <= first <= LAST_DAY:
        raise NoSuchEdition(f"{key!r} is no week; write it like 2024-W22")
    return _span(key, "week", first, first + timedelta(days=6), week_key)


def month(key: str) -> Edition:
    """Give the edition of a month, written 2024-05. Raises NoSuchEdition."""
    match = re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", key)
    if not match or not FIRST_DAY.year <= int(match[1]) <= LAST_DAY.year:
        raise NoSuchEdition(f"{key!r} is no month; write it like 2024-05")
    first = date(int(match[1]), int(match[2]), 1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return _span(key, "month", first, last, month_key)


def week_key(moment: date) -> str:
    """Give the key of the ISO week a day lies in."""
    year, number, _ = moment.isocalendar()
    return f"{year}-W{number:02}"


def month_key(moment: date) -> str:
    """Give the key of the month a day lies in."""
    return f"{moment:%Y-%m}"


def _span(key: str, kind: str, first: date, last: date, key_of: Callable[[date], str]) -> Edition:
    papers = by_support(places(first, last), key)
    earlier, later = _neighbours(first, last)
    return Edition(
        key,
        kind,
        "open" if papers else "empty",
        _entries(papers),
        len(papers),
        key_of(earlier) if earlier else "",
        key_of(later) if later else "",
    )


def latest_day(now: datetime | None = None) -> date | None:
    """Give the newest day that has papers; one that only holds placed papers counts once its own are due."""
    due = schedule.latest_due(now or wall_clock())
    placed = _outermost("-", "placed", shown().filter(placed__lte=due))
    return max(filter(None, (_newest_announced(), placed)), default=None)


def _newest_announced() -> date | None:
    return _outermost("-", "announced", shown().exclude(announced=None))


def days_with_papers(first: date, last: date) -> dict[date, int]:
    """Count the papers of each day of a span; days without papers are left out."""
    announced = shown().filter(announced__range=(first, last)).values_list("announced")
    placed = shown().filter(placed__range=(first, last)).exclude(announced=F("placed")).values_list("placed")
    found = Counter(dict(announced.annotate(papers=Count("*")).order_by()))
    found.update(dict(placed.annotate(papers=Count("*")).order_by()))
    return {day: papers for day, papers in sorted(found.items()) if day}


def trending(limit: int = 100, now: datetime | None = None) -> Edition:
    """Give the hot list: the papers of the last days by the formula of `ranking.hot`.

    The span ends with the newest edition at hand, so that a site without a network still has a hot list.
    """
    now = now or wall_clock()
    newest = latest_day(now)
    if newest is None:
        return Edition("trending", "trending", "empty", (), 0)
    today = min(newest, schedule.latest_due(now))
    # A paper placed in today's edition must not push a record without a network out of the span.
    known = _newest_announced() or today
    first = min(today, known) - timedelta(days=settings.CONFIG.trending_days)
    # Nearly all of a month have no vote: those are counted, and read only where they come into the list.
    heard = _light(places(first, newest).filter(_HEARD | Q(placed__isnull=False)), _FOR_HEAT)
    quiet = _quiet(first, newest)
    heat = Heat(heard, today, quiet)
    # A paper that gets a vote between two questions is among both, and stands here once.
    papers = {paper.id: paper for paper in (*_of_groups(heat.hottest(limit)), *heard)}
    ranked = heat.order(papers.values())[:limit]
    shown = places(first, newest).in_bulk([paper.id for paper, _terms in ranked])
    entries = tuple(
        Entry(rank, shown[paper.id], False, terms.to_json())
        for rank, (paper, terms) in enumerate(ranked, 1)
        if paper.id in shown
    )
    return Edition("trending", "trending", "open" if entries else "empty", entries, len(heard) + sum(quiet.values()))


# Papers that anybody supports: the others all have the same terms of it.
_HEARD = Q(vote_weight__gt=0) | Q(votes_outside__gt=0) | Q(stars__gt=0)


def _filed(first: date, last: date) -> QuerySet[Any]:
    """The papers announced in a span and placed nowhere, with their `field`: the first of their categories."""
    first_blank = StrIndex(Concat("categories", Value(" ")), Value(" "))
    # Not by placed=None, for which SQLite would take the index of `placed` and read a million rows.
    alone = shown().filter(announced__range=(first, last)).exclude(placed__gte=FIRST_DAY)
    return alone.annotate(field=Left("categories", first_blank - 1))


def _quiet(first: date, last: date) -> dict[Group, int]:
    counted = _filed(first, last).exclude(_HEARD).values_list("announced", "field").annotate(papers=Count("*"))
    return {(day, field): papers for day, field, papers in counted.order_by() if day}


def _of_groups(groups: Collection[Group]) -> list[Paper]:
    """Read the papers of some days and fields, whether anybody supports them by now or not."""
    if not groups:
        return []
    days, fields, wanted = {day for day, _field in groups}, {field for _day, field in groups}, frozenset(groups)
    filed = _filed(min(days), max(days)).filter(announced__in=days, field__in=fields)
    return [paper for paper in _light(filed, _FOR_HEAT) if (paper.announced, field_of(paper)) in wanted]
