from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from broadsheet.digest.due import Due, Rhythm, due, due_moment, next_look, strikes
from broadsheet.digest.models import Digest, Subscription
from broadsheet.digest.tests.people import LONG_AGO, announce, subscriber
from broadsheet.papers.models import Harvest, SourceDay
from broadsheet.sources.calendar import announcement_time

ZONES = ("America/Los_Angeles", "America/New_York", "UTC", "Europe/Berlin", "Asia/Kolkata", "Asia/Tokyo")
MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY = (date(2026, 11, 16) + timedelta(days=day) for day in range(5))


def announced(day: date) -> datetime:
    moment = announcement_time(day)
    assert moment is not None
    return moment


def at(day: date, hour: int, zone: str = "UTC") -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=ZoneInfo(zone))


def slow_moment(wish: Rhythm, moment: datetime) -> datetime:
    """Walk minute by minute, as a person with a watch would."""
    zone = ZoneInfo(wish.time_zone)
    moment = moment.astimezone(UTC)
    while True:
        local = moment.astimezone(zone)
        fits = wish.rhythm == "daily" or local.weekday() == wish.weekday
        if fits and local.hour == wish.hour and local.minute == 0 and not local.fold:
            return moment
        moment += timedelta(minutes=1)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("hour", [0, 7, 19, 23])
def test_an_edition_is_told_when_the_hour_strikes_next(zone: str, hour: int) -> None:
    for rhythm in ("daily", "weekly"):
        wish = Rhythm(rhythm, hour, zone, weekday=2)
        assert due_moment(wish, announced(WEDNESDAY)) == slow_moment(wish, announced(WEDNESDAY))


def test_an_edition_that_comes_when_the_hour_is_over_waits_for_the_next_day() -> None:
    # Announced on Tuesday at eight in the evening of New York.
    assert due_moment(Rhythm("daily", 19, "America/New_York"), announced(WEDNESDAY)) == at(
        WEDNESDAY, 19, "America/New_York"
    )
    assert due_moment(Rhythm("daily", 20, "America/New_York"), announced(WEDNESDAY)) == announced(WEDNESDAY)
    # In Tokyo it is ten in the morning by then.
    assert due_moment(Rhythm("daily", 7, "Asia/Tokyo"), announced(WEDNESDAY)) == at(THURSDAY, 7, "Asia/Tokyo")


def test_an_hour_that_clocks_skip_strikes_when_they_do() -> None:
    assert strikes(date(2026, 3, 29), 2, "Europe/Berlin") == datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert strikes(date(2026, 3, 8), 2, "America/New_York") == datetime(2026, 3, 8, 7, tzinfo=UTC)
    # Clocks at Troll go on by two hours at one: the hour of two is in the middle of the gap.
    assert strikes(date(2026, 3, 29), 2, "Antarctica/Troll") == datetime(2026, 3, 29, 1, tzinfo=UTC)
    # Half an hour, and at midnight.
    assert strikes(date(2026, 10, 4), 2, "Australia/Lord_Howe") == datetime(2026, 10, 3, 15, 30, tzinfo=UTC)
    assert strikes(date(2026, 4, 24), 0, "Africa/Cairo") == datetime(2026, 4, 23, 22, tzinfo=UTC)


def test_an_hour_that_clocks_give_twice_strikes_once() -> None:
    first = strikes(date(2026, 10, 25), 2, "Europe/Berlin")
    assert first == datetime(2026, 10, 25, 0, tzinfo=UTC)
    wish = Rhythm("daily", 2, "Europe/Berlin")
    assert due_moment(wish, first + timedelta(minutes=1)) == datetime(2026, 10, 26, 1, tzinfo=UTC)


@pytest.mark.parametrize("zone", ZONES)
def test_there_is_one_slot_a_day_through_both_changes_of_clocks(zone: str) -> None:
    for hour in range(24):
        wish, moment, days = Rhythm("daily", hour, zone), datetime(2026, 1, 1, tzinfo=UTC), []
        while moment.year == 2026:
            moment = due_moment(wish, moment + timedelta(microseconds=1))
            days.append(moment.astimezone(ZoneInfo(zone)).date())
        assert all(later - earlier == timedelta(days=1) for earlier, later in zip(days, days[1:], strict=False))


def test_a_zone_that_is_none_counts_as_utc() -> None:
    assert due_moment(Rhythm("daily", 7, "Mars/Olympus"), at(MONDAY, 8)) == at(TUESDAY, 7)


def test_a_monthly_one_comes_on_the_first_day_with_an_edition_of_the_month() -> None:
    wish = Rhythm("monthly", 7, "Europe/Berlin")
    # The first of August 2026 is a Saturday: the first edition is that of Monday the third.
    assert due_moment(wish, at(date(2026, 7, 2), 0)) == at(date(2026, 8, 3), 7, "Europe/Berlin")
    # The first of September has one of its own, the night before.
    assert due_moment(wish, at(date(2026, 8, 4), 0)) == at(date(2026, 9, 1), 7, "Europe/Berlin")


