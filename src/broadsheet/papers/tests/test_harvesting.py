from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from broadsheet.lib.http import Http
from broadsheet.papers import completeness, health
from broadsheet.papers.harvesting import Harvested, claim, due, harvest
from broadsheet.papers.models import Harvest, Paper, SourceDay
from broadsheet.papers.tests.factory import paper
from broadsheet.papers.tests.fake_source import FakeSource
from broadsheet.sources.batch import Batch

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 18)
# Ten in the evening in New York, two hours after Wednesday's papers were announced.
EVENING = datetime(2026, 11, 18, 3, tzinfo=UTC)


@pytest.fixture
def http(tmp_path: Path) -> Http:
    return Http("operator@example.org", {}, tmp_path)


def run(source: FakeSource, http: Http, now: datetime = EVENING) -> Harvested:
    return harvest(source, http=http, clock=lambda: now)


def test_it_takes_in_what_comes_and_keeps_the_cursor(http: Http) -> None:
    result = run(FakeSource().gives(paper(1), paper(2)).gives(paper(3)), http)
    row = Harvest.objects.get()
    assert (result.state, result.report.new) == ("done", 3)
    assert (row.cursor, row.state, row.held_until) == ({"done": "2"}, "done", None)
    assert row.succeeded == EVENING


def test_a_harvest_that_fails_keeps_what_came_says_why_and_goes_on_from_there(http: Http) -> None:
    source = FakeSource(breaks_at=1).gives(paper(1)).gives(paper(2))
    failed = run(source, http)
    assert (failed.state, failed.report.new) == ("failed", 1)
    assert "503" in failed.says and "503" in Harvest.objects.get().says
    source.breaks_at = -1
    assert run(source, http).report.new == 1
    assert source.asked[1][0] == {"done": "1"}
    assert Paper.objects.count() == 2


def test_two_harvests_of_one_source_do_not_run_at_once(http: Http) -> None:
    assert claim("arxiv-oai", EVENING)
    assert run(FakeSource().gives(paper(1)), http).state == "busy"
    assert not Paper.objects.exists()


def test_a_harvest_whose_process_was_killed_is_free_again_when_its_lease_ends(http: Http) -> None:
    assert claim("arxiv-oai", EVENING)
    assert not claim("arxiv-oai", EVENING + timedelta(minutes=19))
    assert claim("arxiv-oai", EVENING + timedelta(minutes=20))


def test_a_source_that_was_harvested_since_it_was_found_due_is_left(http: Http) -> None:
    hour = timedelta(hours=1)
    run(FakeSource().gives(paper(1)), http)
    again = harvest(FakeSource().gives(paper(2)), http=http, clock=lambda: EVENING + hour / 2, every=hour)
    assert again.state == "busy" and Paper.objects.count() == 1
    assert harvest(FakeSource(), http=http, clock=lambda: EVENING + hour, every=hour).state == "done"


def test_a_harvest_that_outlived_its_lease_leaves_the_source_to_whoever_took_it_over(http: Http) -> None:
    late = EVENING + timedelta(minutes=30)
    source = FakeSource().gives(paper(1)).gives(paper(2)).gives(paper(3))

    def take_over(done: int, total: int | None = None) -> None:
        claim("arxiv-oai", late)

    result = harvest(source, http=http, clock=lambda: EVENING, progress=take_over)
    assert result.state == "busy" and "took it over" in result.says
    row = Harvest.objects.get()
    assert (row.state, row.started, row.finished) == ("running", late, None)


def test_what_is_due_is_what_was_never_harvested_or_long_ago_or_failed_and_rested(http: Http) -> None:
    assert due(EVENING, ["arxiv-oai"]) == ["arxiv-oai"]
    run(FakeSource(), http)
    assert due(EVENING + timedelta(minutes=59), ["arxiv-oai"]) == []
    assert due(EVENING + timedelta(minutes=60), ["arxiv-oai"]) == ["arxiv-oai"]
    failing = FakeSource(breaks_at=0).gives(paper(1))
    run(failing, http)
    assert due(EVENING + timedelta(minutes=5), ["arxiv-oai"]) == ["arxiv-oai"]
    run(failing, http)
    assert due(EVENING + timedelta(minutes=29), ["arxiv-oai"]) == []
    assert due(EVENING + timedelta(minutes=30), ["arxiv-oai"]) == ["arxiv-oai"]


def states(now: datetime = EVENING) -> dict[date, str]:
    return {day.day: day.state for day in completeness.recent_days(now, ["arxiv-oai"], 5)}


def test_a_day_whose_list_came_whole_is_complete(http: Http) -> None:
    run(FakeSource().gives(paper(1), day=DAY, expected=1), http)
    assert states()[DAY] == "complete"


