import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from broadsheet.lib.http import Http
from broadsheet.sources.batch import SourceError
from broadsheet.sources.tests.loopback import FakeTime, Loopback, fake_http, playing
from broadsheet.sources.zotero_writing import Added, add

KEY = "aB3dE5gH7jK9mN1pQ3sT5vW7"
ITEMS = "/users/12345/items"
DONE = json.dumps({"successful": {"0": {}}, "success": {"0": "ABCD2345"}, "unchanged": {}, "failed": {}})


@pytest.fixture
def server() -> Iterator[Loopback]:
    with playing() as loopback:
        yield loopback


@pytest.fixture
def clock() -> FakeTime:
    return FakeTime(datetime(2026, 11, 20, 12, tzinfo=UTC))


@pytest.fixture
def http(tmp_path: Path, clock: FakeTime) -> Http:
    return fake_http(tmp_path, clock)


def papers(count: int) -> list[dict[str, object]]:
    return [{"itemType": "preprint", "title": f"On bees {number}"} for number in range(count)]


def send(server: Loopback, http: Http, count: int = 1) -> Added:
    return add(http, server.base, "users/12345", KEY, papers(count))


def test_items_go_fifty_at_a_time_each_time_under_a_token_of_its_own(server: Loopback, http: Http) -> None:
    server.answer(ITEMS, DONE)
    assert send(server, http, 120) == Added(120)
    assert [len(json.loads(asked.body)) for asked in server.asked] == [50, 50, 20]
    tokens = {asked.headers["Zotero-Write-Token"] for asked in server.asked}
    assert len(tokens) == 3 and all(len(token) == 32 for token in tokens)
    first = server.asked[0]
    assert (first.method, first.headers["Zotero-API-Key"], first.headers["Zotero-API-Version"]) == ("POST", KEY, "3")


def test_items_that_zotero_does_not_take_are_named_and_the_rest_is_there(server: Loopback, http: Http) -> None:
    server.answer(ITEMS, json.dumps({"failed": {"1": {"code": 400, "message": "'title' is too long"}}}))
    assert send(server, http, 3) == Added(2, ("On bees 1: 'title' is too long",))


def test_a_request_that_broke_off_is_sent_again_under_the_same_token(
    server: Loopback, http: Http, clock: FakeTime
) -> None:
    server.answer(ITEMS, status=503, Retry_After="7")
    server.answer(ITEMS, DONE, cut=True)
    server.answer(ITEMS, status=412)
    assert send(server, http, 2) == Added(2)
    assert len({asked.headers["Zotero-Write-Token"] for asked in server.asked}) == 1
    assert clock.slept[0] == 7.0


def test_a_wish_to_wait_is_kept(server: Loopback, http: Http, clock: FakeTime) -> None:
    server.answer(ITEMS, DONE, Backoff="5")
    send(server, http, 60)
    assert clock.slept == [5.0, 5.0]


@pytest.mark.parametrize(
    ("status", "says"), [(403, "may not write"), (404, "404"), (412, "412"), (413, "413"), (500, "500")]
)
def test_a_library_that_takes_nothing_says_why_and_never_the_key(
    status: int, says: str, server: Loopback, http: Http
) -> None:
    server.answer(ITEMS, "no", status=status)
    with pytest.raises(SourceError, match=says) as caught:
        send(server, http)
    assert KEY not in str(caught.value)
    assert len(server.asked) == (4 if status == 500 else 1)


@pytest.mark.parametrize(
    "body", ["", "<html>", "[]", '{"failed": ["x"]}', '{"failed": {"x": {}}}', '{"failed": {"9": {}}}']
)
def test_an_answer_that_cannot_be_read_is_said(body: str, server: Loopback, http: Http) -> None:
    server.answer(ITEMS, body)
    with pytest.raises(SourceError, match="cannot be read"):
        send(server, http)
