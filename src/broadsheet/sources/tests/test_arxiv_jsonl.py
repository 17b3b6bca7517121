import gzip
import json
import os
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path

import pytest

from broadsheet.record.identifiers import Identifier
from broadsheet.record.paper import Author, Item, PaperData, Rejected, Version
from broadsheet.sources.arxiv_jsonl import read
from broadsheet.sources.tests.revisions import revisions

SNAPSHOT = {
    "id": "hep-th/9901001",
    "submitter": "Ada Byron",
    "authors": "Ada Byron, B. C. Dee (Institute of Things) and Jos\\'e Ef",
    "title": "On things\n  and others",
    "comments": None,
    "journal-ref": "J. Things 1 (1999) 2",
    "doi": "10.1000/ONE, 10.1000/two",
    "report-no": None,
    "categories": "hep-th math.CA",
    "license": None,
    "abstract": "  We prove\n  $x=1$.\n",
    "versions": [
        {"version": "v1", "created": "Fri, 1 Jan 1999 12:00:00 GMT"},
        {"version": "v2", "created": "Mon, 04 Jan 1999 23:59:59 GMT"},
    ],
    "update_date": "2009-10-31",
    "authors_parsed": [["Byron", "Ada", ""], ["Dee", "B. C.", "Jr", "Institute of Things"], ["Ef", "José", ""]],
}
FLAT = {
    "arxiv_id": "1501.00265",
    "title": "On finite things",
    "abstract": "We study them. ",
    "author_text": "Ada Byron, B. Dee, and C. Ef",
    "categories": "math.CO,cs.CC",
    "primary_cat": "cs.CC",
    "created": "2015-01-02",
    "updated": "",
    "comments": "3 pages",
    "doi": "",
}


def clock() -> datetime:
    return datetime(2026, 3, 1, tzinfo=UTC)


def items(*rows: object) -> list[Item]:
    lines = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]
    return list(read(BytesIO(b"\n".join(lines)), "x.jsonl", clock))


def paper(row: object) -> PaperData:
    (item,) = items(row)
    assert isinstance(item, PaperData), item
    return item


def reason(row: object) -> str:
    (item,) = items(row)
    assert isinstance(item, Rejected)
    return item.reason


def test_a_row_of_the_snapshot_is_read_whole() -> None:
    found = paper(SNAPSHOT)

    assert (found.title, found.abstract) == ("On things and others", "We prove $x=1$.")
    assert [str(name) for name in found.identifiers] == ["arxiv:hep-th/9901001", "doi:10.1000/one", "doi:10.1000/two"]
    assert found.authors == (
        Author("Ada Byron"),
        Author("B. C. Dee Jr", affiliation="Institute of Things"),
        Author("José Ef"),
    )
    assert found.categories == ("hep-th", "math.CA")
    first, second = datetime(1999, 1, 1, 12, tzinfo=UTC), datetime(1999, 1, 4, 23, 59, 59, tzinfo=UTC)
    assert found.versions == (Version(1, first), Version(2, second))
    assert (found.submitted, found.version, found.datestamp) == (first, 2, date(2009, 10, 31))
    assert (found.comments, found.journal_ref, found.licence) == ("", "J. Things 1 (1999) 2", "")


def test_without_parsed_authors_the_string_is_split() -> None:
    found = paper({**SNAPSHOT, "authors_parsed": None})
    assert found.authors == (
        Author("Ada Byron"),
        Author("B. C. Dee", affiliation="Institute of Things"),
        Author("José Ef"),
    )


def test_the_announcement_is_estimated_from_the_schedule_and_says_so() -> None:
    # Tuesday 2024-05-14, 17:00 UTC, is before the deadline of 14:00 in New York; 18:30 is after it.
    def announced(at: str) -> date | None:
        row = {**SNAPSHOT, "id": "2405.08000", "versions": [{"version": "v1", "created": f"Tue, 14 May 2024 {at} GMT"}]}
        found = paper(row)
        assert found.announced_by == "estimate"
        return found.announced

    assert announced("17:00:00") == date(2024, 5, 15)
    assert announced("18:30:00") == date(2024, 5, 16)