def test_a_day_of_which_less_came_than_was_said_is_partial(http: Http) -> None:
    run(FakeSource().gives(paper(1), day=DAY, expected=2), http)
    assert states()[DAY] == "partial"
    assert not health.completeness_check(EVENING).ok


def test_a_stale_list_leaves_the_day_waiting_and_says_so(http: Http) -> None:
    old = paper(1, announced=date(2026, 11, 17))
    run(FakeSource().gives(old, day=DAY, expected=1, note="shows the edition 2026-11-17"), http)
    row = SourceDay.objects.get()
    assert (row.state, row.came, row.says) == ("waiting", 0, "shows the edition 2026-11-17")


def test_a_list_that_comes_when_its_day_is_over_is_late(http: Http) -> None:
    run(FakeSource().gives(paper(9, announced=date(2026, 11, 17)), day=DAY, expected=1, note="stale"), http)
    run(FakeSource().gives(day=DAY).gives(paper(1), day=DAY, expected=1), http, EVENING + timedelta(days=2))
    assert states(EVENING + timedelta(days=2))[DAY] == "late"


def test_weekends_and_holidays_are_not_missed() -> None:
    thanksgiving = datetime(2026, 12, 1, 12, tzinfo=UTC)
    days = {day.day: day.state for day in completeness.recent_days(thanksgiving, ["arxiv-oai"], 7)}
    assert days[date(2026, 11, 27)] == days[date(2026, 11, 28)] == "holiday"
    assert days[date(2026, 11, 30)] == "waiting"


def test_days_on_which_a_source_failed_say_so(http: Http) -> None:
    run(FakeSource(breaks_at=0).gives(paper(1)), http)
    assert states()[DAY] == "failed"
    check = next(check for check in health.source_checks(EVENING) if check.name == "source arxiv-oai")
    assert not check.ok and "503" in check.says and check.do


def test_days_before_the_first_harvest_are_not_expected(http: Http) -> None:
    run(FakeSource().gives(paper(1), day=DAY, expected=1), http)
    days = completeness.recent_days(EVENING + timedelta(days=1), ["arxiv-oai"], 5)
    assert [day.parts for day in days if day.day == date(2026, 11, 16)] == [()]


class Broken(FakeSource):
    """Ends in the middle as nobody foresaw."""

    def __init__(self, ends: BaseException) -> None:
        super().__init__()
        self.ends = ends

    def fetch(self, http: Http, cursor: Mapping[str, str], since: date | None, until: date | None) -> Iterator[Batch]:
        """Give a paper, then end."""
        yield Batch((paper(1),), {"done": "1"})
        raise self.ends


def test_a_mistake_in_a_source_is_raised_and_told_as_a_failure_that_rests(http: Http) -> None:
    with pytest.raises(OverflowError):
        run(Broken(OverflowError("too large to convert")), http)
    row = Harvest.objects.get()
    assert (row.state, row.held_until, row.failures) == ("failed", None, 1)
    assert row.says == "OverflowError: too large to convert" and row.cursor == {"done": "1"}
    assert not next(check for check in health.source_checks(EVENING) if check.name == "source arxiv-oai").ok
    assert due(EVENING + timedelta(minutes=4), ["arxiv-oai"]) == []
    assert due(EVENING + timedelta(minutes=5), ["arxiv-oai"]) == ["arxiv-oai"]


@pytest.mark.parametrize("told", [KeyboardInterrupt(), SystemExit(0)])
def test_a_harvest_that_was_told_to_stop_can_go_on_at_once(http: Http, told: BaseException) -> None:
    with pytest.raises(type(told)):
        run(Broken(told), http)
    assert due(EVENING, ["arxiv-oai"]) == ["arxiv-oai"]
    again = FakeSource().gives(paper(1)).gives(paper(2))
    assert run(again, http).report.new == 1 and again.asked == [({"done": "1"}, None)]


def test_a_clock_that_was_set_back_keeps_no_source_from_being_harvested(http: Http) -> None:
    month = timedelta(days=30)
    run(FakeSource().gives(paper(1)), http, EVENING + month)
    assert due(EVENING, ["arxiv-oai"]) == ["arxiv-oai"]
    assert claim("arxiv-oai", EVENING + month)
    assert due(EVENING, ["arxiv-oai"]) == ["arxiv-oai"]
    assert run(FakeSource(), http).state == "done"


def test_the_clock_of_another_host_may_go_some_minutes_ahead(http: Http) -> None:
    ahead = EVENING + timedelta(minutes=15)
    assert claim("arxiv-oai", ahead)
    assert not claim("arxiv-oai", EVENING)
    assert due(EVENING, ["arxiv-oai"]) == []
