from dataclasses import replace
from datetime import UTC, date, datetime

from pytest_django import Settings

from broadsheet.papers import health


def test_a_year_whose_holidays_nobody_told_is_said_two_weeks_before(settings: Settings) -> None:
    assert not health.calendar_check(datetime(2026, 12, 10, tzinfo=UTC)).do
    unknown = health.calendar_check(datetime(2026, 12, 20, tzinfo=UTC))
    assert unknown.ok and "2027" in unknown.says and "holidays" in unknown.do
    values = {**settings.CONFIG.values, "holidays": (date(2027, 1, 1),)}
    settings.CONFIG = replace(settings.CONFIG, values=values)
    assert not health.calendar_check(datetime(2026, 12, 20, tzinfo=UTC)).do
