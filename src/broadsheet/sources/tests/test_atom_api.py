import json
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest

from broadsheet.lib.http import Http, Response
from broadsheet.record.identifiers import Identifier
from broadsheet.record.paper import Author, PaperData, Rejected, Version
from broadsheet.sources.arxiv_api import ApiPage, ArxivApi, read_api
from broadsheet.sources.batch import SourceError
from broadsheet.sources.tests.loopback import FakeTime, Loopback, fake_http, playing

SHARED = Path(os.environ.get("BROADSHEET_SHARED", Path(__file__).parents[5] / "shared")) / "data/fixtures/arxiv_atom"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the recorded answers are not on this machine")
FEED = (
    '<feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" xmlns:arxiv="http://arxiv.org/schemas/atom" '
    'xmlns="http://www.w3.org/2005/Atom"><id>https://arxiv.org/api/x</id><title>arXiv Query</title>'
    "<opensearch:totalResults>{total}</opensearch:totalResults>{entries}</feed>"
)
ERROR = (
    "<entry><id>https://arxiv.org/api/errors#incorrect</id><title>Error</title><summary>incorrect id format for abc"
    "</summary></entry>"
)


def entry(number: int = 1, version: int = 1, updated: str = "2026-11-16T12:00:00Z", more: str = "") -> str:
    return (
        f"<entry><id>http://arxiv.org/abs/2611.{number:05}v{version}</id><title>Bees {number}</title>"
        f"<updated>{updated}</updated><summary>On bees.</summary><published>2026-11-16T12:00:00Z</published>"
        f"{more}<author><name>Ada Ant</name></author></entry>"
    )


def feed(*entries: str, total: int | None = None) -> str:
    return FEED.format(total=len(entries) if total is None else total, entries="".join(entries))


def read(body: str, status: int = 200) -> ApiPage:
    return read_api(Response(status, {"content-type": "application/atom+xml"}, body.encode(), "http://x.example/api"))


@pytest.fixture
def server() -> Iterator[Loopback]:
    with playing() as loopback:
        yield loopback


@pytest.fixture
def http(tmp_path: Path) -> Http:
    return fake_http(tmp_path, FakeTime())


def test_every_field_of_an_entry_is_read() -> None:
    more = (
        '<category term="cs.LG" scheme="http://arxiv.org/schemas/atom"/><category term="cs.AI" '
        'scheme="http://arxiv.org/schemas/atom"/><category term="68T05" scheme="http://arxiv.org/msc"/>'
        '<category term="I.2.6" scheme="http://arxiv.org/acm"/><arxiv:primary_category term="cs.AI"/>'
        "<arxiv:comment>3 pages</arxiv:comment><arxiv:journal_ref>J. Bees</arxiv:journal_ref>"
        "<arxiv:doi>10.1000/A</arxiv:doi>"
        "<author><name>Bo Bug</name><arxiv:affiliation>Hill</arxiv:affiliation></author>"
    )

    (paper,) = read(feed(entry(1, 3, "2026-11-19T08:00:00Z", more))).items

    first = datetime(2026, 11, 16, 12, tzinfo=UTC)
    assert isinstance(paper, PaperData)
    assert len(paper.raw_hash) == 64
    assert paper == PaperData(
        source="arxiv-api",
        title="Bees 1",
        abstract="On bees.",
        identifiers=(Identifier("arxiv", "2611.00001"), Identifier("doi", "10.1000/a")),
        authors=(Author("Bo Bug", "Hill"), Author("Ada Ant")),
        categories=("cs.AI", "cs.LG"),
        submitted=first,
        announced=date(2026, 11, 17),
        announced_by="estimate",
        version=3,
        versions=(Version(1, first), Version(3, datetime(2026, 11, 19, 8, tzinfo=UTC))),
        comments="3 pages",
        journal_ref="J. Bees",
        raw_hash=paper.raw_hash,
    )


def test_a_first_version_is_listed_once() -> None:
    (paper,) = read(feed(entry())).items

    assert isinstance(paper, PaperData)
    assert [version.number for version in paper.versions] == [1]


