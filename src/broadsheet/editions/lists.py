"""Editions by day, week and month, and the trending list: papers and votes in, ordered lists out."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from statistics import fmean

from django.conf import settings
from django.db.models import Count, Max, Min, QuerySet

from broadsheet.editions.edition import Edition, Entry, NoSuchEdition
from broadsheet.editions.models import ClosedEdition
from broadsheet.lib.clock import now as wall_clock
from broadsheet.papers import schedule
from broadsheet.papers.models import Paper
from broadsheet.ranking.hot import HotTerms, hot, lot

# Nothing is announced outside these years, so a key that names another is a mistake.
FIRST_DAY, LAST_DAY = date(1991, 1, 1), date(2100, 12, 31)
# Most of a paper's bytes, and nothing of its place in a list: a month of all arXiv is 25,000 papers.
HEAVY = ("abstract", "authors", "facts", "links", "remarks", "journal_ref")


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


def standing() -> QuerySet[Paper]:
    """The papers that editions show: known by their day, and not withdrawn."""
    return Paper.objects.filter(announced__isnull=False, withdrawn=False)


def places() -> QuerySet[Paper]:
    """The same, with what their places in a list need and no more; see `whole`."""
    return standing().defer(*HEAVY)


def whole(entries: Iterable[Entry]) -> list[Entry]:
    """Give the entries with all of their papers, read in one query: for the few of a list that are shown."""
    wanted = list(entries)
    papers = Paper.objects.in_bulk([entry.paper.id for entry in wanted])
    return [replace(entry, paper=papers[entry.paper.id]) for entry in wanted if entry.paper.id in papers]


def day(wanted: date, now: datetime | None = None) -> Edition:
    """Give the edition of a day: by votes, then the latest submitted first; ties by lot.

    Once the day is closed its order stands; papers that came after that follow it, marked late.
    """
    papers = list(places().filter(announced=wanted))
    closed = ClosedEdition.objects.filter(day=wanted).first()
    key = wanted.isoformat()
    entries = _as_closed(closed, papers) if closed else _entries(by_votes(papers, key))
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


def by_votes(papers: Iterable[Paper], key: str) -> list[Paper]:
    """Order papers by votes, then recency, then by lot."""
    return sorted(papers, key=lambda paper: (-paper.votes, -_moment(paper), lot(paper.key, key)))


def _moment(paper: Paper) -> float:
    return paper.submitted.timestamp() if paper.submitted else 0.0


def _entries(papers: Sequence[Paper], first: int = 1, late: bool = False) -> tuple[Entry, ...]:
    return tuple(Entry(rank, paper, late, _why(paper)) for rank, paper in enumerate(papers, first))


def _why(paper: Paper, votes: int | None = None) -> dict[str, object]:
    why: dict[str, object] = {"votes": paper.votes if votes is None else votes}
    if paper.submitted:
        why["submitted"] = paper.submitted.date().isoformat()
    return why


def _as_closed(closed: ClosedEdition, papers: Sequence[Paper]) -> tuple[Entry, ...]:
    places = {place.paper_id: place for place in closed.places.all()}
    stood = sorted((paper for paper in papers if paper.id in places), key=lambda paper: places[paper.id].rank)
    # Ranks are counted anew: a paper withdrawn since leaves no gap.
    first = tuple(Entry(rank, paper, False, _why(paper, places[paper.id].votes)) for rank, paper in enumerate(stood, 1))
    late = by_votes((paper for paper in papers if paper.id not in places), closed.day.isoformat())
    return first + _entries(late, len(first) + 1, late=True)


def _why_empty(wanted: date, now: datetime) -> str:
    if not schedule.has_edition(wanted):
        return "holiday"
    newest = standing().aggregate(newest=Max("announced"))["newest"]
    return "waiting" if newest and wanted > newest and wanted <= schedule.latest_due(now) else "empty"


def _neighbours(first: date, last: date) -> tuple[date | None, date | None]:
    """The nearest days with papers before and after a span."""
    earlier = standing().filter(announced__lt=first).aggregate(found=Max("announced"))["found"]
    later = standing().filter(announced__gt=last).aggregate(found=Min("announced"))["found"]
    return earlier, later


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
    papers = by_votes(places().filter(announced__range=(first, last)), key)
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


def latest_day() -> date | None:
    """Give the newest day that has papers."""
    found: date | None = standing().aggregate(newest=Max("announced"))["newest"]
    return found


def days_with_papers(first: date, last: date) -> dict[date, int]:
    """Count the papers of each day of a span; days without papers are left out."""
    counted = standing().filter(announced__range=(first, last)).values("announced").annotate(papers=Count("id"))
    return {row["announced"]: row["papers"] for row in counted.order_by("announced") if row["announced"]}


def trending(limit: int = 100, now: datetime | None = None) -> Edition:
    """Give the hot list: the papers of the last days by the formula of `ranking.hot`.

    The span ends with the newest edition at hand, so that a site without a network still has a hot list.
    """
    newest = latest_day()
    if newest is None:
        return Edition("trending", "trending", "empty", (), 0)
    today = min(newest, schedule.latest_due(now or wall_clock()))
    first = today - timedelta(days=settings.CONFIG.trending_days)
    papers = list(places().filter(announced__range=(first, newest)))
    scored = score_papers(papers, today)
    ranked = sorted(scored, key=lambda pair: (-pair[1].score, lot(pair[0].key, today.isoformat())))
    entries = tuple(Entry(rank, paper, False, terms.to_json()) for rank, (paper, terms) in enumerate(ranked[:limit], 1))
    return Edition("trending", "trending", "open" if entries else "empty", entries, len(papers))


def score_papers(papers: Sequence[Paper], today: date) -> list[tuple[Paper, HotTerms]]:
    """Score papers as of a day, each against the mean votes of its primary category among them."""
    config = settings.CONFIG
    votes: dict[str, list[int]] = {}
    for paper in papers:
        votes.setdefault(_field(paper), []).append(paper.votes)
    means = {name: fmean(counts) for name, counts in votes.items()}
    ages = {day: schedule.age(day, today) for day in {paper.announced for paper in papers} if day}
    return [
        (
            paper,
            hot(
                paper.votes,
                ages.get(paper.announced, 0) if paper.announced else 0,
                means[_field(paper)],
                config.trending_prior,
                config.trending_editions_per_tenfold,
            ),
        )
        for paper in papers
    ]


def _field(paper: Paper) -> str:
    return paper.categories.split(" ", 1)[0]
