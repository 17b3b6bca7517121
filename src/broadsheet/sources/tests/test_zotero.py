import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from broadsheet.lib.http import Http
from broadsheet.record.identifiers import Identifier
from broadsheet.record.paper import Author, Item, PaperData, Rejected
from broadsheet.sources.batch import Batch, SourceError
from broadsheet.sources.marks import Marks, Note
from broadsheet.sources.tests.loopback import FakeTime, Loopback, fake_http, playing
from broadsheet.sources.zotero import Zotero, library

KEY = "aB3dE5gH7jK9mN1pQ3sT5vW7"
ITEMS = "/users/12345/items/top"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def entry(number: int = 1, parsed: str = "2026-11-16", **data: object) -> dict[str, object]:
    told: dict[str, object] = {
        "key": f"ABCD{number:04}",
        "version": 40 + number,
        "itemType": "preprint",
        "title": f"On <i>bees</i>, part {number}",
        "creators": [
            {"creatorType": "author", "firstName": "Ada", "lastName": "Ant"},
            {"creatorType": "editor", "firstName": "Ed", "lastName": "Itor"},
            {"creatorType": "author", "name": "The Hive"},
        ],
        "abstractNote": "They hum.",
        "repository": "arXiv",
        "archiveID": f"arXiv:2611.{number:05}",
        "date": "2026-11-16",
        "url": f"http://arxiv.org/abs/2611.{number:05}",
        "extra": f"arXiv:2611.{number:05} [cs.LG]\nComment: goes on from arXiv:2401.00001",
        "tags": [{"tag": "my secret project"}],
        "collections": ["SECRETS1"],
    }
    return {
        "key": told["key"],
        "version": told["version"],
        "library": {"type": "user", "id": 12345},
        "meta": {"creatorSummary": "Ant", "parsedDate": parsed, "numChildren": 2},
        "data": {**told, **data},
    }


def page(*rows: object) -> str:
    return json.dumps(rows)


def target(start: int = 0, since: str = "") -> str:
    query: dict[str, object] = {"format": "json", "include": "data", "limit": 100, "sort": "dateAdded"}
    query |= {"direction": "asc"} | ({"since": since} if since else {}) | ({"start": start} if start else {})
    return f"{ITEMS}?{urlencode(query)}"


@pytest.fixture
def server() -> Iterator[Loopback]:
    with playing() as loopback:
        yield loopback


@pytest.fixture
def clock() -> FakeTime:
    return FakeTime(NOON)


@pytest.fixture
def http(tmp_path: Path, clock: FakeTime) -> Http:
    return fake_http(tmp_path, clock, limits={"127.0.0.1": 0.0})


def batches(server: Loopback, http: Http, cursor: dict[str, str] | None = None, **more: object) -> list[Batch]:
    source = Zotero("users/12345", KEY, server.base, **more)  # type: ignore[arg-type]
    return list(source.fetch(http, cursor or {}))


def read(server: Loopback, http: Http, *rows: object) -> list[Item]:
    server.answer(ITEMS, page(*rows), Last_Modified_Version="57")
    return [item for batch in batches(server, http) for item in batch.items]


def one(server: Loopback, http: Http, row: object) -> PaperData:
    (item,) = read(server, http, row)
    assert isinstance(item, PaperData), item
    return item


def test_a_library_is_read_page_by_page_and_its_version_remembered(server: Loopback, http: Http) -> None:
    link = f'<{server.base}{target(100)}>; rel="next", <{server.base}{target(200)}>; rel="last"'
    server.answer(target(), page(entry(1), entry(2)), Last_Modified_Version="57", Total_Results="3", Link=link)
    server.answer(target(100), page(entry(3)), Last_Modified_Version="57", Total_Results="3")

    found = batches(server, http, {"groups/9": "4"})

    assert [len(batch.items) for batch in found] == [2, 1, 0]
    assert [batch.cursor for batch in found] == [{"groups/9": "4"}] * 2 + [{"groups/9": "4", "users/12345": "57"}]
    first = server.asked[0]
    assert (first.headers["Zotero-API-Version"], first.headers["Zotero-API-Key"]) == ("3", KEY)
    assert KEY not in str([asked.query for asked in server.asked])


