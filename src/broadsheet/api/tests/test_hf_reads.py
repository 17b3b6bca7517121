"""The reads of the drop-in API as any program sees them: shapes, pages, errors, headers, and what they cost."""

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from django.core.cache import caches
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from broadsheet.api import hf, object_ids
from broadsheet.api.tests.hf_site import BARE, BY_DOI, GONE, HEP, MINE, NEW, NOON, OLDEST, RICH, fill
from broadsheet.community.models import AddedLink, Comment
from broadsheet.community.tests.factory import a_paper, reader
from broadsheet.editions.models import ClosedEdition, ClosedPlace
from broadsheet.papers import finding
from broadsheet.papers.models import Paper
from broadsheet.papers.tests.again import indexed, written
from broadsheet.readers import tokens

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

pytestmark = pytest.mark.django_db
NUL, SURROGATE = "\0", "\ud800"


@pytest.fixture(autouse=True)
def site(tmp_path: Path, settings: Settings) -> Iterator[None]:
    settings.CONFIG = replace(settings.CONFIG, home=tmp_path, values={**settings.CONFIG.values, "encoder": "none"})
    caches["memory"].clear()
    finding.forget()
    written("reads", fill)
    indexed("reads")
    yield
    finding.forget()


def ask(client: Client, path: str, **headers: str) -> Any:  # noqa: ANN401 - whatever JSON it is
    response = client.get(path, headers=headers)
    assert response.status_code == 200, response.content
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    return response.json()


def ids(found: list[dict[str, Any]]) -> list[str]:
    return [item["paper"]["id"] for item in found]


def test_an_item_has_both_copies_of_every_field_and_nothing_that_harms(client: Client) -> None:
    item = ask(client, "/api/daily_papers")[0]
    paper = item["paper"]
    for name in ("title", "summary", "upvotes", "ai_summary", "ai_keywords", "projectPage", "githubRepo", "githubStars",
                 "organization", "mediaUrls"):  # fmt: skip
        assert item[name] == paper[name], name
    assert not item.keys() & {"authors", "comments", "submitted_at", "github_repo", "id"}
    assert paper.keys() == {
        "id", "authors", "publishedAt", "submittedOnDailyAt", "title", "submittedOnDailyBy", "summary", "upvotes",
        "discussionId", "projectPage", "githubRepo", "githubRepoAddedBy", "githubStars", "ai_summary", "ai_keywords",
        "ai_summary_model", "mediaUrls", "organization",
    }  # fmt: skip
    assert item["publishedAt"] == paper["submittedOnDailyAt"] == "2026-11-18T00:00:00.000Z"
    assert paper["publishedAt"] == "2026-11-17T08:01:00.000Z"
    assert paper["githubRepoAddedBy"] == "user"


def test_an_item_of_a_bare_paper_has_all_that_is_required_and_no_null(client: Client) -> None:
    item = ask(client, "/api/daily_papers")[2]
    required = {
        "isAuthorParticipating",
        "numComments",
        "paper",
        "publishedAt",
        "submittedBy",
        "summary",
        "thumbnail",
        "title",
    }
    assert required <= item.keys()
    assert {"id", "authors", "discussionId", "publishedAt", "summary", "title", "upvotes"} <= item["paper"].keys()
    assert "submittedOnDailyBy" not in item["paper"]
    assert None not in _values(item)
    assert (item["upvotes"], item["paper"]["upvotes"]) == (0, 0)


def _values(told: object) -> list[object]:
    if isinstance(told, dict):
        return [one for value in told.values() for one in _values(value)]
    return [one for value in told for one in _values(value)] if isinstance(told, list) else [told]


def test_every_moment_ends_in_z_and_every_id_has_24_digits(client: Client) -> None:
    text = client.get("/api/daily_papers").content.decode()
    moments = re.findall(r'"(\d{4}-\d\d-\d\dT[^"]*)"', text)
    assert moments
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", one) for one in moments)
    numbers = re.findall(r'"(?:_id|discussionId)":"([^"]*)"', text)
    assert all(object_ids.is_object_id(one) for one in numbers)
    assert "+00:00" not in text


