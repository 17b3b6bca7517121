from datetime import UTC, date, datetime, timedelta

import pytest

from broadsheet.sources.calendar import (
    NEW_YORK,
    announcement_time,
    days_between,
    edition_day,
    expected_days,
    has_edition,
    latest_due,
    latest_fed,
    next_edition,
)
from broadsheet.sources.holidays import BY_YEAR, is_listed

# A week without holidays: Monday 2026-03-16 to Sunday 2026-03-22.
MON, TUE, WED, THU, FRI, SAT, SUN = (date(2026, 3, day) for day in range(16, 23))
WEEK = timedelta(days=7)


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=NEW_YORK)


@pytest.mark.parametrize(
    ("first", "last", "edition"),
    [
        (at(MON, 14), at(TUE, 13, 59), WED),
        (at(TUE, 14), at(WED, 13, 59), THU),
        (at(WED, 14), at(THU, 13, 59), FRI),
        (at(THU, 14), at(FRI, 13, 59), MON + WEEK),
        (at(FRI, 14), at(MON + WEEK, 13, 59), TUE + WEEK),
    ],
)
def test_submissions_are_announced_by_the_table(first: datetime, last: datetime, edition: date) -> None:
    assert edition_day(first) == edition
    assert edition_day(last) == edition
    assert edition_day(first - timedelta(seconds=1)) < edition < edition_day(last + timedelta(minutes=1))


def slow_edition_day(submitted: datetime, holidays: frozenset[date]) -> date:
    """Walk minute by minute through the evenings: the first one that comes after a cut-off after the submission."""
    moment = submitted.astimezone(NEW_YORK).replace(second=0, microsecond=0)
    cut = False
    while True:
        moment = moment.replace(tzinfo=None) + timedelta(minutes=30)
        moment = moment.replace(tzinfo=NEW_YORK)
        weekday = moment.strftime("%a")
        if (moment.hour, moment.minute) == (14, 0) and weekday not in ("Sat", "Sun"):
            cut = True
        evening = (moment.hour, moment.minute) == (20, 0) and weekday not in ("Fri", "Sat")
        if cut and evening and moment.date() not in holidays:
            return moment.date() + timedelta(days=1)


@pytest.mark.thorough
def test_moments_all_through_2026_agree_with_a_slow_walk() -> None:
    moment = datetime(2026, 1, 1, 0, 15, tzinfo=UTC)
    while moment.year == 2026:
        assert edition_day(moment) == slow_edition_day(moment.replace(minute=0), BY_YEAR[2026]), moment
        moment += timedelta(hours=5)


def test_the_cut_off_follows_new_york_through_both_clock_changes() -> None:
    # Standard time (UTC-5) until Sunday 8 March 2026, daylight time (UTC-4) until Sunday 1 November.
    assert edition_day(datetime(2026, 3, 5, 18, 59, tzinfo=UTC)) == date(2026, 3, 6)
    assert edition_day(datetime(2026, 3, 5, 19, 0, tzinfo=UTC)) == date(2026, 3, 9)
    assert edition_day(datetime(2026, 3, 9, 17, 59, tzinfo=UTC)) == date(2026, 3, 10)
    assert edition_day(datetime(2026, 3, 9, 18, 0, tzinfo=UTC)) == date(2026, 3, 11)
    assert edition_day(datetime(2026, 10, 29, 17, 59, tzinfo=UTC)) == date(2026, 10, 30)
    assert edition_day(datetime(2026, 10, 29, 18, 0, tzinfo=UTC)) == date(2026, 11, 2)
    assert edition_day(datetime(2026, 11, 2, 18, 59, tzinfo=UTC)) == date(2026, 11, 3)
    assert edition_day(datetime(2026, 11, 2, 19, 0, tzinfo=UTC)) == date(2026, 11, 4)


