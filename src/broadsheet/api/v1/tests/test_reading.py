import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from pytest_django import Settings

from broadsheet.api.v1.tests.conftest import DAYS, Asking
from broadsheet.community import comments, links, votes
from broadsheet.editions import closing
from broadsheet.papers.models import Harvest, Paper
from broadsheet.readers.models import Reader

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("record")]
NOW = datetime(2026, 11, 24, tzinfo=UTC)


def pages(ask: Asking, path: str, limit: int = 3) -> Iterator[dict[str, object]]:
    """Walk a list to its end."""
    url = f"{path}{'&' if '?' in path else '?'}limit={limit}"
    for _number in range(50):
        response = ask(url)
        assert response.status_code == 200, response.content
        told = json.loads(response.content)
        yield told
        if told["next"] is None:
            assert "Link" not in response
            return
        assert response["Link"] == f'<{told["next"]}>; rel="next"'
        url = told["next"].removeprefix("http://testserver/api/v1/")
    raise AssertionError(f"{path} does not come to an end")


def test_a_paper_comes_by_any_of_its_names(ask: Asking) -> None:
    told = ask.json("papers/hep-th/9901001")

    assert told["key"] == "hep-th/9901001"
    assert told["identifiers"] == ["arxiv:hep-th/9901001", "doi:10.1000/a"]
    assert told["title"] == "On old clocks, part 13"
    assert told["authors"][1] == {"name": "Bo Sample", "affiliation": "Institute of Samples", "orcid": ""}
    assert told["links"] == [{"kind": "code", "url": "https://code.example/strings", "added_by": ""}]
    assert told["url"] == "http://testserver/papers/hep-th/9901001"
    assert told["abs"] == "https://arxiv.org/abs/hep-th/9901001"
    assert told["given"] == {"votes": 0, "votes_here": 0, "votes_outside": 0, "comments": 0, "stars": 0}
    assert ask.json("papers/10.1000%2Fa") == ask.json("papers/arXiv:hep-th/9901001v2") == told


def test_a_paper_tells_links_that_readers_added(ask: Asking, ada: Reader) -> None:
    links.add(ada, Paper.objects.get(key="2611.00002"), "data", "https://data.example.org/set", now=NOW)

    added = ask.json("papers/2611.00002")["links"]

    assert added == [{"kind": "data", "url": "https://data.example.org/set", "added_by": ada.handle}]


def test_the_number_of_the_newest_change_is_that_of_the_export(ask: Asking) -> None:
    told = [json.loads(line) for line in b"".join(ask("export")).splitlines()]

    assert {row["key"]: row["seq"] for row in told[:-1]}["2611.00001"] == ask.json("papers/2611.00001")["seq"] == 15


def test_versions_come_in_order(ask: Asking) -> None:
    told = ask.json("papers/hep-th/9901001/versions")

    assert told["versions"] == [
        {"number": 1, "submitted": "2026-11-01T00:00:00Z"},
        {"number": 2, "submitted": "2026-11-09T00:00:00Z"},
    ]


@pytest.mark.usefixtures("searchable")
def test_similar_papers_come_with_reasons(ask: Asking) -> None:
    told = ask.json("papers/2611.00002/similar?limit=3")

    assert len(told["hits"]) == 3
    assert all(hit["paper"]["key"] != "2611.00002" and hit["reasons"] for hit in told["hits"])


def test_a_discussion_comes_in_the_order_of_its_threads(ask: Asking, ada: Reader) -> None:
    paper = Paper.objects.get(key="2611.00002")
    first = comments.write(ada, paper, "What of *bees*?", now=NOW)
    second = comments.write(ada, paper, "And of wasps?", now=NOW)
    reply = comments.write(ada, paper, "They are loud.", parent=first, now=NOW)
    comments.delete(ada, first, now=NOW)

    told = [one for page in pages(ask, "papers/2611.00002/comments", 1) for one in page["comments"]]  # type: ignore[attr-defined]

    assert [one["id"] for one in told] == [first.pk, reply.pk, second.pk]
    assert told[0] | {"written": ""} == {
        "id": first.pk, "parent": None, "author": "", "text": "", "state": "deleted", "written": "", "edited": None
    }  # fmt: skip
    assert (told[1]["parent"], told[1]["text"], told[1]["author"]) == (first.pk, "They are loud.", ada.handle)


