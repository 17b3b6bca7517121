"""When arXiv announces, in New York's time: which edition a paper belongs to, which editions are due.

An edition is named by the date on the feed and the listing: the day after the evening on which it is announced (20:00),
so Monday to Friday; Monday's is announced on Sunday. A holiday in arXiv's list is the date of an evening. Nothing is
announced on it and its papers come with the next announcement, so the day after it has no edition: for Thanksgiving,
Thursday 26 November 2026, there is none on Friday 27 November, and its papers are in that of Monday 30 November. A
listed Friday or Saturday changes nothing, for those evenings never have an announcement. Source:
https://info.arxiv.org/help/availability.html; the deferral is inferred, the page does not spell it out.
"""

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from broadsheet.sources.holidays import LISTED

NEW_YORK = ZoneInfo("America/New_York")
CUT_OFF = time(14)
ANNOUNCED = time(20)
DAY = timedelta(days=1)
FRIDAY, SATURDAY = 4, 5


def edition_day(submitted: datetime, holidays: Collection[date] = LISTED) -> date:
    """Tell in which edition a paper handed in at that moment is announced when nothing holds it up.

    submitted: aware; at 14:00 New York time sharp it is for the next announcement. Raises ValueError for a naive moment
    and for one at the end of all dates.
    """
    if submitted.tzinfo is None:
        raise ValueError("the moment of a submission needs a time zone")
    try:
        local = submitted.astimezone(NEW_YORK)
        closing = local.date() if local.time() < CUT_OFF else local.date() + DAY
        while closing.weekday() >= SATURDAY:
            closing += DAY
        return next_edition(closing, holidays)
    except OverflowError as error:
        raise ValueError(f"no edition follows {submitted.isoformat()}") from error


def announcement_time(day: date, holidays: Collection[date] = LISTED) -> datetime | None:
    """Tell when, in UTC, the edition of a day is announced; None for a day without one."""
    if not has_edition(day, holidays):
        return None
    return datetime.combine(_evening(day), ANNOUNCED, NEW_YORK).astimezone(UTC)


def has_edition(day: date, holidays: Collection[date] = LISTED) -> bool:
    """Tell if arXiv's schedule has an edition of that date."""
    return day.weekday() < SATURDAY and _evening(day) not in holidays


def next_edition(day: date, holidays: Collection[date] = LISTED) -> date:
    """Tell the first day after `day` that has an edition. Raises OverflowError at the end of all dates."""
    day += DAY
    while not has_edition(day, holidays):
        day += DAY
    return day


def latest_due(moment: datetime, holidays: Collection[date] = LISTED) -> date:
    """Tell the latest edition whose announcement time is not after an aware moment."""
    day = moment.astimezone(NEW_YORK).date() + DAY
    while (announced := announcement_time(day, holidays)) is None or announced > moment:
        day -= DAY
    return day


def latest_fed(moment: datetime, holidays: Collection[date] = LISTED) -> date:
    """Tell the latest edition that the feeds should show: they are rebuilt at midnight New York time."""
    day = moment.astimezone(NEW_YORK).date()
    while not has_edition(day, holidays):
        day -= DAY
    return day


def expected_days(since: date, until: date, holidays: Collection[date] = LISTED) -> list[date]:
    """List the days with an edition from `since` to `until`, both included, in order."""
    days = (since + n * DAY for n in range((until - since).days + 1))
    return [day for day in days if has_edition(day, holidays)]


def days_between(a: date, b: date, holidays: Collection[date] = LISTED) -> int:
    """Count the editions after `a` up to and with `b`: 1 from one to the next; negative where `b` is earlier."""
    if b < a:
        return -days_between(b, a, holidays)
    return len(expected_days(a + DAY, b, holidays)) if b > a else 0


def _evening(day: date) -> date:
    return day - DAY
