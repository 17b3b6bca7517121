"""Whatever is sent to whichever address, in whichever way and by whomever: it is answered with a sentence."""

import pytest
from django.test import Client
from django.urls import URLPattern
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broadsheet.community.models import Comment
from broadsheet.community.tests.factory import NOON, reader
from broadsheet.papers.models import Paper
from broadsheet.readers.models import ROLES
from broadsheet.web import limits
from broadsheet.web.community_urls import urlpatterns

pytestmark = pytest.mark.slow
PATTERNS = [pattern for pattern in urlpatterns if isinstance(pattern, URLPattern)]
KEYS = {
    "key": [
        "2405.15001",
        "nope",
        "x" * 2000,
        "%00",
        "http://[",
        "a/../b",
        "%E2%80%AE%F0%9F%98%80",
        "2405.15001%0d%0aX: y",
    ],
    "subject": ["paper:2405.15001", "comment:1", "comment:99999999999999999999", "reader:%00", ":", "%FF"],
    "number": ["1", "0", "99999999999999999999", "9" * 5000],
    "slug": ["nope", "%00", "x" * 500],
    "handle": ["reader-1", "nope", "%00", "x" * 500, "%F0%9F%98%80"],
}
FIELDS = [
    "on",
    "next",
    "text",
    "parent",
    "preview",
    "cause",
    "says",
    "given",
    "note",
    "confirm",
    "position",
    "kind",
    "url",
]
FIELDS += [
    "do",
    "reason",
    "day",
    "role",
    "subject",
    "submission",
    "claim",
    "finding",
    "reader",
    "name",
    "domains",
    "about",
]
FIELDS += ["paper", "membership", "category"]
VALUES = [
    "",
    "\0",
    "1",
    "-1",
    "9" * 30,
    "2405.15001",
    "<script>alert(1)</script>",
    "//evil.example",
    "\ud83d",
    "é" * 3000,
]
VALUES += [
    "remove",
    "hide",
    "place",
    "accept",
    "uphold",
    "suspend",
    "role",
    "9999-12-31",
    "nan",
    "\r\nX: y",
    "@a " * 2000,
]


@pytest.fixture(autouse=True)
def nobody_is_too_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "count", lambda *_given: 0)


def addresses() -> list[str]:
    found = []
    for pattern in PATTERNS:
        route = str(pattern.pattern)
        if "<" not in route:
            found.append(f"/{route}")
            continue
        before, _open, rest = route.partition("<")
        kind, _close, after = rest.partition(">")
        found += [f"/{before}{value}{after}" for value in KEYS[kind.partition(":")[2]]]
    return found


@pytest.fixture(params=["", *ROLES])
def anyone(request: pytest.FixtureRequest, edition: int, client: Client) -> Client:
    """A stranger, or a reader of each role, on a site with a comment."""
    author = reader(1)
    Comment.objects.create(
        pk=1, paper=Paper.objects.get(key="2405.15001"), author=author, text="Hm", html="<p>Hm</p>", written=NOON
    )
    if request.param:
        client.force_login(reader(2, role=request.param))
    client.raise_request_exception = True
    return client


def test_every_address_answers_every_method(anyone: Client) -> None:
    for address in addresses():
        for method in (anyone.get, anyone.head, anyone.post, anyone.put, anyone.delete, anyone.options):
            assert method(address).status_code < 500, (address, method)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_form_is_answered_by_500_or_echoed_as_html(anyone: Client, data: st.DataObject) -> None:
    address = data.draw(st.sampled_from(addresses()))
    texts = st.one_of(st.sampled_from(VALUES), st.text(max_size=40))
    given_ = data.draw(st.dictionaries(st.sampled_from(FIELDS), texts, max_size=len(FIELDS)))
    sent = {name: value.encode(errors="replace").decode() for name, value in given_.items()}
    response = anyone.post(address, sent)
    assert response.status_code < 500, (address, sent)
    assert b"<script>alert(1)" not in response.content
    assert "evil.example" not in response.headers.get("Location", "").partition("?")[0]