def test_history_tells_what_changed(ask: Asking) -> None:
    told = [one for page in pages(ask, "papers/2611.00001/history", 1) for one in page["changes"]]  # type: ignore[attr-defined]

    assert [one["kind"] for one in told] == ["revise", "insert"]
    assert told[0]["old"]["title"] == "On two suns, part 1"
    assert told[0]["source"] == "arxiv-oai"


@pytest.mark.thorough
@pytest.mark.usefixtures("searchable")
@pytest.mark.parametrize("part", ["", "/versions", "/similar", "/comments", "/history"])
@pytest.mark.parametrize("key", ["2611.99999", "nonsense", "%00", "a%00b", "%0d%0a", "%ff%fe", "10.1/x", "x" * 600])
def test_no_name_breaks_an_operation(ask: Asking, key: str, part: str) -> None:
    told = ask(f"papers/{key}{part}")

    assert told.status_code in (404, 422)
    assert set(json.loads(told.content)) == {"error"}
    assert told["X-Error-Message"].isascii()
    assert told["X-Request-Id"]


@pytest.mark.usefixtures("searchable")
def test_a_search_marks_its_words_and_gives_reasons(ask: Asking) -> None:
    told = ask.json("search?q=slow+rivers&limit=5")

    assert (told["query"], told["mode"], told["partial"], told["names"]) == ("slow rivers", "page", False, "")
    hit = told["hits"][0]
    assert hit["block"] == "words"
    assert [run for run in hit["highlighted_title"] if run["type"] == "highlight"] == [
        {"type": "highlight", "text": "slow"},
        {"type": "highlight", "text": "rivers"},
    ]
    assert "".join(run["text"] for run in hit["highlighted_title"]) == hit["paper"]["title"]
    assert any(run["type"] == "highlight" for run in hit["highlighted_abstract"])
    assert hit["why"]["words"] == ["rivers", "slow"] or hit["why"]["words"] == ["slow", "rivers"]
    assert any("It holds" in reason for reason in hit["reasons"])


@pytest.mark.usefixtures("searchable")
@pytest.mark.parametrize("mode", ["page", "hybrid", "lexical", "semantic"])
def test_every_mode_answers_without_an_encoder(ask: Asking, mode: str) -> None:
    assert ask.json(f"search?q=slow&mode={mode}")["mode"] == mode


@pytest.mark.usefixtures("searchable")
def test_a_search_is_held_to_its_filters(ask: Asking) -> None:
    def found(query: str) -> set[str]:
        return {hit["paper"]["key"] for hit in ask.json(f"search?q=study&limit=100&{query}")["hits"]}

    assert len(found("")) == 13
    assert found("category=") == found("")
    assert found("category=cs.CV") == {f"2611.{number:05}" for number in range(2, 13, 2)}
    assert len(found("category=cs.CV&category=cs.LG")) == 13
    assert found(f"from={DAYS[0]}") == found("from=2026-11-18&until=2026-11-30")
    assert found("has_code=true") == {"hep-th/9901001"}
    assert len(found("limit=2")) <= 2 or len(found("limit=2")) == 13


@pytest.mark.usefixtures("searchable")
def test_a_query_that_names_a_paper_says_which(ask: Asking) -> None:
    assert ask.json("search?q=arXiv:2611.00003v1")["names"] == "2611.00003"


