import gzip
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.lib.http import Http
from broadsheet.papers import copying, harvesting
from broadsheet.papers.ingest import Report, ingest
from broadsheet.papers.models import Authorship, Change, Harvest, Paper, Quarantined, Vector
from broadsheet.papers.tests.factory import NOON, paper
from broadsheet.papers.tests.record_dump import TABLES, record
from broadsheet.record.identifiers import Identifier
from broadsheet.record.paper import Account, Author, Item, Link, Listing, PaperData, Rejected, Version
from broadsheet.sources import broadsheet_jsonl
from broadsheet.sources.batch import SourceError
from broadsheet.sources.broadsheet_live import Broadsheet
from broadsheet.sources.files import open_items
from broadsheet.sources.tests.loopback import FakeTime, Loopback, fake_http, playing

pytestmark = pytest.mark.django_db
LISTED = Listing(
    summary="Rivers are slow.",
    keywords=("ImageNet", "slow rivers"),
    submitter=Account("ada", "Ada"),
    organisation=("lab", "The Lab"),
)


def newest(seq: object) -> Any:  # noqa: ANN401 - keywords of a header's name
    return {"X-Broadsheet-Seq": str(seq)}


def built() -> None:
    """A record from several sources and formats, with revisions, a withdrawal and one that came back."""
    oai = [
        paper(
            number,
            source="arxiv-oai",
            announced=date(2026, 11, 18),
            announced_by="feed",
            versions=(Version(1, datetime(2026, 11, 17, tzinfo=UTC)),),
            datestamp=date(2026, 11, 18),
        )
        for number in range(1, 8)
    ]
    ingest(oai, now=NOON)
    ingest([paper(number, source="sample", signals=(("upvotes", number),)) for number in (8, 9)], now=NOON)
    own = [
        PaperData("bibtex", "On dry ground", identifiers=(), authors=(Author("Zoë Dry", "", "0000-0002-1825-0097"),)),
        PaperData("ris", "On \\(x^2\\) and “quotes”", "Ünïcode\u2028\u0085 text", (Identifier("doi", "10.1000/a"),)),
        PaperData(
            "csl-json",
            "Read at a conference",
            identifiers=(Identifier("url", "https://a.example/p"), Identifier("openreview", "AbCdEfGh1")),
        ),
    ]
    ingest([replace(one, raw_hash=f"{number:064x}") for number, one in enumerate(own)], now=NOON)
    listed = paper(
        2,
        source="huggingface",
        abstract="",
        signals=(("upvotes", 7), ("comments", 2), ("github_stars", 90)),
        links=(Link("code", "https://code.example/2"),),
        listing=LISTED,
        announced=date(2026, 11, 19),
        announced_by="listing",
    )
    ingest([listed, paper(9, source="huggingface", signals=(("upvotes", 3),))], now=NOON + timedelta(hours=1))
    revised()


def revised(text: str = "again", version: int = 2) -> None:
    """Some of the papers change."""
    later = NOON + timedelta(days=version)
    versions = tuple(Version(number, datetime(2026, 11, 16 + number, tzinfo=UTC)) for number in range(1, version + 1))
    changes: list[PaperData] = [
        paper(
            3,
            source="arxiv-oai",
            title=f"On thin glass, {text}",
            version=version,
            versions=versions,
            authors=(Author("Cy New"), Author("Bo Sample")),
            datestamp=date(2026, 11, 18 + version),
        ),
        paper(4, source="arxiv-oai", withdrawn=True, comments=f"Withdrawn {text}", datestamp=date(2026, 11, 20)),
        paper(1, source="doi", identifiers=(*paper(1).identifiers, Identifier("doi", f"10.1/z{version}"))),
    ]
    ingest(changes, now=later)


def emptied() -> None:
    """Empty the record, as another Broadsheet's is."""
    for model in (Change, Quarantined, Vector, *reversed(TABLES)):
        model.objects.all().delete()
    assert not any(record().values())


def lines(since: int = 0) -> bytes:
    upto = copying.head()
    told = [json.dumps(copy.to_json(), ensure_ascii=False) for copy in copying.changed(since, upto)]
    return "\n".join([*told, json.dumps({"head": upto})]).encode() + b"\n"


def taken(raw: bytes) -> Report:
    return ingest(broadsheet_jsonl.read(io.BytesIO(raw), "copy.jsonl", lambda: NOON), now=NOON + timedelta(days=9))


def test_a_copy_of_a_record_is_equal_to_it() -> None:
    built()
    there, told = record(), lines()
    assert len(there["Paper"]) == 12
    emptied()

    report = taken(told)

    assert (report.new, report.quarantined) == (12, 0)
    assert record() == there


def test_taking_the_same_copy_again_changes_nothing() -> None:
    built()
    there, told, head = record(), lines(), copying.head()

    report = taken(told)

    assert (report.same, report.seen) == (12, 12)
    assert record() == there
    assert copying.head() == head


