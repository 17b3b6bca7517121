import re
from collections.abc import Callable

import pytest
from django.http import QueryDict
from django.test import Client

from broadsheet.papers import finding
from broadsheet.papers.finding import Found
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Paper
from broadsheet.search.types import Mode
from broadsheet.web.tests.conftest import NOW, made
from broadsheet.web.views.search import FIRST, Asked, read, tally

Page = Callable[[str], str]
HTMX = {"HX-Request": "true", "HX-Target": "div#results"}


def test_words_are_found_and_marked(indexed: int, page: Page) -> None:
    html = page("/search?q=planets")
    assert html.count("<article") == indexed
    assert "Papers that hold all your words" in html
    assert "small <mark>planets</mark>, part" in html


def test_each_hit_tells_why_it_is_there(indexed: int, page: Page) -> None:
    assert "It holds: " in page("/search?q=planets")


def test_htmx_gets_the_results_alone_and_the_tidy_address(indexed: int, client: Client) -> None:
    response = client.get("/search?q=planets&cat=&from=&until=&mode=page", headers=HTMX)
    assert b"<html" not in response.content and response.content.count(b"<article") == indexed
    assert response.headers["HX-Replace-Url"] == "/search?q=planets"
    assert "HX-Request" in response.headers["Vary"]


@pytest.fixture
def many(db: None) -> int:
    """More papers than come at once while a reader types."""
    ingest([made(number) for number in range(1, 2 * FIRST)], now=NOW)
    finding.index()
    return 2 * FIRST - 1


def test_while_typing_the_first_cards_come_and_the_others_when_they_are_reached(many: int, client: Client) -> None:
    first = client.get("/search?q=planets&cat=", headers=HTMX).content.decode()
    assert first.count("<article") == FIRST
    assert f'Papers that hold all your words <span class="count">{many}</span>' in first
    assert 'hx-get="/search?q=planets&amp;rest=words"' in first
    rest = client.get("/search?q=planets&rest=words", headers=HTMX)
    assert "HX-Replace-Url" not in rest.headers
    ranks = re.findall(r'class="rank">(\d+)<', first + rest.content.decode())
    assert ranks == [str(rank) for rank in range(1, many + 1)]


@pytest.mark.parametrize("headers", [{}, HTMX | {"HX-History-Restore-Request": "true"}])
@pytest.mark.parametrize("path", ["/search?q=planets", "/search?q=planets&rest=words"])
def test_a_page_of_its_own_has_every_card(many: int, client: Client, path: str, headers: dict[str, str]) -> None:
    html = client.get(path, headers=headers).content.decode()
    assert html.count("<article") == many and "rest=" not in html


def test_the_rest_of_a_block_that_there_is_not_is_empty(many: int, client: Client) -> None:
    for path in ("/search?q=planets&rest=meaning", "/search?q=zzzz&mode=lexical&rest=words"):
        response = client.get(path, headers=HTMX)
        assert (response.status_code, response.content.strip()) == (200, b"")


def test_htmx_gets_the_whole_page_when_it_restores_one(indexed: int, client: Client) -> None:
    response = client.get("/search?q=planets", headers=HTMX | {"HX-History-Restore-Request": "true"})
    assert b"<html" in response.content


def test_an_identifier_leads_to_its_paper(indexed: int, client: Client) -> None:
    assert client.get("/search?q=arXiv:2405.15001v3").headers["Location"] == "/papers/2405.15001"


def test_while_typing_an_identifier_nobody_is_sent_away(indexed: int, client: Client) -> None:
    response = client.get("/search?q=2405.15001", headers=HTMX)
    assert response.status_code == 200
    assert b'That names a paper: <a href="/papers/2405.15001">' in response.content


