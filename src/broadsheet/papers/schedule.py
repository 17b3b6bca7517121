"""The announcement calendar with the holidays that this site adds."""

from datetime import date, datetime, timedelta
from functools import lru_cache

from django.conf import settings

from broadsheet.sources import calendar
from broadsheet.sources.holidays import LISTED


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