@pytest.mark.usefixtures("searchable")
@pytest.mark.parametrize(
    ("query", "about"),
    [
        ("", "q"),
        ("q=", "q"),
        ("q=" + "x" * 1001, "q"),
        ("q=a%00b", "q"),
        ("q=a&mode=best", "mode"),
        ("q=a&limit=0", "limit"),
        ("q=a&limit=1e9", "limit"),
        ("q=a&limit=99999999999999999999999", "limit"),
        ("q=a&from=yesterday", "from"),
        ("q=a&until=2026-02-30", "until"),
        ("q=a&has_code=perhaps", "has_code"),
        ("q=a&category=%00", "category"),
        ("q=a&" + "&".join(["category=cs.LG"] * 9), "category"),
    ],
)
def test_a_search_says_what_is_wrong(ask: Asking, query: str, about: str) -> None:
    response = ask(f"search?{query}")

    assert response.status_code == 422
    assert json.loads(response.content)["error"].startswith(f"{about}: ")


def test_days_are_counted_and_walked(ask: Asking) -> None:
    closing.close_due(NOW)

    told = [day for page in pages(ask, "editions", 1) for day in page["days"]]  # type: ignore[attr-defined]

    assert told == [
        {"key": "2026-11-18", "papers": 5, "state": "closed"},
        {"key": "2026-11-17", "papers": 4, "state": "closed"},
        {"key": "2026-11-16", "papers": 4, "state": "closed"},
    ]


@pytest.mark.parametrize(
    ("key", "kind", "total"), [("2026-11-18", "day", 5), ("2026-W47", "week", 13), ("2026-11", "month", 13)]
)
def test_an_edition_is_walked_once_in_its_order(ask: Asking, key: str, kind: str, total: int) -> None:
    told = list(pages(ask, f"editions/{key}", 2))

    places = [place for page in told for place in page["papers"]]  # type: ignore[attr-defined]
    assert [place["rank"] for place in places] == list(range(1, total + 1))
    assert len({place["paper"]["key"] for place in places}) == total
    assert {(page["kind"], page["total"]) for page in told} == {(kind, total)}
    votes_of = [place["why"]["counted"] for place in places]
    assert votes_of == sorted(votes_of, reverse=True)
    assert all(place["reasons"] for place in places)


def test_an_empty_day_says_why(ask: Asking) -> None:
    told = ask.json("editions/2026-11-14")

    assert (told["state"], told["papers"], told["later"]) == ("holiday", [], "2026-11-16")


def test_the_hot_list_tells_every_term(ask: Asking) -> None:
    told = ask.json("trending?limit=5")

    assert (told["kind"], len(told["papers"])) == ("trending", 5)
    assert {"support", "age", "support_term", "age_term", "score", "field_mean"} <= set(told["papers"][0]["why"])
    assert ask.json("editions/trending?limit=5")["papers"] == told["papers"]


@pytest.mark.parametrize("key", ["yesterday", "2026-13-01", "2026-W60", "0000-00-00", "%00", "2026", "3026-01-01"])
def test_a_key_that_is_no_edition_is_told(ask: Asking, key: str) -> None:
    assert ask(f"editions/{key}").status_code in (404, 422)


@pytest.mark.parametrize(
    ("key", "papers"),
    [("edition", 13), ("category/cs.CV", 6), ("author/bo sample", 13), ("author/Ada Example3", 1), ("trending", 13),
     ("edition/2026-11-18", 5)],
)  # fmt: skip
def test_every_list_is_walked_once(ask: Asking, key: str, papers: int) -> None:
    told = list(pages(ask, f"lists?key={key}", 4))

    places = [place for page in told for place in page["papers"]]  # type: ignore[attr-defined]
    assert len(places) == len({place["paper"]["key"] for place in places}) == papers
    assert [place["rank"] for place in places] == list(range(1, papers + 1))
    assert str(told[0]["url"]).startswith("http://testserver/")


def test_a_list_goes_on_where_it_was_although_votes_moved_it(ask: Asking, ada: Reader) -> None:
    first = ask.json("lists?key=author/bo sample&limit=5")
    seen = [place["paper"]["key"] for place in first["papers"]]
    votes.cast(ada, Paper.objects.get(key=seen[0]), now=NOW)

    rest = [
        place["paper"]["key"]
        for page in pages(ask, first["next"].removeprefix("http://testserver/api/v1/").replace("limit=5", "x=1"), 5)
        for place in page["papers"]  # type: ignore[attr-defined]
    ]

    assert len({*seen, *rest}) == 13
    assert not set(seen) & set(rest)


