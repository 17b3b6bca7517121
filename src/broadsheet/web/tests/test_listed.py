from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from broadsheet.papers import store
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Paper
from broadsheet.record.paper import Author
from broadsheet.web.tests.conftest import NOW, made

Page = Callable[[str], str]


def test_a_category_has_a_page_under_its_name(edition: int, page: Page) -> None:
    html = page("/category/cs.CL")
    assert html.count("<article") == 7 and ">Computation and Language</h1>" in html
    assert "7 papers, the newest first" in html


def test_an_author_has_a_page(edition: int, page: Page) -> None:
    html = page("/author/Ada%20Lum")
    assert html.count("<article") == edition and ">Ada Lum</h1>" in html


def test_a_tag_has_a_page(db: None, page: Page) -> None:
    ingest([made(1, abstract="We measure planets on ImageNet."), made(2)], now=NOW)
    html = page("/tag/imagenet")
    assert html.count("<article") == 1 and ">ImageNet</h1>" in html


@pytest.mark.parametrize(
    ("place", "to"),
    [("/author/ada lum", "/author/Ada%20Lum"), ("/author/Ada  Lum", "/author/Ada%20Lum")],
)
def test_another_way_to_write_it_leads_to_the_one(edition: int, client: Client, place: str, to: str) -> None:
    response = client.get(place)
    assert response.status_code == 302 and response.headers["Location"] == to


def test_cards_lead_to_the_page_of_their_category(edition: int, page: Page) -> None:
    assert 'class="kicker-name" href="/category/cs.CL"' in page("/date/2024-05-27")
    assert 'class="kicker-name" href="/category/cs.CL"' in page("/category/cs.CL")


@pytest.mark.parametrize("name", ["Ada/Lum", "Ada <b> Lum", "Ada ? # % & Lum", "Áda Łum", "Ada..", 'Ada "Lum"'])
def test_a_name_of_odd_signs_is_found_by_its_own_link(db: None, client: Client, name: str) -> None:
    from django.urls import reverse

    ingest([made(1, authors=(Author(name),))], now=NOW)
    response = client.get(reverse("author", args=[name]))
    assert response.status_code == 200 and response.content.count(b"<article") == 1
    assert b"<b> Lum" not in response.content


def test_a_category_that_no_address_can_hold_breaks_no_page(db: None, page: Page) -> None:
    ingest([made(1, categories=("a/b\nc",), authors=(Author("Ada\nLum"),))], now=NOW)
    for place in ("/date/2024-05-27", "/search", "/papers/2405.15001"):
        assert "<article" in page(place)


def test_long_lists_come_in_pages(db: None, page: Page) -> None:
    ingest([made(number, categories=("cs.CL",)) for number in range(1, 76)], now=NOW)
    assert page("/category/cs.CL").count("<article") == 50
    second = page("/category/cs.CL?page=2")
    assert second.count("<article") == 25 and "Page 2 of 2" in second
    assert page("/category/cs.CL?page=nonsense").count("<article") == 50


def test_a_category_without_papers_says_so_and_has_a_feed(db: None, page: Page) -> None:
    html = page("/category/q-fin.TR")
    assert "No paper of this list is here now." in html and "/feeds/category/q-fin.TR.atom" in html


@pytest.mark.parametrize(
    "place",
    ["/category/no.SUCH", "/category/x'y", "/category/", "/author/Nobody At All", "/author/", "/tag/unheard", "/tag/"]
    + ["/author/a%00b", "/author/" + "x" * 1000, "/category/cs.cl", "/tag/%0a"],
)
def test_what_is_not_there_is_said_to_be_missing(edition: int, client: Client, place: str) -> None:
    assert client.get(place).status_code == 404


def test_hidden_papers_are_on_no_list(edition: int, page: Page) -> None:
    store.hide(Paper.objects.get(key="2405.15001").id, True)
    assert "2405.15001" not in page("/category/cs.CL") + page("/author/Ada%20Lum")


@pytest.mark.parametrize("place", ["/category/cs.CL", "/author/Ada%20Lum"])
def test_more_papers_need_no_more_queries(db: None, client: Client, place: str) -> None:
    counts = []
    for first, last in ((1, 10), (11, 30)):
        ingest([made(number) for number in range(first, last)], now=NOW)
        with CaptureQueriesContext(connection) as asked:
            assert client.get(place).status_code == 200
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 9
