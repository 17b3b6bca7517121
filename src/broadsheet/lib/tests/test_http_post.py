from collections.abc import Iterator
from pathlib import Path

import pytest

from broadsheet.lib.http import Http, HttpError
from broadsheet.lib.tests.loopback import FakeTime, Loopback, fake_http, playing


@pytest.fixture
def server() -> Iterator[Loopback]:
    with playing() as loopback:
        yield loopback


@pytest.fixture
def fake_time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def http(tmp_path: Path, fake_time: FakeTime) -> Http:
    return fake_http(tmp_path / "turns", fake_time)


def test_a_body_arrives_with_its_headers(http: Http, server: Loopback) -> None:
    server.answer("/hook", "thanks", status=201)
    response = http.post(f"{server.base}/hook?a=1", body="é\n".encode(), headers={"Content-Type": "text/plain"})
    assert (response.status, response.body) == (201, b"thanks")
    asked = server.asked[0]
    assert (asked.method, asked.path, asked.query, asked.body) == ("POST", "/hook", {"a": "1"}, "é\n".encode())
    assert asked.headers["Content-Type"] == "text/plain" and asked.headers["Content-Length"] == "3"
    assert asked.headers["User-Agent"].startswith("Broadsheet/")


def test_an_empty_body_is_still_a_post(http: Http, server: Loopback) -> None:
    server.answer("/hook")
    http.post(f"{server.base}/hook", body=b"")
    assert (server.asked[0].method, server.asked[0].body) == ("POST", b"")


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
def test_nothing_is_sent_twice_and_the_caller_is_told_when_to_come_back(
    status: int, http: Http, server: Loopback, fake_time: FakeTime
) -> None:
    server.answer("/hook", status=status, Retry_After="90")
    with pytest.raises(HttpError) as caught:
        http.post(f"{server.base}/hook", body=b"x")
    assert (caught.value.status, caught.value.permanent, caught.value.retry_after) == (status, False, 90.0)
    assert len(server.asked) == 1 and fake_time.slept == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int, http: Http, server: Loopback) -> None:
    server.answer("/hook", status=status, Location=f"{server.base}/other")
    server.answer("/other")
    with pytest.raises(HttpError) as caught:
        http.post(f"{server.base}/hook", body=b"x")
    assert (caught.value.status, caught.value.permanent) == (status, True)
    assert [asked.path for asked in server.asked] == ["/hook"]


def test_a_status_that_is_accepted_is_an_answer(http: Http, server: Loopback) -> None:
    server.answer("/hook", status=410)
    assert http.post(f"{server.base}/hook", body=b"x", accept=(410,)).status == 410


def test_posts_do_not_wait_for_each_other(http: Http, server: Loopback, fake_time: FakeTime) -> None:
    server.answer("/hook")
    for _ in range(3):
        http.post(f"{server.base}/hook", body=b"x")
    assert len(server.asked) == 3 and fake_time.slept == []


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/hook",
        "http://2130706433/hook",
        "http://0x7f000001/hook",
        "http://0177.0.0.1/hook",
        "http://127.1/hook",
        "http://[::1]/hook",
        "http://[::ffff:127.0.0.1]/hook",
        "http://10.0.0.8/hook",
        "http://169.254.169.254/latest/meta-data",
        "http://localhost/hook",
    ],
)
def test_private_addresses_are_refused_in_every_spelling(url: str, http: Http) -> None:
    with pytest.raises(HttpError) as caught:
        http.post(url, body=b"x", public_only=True)
    assert caught.value.permanent and "not a public address" in str(caught.value)


def test_a_name_that_leads_to_a_private_address_is_refused(tmp_path: Path, fake_time: FakeTime) -> None:
    http = fake_http(tmp_path, fake_time, resolve=lambda host, port: ["93.184.216.34", "10.1.2.3"])
    with pytest.raises(HttpError, match="not a public address"):
        http.post("https://rebinding.example/hook", body=b"x", public_only=True)


def test_a_host_of_the_operators_own_may_be_reached(tmp_path: Path, fake_time: FakeTime, server: Loopback) -> None:
    server.answer("/hook")
    http = fake_http(tmp_path, fake_time, allow_private=frozenset({"127.0.0.1"}))
    assert http.post(f"{server.base}/hook", body=b"x", public_only=True).status == 200


def test_an_answer_that_drips_is_cut_off(http: Http, server: Loopback) -> None:
    server.answer("/hook", b"x" * 50, drip=0.05)
    with pytest.raises(HttpError, match="longer than"):
        http.post(f"{server.base}/hook", body=b"x", timeout=0.2)


def test_an_answer_without_end_is_cut_off(http: Http, server: Loopback) -> None:
    server.answer("/hook", b"x" * 5000)
    with pytest.raises(HttpError, match="larger than"):
        http.post(f"{server.base}/hook", body=b"x", max_bytes=1000)