@pytest.mark.parametrize("key", ["nothing", "library", "digest", "author/Nobody", "category/%00", "", "x" * 301])
def test_a_list_that_is_not_there_is_told(ask: Asking, key: str) -> None:
    assert ask(f"lists?key={key}").status_code in (404, 422)


@pytest.mark.parametrize("path", ["editions", "editions/2026-11", "lists?key=edition", "papers/2611.00001/history"])
@pytest.mark.parametrize("cursor", ["x", "WyJhIl0:abc:def", "%00", "e" * 601])
def test_a_cursor_that_is_none_is_refused(ask: Asking, path: str, cursor: str) -> None:
    mark = "&" if "?" in path else "?"

    assert ask(f"{path}{mark}cursor={cursor}").status_code in (404, 422)


def test_a_cursor_of_another_list_is_refused(ask: Asking) -> None:
    cursor = ask.json("editions?limit=1")["next"].partition("cursor=")[2]

    assert ask(f"lists?key=edition&cursor={cursor}").status_code == 404


def test_categories_are_counted(ask: Asking) -> None:
    told = ask.json("categories")

    assert told["categories"] == [
        {"code": "cs.CL", "papers": 7}, {"code": "cs.LG", "papers": 7}, {"code": "cs.CV", "papers": 6}
    ]  # fmt: skip


def test_health_and_completeness_and_sources_are_told(ask: Asking, settings: Settings) -> None:
    Harvest.objects.create(source="arxiv-oai", state="failed", says="no answer", started=NOW, finished=NOW)

    health, days, sources = ask.json("health"), ask.json("completeness?days=3"), ask.json("sources")

    assert (health["papers"], health["newest"], health["seq"]) == (14, "2026-11-18", 15)
    assert {"papers", "index", "desk"} <= {check["name"] for check in health["checks"]}
    assert len(days["days"]) == 3
    assert [source["name"] for source in sources["sources"]] == list(settings.CONFIG.sources)
    assert {"name": "arxiv-oai", "state": "failed", "succeeded": None, "says": "no answer"} in sources["sources"]


def test_what_is_unchanged_is_not_sent_again(ask: Asking) -> None:
    etag = ask("papers/2611.00002")["ETag"]

    again = ask("papers/2611.00002", **{"If-None-Match": etag})

    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.usefixtures("searchable")
def test_head_is_answered_wherever_get_is(ask: Asking) -> None:
    for path in ("papers/2611.00002", "search?q=slow", "editions", "health"):
        response = ask(path, "HEAD")
        assert (response.status_code, response.content) == (200, b""), path


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE"])
def test_other_methods_are_refused_in_the_same_shape(ask: Asking, method: str) -> None:
    response = ask("papers/2611.00002", method)

    assert response.status_code == 405
    assert "GET" in response["Allow"]
    assert set(json.loads(response.content)) == {"error"}


def test_the_document_is_complete(ask: Asking) -> None:
    told = ask.json("openapi.json")

    assert told["openapi"].startswith("3.1")
    names = set()
    for path, operations in told["paths"].items():
        assert path.startswith("/api/v1/")
        for method, operation in operations.items():
            names.add(operation["operationId"])
            assert operation["summary"]
            assert operation["description"]
            assert {"200", "400", "404", "405", "422", "429"} <= set(operation["responses"])
            assert ("304" in operation["responses"]) == (method == "get")
            assert ("401" in operation["responses"]) == ("/me" in path)
            for response in operation["responses"].values():
                assert "RateLimit" in response["headers"]
    assert len(names) == sum(map(len, told["paths"].values()))


def test_the_document_is_where_programs_look_for_it(ask: Asking) -> None:
    assert ask("../../.well-known/openapi.json").status_code in (200, 404)


def test_the_page_of_the_api_needs_nobody_else(ask: Asking) -> None:
    response = ask("docs")

    page = response.content.decode()
    assert response.status_code == 200
    assert "GET /api/v1/papers/{id}" in page
    assert '<script src="http' not in page
    assert "cdn" not in page