def test_a_pause_ends_on_its_day_where_the_reader_is() -> None:
    wish = Rhythm("daily", 7, "Asia/Tokyo", paused_until=FRIDAY)
    assert due_moment(wish, at(MONDAY, 0)) == at(FRIDAY, 7, "Asia/Tokyo")


def test_nobody_is_looked_at_before_there_is_something_new() -> None:
    # Friday's edition is known: Saturday, Sunday pass.
    assert next_look(Rhythm("daily", 7, "UTC"), FRIDAY, at(FRIDAY, 8)) == at(MONDAY + timedelta(days=7), 7)
    # Thanksgiving 2026: no edition on Friday the 27th.
    holiday = date(2026, 11, 26)
    assert next_look(Rhythm("daily", 7, "UTC"), holiday, at(holiday, 8)) == at(date(2026, 11, 30), 7)


def found(now: datetime) -> list[Due]:
    return [one for batch in due(now) for one in batch]


def spans(now: datetime) -> list[tuple[date, date, bool]]:
    return [(one.first, one.last, one.partial) for one in found(now)]


def digest_of(subscription: Subscription, day: date, partial: bool = False) -> Digest:
    Subscription.objects.update(next_look=LONG_AGO)
    return Digest.objects.create(
        subscription=subscription, first=day, last=day, state="nothing", made=announced(day), partial=partial
    )


@pytest.mark.django_db
def test_a_daily_digest_is_due_at_its_hour_and_of_the_editions_since_the_last() -> None:
    announce(1, 2)
    one = subscriber(1, confirmed=at(TUESDAY, 12))
    assert spans(at(WEDNESDAY, 6)) == []
    one.refresh_from_db()
    assert one.next_look == at(WEDNESDAY, 7)
    assert spans(at(WEDNESDAY, 7)) == [(WEDNESDAY, WEDNESDAY, False)]
    digest_of(one, MONDAY)
    assert spans(at(WEDNESDAY, 7)) == [(TUESDAY, WEDNESDAY, False)]
    digest_of(one, WEDNESDAY)
    assert spans(at(WEDNESDAY, 23)) == []


@pytest.mark.django_db
def test_after_a_long_silence_a_daily_digest_is_of_three_editions() -> None:
    announce(1, day=MONDAY)
    digest_of(subscriber(1), date(2026, 10, 5))
    assert spans(at(MONDAY, 7)) == [(THURSDAY - timedelta(days=7), MONDAY, False)]


@pytest.mark.django_db
def test_nothing_is_due_on_weekends_and_holidays() -> None:
    announce(1, day=FRIDAY)
    digest_of(subscriber(1), FRIDAY)
    subscriber(2, confirmed=at(FRIDAY, 12))
    for hours in range(0, 24 * 2, 3):
        assert spans(at(FRIDAY, 12) + timedelta(hours=hours)) == []


@pytest.mark.django_db
def test_the_first_digest_is_that_of_the_first_edition_after_the_wish() -> None:
    announce(1, day=TUESDAY)
    announce(2)
    subscriber(1, confirmed=at(TUESDAY, 15))
    assert spans(at(TUESDAY, 16)) == []
    assert spans(at(WEDNESDAY, 7)) == [(WEDNESDAY, WEDNESDAY, False)]


@pytest.mark.django_db
def test_a_wish_made_between_edition_and_hour_is_fulfilled_at_the_hour() -> None:
    announce(1)
    subscriber(1, confirmed=announced(WEDNESDAY) + timedelta(hours=1))
    assert spans(announced(WEDNESDAY) + timedelta(hours=2)) == []
    assert spans(at(WEDNESDAY, 7)) == [(WEDNESDAY, WEDNESDAY, False)]


@pytest.mark.django_db
def test_weekly_monthly_and_now_and_then() -> None:
    announce(1)
    subscriber(1, rhythm="weekly", weekday=2)
    subscriber(2, rhythm="weekly", weekday=3)
    subscriber(3, rhythm="monthly")
    subscriber(4, rhythm="when", least=3, confirmed=at(MONDAY, 12))
    due_now = {one.subscription.address[6]: (one.first, one.last) for one in found(at(WEDNESDAY, 7))}
    assert due_now == {
        "1": (WEDNESDAY - timedelta(days=6), WEDNESDAY),
        # The slots of last week and of the beginning of the month were missed.
        "2": (date(2026, 11, 6), date(2026, 11, 12)),
        "3": (date(2026, 10, 3), date(2026, 11, 2)),
        "4": (MONDAY, WEDNESDAY),
    }


