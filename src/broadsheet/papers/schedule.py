"""The announcement calendar with the holidays that this site adds."""

from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final

from django.conf import settings

from broadsheet.sources import calendar
from broadsheet.sources.holidays import LISTED

# An edition is the news until the next one; its last readers vote from their own evening.
OPEN_FOR: Final = timedelta(hours=36)


@lru_cache(maxsize=1)
def holidays() -> frozenset[date]:
    """The evenings without an announcement: those Broadsheet knows and those of the settings."""
    return LISTED | frozenset(settings.CONFIG.holidays)


def has_edition(day: date) -> bool:
    """Tell if papers are announced on a day."""
    return calendar.has_edition(day, holidays())


def latest_due(now: datetime) -> date:
    """Tell the latest day whose papers have been announced by now."""
    return calendar.latest_due(now, holidays())


def due_days(since: date, now: datetime) -> list[date]:
    """List the days with an edition from `since` to the latest one due."""
    return calendar.expected_days(since, latest_due(now), holidays())


def age(day: date, today: date) -> int:
    """Count the editions since a day."""
    return calendar.days_between(day, today, holidays())


def begins(day: date) -> datetime:
    """Tell when a day begins, in the feed's time zone."""
    return datetime.combine(day, datetime.min.time(), calendar.NEW_YORK)


def is_late(day: date, arrived: datetime) -> bool:
    """Tell if something of a day arrived when the day was over."""
    return arrived >= begins(day + timedelta(days=1))


def is_open(day: date, now: datetime) -> bool:
    """Tell if a day's edition may still change; one that has not begun is open too."""
    return now < begins(day) + OPEN_FOR


def current_day(now: datetime) -> date:
    """Tell which edition is today's: the latest one announced, or the next where that one is over (weekends)."""
    day = latest_due(now)
    return day if is_open(day, now) else calendar.next_edition(day, holidays())
