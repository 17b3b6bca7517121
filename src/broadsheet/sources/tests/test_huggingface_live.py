import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from broadsheet.lib.http import Http
from broadsheet.record.paper import PaperData, Rejected
from broadsheet.sources.batch import SourceError
from broadsheet.sources.huggingface_live import HuggingFace
from broadsheet.sources.tests.loopback import FakeTime, Loopback, fake_http, playing

LIST = "/api/daily_papers"


def row(number: int = 1, upvotes: int = 3, day: str = "2026-11-19") -> dict[str, object]:
    paper = {
        "id": f"2611.{number:05}",
        "title": f"Bees {number}",
        "summary": "On bees.",
        "upvotes": upvotes,
        "publishedAt": "2026-11-16T12:00:00.000Z",
        "submittedOnDailyAt": f"{day}T00:00:00.000Z",
        "authors": [{"name": "Ada Ant"}],
    }
    return {"paper": paper, "title": f"Bees {number}", "numComments": 1}


def at(day: str) -> str:
    return f"{LIST}?date={day}&limit=100"


@pytest.fixture
def server() -> Iterator[Loopback]:
    with playing() as loopback:
        yield loopback


@pytest.fixture
def http(tmp_path: Path) -> Http:
    return fake_http(tmp_path, FakeTime(datetime(2026, 11, 20, 12, tzinfo=UTC)))


def test_the_last_fortnight_is_read_in_order(server: Loopback, http: Http) -> None:
    server.answer(LIST, "[]")
    server.answer(at("2026-11-19"), json.dumps([row(1), row(2)]))

    batches = list(HuggingFace(server.base).fetch(http, {}))

    dates = [asked.query["date"] for asked in server.asked]
    assert dates == [f"2026-11-{day:02}" for day in range(7, 21)]
    assert [len(batch.items) for batch in batches] == [0] * 12 + [2, 0]
    assert batches[0].note == "2026-11-07: no papers listed"
    paper = batches[12].items[0]
    assert isinstance(paper, PaperData)
    assert (paper.source, paper.title, paper.announced) == ("huggingface", "Bees 1", date(2026, 11, 19))
    assert dict(paper.signals)["upvotes"] == 3


def test_next_pages_are_followed(server: Loopback, http: Http) -> None:
    more = f"{server.base}{LIST}?date=2026-11-19&limit=100&p=1"
    server.answer(at("2026-11-19"), json.dumps([row(1)]), Link=f'<{more}>; rel="next"')
    server.answer(f"{LIST}?date=2026-11-19&limit=100&p=1", json.dumps([row(2)]))

    (batch,) = HuggingFace(server.base).fetch(http, {}, date(2026, 11, 19), date(2026, 11, 19))

    assert len(batch.items) == batch.expected == 2


def test_a_next_page_at_another_host_is_not_asked(server: Loopback, http: Http) -> None:
    server.answer(LIST, json.dumps([row(1)]), Link='<https://elsewhere.example/x>; rel="next"')

    with pytest.raises(SourceError, match="another host"):
        list(HuggingFace(server.base).fetch(http, {}))

    assert len(server.asked) == 1


def test_pages_in_a_circle_end(server: Loopback, http: Http) -> None:
    server.answer(LIST, json.dumps([row(1)]), Link=f'<{LIST}?p=1>; rel="next"')

    with pytest.raises(SourceError, match="does not come to an end"):
        list(HuggingFace(server.base).fetch(http, {}))


def test_a_killed_run_goes_on_with_the_next_day_and_a_finished_one_begins_anew(server: Loopback, http: Http) -> None:
    server.answer(LIST, "[]")
    run = HuggingFace(server.base).fetch(http, {"other": "kept"})
    next(run)
    killed = next(run).cursor
    asked = len(server.asked)

    rest = list(HuggingFace(server.base).fetch(http, killed))
    again = list(HuggingFace(server.base).fetch(http, rest[-1].cursor))

    assert asked == 2
    assert server.asked[2].query["date"] == "2026-11-09"
    assert (len(rest), len(again)) == (12, 14)
    assert again[-1].cursor == {"other": "kept", "slice": "", "done": ""}


def test_days_to_come_are_not_asked_for(server: Loopback, http: Http) -> None:
    assert list(HuggingFace(server.base).fetch(http, {}, date(2026, 12, 1), date(2026, 12, 5))) == []
    assert server.asked == []


@pytest.mark.parametrize("body", ["", "<html></html>", '{"error": "busy"}', "null", "[1", b"[\xff]", "[" * 100_000])
def test_what_is_no_list_is_asked_for_again_and_then_told(body: str | bytes, server: Loopback, http: Http) -> None:
    server.answer(LIST, body)

    with pytest.raises(SourceError) as caught:
        list(HuggingFace(server.base).fetch(http, {}))

    assert not caught.value.permanent
    assert len(server.asked) == 3


def test_one_bad_row_is_set_aside(server: Loopback, http: Http) -> None:
    server.answer(LIST, json.dumps([row(1), {"paper": {"id": "2611.00002"}}, 7]))

    first = next(HuggingFace(server.base).fetch(http, {}))

    assert [type(item) for item in first.items] == [PaperData, Rejected, Rejected]


def test_a_busy_service_is_waited_for(tmp_path: Path, server: Loopback) -> None:
    clock = FakeTime(datetime(2026, 11, 20, 12, tzinfo=UTC))
    server.answer(LIST, status=429, Retry_After="9")
    server.answer(LIST, "[]")

    next(HuggingFace(server.base).fetch(fake_http(tmp_path, clock), {}))

    assert clock.slept == [9.0]


def test_a_day_that_is_refused_is_permanent(server: Loopback, http: Http) -> None:
    server.answer(LIST, status=400)

    with pytest.raises(SourceError, match="400") as caught:
        list(HuggingFace(server.base).fetch(http, {}))

    assert caught.value.permanent
