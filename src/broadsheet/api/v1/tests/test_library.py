import json
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from broadsheet.api.v1.tests.conftest import Asking, TokenFor
from broadsheet.lib.clock import now
from broadsheet.papers.models import Paper
from broadsheet.readers import filing, library
from broadsheet.readers.models import Reader, Saved
from broadsheet.readers.tests.site import reader as another

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("record")]


@pytest.fixture
def shelf(ada: Reader) -> list[str]:
    """Six papers in the library, one filed in every way; gives their keys, the last saved first."""
    keys = [f"2611.0000{number}" for number in range(1, 7)]
    for key in keys:
        library.save(ada, Paper.objects.get(key=key), now=now())
    for key in keys[:3]:
        filing.file(ada, Paper.objects.get(key=key), now=now(), tags="Bees, to cite")
    filing.file(ada, Paper.objects.get(key=keys[0]), now=now(), state="to-read", note="Ask *Bo* of nectar")
    return keys[::-1]


def keys(ask: Asking, query: str) -> list[str]:
    return [one["paper"]["key"] for one in ask.json(f"me/library?{query}")["papers"]]


def test_a_paper_is_saved_and_filed_in_part(asking: TokenFor, ada: Reader) -> None:
    ask, path = asking("read", "write"), "me/library/2611.00001"
    plain = {"key": "2611.00001", "on": True, "votes": None, "state": "", "tags": [], "note": ""}
    assert json.loads(ask(path, "PUT").content) == plain
    assert json.loads(ask(path, "PUT", {"tags": ["Bees", "to cite"]}).content) == plain | {"tags": ["Bees", "to cite"]}
    told = json.loads(ask(path, "PUT", {"state": "reading", "note": "so *so*"}).content)
    assert told == plain | {"tags": ["Bees", "to cite"], "state": "reading", "note": "so *so*"}
    one = ask.json("me/library")["papers"][0]
    assert (one["state"], one["tags"], one["note"]) == ("reading", ["Bees", "to cite"], "so *so*")
    assert set(one) == {"at", "paper", "state", "tags", "note"}
    assert json.loads(ask(path, "PUT", {"tags": [], "note": "", "state": ""}).content) == plain


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "654321"),
        ("tag=bees", "321"),
        ("tag=BEES,To%20Cite", "321"),
        ("tag=wasps", ""),
        ("state=list", "1"),
        ("state=kept", "65432"),
        ("q=necta", "1"),
        ("q=bee", "321"),
        ("q=bees&tag=to%20cite&state=kept", "32"),
        ("q=" + quote("%_'\"\\"), "654321"),
    ],
)
def test_the_library_is_narrowed_down(asking: TokenFor, shelf: list[str], query: str, found: str) -> None:
    assert "".join(key[-1] for key in keys(asking("read"), query)) == found


def test_what_was_found_is_walked_in_pages(asking: TokenFor, shelf: list[str]) -> None:
    ask, found, url = asking("read"), [], "me/library?tag=bees&limit=2"
    Saved.objects.update(at=now())
    while url:
        page = ask.json(url)
        found += [one["paper"]["key"] for one in page["papers"]]
        url = (page["next"] or "").removeprefix("http://testserver/api/v1/")
    assert found == shelf[3:]
    onward = ask.json("me/library?limit=2")["next"].partition("cursor=")[2]
    assert ask(f"me/library?tag=bees&cursor={onward}").status_code == 404


def test_tags_are_told_with_their_counts(asking: TokenFor, ask: Asking, shelf: list[str]) -> None:
    filing.file(another("bo"), Paper.objects.get(key=shelf[0]), now=now(), tags="of another")
    assert asking("read").json("me/tags")["tags"] == [{"name": "Bees", "papers": 3}, {"name": "to cite", "papers": 3}]
    assert ask("me/tags").status_code == 401 and asking("feed")("me/tags").status_code == 403


def test_filing_needs_the_scope_for_it(asking: TokenFor, ask: Asking, shelf: list[str]) -> None:
    assert ask("me/library/2611.00001", "PUT", {"note": "x"}).status_code == 401
    assert asking("read")("me/library/2611.00001", "PUT", {"note": "x"}).status_code == 403
    assert Saved.objects.get(paper__key="2611.00001").note == "Ask *Bo* of nectar"


@pytest.mark.thorough
@pytest.mark.parametrize(
    "body",
    [{"state": "lost"}, {"state": 3}, {"tags": "bees"}, {"tags": ["x" * 61]}, {"tags": [""]}, {"tags": ["a"] * 41},
     {"tags": ["a\0"]}, {"tags": [",".join(str(n) for n in range(20)), ",".join(str(n) for n in range(20, 41))]},
     {"note": "x" * 20_001}, {"note": "a\0"}, {"note": "\u202e"}, {"note": ["a"]}, {"more": 1}, [], "tags", 3],
    ids=lambda body: repr(body)[:40],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_and_changes_nothing(asking: TokenFor, shelf: list[str], body: object) -> None:
    response = asking("write")("me/library/2611.00001", "PUT", body)
    assert response.status_code in (400, 409, 422)
    assert set(json.loads(response.content)) == {"error"}
    kept = Saved.objects.get(paper__key="2611.00001")
    assert (kept.note, kept.tags.count()) == ("Ask *Bo* of nectar", 2)


def test_questions_to_the_database_do_not_grow_with_the_page(asking: TokenFor, shelf: list[str]) -> None:
    ask = asking("read")
    ask.json("me/library?q=bees")

    def asked(limit: int) -> int:
        with CaptureQueriesContext(connection) as seen:
            ask.json(f"me/library?q=bees&limit={limit}")
        return len(seen)

    assert asked(1) == asked(3)