def test_every_user_has_a_user_and_pictures_that_this_site_draws(client: Client) -> None:
    found = ask(client, "/api/daily_papers")
    users = [item["submittedBy"] for item in found]
    users += [author["user"] for item in found for author in item["paper"]["authors"] if "user" in author]
    for user in users:
        assert {"_id", "avatarUrl", "isPro", "fullname", "user", "type"} <= user.keys()
        path = user["avatarUrl"].removeprefix("http://testserver")
        drawn = client.get(path)
        assert (drawn.status_code, drawn.headers["Content-Type"]) == (200, "image/svg+xml")
    assert {"name", "isHf", "isHfAdmin", "isMod", "followerCount", "isUserFollowing"} <= users[0].keys()
    for item in found:
        drawn = client.get(item["thumbnail"].removeprefix("http://testserver"))
        assert drawn.content.startswith(b'<svg xmlns="http://www.w3.org/2000/svg" viewBox')
        assert b"class=" not in drawn.content
    assert client.get("/thumbnails/2601.99999.svg").status_code == 404
    assert b"<script" not in client.get("/avatars/%3Cscript%3E.svg").content


def test_a_single_paper_is_flat_and_counts_its_comments(client: Client) -> None:
    paper = ask(client, f"/api/papers/{MINE}")
    assert "paper" not in paper
    assert paper["numComments"] == 2
    assert (paper["linkedModels"], paper["numTotalModels"], paper["numTotalSpaces"]) == ([], 0, 0)
    assert paper["discussionId"] == object_ids.paper_id(MINE)
    assert ask(client, f"/api/arxiv/{RICH}/repos")["datasets"] == [{"id": "a/honey", "author": "a", "private": False}]
    assert ask(client, f"/api/arxiv/{HEP}/repos") == {"models": [], "datasets": [], "spaces": []}
    assert ask(client, f"/api/papers/arxiv.org/abs/{RICH}v1")["id"] == RICH


def test_pages_are_linked_until_the_last_with_every_other_parameter_kept(client: Client) -> None:
    path, seen = "/api/daily_papers?month=2026-11&limit=2&sort=&x=a%26b", []
    while path:
        response = client.get(path)
        seen += ids(response.json())
        link = response.headers.get("Link", "")
        if link:
            assert re.fullmatch(r'<http://testserver/api/daily_papers\?[^>]+>; rel="next"', link)
            assert "x=a%26b" in link
            assert "month=2026-11" in link
        path = link.partition(">")[0].removeprefix("<http://testserver")
    assert seen == [RICH, MINE, BARE, OLDEST]
    assert "Link" not in client.get("/api/daily_papers?limit=4&month=2026-11")


def test_all_papers_by_a_cursor_each_once_withdrawn_ones_too(client: Client) -> None:
    Paper.objects.filter(key=BARE).update(announced=None)
    path, seen = "/api/papers?limit=1", []
    while path:
        response = client.get(path)
        seen += ids(response.json())
        path = response.headers.get("Link", "").partition(">")[0].removeprefix("<http://testserver")
    assert seen == [MINE, RICH, GONE, OLDEST, Paper.objects.get(identifiers__name=f"doi:{BY_DOI}").key, HEP, BARE]
    assert ids(ask(client, "/api/papers")) == seen


def test_filters_hold_together(client: Client) -> None:
    for query, found in (
        ("week=2026-W47&month=2026-11&date=2026-11-18", [RICH, MINE, BARE]),
        ("week=2026-W46&date=2026-11-18", []),
        ("week=2026-W46&month=2026-11", [OLDEST]),
        ("month=2026-10&week=2026-W46", []),
        ("submitter=bo&month=2026-11", [MINE]),
        ("submitter=bo&date=2026-11-18", [MINE]),
        ("submitter=bo&date=2026-11-10", []),
        ("submitter=bo&sort=trending", [MINE]),
        ("sort=trending&date=2026-11-10", [OLDEST]),
        ("date=&week=&month=2026-11&submitter=&p=&limit=&sort=", [RICH, MINE, BARE, OLDEST]),
        ("date=1980-01-01", []),
        ("date=2199-01-01", []),
        ("week=9990-W01", []),
    ):
        assert ids(ask(client, f"/api/daily_papers?{query}")) == found, query


def test_a_closed_edition_keeps_its_order_and_one_person_s_papers_stand_in_it(client: Client) -> None:
    edition = ClosedEdition.objects.create(day=NEW, closed=NOON)
    for rank, key in enumerate((BARE, RICH, MINE), 1):
        ClosedPlace.objects.create(edition=edition, paper=Paper.objects.get(key=key), rank=rank)
    for query in ("", "?date=2026-11-18", "?week=2026-W47"):
        assert ids(ask(client, f"/api/daily_papers{query}"))[:3] == [BARE, RICH, MINE]
    listing = Paper.objects.values_list("listing", flat=True).get(key=RICH)
    Paper.objects.filter(key=BARE).update(listing=listing)
    assert ids(ask(client, "/api/daily_papers?submitter=Mel.Issa")) == [BARE, RICH]
    assert ids(ask(client, "/api/daily_papers?submitter=Mel.Issa&limit=1&p=1")) == [RICH]


