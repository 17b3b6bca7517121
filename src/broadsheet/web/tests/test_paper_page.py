from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Paper
from broadsheet.record.identifiers import Identifier, arxiv_id
from broadsheet.record.paper import Listing, Version
from broadsheet.web.tests.conftest import NOW, made

Page = Callable[[str], str]


def test_the_page_tells_everything_about_a_paper(edition: int, page: Page) -> None:
    html = page("/papers/2405.15001")
    for said in (
        "Weather of small planets, part 1",
        "Fi Faro",
        "Computation and Language",
        "Machine Learning",
        "24 May 2024",
        "from a daily list that shows it",
        "https://arxiv.org/pdf/2405.15001",
        "https://arxiv.org/html/2405.15001",
        "https://code.example/planets",
        "arxiv-oai",
        "Came in",
        "@misc{lum2024weather,",
    ):
        assert said in html, said


def test_an_old_id_with_a_slash_has_a_page(db: None, page: Page) -> None:
    ingest([made(1, identifiers=(Identifier("arxiv", "hep-th/9901001"),))], now=NOW)
    assert "https://arxiv.org/abs/hep-th/9901001" in page("/papers/hep-th/9901001")


@pytest.mark.parametrize(
    "name", ["2405.15001v2", "arXiv:2405.15001", "https://arxiv.org/abs/2405.15001", "10.48550/arXiv.2405.15001"]
)
def test_any_other_name_leads_to_the_one_address(edition: int, client: Client, name: str) -> None:
    response = client.get(f"/papers/{name}")
    assert (response.status_code, response.headers["Location"]) == (301, "/papers/2405.15001")


def test_our_own_id_leads_to_the_arxiv_id_found_later(db: None, client: Client) -> None:
    first = made(1, identifiers=(), source="saved-page", authors=())
    ingest([first], now=NOW)
    own = Paper.objects.get().key
    assert own.startswith("b")
    ingest([made(1, raw_hash="f" * 64)], now=NOW)
    paper = Paper.objects.get()
    if paper.key != own:
        assert client.get(f"/papers/{own}").headers["Location"] == f"/papers/{paper.key}"
    assert client.get(f"/papers/{own}", follow=True).status_code == 200


def test_a_withdrawn_paper_says_so(edition: int, page: Page) -> None:
    ingest([made(2, withdrawn=True, raw_hash="w" * 64)], now=NOW)
    assert "This paper was withdrawn." in page("/papers/2405.15002")


def test_versions_and_changes_are_listed(edition: int, page: Page) -> None:
    second = Version(2, datetime(2024, 6, 3, tzinfo=UTC))
    revised = made(3)
    ingest([replace(revised, title="A new title", version=2, versions=(*revised.versions, second), raw_hash="r" * 64)])
    html = page("/papers/2405.15003")
    assert "Version 2" in html and "3 June 2024" in html and "Revised" in html and "title" in html


def test_markup_in_names_and_notes_is_text(db: None, page: Page) -> None:
    ingest([made(1, comments="<i>12 pages</i>", journal_ref="J. <b>1</b>", licence="<x>")], now=NOW)
    html = page("/papers/2405.15001")
    assert "&lt;i&gt;12 pages&lt;/i&gt;" in html and "<i>12" not in html and "<b>1" not in html


def test_similar_papers_stand_on_the_page(indexed: int, page: Page) -> None:
    html = page("/papers/2405.15001")
    assert "Similar papers" in html and html.count("<article") > 3


def test_more_similar_papers_need_no_more_queries(indexed: int, client: Client) -> None:
    with CaptureQueriesContext(connection) as captured:
        assert client.get("/papers/2405.15001").status_code == 200
    assert len(captured) <= 20


def test_a_link_of_an_unsafe_kind_is_not_made(db: None, page: Page) -> None:
    ingest(
        [made(1, identifiers=(arxiv_id("2405.15001").identifier, Identifier("url", "javascript:alert(1)")))], now=NOW
    )
    assert 'href="javascript' not in page("/papers/2405.15001")


def test_a_machine_s_sentence_is_told_as_one(db: None, page: Page) -> None:
    told = Listing(summary="Planets <b>have</b> weather.", summary_by="A Model")
    ingest([made(1, source="huggingface", listing=told)], now=NOW)
    html = page("/papers/2405.15001")
    assert "Planets &lt;b&gt;have&lt;/b&gt; weather." in html and "Written by a machine (A Model)" in html
