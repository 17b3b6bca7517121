"""Rules that every address of the site keeps: what may change by which request, and who may be shown an answer."""

import re
from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver

from broadsheet.lib.clock import now
from broadsheet.readers import tokens
from broadsheet.readers.models import Reader
from broadsheet.web.tests.accounts import reader, signed_in

# What stands in an address, by the name of the part; for all others a word that names nothing.
PARTS = {
    "key": "2405.15001", "handle": "ada", "day": "2024-05-27", "number": "1", "value": "cs.CL", "id": "2405.15001",
    "form": "atom", "delivery": "123e4567-e89b-12d3-a456-426614174000", "uidb36": "1", "app_label": "papers",
    "object_id": "1", "content_type_id": "1", "provider": "mailgun", "address": "bs_x/library.atom",
}  # fmt: skip
KEYS = {"day": "2024-05-27", "week": "2024-W22", "month": "2024-05", "foryou-day": "2024-05-27", "feed": "edition"}
# Forged requests are not looked for there: programs act by a token and no cookie counts, a mail program presses the
# button of RFC 8058, a service of mail signs what it sends, and the box for an address changes nothing.
UNGUARDED = re.compile(r"api/.*|mcp|digest/unsubscribe/.*|digest/events/.*|subscribe|openapi\.json|docs")
# Written where somebody only reads: who is signed in and how often they asked, the list that a reader is shown each
# day (what was shown is not shown again), and what was learned for it.
READING_WRITES = re.compile(
    r'"(?:django_session|cache|usersessions_usersession|axes_\w+|readers_token|foryou_(?:list|shown|profile|opened))"'
)
WRITES = re.compile(r"\s*(?:INSERT INTO|UPDATE|DELETE FROM|REPLACE INTO)\s", re.IGNORECASE)
# Others' code, which signs in and out; its own rules stand in test_signing_in.
ELSEWHERE = ("account/", "admin/")


def patterns(resolver: URLResolver | None = None, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    for one in (resolver or get_resolver()).url_patterns:
        route = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from patterns(one, route)
        else:
            yield route, one


def filled(route: str, name: str | None) -> str:
    """Give an address of a route."""
    if route.startswith("^") or "(?P" in route:
        route = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"<str:\1>", route).replace("\\.", ".").strip("^$")
    parts = {**PARTS, **({"key": KEYS[name]} if name in KEYS else {})}
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda part: parts.get(part[1], "x"), route)


ALL = [(route, one.name, filled(route, one.name), one) for route, one in patterns() if "(?P<rest>" not in route]
OURS = [(route, address) for route, _name, address, _one in ALL if not route.startswith(ELSEWHERE)]


@pytest.fixture
def ada(indexed: int, settings: object) -> Reader:
    return reader(role="owner")


def test_only_what_needs_no_cookie_is_free_of_the_check_against_forged_requests() -> None:
    free = {route for route, _name, _address, one in ALL if getattr(one.callback, "csrf_exempt", False)}
    assert {route for route in free if not UNGUARDED.fullmatch(route)} == set()
    assert "mcp" in free and "digest/unsubscribe/<str:token>" in free


@pytest.mark.slow
def test_no_address_acts_for_a_cookie_without_the_token_of_a_form(ada: Reader) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.cookies = signed_in(ada).cookies
    acted = []
    for route, address in OURS:
        if not UNGUARDED.fullmatch(route):
            with CaptureQueriesContext(connection) as asked:
                status = browser.post(address, {"on": "1", "do": "remove", "sure": "1"}).status_code
            if status not in (403, 405) or _written(asked):
                acted.append((address, status))
    assert acted == []


@pytest.mark.slow
def test_reading_changes_nothing_that_anybody_gave(ada: Reader) -> None:
    browser = signed_in(ada)
    wrote, seen = [], 0
    for _route, address in OURS:
        with CaptureQueriesContext(connection) as asked:
            answer = browser.get(address)
        assert answer.status_code < 500, address
        seen += answer.status_code == 200
        wrote += [(address, sql) for sql in _written(asked)]
    assert wrote == [] and seen > 60


def _written(asked: CaptureQueriesContext) -> list[str]:
    found = (query["sql"] for query in asked.captured_queries if WRITES.match(query["sql"]))
    return [sql[:90] for sql in found if not READING_WRITES.search(sql)]


@pytest.mark.slow
def test_what_a_reader_is_shown_is_for_nobody_elses_cache_and_runs_no_script_of_others(ada: Reader) -> None:
    browser = signed_in(ada)
    for route, address in OURS:
        answer = browser.get(address)
        policy = answer.headers["Content-Security-Policy"]
        assert "unsafe" not in policy and "default-src 'none'" in policy, address
        assert answer.headers["X-Content-Type-Options"] == "nosniff" and answer.headers["X-Frame-Options"] == "DENY"
        if answer.status_code == 200 and not route.startswith((".well-known", "api", "mcp")):
            control = answer.headers["Cache-Control"]
            assert ("private" in control or "no-store" in control) and "public" not in control, (address, control)


def test_a_token_is_told_what_is_its_readers_and_no_cache_keeps_that(ada: Reader) -> None:
    _token, secret = tokens.make(ada, "mine", ["read"], days=None, now=now())
    program, mine = Client(headers={"authorization": f"Bearer {secret}"}), 0
    for route, address in OURS:
        if route.startswith("api/v1/me"):
            answer = program.get(address)
            if answer.status_code == 200:
                mine += 1
                assert answer.headers["Cache-Control"] == "private, no-store", address
            assert Client().get(address).status_code in (401, 405), address
    assert mine >= 6


def test_strangers_are_shown_nobodys_own_pages(ada: Reader) -> None:
    for _route, address in OURS:
        if address.startswith(("/me", "/library", "/notifications", "/desk", "/groups", "/foryou/profile", "/follows")):
            answer = Client().get(address)
            assert answer.status_code in (302, 303, 403, 404, 405), (address, answer.status_code)