@pytest.mark.django_db
def test_a_paused_subscription_is_not_due_nor_one_that_is_not_active() -> None:
    announce(1)
    subscriber(1, paused_until=THURSDAY)
    for number, state in enumerate(("asked", "stopped", "suppressed"), 2):
        subscriber(number, state=state)
    assert spans(at(WEDNESDAY, 20)) == []
    assert [one.subscription.address for one in found(at(THURSDAY, 20))] == ["reader1@lab.example"]


@pytest.fixture
def late(db: None) -> SourceDay:
    Harvest.objects.create(source="arxiv-feeds", state="done", started=LONG_AGO, first_started=LONG_AGO)
    announce(1)
    return SourceDay.objects.create(
        source="arxiv-feeds", day=WEDNESDAY, part="cs", state="partial", came=1, checked=at(WEDNESDAY, 5)
    )


def test_an_edition_that_is_not_complete_is_waited_for(late: SourceDay) -> None:
    one = subscriber(1, confirmed=at(TUESDAY, 12))
    assert spans(at(WEDNESDAY, 7)) == []
    one.refresh_from_db()
    assert one.next_look == at(WEDNESDAY, 7) + timedelta(minutes=5)
    SourceDay.objects.update(state="complete")
    assert spans(at(WEDNESDAY, 9)) == [(WEDNESDAY, WEDNESDAY, False)]


def test_an_edition_is_complete_once_one_source_gave_all_of_it(late: SourceDay) -> None:
    subscriber(1, confirmed=at(TUESDAY, 12))
    assert spans(at(WEDNESDAY, 7)) == []
    Harvest.objects.create(source="arxiv-oai", state="done", started=LONG_AGO, first_started=LONG_AGO)
    SourceDay.objects.create(source="arxiv-oai", day=WEDNESDAY, state="complete", checked=at(WEDNESDAY, 8))
    assert spans(at(WEDNESDAY, 8)) == [(WEDNESDAY, WEDNESDAY, False)]


def test_an_edition_that_stays_incomplete_goes_out_as_partial_and_comes_again(late: SourceDay) -> None:
    one = subscriber(1, confirmed=at(TUESDAY, 12))
    assert spans(at(WEDNESDAY, 12)) == []
    assert spans(at(WEDNESDAY, 13)) == [(WEDNESDAY, WEDNESDAY, True)]
    digest_of(one, WEDNESDAY, partial=True)
    announce(2, day=THURSDAY)
    SourceDay.objects.create(source="arxiv-feeds", day=THURSDAY, part="cs", state="complete", checked=at(THURSDAY, 5))
    # What came too late on Wednesday is told with Thursday's papers.
    assert spans(at(THURSDAY, 7)) == [(WEDNESDAY, THURSDAY, False)]


def test_an_edition_announced_while_another_is_waited_for_changes_nothing(late: SourceDay) -> None:
    subscriber(1, hour=19, time_zone="America/New_York")
    # Thursday's edition was announced an hour after the slot.
    assert spans(at(WEDNESDAY, 23, "America/New_York")) == []
    assert spans(at(THURSDAY, 1, "America/New_York")) == [(WEDNESDAY, WEDNESDAY, True)]


@pytest.mark.django_db
def test_a_changed_wish_is_looked_at_anew() -> None:
    announce(1)
    one = subscriber(1, hour=22, confirmed=at(TUESDAY, 23) + timedelta(minutes=1))
    assert spans(at(WEDNESDAY, 7)) == []
    one.refresh_from_db()
    one.hour = 7
    one.save(update_fields=["hour"])
    assert len(found(at(WEDNESDAY, 7))) == 1
    Subscription.objects.update(hour=23)
    assert spans(at(WEDNESDAY, 7)) == []
    Subscription.objects.update(hour=6)
    assert len(found(at(WEDNESDAY, 7))) == 1


@pytest.mark.django_db
def test_batches_hold_everybody_once() -> None:
    announce(1)
    for number in range(7):
        subscriber(number)
    batches = list(due(at(WEDNESDAY, 7), batch=3))
    assert [len(batch) for batch in batches] == [3, 3, 1]
    assert len({one.subscription.pk for batch in batches for one in batch}) == 7


@pytest.mark.django_db
def test_nothing_due_is_one_question_answered_by_an_index() -> None:
    for number in range(50):
        subscriber(number)
    Subscription.objects.update(next_look=at(FRIDAY, 7))
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert found(at(WEDNESDAY, 7)) == []
    assert len(asked) == 1
    if connection.vendor == "sqlite":
        plan = Subscription.objects.filter(state="active", next_look__lte=at(WEDNESDAY, 7)).explain()
        assert "state=? AND next_look<?" in plan