def test_later_changes_follow_by_number() -> None:
    built()
    first, head = lines(), copying.head()
    revised("once more", 3)
    ingest([paper(4, source="arxiv-oai", version=5, datestamp=date(2026, 11, 30)), paper(70)], now=NOON)
    there, second = record(), lines(head)
    emptied()

    taken(first)
    taken(second)

    assert second.count(b"\n") == 4 + 1
    assert record() == there


def test_each_paper_comes_once_where_its_newest_change_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "AT_ONCE", 2)
    built()

    told = [(copy.seq, copy.paper.key) for copy in copying.changed(0, copying.head())]

    newest: dict[str, int] = {}
    for change in Change.objects.order_by("seq").select_related("paper"):
        newest[change.paper.key] = change.seq
    assert told == sorted((seq, key) for key, seq in newest.items())


def test_what_is_written_meanwhile_comes_with_the_next_export() -> None:
    ingest([paper(1), paper(2)], now=NOON)
    upto = copying.head()
    copies = copying.changed(0, upto)
    first = next(copies)
    ingest([paper(2, source="arxiv-oai", title="On new snow"), paper(3)], now=NOON)

    told = [first.paper.key, *(copy.paper.key for copy in copies)]
    again = [copy.paper.key for copy in copying.changed(upto, copying.head())]

    assert told == ["2611.00001", "2611.00002"]
    assert again == ["2611.00003", "2611.00002"] or again == ["2611.00002", "2611.00003"]


def test_new_vectors_are_no_news() -> None:
    ingest([paper(1)], now=NOON)
    seq = copying.head()
    Change.objects.create(seq=seq + 1, paper=Paper.objects.get(), kind="vector", at=NOON)

    assert [copy.seq for copy in copying.changed(0, copying.head())] == [seq]
    assert list(copying.changed(seq, copying.head())) == []


def test_a_copy_is_told_by_its_first_line_packed_or_not(tmp_path: Path) -> None:
    built()
    (tmp_path / "plain").write_bytes(lines())
    (tmp_path / "packed").write_bytes(gzip.compress(lines()))
    (tmp_path / "empty").write_bytes(b'{"head":0}\n')

    assert [open_items(tmp_path / name)[0] for name in ("plain", "packed", "empty")] == ["broadsheet-jsonl"] * 3
    assert len(list(open_items(tmp_path / "packed")[1])) == 12
    assert list(open_items(tmp_path / "empty")[1]) == []


def line(**changes: object) -> dict[str, object]:
    told: dict[str, object] = {
        "source": "arxiv-oai",
        "title": "On wet ground",
        "identifiers": [["arxiv", "2611.00001"]],
        "sightings": [["arxiv-oai", "ab" * 32, None, [["upvotes", 3]]]],
    }
    return {"seq": 1, "key": "2611.00001", "paper": told | changes}


def read(*told: object) -> list[Item]:
    raw = "\n".join(json.dumps(one) for one in told).encode()
    return list(broadsheet_jsonl.read(io.BytesIO(raw), "copy.jsonl", lambda: NOON))


@pytest.mark.parametrize(
    "changes",
    [
        {"source": "elsewhere"},
        {"source": 7},
        {"title": ""},
        {"title": "a\0b"},
        {"title": "a\ud800b"},
        {"identifiers": []},
        {"identifiers": [["arxiv", "not one"]]},
        {"identifiers": [["arxiv", "2611.00001v2"]]},
        {"identifiers": [["isbn", "1"]]},
        {"identifiers": [["doi", 1]]},
        {"identifiers": [["broadsheet", "../etc"]]},
        {"sightings": []},
        {"sightings": [["elsewhere", "", None, []]]},
        {"sightings": [["arxiv-oai", "zz", None, []]]},
        {"sightings": [["arxiv-oai", "", "2026-13-01", []]]},
        {"sightings": [["arxiv-oai", "", None, [["upvotes", 10**12]]]]},
        {"sightings": [["arxiv-oai", "", None, []], ["arxiv-oai", "", None, []]]},
        {"signals": [["upvotes", 3]]},
        {"raw_hash": "ab"},
        {"authors": [{"name": 3}]},
        {"authors": [{"name": "A", "age": 3}]},
        {"authors": ["A"]},
        {"links": [{"kind": "code", "url": "javascript:alert(1)"}]},
        {"links": [{"kind": "odd", "url": "https://a.example"}]},
        {"submitted": "2026-11-16T00:00:00"},
        {"submitted": "9999-11-16T00:00:00+00:00"},
        {"submitted": 5},
        {"announced": "1700-01-01"},
        {"announced_by": "rumour"},
        {"version": 10**9},
        {"version": True},
        {"versions": [["1", None]]},
        {"categories": ["a b"]},
        {"categories": "cs.LG"},
        {"listing": {"summary": 3}},
        {"sightings": 3},
        {"unknown": 1},
    ],
    ids=str,
)
def test_what_cannot_be_true_is_kept_aside(changes: dict[str, object]) -> None:
    items = read(line(**changes), line())

    assert isinstance(items[0], Rejected)
    assert items[0].subject == "line 1"
    assert isinstance(items[1], PaperData)


