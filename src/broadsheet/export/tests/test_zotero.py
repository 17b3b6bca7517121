from datetime import date

import pytest

from broadsheet.export import zotero
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Paper
from broadsheet.papers.tests.factory import NOON, paper
from broadsheet.record.identifiers import Identifier
from broadsheet.record.paper import Author, PaperData
from broadsheet.sources.zotero import _sorted_out

pytestmark = pytest.mark.django_db


def item(**values: object) -> dict[str, object]:
    ingest([paper(1, **values)], now=NOON)
    return zotero.item(Paper.objects.get(), "10.1000/182" if "identifiers" in values else "")


def test_a_preprint_has_its_arxiv_id_where_zotero_looks_for_it() -> None:
    told = item(authors=(Author("Ada Example"), Author("Bo Sample")))
    assert (told["itemType"], told["repository"], told["archiveID"]) == ("preprint", "arXiv", "arXiv:2611.00001")
    assert told["date"] == "2026-11-17"
    assert told["creators"] == [
        {"creatorType": "author", "firstName": "Ada", "lastName": "Example"},
        {"creatorType": "author", "firstName": "Bo", "lastName": "Sample"},
    ]


def test_an_article_says_where_it_appeared_and_keeps_its_preprint_among_what_is_extra() -> None:
    told = item(journal_ref="Hive Notes 7 (2026) 1-9")
    assert (told["itemType"], told["publicationTitle"], told["extra"]) == (
        "journalArticle", "Hive Notes", "arXiv: 2611.00001"
    )  # fmt: skip
    assert "archiveID" not in told


@pytest.mark.parametrize("journal", ["", "Hive Notes 7 (2026) 1-9"])
def test_what_goes_to_zotero_comes_back_as_the_same_paper(journal: str) -> None:
    names = (Identifier("arxiv", "2611.00001"), Identifier("doi", "10.1000/182"))
    authors = (Author("Zoë van der Hive"), Author("Bo Bug Jr."))
    told = item(identifiers=names, authors=authors, title=r"On $x^2$ and H\"ohlen", journal_ref=journal)
    (found,), passed, _owned = _sorted_out(
        [{"key": "ABCD2345", "meta": {}, "data": {"key": "ABCD2345", **told}}], date(2026, 11, 20)
    )
    assert isinstance(found, PaperData) and not passed
    assert set(found.identifiers) == set(names)
    assert found.authors[0].name == "Zoë van der Hive" and "Bo" in found.authors[1].name
    assert "Höhlen" in found.title
    ingest([found], now=NOON)
    assert Paper.objects.count() == 1
