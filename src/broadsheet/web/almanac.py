"""The calendar sheet of an edition page: one month, with the days that hold papers."""

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR

from broadsheet.editions.lists import FIRST_DAY, LAST_DAY


@dataclass(frozen=True, slots=True)
class Cell:
    """A day on the sheet. `papers` is 0 where it holds none; `outside` days belong to a neighbouring month."""

    day: date
    papers: int
    chosen: bool
    outside: bool


@dataclass(frozen=True, slots=True)
class Sheet:
    """A month by weeks, Monday first. `earlier` and `later` are the first days of its neighbours, None at the ends."""

    month: date
    weeks: tuple[tuple[Cell, ...], ...]
    earlier: date | None
    later: date | None

    @property
    def weekdays(self) -> list[tuple[str, str]]:
        """The short and the full names of the days of a week."""
        return [(str(WEEKDAYS_ABBR[number]), str(WEEKDAYS[number])) for number in range(7)]


def month_of(text: str) -> date | None:
    """Read a month written YYYY-MM; None for anything else and for years that have no editions."""
    try:
        found = date.fromisoformat(f"{text}-01") if len(text) == 7 else None
    except ValueError:
        return None
    return found if found and FIRST_DAY <= found <= LAST_DAY else None


def span(month: date) -> tuple[date, date]:
    """Give the first and the last day of a month."""
    return month.replace(day=1), month.replace(day=calendar.monthrange(month.year, month.month)[1])


def sheet(month: date, papers: Mapping[date, int], chosen: date | None) -> Sheet:
    """Lay out a month; `papers` counts the papers of its days."""
    first, last = span(month)
    weeks = tuple(
        tuple(Cell(day, papers.get(day, 0), day == chosen, day.month != first.month) for day in week)
        for week in calendar.Calendar().monthdatescalendar(first.year, first.month)
    )
    earlier, later = (first - timedelta(days=1)).replace(day=1), last + timedelta(days=1)
    return Sheet(first, weeks, earlier if earlier >= FIRST_DAY else None, later if later <= LAST_DAY else None)