@pytest.mark.parametrize("told", [[], 3, None, {}, {"paper": None}, {"paper": []}, "text"], ids=str)
def test_lines_of_another_shape_are_kept_aside(told: object) -> None:
    (item,) = read(told)

    assert isinstance(item, Rejected)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3)))
def test_no_value_of_any_field_breaks_the_reading(value: object) -> None:
    for name in (
        "source",
        "title",
        "identifiers",
        "authors",
        "submitted",
        "announced",
        "versions",
        "links",
        "sightings",
    ):
        assert len(read(line(**{name: value}))) == 1


# Followed over the network.


@pytest.fixture
def server() -> Iterator[Loopback]:
    with playing() as loopback:
        yield loopback


@pytest.fixture
def http(tmp_path: Path) -> Http:
    return fake_http(tmp_path, FakeTime(NOON))


Serve = Callable[[int, int], None]


@pytest.fixture
def serve(server: Loopback) -> Serve:
    def one(since: int, limit: int) -> None:
        given: list[str] = []
        upto, last = copying.head(), 0
        for copy in copying.changed(since, upto):
            if len(given) == limit:
                break
            given.append(json.dumps(copy.to_json()))
            last = copy.seq
        else:
            last = upto
        body = "\n".join([*given, json.dumps({"head": last})])
        path = f"/api/v1/export?since={since}&limit={limit}&format=jsonl"
        server.answer(path, body.encode(), **newest(str(upto)))
        if last < upto:
            one(last, limit)

    return one


def test_a_site_is_followed_page_by_page(server: Loopback, http: Http, serve: Serve) -> None:
    built()
    serve(0, 5)
    there, head = record(), copying.head()
    source = Broadsheet(server.base, page=5)
    emptied()

    done = harvesting.harvest(source, http=http, clock=lambda: NOON)

    assert (done.state, done.report.new) == ("done", 12)
    assert record() == there
    row = Harvest.objects.get(source=source.name)
    assert row.cursor == {"site": server.base, "seq": str(head)}
    assert len(source.name) <= 20


def test_a_harvest_goes_on_behind_its_cursor(server: Loopback, http: Http, serve: Serve) -> None:
    built()
    head = copying.head()
    revised("later", 4)
    serve(head, 1000)

    batches = list(Broadsheet(server.base).fetch(http, {"seq": str(head)}))

    assert [len(batch.items) for batch in batches] == [3]
    assert [asked.query["since"] for asked in server.asked] == [str(head)]


def test_a_site_that_was_set_up_anew_is_read_anew(server: Loopback, http: Http, serve: Serve) -> None:
    ingest([paper(1)], now=NOON)
    server.answer("/api/v1/export?since=99&limit=1000&format=jsonl", b'{"head":1}', **newest("1"))
    serve(0, 1000)

    (batch,) = Broadsheet(server.base).fetch(http, {"seq": "99"})

    assert len(batch.items) == 1
    assert "anew" in batch.note
    assert batch.cursor["seq"] == "1"


@pytest.mark.parametrize(
    ("body", "seq"),
    [(b"", "1"), (b"<html>", "1"), (b'{"seq":1,"key":"x"}', "1"), (b'{"head":1}', "x"), (b'{"head":"1"}', "1"),
     (b'{"head":0}', "5"), (b'{"head":-1}', "1"), (b"[]", "1")],
)  # fmt: skip
def test_a_broken_answer_stops_with_one_line(server: Loopback, http: Http, body: bytes, seq: str) -> None:
    server.answer("/api/v1/export", body, **newest(seq))

    with pytest.raises(SourceError) as problem:
        list(Broadsheet(server.base).fetch(http, {}))

    assert "\n" not in str(problem.value)


@pytest.mark.parametrize(
    "address", ["", "papers.lab.example", "file:///etc/passwd", "https://", "https://a.example/?x"]
)
def test_what_is_no_address_of_a_site_is_refused(address: str) -> None:
    with pytest.raises(SourceError):
        Broadsheet(address)


def test_a_site_is_not_followed_by_days(http: Http) -> None:
    with pytest.raises(SourceError, match="not by days"):
        list(Broadsheet("https://a.example").fetch(http, {}, date(2026, 11, 1), None))


def test_the_authors_of_a_copy_can_be_found() -> None:
    built()
    told = lines()
    emptied()
    taken(told)

    assert Authorship.objects.filter(name_key="zoe dry").count() == 1