@pytest.mark.parametrize("status", [200, 400])
def test_an_error_feed_is_an_error_whatever_its_status(status: int) -> None:
    with pytest.raises(SourceError, match="incorrect id format for abc") as caught:
        read(feed(ERROR), status)

    assert caught.value.permanent


def test_a_paper_that_speaks_of_the_error_page_is_no_error() -> None:
    assert len(read(feed(entry().replace("On bees", "See /api/errors"))).items) == 1


@pytest.mark.parametrize("body", ["", "<html><body/></html>", feed(entry())[:-30], feed().replace("totalResults", "x")])
def test_what_is_no_answer_may_be_tried_again(body: str) -> None:
    with pytest.raises(SourceError) as caught:
        read(body)

    assert not caught.value.permanent


def test_an_impossible_date_sets_one_entry_aside() -> None:
    good, bad = read(feed(entry(1), entry(2, updated="9999-12-31T00:00:00Z"))).items

    assert isinstance(good, PaperData)
    assert isinstance(bad, Rejected)


def test_ids_go_out_in_chunks_and_unknown_ones_are_named(server: Loopback, http: Http) -> None:
    server.answer("/q?id_list=2611.00001,2611.00002v1&max_results=2", feed(entry(1), entry(2)))
    server.answer("/q?id_list=2611.00003&max_results=1", feed())
    api = ArxivApi(ids=("2611.00001", "arXiv:2611.00002v1", "abc", "2611.00003"), chunk=2, base=f"{server.base}/q")

    first, second = api.fetch(http, {})

    assert [type(item) for item in first.items] == [PaperData, PaperData, Rejected]
    assert (first.expected, first.note) == (2, "")
    assert (second.items, second.expected, second.note) == ((), 1, "arXiv does not know 2611.00003")


def test_ids_that_are_none_are_set_aside_without_asking(server: Loopback, http: Http) -> None:
    (batch,) = ArxivApi(ids=("abc",), base=server.base).fetch(http, {})

    assert isinstance(batch.items[0], Rejected)
    assert server.asked == []


def search(server: Loopback, **more: int) -> ArxivApi:
    return ArxivApi("cat:cs.AI", base=f"{server.base}/q", **{"page": 2, **more})  # type: ignore[arg-type]


def page_at(start: int, rows: int = 2) -> str:
    return f"/q?search_query=cat:cs.AI&start={start}&max_results={rows}&sortBy=submittedDate&sortOrder=ascending"


def test_a_search_goes_on_to_the_total(server: Loopback, http: Http) -> None:
    server.answer(page_at(0), feed(entry(1), entry(2), total=3))
    server.answer(page_at(2), feed(entry(3), total=3))

    batches = list(search(server).fetch(http, {}))

    assert [len(batch.items) for batch in batches] == [2, 1]
    assert [batch.expected for batch in batches] == [3, 3]
    assert [batch.note for batch in batches] == ["", ""]
    assert [batch.cursor["start"] for batch in batches] == ["2", ""]
    assert len(server.asked) == 2


def test_a_killed_search_goes_on_where_it_was(server: Loopback, http: Http) -> None:
    server.answer(page_at(2), feed(entry(3), total=3))

    (batch,) = search(server).fetch(http, {"slice": "cat:cs.AI", "start": "2"})

    assert len(batch.items) == 1


def test_a_short_page_is_asked_for_again(server: Loopback, http: Http) -> None:
    server.answer(page_at(0), feed(entry(1), total=2))
    server.answer(page_at(0), feed(entry(1), entry(2), total=2))

    (batch,) = search(server).fetch(http, {})

    assert len(batch.items) == 2


def test_a_page_that_stays_short_is_followed_by_the_rest(server: Loopback, http: Http) -> None:
    server.answer(page_at(0), feed(entry(1), total=3))
    server.answer(page_at(1), feed(entry(2), entry(3), total=3))

    batches = list(search(server).fetch(http, {}))

    assert [len(batch.items) for batch in batches] == [1, 2]