def test_a_placed_paper_is_in_the_edition_it_was_placed_in_and_hidden_ones_in_none(client: Client) -> None:
    Paper.objects.filter(key=OLDEST).update(placed=NEW)
    Paper.objects.filter(key=BARE).update(hidden=True)
    assert set(ids(ask(client, "/api/daily_papers?date=2026-11-18"))) == {RICH, MINE, OLDEST}
    for day in ("2026-11-18", "2026-11-10"):
        found = {item["paper"]["id"]: item for item in ask(client, f"/api/daily_papers?date={day}")}
        assert found[OLDEST]["publishedAt"] == f"{day}T00:00:00.000Z"
    assert BARE not in ids(ask(client, "/api/papers")) + ids(ask(client, "/api/papers/search"))


def test_comments_are_readable(client: Client) -> None:
    told = ask(client, f"/api/papers/{MINE}/comments")
    first, second = told["comments"]
    assert (told["paperId"], told["numComments"]) == (MINE, 2)
    assert (first["raw"], first["html"]) == ("Two *suns*.", "<p>Two <em>suns</em>.</p>")
    assert (first["author"]["user"], first["createdAt"]) == ("bo", "2026-11-20T12:00:00.000Z")
    assert second["parentId"] == first["id"]
    assert first["url"] == f"http://testserver/papers/{MINE}#comment-{first['id']}"
    Comment.objects.filter(pk=first["id"]).update(state="removed")
    removed = ask(client, f"/api/papers/{MINE}/discussions")["comments"][0]
    assert removed.keys() == {"id", "state", "createdAt", "url"}
    assert ask(client, f"/api/papers/{RICH}/comments")["comments"] == []


def test_search_tells_a_reader_with_a_token_what_they_voted_for(client: Client) -> None:
    from broadsheet.community import votes

    bo = reader(9)
    votes.cast(bo, Paper.objects.get(key=RICH), now=NOON)
    _token, secret = tokens.make(bo, "Reader", ["read"], days=None, now=NOON)
    path = f"/api/papers/search?q={RICH}"
    mine = client.get(path, headers={"Authorization": f"Bearer {secret}"})
    assert mine.json()[0]["upvoted"] is True
    assert "private" in mine.headers["Cache-Control"]
    for shown in ({}, {"Authorization": "Bearer hf_abc"}, {"Authorization": "Bearer bs_unknown"}):
        assert ask(client, path, **shown)[0]["upvoted"] is False


BAD = (
    "/api/daily_papers?date=yesterday", "/api/daily_papers?date=2026-02-30",
    "/api/daily_papers?date=2026-11-18T00:00:00Z",
    "/api/daily_papers?date=%D9%A2%D9%A0%D9%A2%D9%A6-11-18", "/api/daily_papers?week=2026-47",
    "/api/daily_papers?week=2026-W00", "/api/daily_papers?week=0000-W01", "/api/daily_papers?week=9999-W52",
    "/api/daily_papers?month=2026-00", "/api/daily_papers?month=0000-01", "/api/daily_papers?month=9999-12",
    "/api/daily_papers?sort=upvotes", "/api/daily_papers?limit=0", "/api/daily_papers?limit=1e2",
    "/api/daily_papers?limit=99999999999999999999", "/api/daily_papers?p=-1", "/api/daily_papers?p=99999999999",
    "/api/papers?limit=101", "/api/papers?cursor=x", "/api/papers?cursor=2026-99-99_1", "/api/papers?cursor=%00",
    "/api/papers/search?limit=121", "/api/papers/search?q=" + "x" * 251,
)  # fmt: skip
MISSING = (
    "/api", "/api/", "/api/agent-harnesses", "/api/models", "/api/daily_papers/", "/api/papers/", "/api/papers/nothing",
    "/api/papers/2601.99999", "/api/papers/%00", "/api/papers/2611.00001%0A", "/api/arxiv/2601.99999/repos",
    "/api/papers/2601.99999/comments", "/api/papers/" + "9" * 3000, "/api/%ED%A0%80", "/api/v1/nothing",
)  # fmt: skip


