import json
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from broadsheet.community.tests.factory import reader
from broadsheet.editions import closing
from broadsheet.export import markdown
from broadsheet.export.tests.test_bibtex import DIALECTS
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Paper
from broadsheet.record.identifiers import Identifier, arxiv_id
from broadsheet.record.paper import Author, PaperData
from broadsheet.sources import bibtex, csl_json, ris
from broadsheet.web.formats import FORMATS
from broadsheet.web.tests.conftest import NOW, made
from broadsheet.web.views import exports

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
READERS = {"bib": bibtex.read, "ris": ris.read, "csl.json": csl_json.read}
LISTS = ("/date/2024-05-27", "/week/2024-W22", "/month/2024-05", "/trending")


def read(client: Client, address: str) -> list[PaperData]:
    """Fetch references and read them with our own reader of their format."""
    response = client.get(address)
    assert response.status_code == 200, (address, response.status_code)
    kind = next(kind for kind in READERS if response.headers["Content-Disposition"].endswith(f'.{kind}"'))
    items = list(READERS[kind](BytesIO(response.content), "refs", lambda: datetime(2026, 3, 1, tzinfo=UTC)))
    return [item for item in items if isinstance(item, PaperData)]


@pytest.mark.parametrize("kind", FORMATS)
def test_a_paper_is_given_in_every_format(edition: int, client: Client, kind: str) -> None:
    response = client.get(f"/papers/2405.15001.{kind}")
    assert response.status_code == 200
    assert response.headers["Content-Type"] == f"{FORMATS[kind].media_type}; charset=utf-8"
    assert response.headers.get("Content-Disposition") == (
        None if kind == "md" else f'attachment; filename="2405.15001.{kind}"'
    )
    assert "Weather of small planets, part 1" in response.content.decode()


@pytest.mark.parametrize("name", ["2405.15001v2", "arXiv:2405.15001", "10.48550/arXiv.2405.15001", "10.1000/x"])
def test_any_name_of_a_paper_will_do(edition: int, client: Client, name: str) -> None:
    known = (arxiv_id("2405.15001").identifier, Identifier("doi", "10.1000/x"))
    ingest([made(1, identifiers=known, raw_hash="d" * 64)], now=NOW)
    assert client.get(f"/papers/{name}.md").status_code == 200
    assert client.get(f"/papers/{name}", headers={"accept": "text/markdown"}).status_code == 200


def test_a_name_that_ends_like_a_format_still_leads_to_its_page(edition: int, client: Client) -> None:
    known = (arxiv_id("2405.15001").identifier, Identifier("doi", "10.1000/x.bib"))
    ingest([made(1, identifiers=known, raw_hash="d" * 64)], now=NOW)
    assert client.get("/papers/10.1000/x.bib").headers["Location"] == "/papers/2405.15001"


def test_old_ids_with_a_slash_are_given_too(db: None, client: Client) -> None:
    ingest([made(1, identifiers=(Identifier("arxiv", "hep-th/9901001"),))], now=NOW)
    assert client.get("/papers/hep-th/9901001v3.md").content.startswith(b"# Weather")
    told = client.get("/papers/hep-th/9901001.bib").headers["Content-Disposition"]
    assert told == 'attachment; filename="hep-th-9901001.bib"'


@pytest.mark.parametrize(
    "address",
    [
        *(f"/papers/2499.99999.{kind}" for kind in FORMATS),
        "/papers/.md",
        "/papers/%00.md",
        "/papers/a%0Ab.bib",
        "/papers/" + "9" * 600 + ".md",
        "/date/2024-13-01.md",
        "/date/2024-W22.md",
        "/date/trending.md",
        "/week/2024-W99.md",
        "/week/2024-05.bib",
        "/month/nonsense.ris",
        "/trending.html",
        "/date/2024-05-27.txt",
        "/papers/2405.15001.exe",
        "/library.csv",
    ],
)
def test_what_is_not_there_is_not_found(edition: int, client: Client, address: str) -> None:
    assert client.get(address).status_code == 404


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize("address", LISTS)
def test_editions_are_given_whole_and_read_again(edition: int, client: Client, address: str, kind: str) -> None:
    found = read(client, f"{address}.{kind}")
    assert len(found) == 13 and len({one.title for one in found}) == 13
    assert [author.name for author in found[0].authors][:2] == ["Ada Lum", "Bo Brandt"]
    assert all(one.identifiers[0].scheme == "arxiv" for one in found)