def test_filters_become_chips_that_can_be_taken_away(indexed: int, page: Page) -> None:
    html = page("/search?q=planets&cat=cs.CV&from=2024-05-01&code=1")
    assert 'class="chip chip-on" href="/search?q=planets&amp;from=2024-05-01&amp;code=1"' in html
    assert "from 2024-05-01" in html and "with code" in html


def test_a_category_narrows_what_is_found(indexed: int, page: Page) -> None:
    assert page("/search?q=planets&cat=cs.CV").count("<article") == 6


def test_without_a_question_there_are_examples_and_the_newest_papers(edition: int, page: Page) -> None:
    html = page("/search")
    assert "Newest papers" in html and html.count("<article") == 12 and "author:bengio attention" in html


def test_nothing_found_is_said_kindly(indexed: int, page: Page) -> None:
    html = page("/search?q=zzzzqqqq&mode=lexical")
    assert "Nothing found" in html and "<article" not in html


def test_markup_in_a_question_is_text(indexed: int, page: Page) -> None:
    assert "<script>alert" not in page('/search?q="><script>alert(1)</script>')


def test_a_date_that_is_none_is_left_out_and_named() -> None:
    asked = read(QueryDict("q=a&from=soon&until=2024-05-01"))
    assert asked.wanted.since is None and asked.wanted.until is not None
    assert len(asked.notes) == 1 and "soon" in asked.notes[0]


def test_dates_the_wrong_way_round_are_turned() -> None:
    wanted = read(QueryDict("from=2024-06-01&until=2024-05-01")).wanted
    assert wanted.since is not None and wanted.until is not None and wanted.since < wanted.until


@pytest.mark.parametrize("query", ["cat=cs.CL,cs.LG", "cat=cs.CL&cat=cs.LG", "cat=cs.CL+cs.LG+cs.CL"])
def test_categories_may_be_written_in_every_usual_way(query: str) -> None:
    assert read(QueryDict(query)).wanted.categories == ("cs.CL", "cs.LG")


def test_a_formula_in_a_found_title_is_drawn(db: None, page: Page) -> None:
    ingest([made(1, title="Bounds of $O(n^2)$ for planets")], now=NOW)
    finding.index()
    html = page("/search?q=planets")
    assert "<msup>" in html and "<mark>planets</mark>" in html


def test_an_empty_search_shows_the_newest_and_what_was_placed_alone_where_there_are_none(db: None, page: Page) -> None:
    ingest([made(1)], now=NOW)
    Paper.objects.update(announced=None, placed=NOW.date())
    assert "small planets, part 1" in page("/search")
    ingest([made(2)], now=NOW)
    html = page("/search")
    assert "small planets, part 2" in html and "small planets, part 1" not in html


@pytest.mark.parametrize(
    ("mode", "total", "words", "meaning", "said"),
    [
        ("page", 120, 13, 107, "13 papers for “two suns”, and 107 near in meaning"),
        ("page", 1, 1, 0, "1 paper for “two suns”"),
        ("page", 3456, 120, 0, "The first 120 of 3,456 papers for “two suns”"),
        ("page", 120, 0, 120, "The 120 papers nearest in meaning to “two suns”"),
        ("lexical", 0, 0, 0, "0 papers for “two suns”"),
        ("semantic", 120, 0, 120, "The 120 papers nearest in meaning to “two suns”"),
        ("hybrid", 1200, 120, 0, "The 120 best papers for “two suns”"),
        ("hybrid", 7, 7, 0, "7 papers for “two suns”"),
    ],
)
def test_the_tally_counts_what_matches_and_not_where_the_list_was_cut(
    mode: Mode, total: int, words: int, meaning: int, said: str
) -> None:
    found = Found("two suns", mode, total, partial=False, hits=())
    assert tally(Asked("two suns", mode), found, words, meaning) == said


def test_the_heading_of_a_block_that_was_cut_says_of_how_many(
    many: int, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "MOST", many - 1)
    assert f'Papers that hold all your words <span class="count">{many} of {many}</span>' in page("/search?q=planets")