def test_a_preprint_gives_its_texts_names_and_day_and_nothing_private(server: Loopback, http: Http) -> None:
    paper = one(server, http, entry(1))
    assert (paper.source, paper.title, paper.abstract) == ("zotero", "On bees, part 1", "They hum.")
    assert paper.identifiers == (Identifier("arxiv", "2611.00001"),)
    assert paper.authors == (Author("Ada Ant"), Author("The Hive"))
    assert paper.submitted == datetime(2026, 11, 16, 12, tzinfo=UTC)
    assert "secret" not in repr(paper).lower()


@pytest.mark.parametrize(
    ("data", "names"),
    [
        (
            {"itemType": "journalArticle", "DOI": "10.1000/ABC", "archiveID": "", "url": "", "extra": ""},
            "doi:10.1000/abc",
        ),
        ({"archiveID": "", "url": "", "extra": "DOI: 10.1000/x\nPMID: 7"}, "doi:10.1000/x"),
        ({"archiveID": "", "url": "", "extra": "Comment: see arXiv:2401.00001"}, ""),
        ({"archiveID": "", "url": "", "extra": "", "publicationTitle": "arXiv:1706.03762 [cs]"}, "arxiv:1706.03762"),
        ({"archiveID": "", "url": "", "extra": "", "reportNumber": "arXiv:hep-th/9901001"}, "arxiv:hep-th/9901001"),
        ({"archiveID": "", "extra": "", "url": "https://arxiv.org/pdf/2611.00009v2"}, "arxiv:2611.00009"),
        ({"archiveID": "arXiv:2611.1", "extra": "", "url": "javascript:alert(1)"}, ""),
    ],
)
def test_the_name_of_a_paper_is_found_where_zotero_keeps_it(
    data: dict[str, Any], names: str, server: Loopback, http: Http
) -> None:
    assert " ".join(map(str, one(server, http, entry(1, **data)).identifiers)) == names


@pytest.mark.parametrize(
    ("parsed", "said", "day"),
    [
        ("2026-11-16", "", "2026-11-16"),
        ("2026-11-00", "", None),
        ("1993-00-00", "", None),
        ("", "2026-11-16", "2026-11-16"),
        ("", "May 01, 1980", None),
        ("0016-99-99", "sometime", None),
    ],
)
def test_only_a_whole_and_possible_date_is_a_day(
    parsed: str, said: str, day: str | None, server: Loopback, http: Http
) -> None:
    submitted = one(server, http, entry(1, parsed, date=said)).submitted
    assert (submitted.date().isoformat() if submitted else None) == day


def test_what_is_no_paper_is_passed_over_and_counted(server: Loopback, http: Http) -> None:
    rows = [entry(1), entry(2, itemType="webpage"), entry(3, itemType="note"), entry(4, itemType="webpage")]
    rows += [entry(5, deleted=1), entry(6, itemType=["preprint"])]
    server.answer(ITEMS, page(*rows), Last_Modified_Version="57")
    first, last = batches(server, http)
    assert len(first.items) == 1
    assert last.note.startswith("5 items that are no papers were passed over: 2 webpage") and "bin" in last.note


def test_one_bad_item_never_stops_the_rest(server: Loopback, http: Http) -> None:
    rows = [7, {"data": None}, entry(1, title=""), entry(2, title={"a": 1}), entry(3, title="a\x00b"), entry(4)]
    rows += [entry(5, creators="Ada", DOI=None, date=7, extra=["x"]), entry(6, abstractNote=["x"])]
    found = read(server, http, *rows)
    assert [type(item) for item in found] == [Rejected] * 5 + [PaperData, PaperData, Rejected]
    kept = [item for item in found if isinstance(item, Rejected)]
    assert kept[2].subject == "item ABCD0001" and "without a title" in kept[2].reason
    assert not any(b"secret" in item.raw.lower() for item in kept)


def test_the_next_time_only_what_changed_is_asked_for(server: Loopback, http: Http) -> None:
    server.answer(target(since="57"), page(entry(3)), Last_Modified_Version="60")
    found = batches(server, http, {"users/12345": "57"})
    assert [len(batch.items) for batch in found] == [1, 0]
    assert found[-1].cursor == {"users/12345": "60"}
    assert server.asked[0].headers["If-Modified-Since-Version"] == "57"