def test_a_flat_row_is_read_with_noon_for_its_unknown_hour() -> None:
    found = paper(FLAT)
    assert found.identifiers == (Identifier("arxiv", "1501.00265"),)
    assert found.authors == (Author("Ada Byron"), Author("B. Dee"), Author("C. Ef"))
    assert found.categories == ("cs.CC", "math.CO")
    assert found.submitted == datetime(2015, 1, 2, 12, tzinfo=UTC)
    assert (found.announced_by, found.datestamp, found.version) == ("estimate", date(2015, 1, 2), 0)
    assert found.announced is not None and found.announced > date(2015, 1, 2)
    assert paper({**FLAT, "updated": "2015-05-03"}).datestamp == date(2015, 5, 3)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"arxiv_id": "1501.0026699999999"}, "is not an arXiv identifier"),
        ({"arxiv_id": "1501.0044"}, "4 digits"),
        ({"arxiv_id": 1501.00265}, "not a text"),
        ({"title": ""}, "without a title"),
        ({"title": None}, "without a title"),
        ({"title": ["x"]}, "title is a list"),
        ({"abstract": "a\x00b"}, "NUL"),
        ({"abstract": "\ud800"}, "half a character"),
        ({"created": "9999-01-01"}, "cannot be right"),
        ({"created": "2028-01-01"}, "cannot be right"),
        ({"created": "1850-01-01"}, "cannot be right"),
        ({"created": "2015-02-30"}, "not a date"),
        ({"created": "1/2/2015"}, "not a date"),
    ],
)
def test_a_row_that_cannot_be_right_is_kept_aside_with_the_reason(change: dict[str, object], says: str) -> None:
    assert says in reason({**FLAT, **change})


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b'{"arxiv_id": "1501.00265", "title": "cut o', "not JSON"),
        (b"[1, 2]", "a list where an object is expected"),
        (b'{"arxiv_id": "1501.00265", "title": "\xff"}', "byte 0xff at position 37"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"arxiv_id": "1501.00265", "title": "a", "created": "' + b"1" * 6000 + b'"}', "not a date"),
    ],
)
def test_a_damaged_line_is_kept_aside_with_its_bytes_and_the_next_is_read(line: bytes, says: str) -> None:
    broken, whole = items(line, FLAT)
    assert isinstance(broken, Rejected) and isinstance(whole, PaperData)
    assert (broken.subject, says in broken.reason, broken.raw) == ("line 1", True, line[: 64 << 10])


def test_unknown_keys_blank_lines_and_line_ends_of_other_systems_are_tolerated() -> None:
    line = json.dumps({**FLAT, "new_key": {"deep": []}}).encode()
    found = items(b"\xef\xbb\xbf" + line + b"\r", b"", b"  ", line)
    assert [type(item) for item in found] == [PaperData, PaperData]


def test_a_withdrawn_paper_is_marked_and_kept() -> None:
    assert paper({**FLAT, "comments": "This paper has been withdrawn by the author"}).withdrawn
    assert not paper({**FLAT, "comments": "withdrawn from the workshop"}).withdrawn


def test_a_missing_or_odd_versions_list_leaves_the_submission_unknown() -> None:
    found = paper({**SNAPSHOT, "versions": []})
    assert (found.submitted, found.announced, found.announced_by, found.version) == (None, None, "", 0)
    assert "not a moment" in reason({**SNAPSHOT, "versions": [{"version": "v1", "created": "some day"}]})


def shared(name: str) -> Path:
    beside = Path(__file__).resolve().parents[5] / "shared"
    path = Path(os.environ.get("BROADSHEET_SHARED", beside)) / "data" / "arxiv" / name
    if not path.is_file():
        pytest.skip(f"the arXiv sample is not here: {path}")
    return path


def test_all_real_revisions_are_read() -> None:
    with gzip.open(shared("changed.jsonl.gz")) as stream:
        assert sum(1 for _ in revisions(stream)) == 3207


@pytest.mark.slow
def test_the_real_sample_is_read_and_its_damaged_ids_are_refused() -> None:
    with gzip.open(shared("sample_50k.jsonl.gz")) as stream:
        lines = stream.readlines()
    good = bad = 0
    for item in read(BytesIO(b"".join(lines)), "x", clock):
        good, bad = good + isinstance(item, PaperData), bad + isinstance(item, Rejected)

    damaged = sum(1 for line in lines if len(json.loads(line)["arxiv_id"]) != len("1501.00265"))
    assert (good, bad) == (50_000 - damaged, damaged)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("authors_parsed", [["\ud800", "Ada", ""]]),
        ("authors_parsed", [["Lovelace", "Ada", "", "\0"]]),
        ("versions", [{"version": "v1", "created": "1 Jan 99999999999999999999 00:00:00 +0000"}]),
        ("versions", [{"version": "v1", "created": "1 Jan 2020 00:00:00 +99999999999999999999"}]),
    ],
)
def test_what_no_database_keeps_and_no_calendar_holds_spoils_its_row_alone(field: str, value: object) -> None:
    rows = [{"id": "2101.00001", "title": "A", "categories": "cs.AI", field: value}, {"id": "2101.00002", "title": "B"}]
    first, second = read(BytesIO("\n".join(map(json.dumps, rows)).encode()), "x.jsonl")
    assert isinstance(first, Rejected) and isinstance(second, PaperData)
