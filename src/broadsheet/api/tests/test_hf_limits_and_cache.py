"""Rate limits, each client's own, and answers kept in memory that never hide what was done."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.core.cache import caches
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from broadsheet.api import cache, limits
from broadsheet.api.cache import CacheMiddleware, Kept, Store
from broadsheet.community.tests.factory import NOON, a_paper, reader
from broadsheet.papers.models import Paper
from broadsheet.readers import alone, tokens

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

pytestmark = pytest.mark.django_db
OUTSIDE = {"REMOTE_ADDR": "203.0.113.7"}


@pytest.fixture(autouse=True)
def site(tmp_path: Path, settings: Settings) -> Iterator[None]:
    values = {**settings.CONFIG.values, "answers_kept": 5, "api_rate": 10, "api_rate_token": 20, "encoder": "none"}
    settings.CONFIG = replace(settings.CONFIG, home=tmp_path, values=values)
    caches["memory"].clear()
    cache.answers.empty()
    yield
    cache.answers.empty()


def rest(response: "HttpResponse | Response") -> int:
    match = re.fullmatch(r'"(\w+)";r=(\d+);t=(\d+)', response.headers["RateLimit"])
    assert match
    assert 0 < int(match[3]) <= 300
    return int(match[2])


def test_every_answer_tells_what_is_left_and_the_last_is_refused_with_a_time_to_wait(client: Client) -> None:
    for left in range(9, -1, -1):
        response = client.get("/api/daily_papers", **OUTSIDE)  # type: ignore[arg-type]
        assert (response.status_code, rest(response)) == (200, left)
        assert response.headers["RateLimit-Policy"] == '"fixed window";"api";q=10;w=300'
        assert "Retry-After" not in response.headers
    refused = client.get("/api/daily_papers", **OUTSIDE)  # type: ignore[arg-type]
    assert refused.status_code == 429
    assert refused.headers["RateLimit"] == f'"api";r=0;t={refused.headers["Retry-After"]}'
    assert refused.json()["error"].startswith("Too many requests")
    assert client.get("/api/nothing", **OUTSIDE).status_code == 429  # type: ignore[arg-type]
    assert client.get("/about", **OUTSIDE).status_code == 200  # type: ignore[arg-type]
    assert client.get("/api/daily_papers", REMOTE_ADDR="203.0.113.8").status_code == 200


def test_search_has_a_bucket_of_its_own(client: Client) -> None:
    assert client.get("/api/papers/search", **OUTSIDE).headers["RateLimit"].startswith('"search";r=1;')  # type: ignore[arg-type]
    assert rest(client.get("/api/daily_papers", **OUTSIDE)) == 9  # type: ignore[arg-type]


def test_this_machine_may_ask_twenty_times_as_often(client: Client) -> None:
    assert client.get("/api/daily_papers").headers["RateLimit-Policy"] == '"fixed window";"api";q=200;w=300'


def test_a_valid_token_has_more_and_its_own_count_and_an_invented_one_has_not(client: Client) -> None:
    token, secret = tokens.make(reader(1), "Reader", ["read"], days=None, now=NOON)
    mine = client.get("/api/daily_papers", headers={"Authorization": f"Bearer {secret}"}, **OUTSIDE)  # type: ignore[arg-type]
    assert (mine.headers["RateLimit-Policy"], rest(mine)) == ('"fixed window";"api";q=20;w=300', 19)
    invented = client.get("/api/daily_papers", headers={"Authorization": "Bearer bs_x"}, **OUTSIDE)  # type: ignore[arg-type]
    assert rest(invented) == 9
    elsewhere = client.get("/api/daily_papers", headers={"Authorization": "Bearer hf_x"}, **OUTSIDE)  # type: ignore[arg-type]
    assert (elsewhere.status_code, rest(elsewhere)) == (200, 8)
    tokens.revoke(token.reader, token.pk)
    revoked = client.get("/api/daily_papers", headers={"Authorization": f"Bearer {secret}"}, **OUTSIDE)  # type: ignore[arg-type]
    assert (revoked.status_code, rest(revoked)) == (200, 7)


def test_no_limit_is_no_header(client: Client, settings: Settings) -> None:
    settings.CONFIG = replace(settings.CONFIG, values={**settings.CONFIG.values, "api_rate": 0})
    assert "RateLimit" not in client.get("/api/daily_papers").headers


def test_a_window_ends_and_begins_anew() -> None:
    assert [limits.take("api", "a", 2, at).left for at in (600.0, 700.0, 899.9, 900.0)] == [1, 0, -1, 1]
    assert limits.take("api", "b", 2, 899.0).seconds == 1


def test_an_answer_is_given_again_without_a_query(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    a_paper(1)
    first = client.get("/api/daily_papers")
    with django_assert_num_queries(0):
        again = client.get("/api/daily_papers")
        unchanged = client.get("/api/daily_papers", headers={"If-None-Match": first.headers["ETag"]})
        head = client.head("/api/daily_papers")
    assert again.content == first.content
    own = {"RateLimit", "X-Request-Id"}
    assert {k: v for k, v in again.headers.items() if k not in own} == {
        k: v for k, v in first.headers.items() if k not in own
    }
    assert rest(again) == rest(first) - 1
    assert again.headers["X-Request-Id"] != first.headers["X-Request-Id"]
    assert (unchanged.status_code, head.status_code) == (304, 200)


def test_a_question_with_a_condition_fills_the_memory_too(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    a_paper(1)
    assert client.get("/api/daily_papers", headers={"If-None-Match": '"other"'}).status_code == 200
    with django_assert_num_queries(0):
        assert client.get("/api/daily_papers").status_code == 200


def test_whoever_acts_sees_at_once_what_was_done(client: Client) -> None:
    paper = a_paper(1)
    assert client.get("/api/daily_papers").json()[0]["upvotes"] == 0
    Paper.objects.filter(pk=paper.pk).update(votes_outside=7)
    assert client.get("/api/daily_papers").json()[0]["upvotes"] == 0
    client.post("/api/nothing")
    assert client.get("/api/daily_papers").json()[0]["upvotes"] == 7


@pytest.mark.parametrize(
    "headers",
    [
        {"Cookie": "a=b"},
        {"Authorization": "Bearer bs_x"},
        {"Authorization": "bearer BS_x"},
        {"Authorization": "Basic eDp5"},
    ],
)
def test_nothing_is_kept_for_or_given_to_somebody_who_may_be_known(client: Client, headers: dict[str, str]) -> None:
    paper = a_paper(1)
    client.get("/api/daily_papers", headers=headers)
    Paper.objects.filter(pk=paper.pk).update(votes_outside=1)
    assert client.get("/api/daily_papers").json()[0]["upvotes"] == 1
    Paper.objects.filter(pk=paper.pk).update(votes_outside=2)
    assert client.get("/api/daily_papers", headers=headers).json()[0]["upvotes"] == 2


def test_answers_differ_by_all_they_may_depend_on() -> None:
    make = RequestFactory()
    asked = [
        make.get("/api/a"), make.get("/api/b"), make.get("/api/a?x=1"), make.get("/api/a", HTTP_HOST="other"),
        make.get("/api/a", secure=True), make.get("/api/a", HTTP_ACCEPT="text/markdown"),
        make.get("/api/a", HTTP_ACCEPT_ENCODING="gzip"), make.get("/api/a", HTTP_ACCEPT_LANGUAGE="de"),
    ]  # fmt: skip
    assert len({cache.key_of(request) for request in asked}) == len(asked)


def through(request: HttpRequest, response: HttpResponse) -> int:
    """Send a response through the memory; give how often it was made when it is asked for twice."""
    made: list[HttpRequest] = []

    def answer(asked: HttpRequest) -> HttpResponse:
        made.append(asked)
        return response

    middleware = CacheMiddleware(answer)
    middleware(request)
    middleware(request)
    return len(made)


def test_only_whole_public_answers_are_kept() -> None:
    get = RequestFactory().get
    cookie = HttpResponse("x")
    cookie.set_cookie("a", "b")
    assert through(get("/api/a"), HttpResponse("x")) == 1
    assert through(get("/feeds/a.xml"), HttpResponse("x")) == 1
    assert through(get("/papers/a.md"), HttpResponse("x")) == 1
    assert through(get("/papers/a"), HttpResponse("x")) == 2
    assert through(get("/api/b"), HttpResponse("x", status=404)) == 2
    assert through(get("/api/c"), cookie) == 2
    assert through(get("/api/d"), HttpResponse("x", headers={"Cache-Control": "private"})) == 2
    assert through(get("/api/e"), HttpResponse("x", headers={"Cache-Control": "no-store"})) == 2
    assert through(get("/api/f"), HttpResponse(b"x" * (cache.LARGEST + 1))) == 2
    assert through(get("/feeds/bs_secret/a.xml"), HttpResponse("x")) == 2
    assert through(get("/feeds/a.xml?token=bs_secret"), HttpResponse("x")) == 2


def test_memory_is_bounded_in_number_and_bytes_and_forgets() -> None:
    store = Store()
    for number in range(cache.MOST + 10):
        store.put((str(number),), Kept(b"x", (), 9.0), store.turn)
    assert store.find(("9",), 1.0) is None
    assert store.find(("10",), 1.0)
    assert store.find(("10",), 9.0) is None
    megabyte = b"x" * (1 << 20)
    for number in range(40):
        store.put((f"large {number}",), Kept(megabyte, (), 9.0), store.turn)
    assert store.find(("large 7",), 1.0) is None
    assert store.find(("large 39",), 1.0)
    turn = store.turn
    store.empty()
    store.put(("late",), Kept(b"x", (), 9.0), turn)
    assert store.find(("late",), 1.0) is None


def test_on_a_site_for_one_lists_are_kept_and_what_is_its_owners_is_not(
    client: Client, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    monkeypatch.setenv(alone.VARIABLE, "1")
    a_paper(1)
    here = {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost"}
    first = client.get("/api/daily_papers", **here)  # type: ignore[arg-type]
    assert "private" not in first.headers.get("Cache-Control", "")
    with django_assert_num_queries(0):
        assert client.get("/api/daily_papers", **here).content == first.content  # type: ignore[arg-type]
    own = client.get("/api/v1/me", **here)  # type: ignore[arg-type]
    assert own.status_code == 200
    assert any(word in own.headers["Cache-Control"] for word in ("private", "no-store"))
    handed_on = client.get("/api/v1/me", HTTP_X_FORWARDED_FOR="203.0.113.9", **here)  # type: ignore[arg-type]
    assert handed_on.status_code == 401