def test_a_library_that_did_not_change_costs_one_question(server: Loopback, http: Http) -> None:
    server.answer(ITEMS, status=304)
    (last,) = batches(server, http, {"users/12345": "57"})
    assert (last.items, last.cursor, last.note) == ((), {"users/12345": "57"}, "")
    assert len(server.asked) == 1


@pytest.mark.parametrize("by", ["another version", "412"])
def test_a_library_that_changes_while_it_is_read_is_read_from_the_start(by: str, server: Loopback, http: Http) -> None:
    link = f'<{server.base}{target(100)}>; rel="next"'
    server.answer(target(), page(entry(1)), Last_Modified_Version="57", Link=link)
    server.answer(target(), page(entry(1)), Last_Modified_Version="58", Link=link)
    if by == "412":
        server.answer(target(100), status=412)
    server.answer(target(100), page(entry(2)), Last_Modified_Version="58")
    found = batches(server, http)
    assert found[-1].cursor == {"users/12345": "58"}
    assert len(server.asked) == 4


def test_a_library_that_never_rests_is_told(server: Loopback, http: Http) -> None:
    server.answer(ITEMS, status=412)
    with pytest.raises(SourceError, match="keeps changing"):
        batches(server, http)
    assert len(server.asked) == 3


def test_backoff_is_waited_for_before_the_next_question(server: Loopback, http: Http, clock: FakeTime) -> None:
    link = f'<{server.base}{target(100)}>; rel="next"'
    server.answer(target(), page(entry(1)), Last_Modified_Version="57", Link=link, Backoff="8")
    server.answer(target(100), page(), Last_Modified_Version="57", Backoff="3600")
    batches(server, http)
    assert clock.slept == [8.0]


def test_a_backoff_of_an_hour_is_not_sat_out(server: Loopback, http: Http, clock: FakeTime) -> None:
    link = f'<{server.base}{target(100)}>; rel="next"'
    server.answer(target(), page(entry(1)), Last_Modified_Version="57", Link=link, Backoff="3600")
    with pytest.raises(SourceError, match="3600 s"):
        batches(server, http)
    assert clock.slept == []


def test_too_many_questions_and_a_broken_server_are_waited_for(server: Loopback, http: Http, clock: FakeTime) -> None:
    server.answer(ITEMS, status=429, Retry_After="9")
    server.answer(ITEMS, status=500)
    server.answer(ITEMS, page(entry(1)), Last_Modified_Version="57")
    assert len(batches(server, http)[0].items) == 1
    assert clock.slept[0] == 9.0 and len(clock.slept) >= 2


@pytest.mark.parametrize(
    ("status", "key", "says"),
    [
        (403, KEY, "the key may not read it"),
        (403, "", "it is not public"),
        (404, KEY, "no library users/12345"),
        (400, KEY, "400"),
    ],
)
def test_a_refusal_is_told_at_once_and_never_with_the_key(
    status: int, key: str, says: str, server: Loopback, http: Http
) -> None:
    server.answer(ITEMS, "Forbidden", status=status)
    with pytest.raises(SourceError, match=says) as caught:
        list(Zotero("users/12345", key, server.base).fetch(http, {}))
    assert caught.value.permanent and KEY not in str(caught.value)
    assert len(server.asked) == 1


def test_a_key_is_nowhere_in_the_text_of_a_source() -> None:
    assert KEY not in repr(Zotero("users/1", KEY))


@pytest.mark.parametrize("key", ["a b", "a\r\nX: y", "ключ", "x" * 65])
def test_what_cannot_be_a_key_is_not_sent(key: str, server: Loopback, http: Http) -> None:
    with pytest.raises(SourceError, match="no Zotero key"):
        list(Zotero("users/12345", key, server.base).fetch(http, {}))
    assert server.asked == []


@pytest.mark.parametrize("body", ["", "<html></html>", '{"error": "busy"}', "null", "[1", b"[\xff]", "[" * 100_000])
def test_what_is_no_list_is_asked_for_again_and_then_told(body: str | bytes, server: Loopback, http: Http) -> None:
    server.answer(ITEMS, body, Last_Modified_Version="57")
    with pytest.raises(SourceError) as caught:
        batches(server, http)
    assert not caught.value.permanent and len(server.asked) == 3


def test_an_answer_without_a_version_is_not_zoteros(server: Loopback, http: Http) -> None:
    server.answer(ITEMS, "[]")
    with pytest.raises(SourceError, match="version"):
        batches(server, http)