@pytest.mark.parametrize("address", LISTS)
def test_editions_are_given_as_markdown(edition: int, client: Client, address: str) -> None:
    told = client.get(f"{address}.md").content.decode()
    assert told.count("\n## ") == 13 and "Ada Lum" in told and "votes" in told and "13 papers." in told
    assert "](http://testserver/papers/2405.150" in told
    assert len(client.get(f"{address}.md?why=1").content) > len(told)
    assert client.get(f"{address}.md?cat=cs.CV").content.decode().count("\n## ") == 6


def comes_as(client: Client, address: str, accept: str | None, kind: str) -> None:
    response = client.get(address, headers={} if accept is None else {"accept": accept})
    assert response.status_code == 200
    assert response.headers["Content-Type"] == ("text/markdown" if kind else "text/html") + "; charset=utf-8"
    assert "Accept" in response.headers["Vary"]
    if kind:
        path, mark, query = address.partition("?")
        assert response.content == client.get(f"{path}.{kind}{mark}{query}").content


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, ""),
        ("", ""),
        ("*/*", ""),
        ("text/*", ""),
        (BROWSER, ""),
        ("text/html", ""),
        ("image/png", ""),
        ("application/json", ""),
        ("text/html, text/markdown", ""),
        ("text/markdown;q=0.5, text/html", ""),
        ("text/markdown;q=0, */*", ""),
        ("text/markdown;q=0", ""),
        (";;;,,,/;q=x", ""),
        ("text/markdown\x7f", ""),
        ("text/markdown", "md"),
        ("text/markdown; charset=utf-8", "md"),
        ("text/markdown, */*", "md"),
        ("text/markdown, text/html;q=0.9, */*;q=0.1", "md"),
        ("text/markdown;q=0.9, text/html;q=0.8", "md"),
        ("TEXT/Markdown", "md"),
    ],
)
def test_markdown_comes_to_those_who_ask_for_it(edition: int, client: Client, accept: str | None, kind: str) -> None:
    for address in ("/papers/2405.15001", "/date/2024-05-27"):
        comes_as(client, address, accept, kind)


@pytest.mark.parametrize("address", ["/papers/2405.15001", *LISTS, "/search?q=planets"])
def test_every_page_of_papers_comes_in_both_forms(indexed: int, client: Client, address: str) -> None:
    for accept, kind in ((None, ""), (BROWSER, ""), ("text/markdown", "md"), ("text/markdown, */*", "md")):
        comes_as(client, address, accept, kind)


@pytest.mark.parametrize("kind", READERS)
def test_a_paper_is_given_as_a_reference_to_those_who_ask(edition: int, client: Client, kind: str) -> None:
    response = client.get("/papers/2405.15001", headers={"accept": FORMATS[kind].media_type})
    assert response.content == client.get(f"/papers/2405.15001.{kind}").content
    # Lists have no such form at their own address: the page comes.
    response = client.get("/date/2024-05-27", headers={"accept": FORMATS[kind].media_type})
    assert response.headers["Content-Type"].startswith("text/html")


def test_a_closed_day_has_marks_of_its_own_for_page_and_markdown(edition: int, client: Client) -> None:
    closing.close_due(datetime(2024, 6, 3, tzinfo=UTC))
    page = client.get("/date/2024-05-27")
    text = client.get("/date/2024-05-27", headers={"accept": "text/markdown"})
    assert page.headers["ETag"] != text.headers["ETag"]
    told = {"accept": "text/markdown", "if-none-match": text.headers["ETag"]}
    same = client.get("/date/2024-05-27", headers=told)
    assert same.status_code == 304 and "Accept" in same.headers["Vary"]
    assert client.get("/date/2024-05-27", headers={**told, "accept": "*/*"}).status_code == 200


