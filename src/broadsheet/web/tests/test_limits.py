"""How often one may: by reader, by address, with a way back."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.core.cache import caches
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.test import RequestFactory

from broadsheet.readers.models import Reader
from broadsheet.web import limits
from broadsheet.web.limits import RATES, Rate, count, limited, who

AT = 1_000_000_000.0


class Stranger:
    is_authenticated = False


@pytest.fixture(autouse=True)
def empty_cache(db: None) -> Iterator[None]:
    caches["memory"].clear()
    yield
    caches["memory"].clear()


def asked(method: str = "POST", user: object = None, address: str = "192.0.2.1") -> HttpRequest:
    request = RequestFactory().generic(method, "/vote/x", REMOTE_ADDR=address)
    request.user = user or Stranger()  # type: ignore[assignment]
    return request


@pytest.fixture
def rate(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(RATES, "vote", Rate(3, 60))
    monkeypatch.setitem(RATES, "search", Rate(3, 60, reads=True, strangers=True))
    monkeypatch.setattr(limits, "now", lambda: datetime.fromtimestamp(AT, UTC))
    yield


def view(action: str) -> limits.View[[]]:
    @limited(action)
    def answer(request: HttpRequest) -> HttpResponseBase:
        return HttpResponse("done")

    return answer


def test_what_is_over_the_rate_waits_for_the_end_of_the_window(rate: None) -> None:
    assert [count("vote", "reader:1", AT) for _ in range(3)] == [0, 0, 0]
    left = count("vote", "reader:1", AT + 1)
    assert left == 60 - (AT + 1) % 60
    assert count("vote", "reader:1", AT + 1 + left) == 0


def test_each_reader_and_each_action_has_a_count_of_its_own(rate: None) -> None:
    for _ in range(3):
        count("vote", "reader:1", AT)
    assert count("vote", "reader:2", AT) == 0
    assert count("save", "reader:1", AT) == 0
    assert count("vote", "reader:1", AT) > 0


def test_too_much_is_answered_by_429_with_a_sentence_and_retry_after(rate: None) -> None:
    answers = [view("vote")(asked()) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert 0 < int(answers[3]["Retry-After"]) <= 60
    assert b"try again" in answers[3].content  # type: ignore[attr-defined]


def test_reading_is_free_where_only_acts_are_limited(rate: None) -> None:
    assert {view("vote")(asked("GET")).status_code for _ in range(9)} == {200}


def test_searching_is_limited_for_strangers_alone(rate: None) -> None:
    reader = Reader(pk=7, email="a@lab.example", handle="ada")
    assert {view("search")(asked("GET", reader)).status_code for _ in range(9)} == {200}
    assert [view("search")(asked("GET")).status_code for _ in range(4)][-1] == 429


def test_readers_count_by_themselves_and_strangers_by_address() -> None:
    reader = Reader(pk=7, email="a@lab.example", handle="ada")
    assert who(asked(user=reader)) == "reader:7"
    assert who(asked()) != who(asked(address="192.0.2.2"))


def test_every_rate_makes_sense() -> None:
    for action, rate in RATES.items():
        assert rate.times > 0 and rate.seconds > 0, action