def test_announcements_are_at_eight_in_the_evening_before() -> None:
    assert announcement_time(WED) == datetime(2026, 3, 18, 0, 0, tzinfo=UTC)
    assert announcement_time(date(2026, 1, 14)) == datetime(2026, 1, 14, 1, 0, tzinfo=UTC)
    assert announcement_time(MON) == at(MON - timedelta(days=1), 20)
    assert announcement_time(SAT) is None
    assert announcement_time(SUN) is None


def test_announcements_on_the_sundays_when_the_clocks_change() -> None:
    assert announcement_time(date(2026, 3, 9)) == datetime(2026, 3, 9, 0, 0, tzinfo=UTC)
    assert announcement_time(date(2026, 11, 2)) == datetime(2026, 11, 2, 1, 0, tzinfo=UTC)


def test_thanksgiving_evening_is_deferred_to_sunday() -> None:
    thursday, friday, monday = date(2026, 11, 26), date(2026, 11, 27), date(2026, 11, 30)

    assert edition_day(at(thursday, 10)) == monday
    assert edition_day(at(friday, 10)) == monday
    assert announcement_time(friday) is None
    assert not has_edition(friday)
    assert has_edition(thursday)
    assert announcement_time(thursday) == datetime(2026, 11, 26, 1, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("without", "follows"),
    [
        (date(2026, 1, 2), date(2026, 1, 5)),
        (date(2026, 1, 20), date(2026, 1, 21)),
        (date(2026, 9, 8), date(2026, 9, 9)),
        (date(2026, 11, 27), date(2026, 11, 30)),
        (date(2026, 12, 30), date(2026, 12, 31)),
        (date(2027, 1, 1), date(2027, 1, 4)),
    ],
)
def test_a_day_after_a_holiday_evening_has_no_edition(without: date, follows: date) -> None:
    assert not has_edition(without)
    assert next_edition(without) == follows


def test_a_listed_friday_defers_nothing() -> None:
    for friday in (date(2026, 6, 19), date(2026, 7, 3), date(2026, 12, 25)):
        assert has_edition(friday)
        assert has_edition(friday + timedelta(days=3))


def test_other_holidays_can_be_given() -> None:
    assert has_edition(date(2026, 11, 27), holidays=())
    assert edition_day(at(TUE, 10), holidays={TUE}) == THU


def test_expected_days_of_a_week_with_thanksgiving() -> None:
    days = expected_days(date(2026, 11, 23), date(2026, 11, 30))

    assert [day.day for day in days] == [23, 24, 25, 26, 30]
    assert expected_days(SAT, SUN) == []
    assert expected_days(TUE, MON) == []


def test_days_between_counts_editions() -> None:
    assert days_between(MON, TUE) == 1
    assert days_between(FRI, MON + WEEK) == 1
    assert days_between(SAT, SUN) == 0
    assert days_between(date(2026, 11, 26), date(2026, 11, 30)) == 1
    assert days_between(MON, MON + WEEK) == 5
    assert days_between(MON + WEEK, MON) == -5
    assert days_between(MON, MON) == 0


def test_the_latest_due_edition_turns_over_at_its_announcement() -> None:
    assert latest_due(at(TUE, 19, 59)) == TUE
    assert latest_due(at(TUE, 20)) == WED
    assert latest_due(at(FRI, 23)) == FRI
    assert latest_due(at(SUN, 19, 59)) == FRI
    assert latest_due(at(SUN, 20)) == MON + WEEK
    assert latest_due(at(date(2026, 11, 26), 22)) == date(2026, 11, 26)


def test_feeds_turn_over_at_midnight() -> None:
    assert latest_fed(at(TUE, 23, 59)) == TUE
    assert latest_fed(at(WED, 0)) == WED
    assert latest_fed(at(SUN, 23)) == FRI


def test_a_moment_without_zone_and_the_end_of_time_are_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        edition_day(datetime(2026, 3, 16))  # noqa: DTZ001 - the mistake under test
    with pytest.raises(ValueError, match="no edition follows"):
        edition_day(datetime(9999, 12, 31, 23, tzinfo=UTC))


def test_it_knows_which_years_it_has_holidays_of() -> None:
    assert is_listed(2026)
    assert not is_listed(2027)