@pytest.mark.parametrize(("path", "status"), [*((path, 400) for path in BAD), *((path, 404) for path in MISSING)])
def test_errors_have_one_shape(client: Client, path: str, status: int) -> None:
    must_be_error(client.get(path), status)


def must_be_error(response: "Response", status: int) -> None:
    assert response.status_code == status, response.content
    told = response.json()
    assert isinstance(told["error"], str)
    assert told["error"]
    assert "detail" not in told
    line = response.headers["X-Error-Message"]
    assert line.isascii()
    assert "\n" not in line
    assert response.headers["X-Request-Id"]
    assert "X-Error-Code" not in response.headers
    assert response.headers["RateLimit"].startswith('"')


@pytest.mark.parametrize("path", ["/api/daily_papers", "/api/papers", f"/api/papers/{RICH}", "/api/papers/search"])
def test_other_methods_are_refused_in_the_same_shape(client: Client, path: str) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        response = client.generic(method, path)
        must_be_error(response, 405)
        assert "GET" in response.headers["Allow"]


def test_a_missing_paper_is_told_as_json_also_where_markdown_was_asked_for(client: Client) -> None:
    response = client.get("/papers/2601.99999.md")
    assert response.status_code == 404
    assert response.json()["error"]
    assert client.get("/papers/2601.99999").headers["Content-Type"].startswith("text/html")


def test_double_slashes_before_a_path_are_one(client: Client) -> None:
    for path in ("//api/daily_papers", "///api/daily_papers", f"//api/papers/{RICH}"):
        assert client.generic("GET", "/", PATH_INFO=path).status_code == 200, path


def test_what_has_not_changed_is_not_sent_again_but_only_where_that_was_asked(client: Client) -> None:
    first = client.get("/api/daily_papers")
    mark = first.headers["ETag"]
    assert client.head("/api/daily_papers").headers["ETag"] == mark
    assert client.get("/api/daily_papers").status_code == 200
    again = client.get("/api/daily_papers", headers={"If-None-Match": mark})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", mark)
    assert "RateLimit" in again.headers
    Paper.objects.filter(key=RICH).update(votes_outside=13)
    changed = client.get("/api/daily_papers", headers={"If-None-Match": mark})
    assert (changed.status_code, changed.json()[0]["upvotes"]) == (200, 13)


def test_answers_are_compressed_where_that_is_welcome(client: Client) -> None:
    plain = client.get("/api/daily_papers")
    assert "Content-Encoding" not in plain.headers
    packed = client.get("/api/daily_papers", headers={"Accept-Encoding": "gzip, deflate"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.content) == plain.content
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert packed.headers["ETag"] == plain.headers["ETag"]


def test_the_queries_do_not_grow_with_the_papers(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    bo = reader(8)
    for number in range(20, 50):
        paper = a_paper(number, announced=NEW + timedelta(days=1))
        AddedLink.objects.create(paper=paper, reader=bo, kind="code", url=f"https://github.com/a/b{number}", at=NOON)
    with django_assert_max_num_queries(12):
        found = ask(client, "/api/daily_papers")
    assert len(found) == 36
    with django_assert_max_num_queries(11):
        ask(client, "/api/papers?limit=100")


WILD = st.one_of(
    st.text(max_size=40),
    st.integers().map(str),
    st.dates().map(str),
    st.sampled_from([NUL, "%", "../..", "bo", "trending"]),
)


@pytest.mark.thorough
@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given=st.dictionaries(
    st.sampled_from(["p", "limit", "sort", "date", "week", "month", "submitter", "q", "cursor", "x"]), WILD, max_size=4
), key=st.text(max_size=30))  # fmt: skip
def test_no_input_breaks_a_read(client: Client, given: dict[str, str], key: str) -> None:
    sent = {name: value.encode("utf-8", "replace").decode() for name, value in given.items()}
    for path in ("/api/daily_papers", "/api/papers", "/api/papers/search"):
        response = client.get(path, sent)
        assert response.status_code in (200, 400)
        assert isinstance(json.loads(response.content), list if response.status_code == 200 else dict)
    strange = client.get(f"/api/papers/{quote(key.encode('utf-8', 'replace'), safe='')}")
    assert strange.status_code in (200, 404)


def test_highlights_give_the_text_back() -> None:
    pieces = hf.highlighted("Two suns, two moons", ["two"])
    assert [piece["text"] for piece in pieces if piece["type"] == "highlight"] == ["Two", "two"]
    assert "".join(piece["text"] for piece in pieces) == "Two suns, two moons"
    assert hf.highlighted("Two", []) == [{"type": "text", "text": "Two"}]