@pytest.mark.parametrize("kind", FORMATS)
def test_what_did_not_change_is_not_sent_twice(edition: int, client: Client, kind: str) -> None:
    first = client.get(f"/papers/2405.15001.{kind}")
    again = client.get(f"/papers/2405.15001.{kind}", headers={"if-none-match": first.headers["ETag"]})
    assert again.status_code == 304 and not again.content


@pytest.mark.parametrize("address", ["/papers/2405.15001.md", "/date/2024-05-27.bib", "/search.ris?q=planets"])
def test_only_reading_is_allowed(indexed: int, client: Client, address: str) -> None:
    head = client.head(address)
    assert head.status_code == 200 and not head.content
    assert head.headers["Content-Type"] == client.get(address).headers["Content-Type"]
    assert client.post(address).status_code == 405


@pytest.mark.parametrize("kind", READERS)
def test_a_search_is_given_as_references(indexed: int, client: Client, kind: str) -> None:
    assert len(read(client, f"/search.{kind}?q=planets")) == 13
    assert len(read(client, f"/search.{kind}?q=planets&cat=cs.CV")) == 6
    assert [one.identifiers[0].value for one in read(client, f"/search.{kind}?q=2405.15002")][:1] == ["2405.15002"]


def test_a_search_is_given_as_markdown(indexed: int, client: Client) -> None:
    told = client.get("/search.md?q=planets&why=1").content.decode()
    assert told.startswith("# Search: planets\n") and told.count("\n## ") == 13 and "\n- " in told
    assert "# Search: \\[x\\](y)" in client.get("/search.md", {"q": "[x](y)"}).content.decode()
    assert client.get("/search.md").status_code == 400
    assert client.get("/search.md?q=" + "x" * 1001).status_code == 400
    assert client.get("/search.md?q=%00&mode=nonsense&from=never").status_code == 400
    assert client.get("/search.bib?q=zzzzz").content == b""


def test_a_library_is_given_to_its_reader(edition: int, client: Client) -> None:
    stranger = client.get("/library.bib")
    assert stranger.status_code == 303 and stranger.headers["Location"].endswith("?next=/library.bib")
    client.force_login(reader(1))
    assert client.get("/library.bib").content == b"" and client.get("/library.csl.json").json() == []
    for number in (1, 2):
        client.post(f"/save/2405.{15000 + number}", {"on": "1"})
    for kind in READERS:
        assert [one.identifiers[0].value for one in read(client, f"/library.{kind}")] == ["2405.15002", "2405.15001"]
    response = client.get("/library.md")
    assert response.content.decode().count("\n## ") == 2 and "private" in response.headers["Cache-Control"]
    html = client.get("/library").content.decode()
    assert all(f'href="/library.{kind}"' in html for kind in FORMATS)


@pytest.mark.parametrize("kind", FORMATS)
def test_more_papers_need_no_more_queries(edition: int, client: Client, kind: str) -> None:
    with CaptureQueriesContext(connection) as few:
        client.get(f"/month/2024-05.{kind}")
    ingest([made(number) for number in range(20, 60)], now=NOW)
    with CaptureQueriesContext(connection) as many:
        client.get(f"/month/2024-05.{kind}")
    assert len(many) == len(few) <= 9


def test_huge_lists_are_bounded(edition: int, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "MOST", 5)
    monkeypatch.setattr(markdown, "MOST", 5)
    for kind in READERS:
        assert len(read(client, f"/month/2024-05.{kind}")) == 5
    assert "The first 5 of 13 papers." in client.get("/month/2024-05.md").content.decode()


HOSTILE = '{ % & # \\ "} @article{x, </script><b> [a](b) \u2028 ER  - \u202e ../../etc'