def test_pages_that_stay_empty_leave_the_slice_incomplete(server: Loopback, http: Http) -> None:
    server.answer(page_at(0), feed(entry(1), entry(2), total=900))
    server.answer(page_at(2), feed(total=900))

    *_, last = search(server).fetch(http, {})

    assert last.items == ()
    assert last.note == "incomplete: 2 of 900 came, then the API gave no more; ask again later"
    assert len(server.asked) == 4


def test_an_empty_first_page_is_not_believed_at_once(server: Loopback, http: Http) -> None:
    server.answer(page_at(0), feed(total=0))
    server.answer(page_at(0), feed(entry(1), total=1))

    (batch,) = search(server).fetch(http, {})

    assert len(batch.items) == 1


def test_a_search_without_results_ends(server: Loopback, http: Http) -> None:
    server.answer("/q", feed(total=0))

    (batch,) = search(server).fetch(http, {})

    assert (batch.items, batch.expected, batch.note) == ((), 0, "")


def test_a_search_can_be_bounded_by_days(server: Loopback, http: Http) -> None:
    server.answer("/q", feed(entry(1)))

    list(search(server).fetch(http, {}, date(2026, 11, 16), date(2026, 11, 17)))

    query = server.asked[0].query["search_query"]
    assert query == "(cat:cs.AI) AND submittedDate:[202611160000 TO 202611172359]"


def test_a_search_for_nothing_is_refused(http: Http) -> None:
    with pytest.raises(SourceError, match="needs a query"):
        ArxivApi().fetch(http, {})


def test_a_refused_request_is_waited_out(tmp_path: Path, server: Loopback) -> None:
    clock = FakeTime()
    server.answer("/q", status=429, Retry_After="60")
    server.answer("/q", feed(entry(1)))

    (batch,) = search(server).fetch(fake_http(tmp_path, clock), {})

    assert len(batch.items) == 1
    assert clock.slept == [60.0]


def recorded() -> list[Path]:
    return sorted(SHARED.glob("*.json"))


@needs_shared
@pytest.mark.parametrize("path", recorded(), ids=lambda path: path.stem)
def test_recorded_answers_are_read_in_every_field(path: Path) -> None:
    answer = json.loads(path.read_text())
    root = ElementTree.fromstring(answer["body"].encode())
    names = {"a": "http://www.w3.org/2005/Atom", "x": "http://arxiv.org/schemas/atom"}

    if answer["status_code"] == 400:
        with pytest.raises(SourceError, match="incorrect id format"):
            read(answer["body"], 400)
        return
    page = read(answer["body"])

    entries = root.findall("a:entry", names)
    assert len(page.items) == len(entries)
    for paper, seen in zip(page.items, entries, strict=True):
        assert isinstance(paper, PaperData)

        def text(name: str, seen: ElementTree.Element = seen) -> str:
            return " ".join(seen.findtext(name, "", names).split())

        name, _, version = text("a:id").removeprefix("http://arxiv.org/abs/").rpartition("v")
        assert (paper.identifiers[0].value, paper.version) == (name, int(version))
        assert (paper.title, paper.abstract) == (text("a:title"), text("a:summary"))
        assert [author.name for author in paper.authors] == [
            " ".join((author.text or "").split()) for author in seen.findall("a:author/a:name", names)
        ]
        assert paper.submitted is not None
        assert paper.submitted.strftime("%Y-%m-%dT%H:%M:%SZ") == text("a:published")
        updated = paper.versions[-1].submitted
        assert updated is not None and updated.strftime("%Y-%m-%dT%H:%M:%SZ") == text("a:updated")
        primary = seen.find("x:primary_category", names)
        assert primary is not None and paper.categories[0] == primary.get("term")
        assert set(paper.categories) == {one.get("term") for one in seen.findall("a:category", names)}
        assert (paper.comments, paper.journal_ref) == (text("x:comment"), text("x:journal_ref"))
        assert [str(i.value) for i in paper.identifiers[1:]] == text("x:doi").lower().split()
        affiliations = [one.text for one in seen.findall("a:author/x:affiliation", names)]
        assert "; ".join(author.affiliation for author in paper.authors if author.affiliation) == "; ".join(
            filter(None, affiliations)
        )