def test_a_next_page_at_another_host_is_not_asked(server: Loopback, http: Http) -> None:
    server.answer(ITEMS, page(entry(1)), Last_Modified_Version="57", Link='<https://elsewhere.example/x>; rel="next"')
    with pytest.raises(SourceError, match="another host"):
        batches(server, http)
    assert len(server.asked) == 1


def test_a_bound_on_the_items_ends_the_reading(server: Loopback, http: Http) -> None:
    link = f'<{server.base}{target()}>; rel="next"'
    server.answer(ITEMS, page(entry(1)), Last_Modified_Version="57", Link=link)
    found = batches(server, http, most=150)
    assert len(server.asked) == 2 and [len(batch.items) for batch in found] == [1, 1, 0]


def test_a_library_is_named_by_kind_and_number() -> None:
    assert library("zotero:users/12345") == library(" users/12345/ ") == "users/12345"
    assert library("groups/678/collections/ABCD2345") == "groups/678/collections/ABCD2345"


@pytest.mark.parametrize(
    "text", ["", "12345", "users/x", "users/0", "users/1/../2", "users/1?key=x", "groups/１", "x/1"]
)
def test_other_names_of_libraries_are_refused(text: str) -> None:
    with pytest.raises(SourceError, match="no Zotero library"):
        library(text)


def note(
    key: str = "NOTE0001", parent: str = "ABCD0001", written: object = "<p>They <b>hum</b>.</p>"
) -> dict[str, object]:
    told = {"key": key, "itemType": "note", "parentItem": parent, "note": written}
    return {"key": key, "data": told}


def marked(
    server: Loopback, http: Http, cursor: dict[str, str] | None = None
) -> tuple[dict[str, Marks], list[PaperData], list[Batch]]:
    marks: dict[str, Marks] = {}
    found = batches(server, http, cursor, marks=marks)
    return marks, [item for batch in found for item in batch.items if isinstance(item, PaperData)], found


def test_tags_and_notes_are_given_apart_where_they_are_asked_for(server: Loopback, http: Http) -> None:
    tags = [{"tag": "my project"}, {"tag": "cs.LG", "type": 1}, {"tag": 3}, "x"]
    server.answer(ITEMS, page(entry(1, tags=tags), entry(2, tags="x")), Last_Modified_Version="57")
    notes = [
        note(),
        note("NOTE0002", written="Plain\nlines"),
        note("NOTE0003", "GONE0001"),
        note("x"),
        note(written=3),
        7,
    ]
    server.answer("/users/12345/items", page(*notes), Last_Modified_Version="57")
    marks, papers, found = marked(server, http)
    first = Marks(("my project",), (Note("They hum.", "zotero NOTE0001"), Note("Plain\nlines", "zotero NOTE0002")))
    assert [marks.get(paper.raw_hash) for paper in papers] == [first, Marks()]
    assert found[-1].cursor == {"users/12345": "57"} and "project" not in repr(papers)
    assert server.asked[-1].query["itemType"] == "note"


def test_a_new_note_finds_a_paper_that_did_not_change(server: Loopback, http: Http) -> None:
    server.answer(ITEMS, page(), Last_Modified_Version="58")
    server.answer("/users/12345/items", page(note()), Last_Modified_Version="58")
    server.answer("/users/12345/items", page(entry(1)), Last_Modified_Version="58")
    marks, papers, _found = marked(server, http, {"users/12345": "57"})
    assert server.asked[-1].query["itemKey"] == "ABCD0001"
    assert [marks[paper.raw_hash].notes for paper in papers] == [(Note("They hum.", "zotero NOTE0001"),)]


def test_a_key_that_may_read_no_notes_still_reads_papers(server: Loopback, http: Http) -> None:
    server.answer(ITEMS, page(entry(1)), Last_Modified_Version="57")
    server.answer("/users/12345/items", "Forbidden", status=403)
    marks, papers, _found = marked(server, http)
    assert marks[papers[0].raw_hash] == Marks(("my secret project",))


def test_a_library_that_did_not_change_is_not_asked_for_notes(server: Loopback, http: Http) -> None:
    server.answer(ITEMS, status=304)
    assert marked(server, http, {"users/12345": "57"})[0] == {} and len(server.asked) == 1