def test_hostile_papers_break_no_format(db: None, client: Client) -> None:
    paper = made(1, title=f"A {HOSTILE}", abstract=HOSTILE, journal_ref=HOSTILE, authors=(Author(HOSTILE),))
    known = (*paper.identifiers, Identifier("doi", "10.1000/a{b}\\c_d"))
    ingest([replace(paper, identifiers=known), made(2)], now=NOW)
    for kind in READERS:
        found = read(client, f"/date/2024-05-27.{kind}")
        assert {one.identifiers[0].value for one in found} == {"2405.15001", "2405.15002"}
        assert Identifier("doi", "10.1000/a{b}\\c_d") in found[0].identifiers
    html = client.get("/papers/2405.15001").content.decode()
    assert "</script><b>" not in html and "<b>" not in client.get("/papers/2405.15001.md").content.decode().replace(
        "\\<b>", ""
    )


@pytest.mark.parametrize("kind", READERS)
def test_a_round_trip_through_another_program_changes_nothing(db: None, client: Client, kind: str) -> None:
    """What was exported and comes back names the same paper, and takes nothing away from what the record knows."""
    ingest([made(1, authors=(Author("Zoë van Müller Jr"), Author("The Wind Collaboration")))], now=NOW)
    before = client.get(f"/papers/2405.15001.{kind}").content
    ingest(read(client, f"/papers/2405.15001.{kind}"), now=NOW)
    assert Paper.objects.count() == 1
    assert client.get(f"/papers/2405.15001.{kind}").content == before


def test_reference_managers_recognise_the_page(edition: int, client: Client) -> None:
    known = (arxiv_id("2405.15001").identifier, Identifier("doi", "10.1000/x"))
    ingest([made(1, identifiers=known, journal_ref="J. Wind 3 (2025)", raw_hash="j" * 64)], now=NOW)
    html = client.get("/papers/2405.15001").content.decode()
    for name, value in (
        ("title", "Weather of small planets, part 1"),
        ("author", "Ada Lum"),
        ("author", "Fi Faro"),
        ("publication_date", "2025"),
        ("online_date", "2024/05/24"),
        ("journal_title", "J. Wind"),
        ("volume", "3"),
        ("arxiv_id", "2405.15001"),
        ("doi", "10.1000/x"),
        ("pdf_url", "https://arxiv.org/pdf/2405.15001"),
        ("abstract_html_url", "http://testserver/papers/2405.15001"),
    ):
        assert f'<meta name="citation_{name}" content="{value}">' in html, name
    assert all(f'href="/papers/2405.15001.{kind}"' in html for kind in FORMATS)
    assert '<link rel="alternate" type="text/markdown" href="/papers/2405.15001.md">' in html


def test_a_preprint_gives_the_day_it_was_published(edition: int, client: Client) -> None:
    assert '"citation_publication_date" content="2024/05/24"' in client.get("/papers/2405.15001").content.decode()


def test_every_page_has_an_address_in_every_format() -> None:
    assert reverse("paper-csl-json", args=["hep-th/9901001"]) == "/papers/hep-th/9901001.csl.json"
    assert reverse("day-md", args=["2024-05-27"]) == "/date/2024-05-27.md"
    assert reverse("search-ris") == "/search.ris"


def test_references_are_one_whole_document(edition: int, client: Client) -> None:
    assert len(json.loads(client.get("/date/2024-05-27.csl.json").content)) == 13
    assert client.get("/date/2024-05-27.bib").content.count(b"\n@misc{") == 12


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_a_reference_manager_brought_it_gets_back(db: None, client: Client, dialect: str) -> None:
    def brought(raw: bytes) -> PaperData:
        (item,) = bibtex.read(BytesIO(raw), "refs.bib", lambda: datetime(2026, 3, 1, tzinfo=UTC))
        assert isinstance(item, PaperData)
        return item

    first = brought(DIALECTS[dialect].encode())
    ingest([first], now=NOW)
    given = client.get(f"/papers/{Paper.objects.get().key}.bib").content
    second = brought(given)
    for name in ("title", "authors", "identifiers", "journal_ref", "categories"):
        assert getattr(second, name) == getattr(first, name), name
    # What comes back changes nothing, however often.
    ingest([second], now=NOW)
    assert client.get(f"/papers/{Paper.objects.get().key}.bib").content == given
    told = client.get(f"/papers/{Paper.objects.get().key}.csl.json").json()
    assert [one.get("literal") or one["family"] for one in told[0]["author"]]
