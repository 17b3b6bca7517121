import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from broadsheet.cli import DONE, FAILED, main
from broadsheet.lib.tests.loopback import Loopback, playing, without_turns
from broadsheet.papers import outside
from broadsheet.papers.models import Harvest, Paper
from broadsheet.readers import accounts, filing, library
from broadsheet.readers.tests.site import configure, reader

pytestmark = pytest.mark.django_db
Say = Callable[..., dict[str, object]]
KEY = "aB3dE5gH7jK9mN1pQ3sT5vW7"
BIB = """@misc{one, title={On bees}, author={Ant, Ada}, eprint={2611.00001}, archivePrefix={arXiv}}
@article{two, title={On honey}, author={Bug, Bo}, doi={10.1000/182}, journal={Hives}}
@article{three, author={No Title}}
"""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    without_turns(monkeypatch)
    with playing() as loopback:
        yield loopback


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str], settings: Settings, tmp_path: Path, server: Loopback) -> Iterator[Say]:
    """Import with --json, and give what it printed with its exit status and complaints."""
    configure(settings, zotero_url=server.base, zotero_key=KEY)
    settings.CONFIG = type(settings.CONFIG)(tmp_path, settings.CONFIG.values)
    outside.http.cache_clear()

    def run(*arguments: str) -> dict[str, object]:
        status = main(["import", "--json", *arguments])
        printed = capsys.readouterr()
        return {**json.loads(printed.out or "{}"), "status": status, "err": printed.err}

    yield run
    outside.http.cache_clear()


def item(number: int, **data: object) -> dict[str, object]:
    told = {"key": f"ABCD{number:04}", "itemType": "preprint", "title": f"On bees, part {number}"}
    return {"key": told["key"], "meta": {}, "data": {**told, "archiveID": f"arXiv:2611.{number:05}", **data}}


def play(server: Loopback, *rows: object, version: int = 57, of: str = "users/12345") -> None:
    server.answer(f"/{of}/items/top", json.dumps(rows), Last_Modified_Version=str(version))


def keys(handle: str) -> list[str]:
    found = accounts.by_handle(handle)
    assert found
    return [paper.key for paper in library.papers(found)]


def test_a_file_fills_a_readers_library_with_papers_new_and_known(say: Say, tmp_path: Path) -> None:
    reader("ada")
    (tmp_path / "a.bib").write_text(BIB)
    assert say(str(tmp_path / "a.bib"))["new"] == 2
    said = say(str(tmp_path / "a.bib"), "--reader", "@Ada")
    assert (said["same"], said["saved"], said["quarantined"], said["status"]) == (2, 2, 1, DONE)
    assert keys("ada")[0] == "2611.00001" and len(keys("ada")) == 2
    assert say(str(tmp_path / "a.bib"), "--reader", "ada")["saved"] == 0


def test_a_reader_who_is_not_there_stops_it_before_anything_is_taken_in(say: Say, tmp_path: Path) -> None:
    (tmp_path / "a.bib").write_text(BIB)
    said = say(str(tmp_path / "a.bib"), "--reader", "nobody")
    assert said["status"] == FAILED and "no reader nobody" in str(said["err"])
    assert not Paper.objects.exists()


def test_a_file_that_breaks_off_still_fills_the_library_up_to_the_break(say: Say, tmp_path: Path) -> None:
    reader("ada")
    lines = [{"paper": {"id": f"2611.{number:05}", "title": f"On bees {number}"}} for number in range(3)]
    raw = gzip.compress("\n".join(map(json.dumps, lines)).encode(), 0)
    (tmp_path / "a.jsonl.gz").write_bytes(raw[:-60])
    said = say(str(tmp_path / "a.jsonl.gz"), "--reader", "ada", "--format", "hf-daily")
    assert said["status"] == FAILED and said["saved"] == said["new"] == Paper.objects.count() >= 1


def test_a_zotero_library_is_taken_in_and_put_on_the_readers_shelf(say: Say, server: Loopback) -> None:
    reader("ada")
    play(server, item(1), item(2, itemType="webpage"), item(3, title=""))
    said = say("zotero:users/12345", "--reader", "ada")
    assert (said["new"], said["quarantined"], said["saved"], said["source"]) == (1, 1, 1, "zotero")
    assert (said["state"], said["status"]) == ("done", DONE)
    assert keys("ada") == ["2611.00001"]
    assert server.asked[0].headers["Zotero-API-Key"] == KEY
    assert Harvest.objects.get().cursor == {"users/12345 ada": "57"}


@pytest.mark.slow
def test_each_reader_has_their_own_place_in_a_library(say: Say, server: Loopback) -> None:
    reader("ada"), reader("bo")
    play(server, item(1))
    say("zotero:users/12345", "--reader", "ada")
    assert say("zotero:users/12345", "--reader", "bo")["saved"] == 1
    assert say("zotero:users/12345")["same"] == 1
    papers = [asked for asked in server.asked if asked.path.endswith("/top")]
    assert [asked.query.get("since") for asked in papers] == [None, None, None]
    say("zotero:users/12345", "--reader", "bo")
    assert server.asked[-1].query["since"] == "57"
    say("zotero:users/12345", "--reader", "bo", "--again")
    assert "since" not in server.asked[-1].query
    assert len(Harvest.objects.get().cursor) == 3


def test_a_library_that_is_refused_is_said_and_the_next_one_goes_on(say: Say, server: Loopback) -> None:
    server.answer("/users/12345/items/top", "Forbidden", status=403)
    play(server, item(1), of="groups/678")
    said = say("zotero:users/12345", "zotero:groups/678")
    assert (said["new"], said["state"], said["status"]) == (1, "failed", FAILED)
    assert "may not read it" in str(said["err"]) and KEY not in str(said)


def test_a_wrong_name_of_a_library_stops_it_before_anything_is_asked(say: Say, server: Loopback) -> None:
    assert "no Zotero library" in str(say("zotero:12345")["err"])
    assert server.asked == []


@pytest.fixture
def push(say: Say, capsys: pytest.CaptureFixture[str]) -> Say:
    """Push ada's library to Zotero, and give what it printed."""

    def run(*arguments: str) -> dict[str, object]:
        status = main(["reader", "push-zotero", "ada", *arguments, "--json"])
        printed = capsys.readouterr()
        return {**json.loads(printed.out or "{}"), "status": status, "err": printed.err}

    return run


def test_a_library_goes_to_zotero_without_what_is_there_already(
    say: Say, push: Say, server: Loopback, tmp_path: Path
) -> None:
    reader("ada")
    (tmp_path / "a.bib").write_text(BIB)
    say(str(tmp_path / "a.bib"), "--reader", "ada")
    play(server, item(1))
    server.answer("/users/12345/items", json.dumps({"success": {"0": "ABCD2345"}, "failed": {}}))
    said = push("users/12345/collections/HIVE2345")
    assert (said["added"], said["there"], said["refused"], said["status"]) == (1, 1, [], DONE)
    (sent,) = json.loads(server.asked[-1].body)
    assert (sent["itemType"], sent["title"], sent["DOI"]) == ("journalArticle", "On honey", "10.1000/182")
    assert sent["creators"] == [{"creatorType": "author", "firstName": "Bo", "lastName": "Bug"}]
    assert sent["collections"] == ["HIVE2345"] and sent["publicationTitle"] == "Hives"
    assert server.asked[-1].path == "/users/12345/items"


@pytest.mark.parametrize("wanted", [(), ("--tags",)])
def test_tags_go_to_zotero_only_where_that_is_asked_for(
    say: Say, push: Say, server: Loopback, tmp_path: Path, wanted: tuple[str, ...]
) -> None:
    reader("ada")
    (tmp_path / "a.bib").write_text(BIB.replace("title={On honey},", "title={On honey}, keywords={hive, wax},"))
    say(str(tmp_path / "a.bib"), "--reader", "ada")
    play(server, item(1))
    server.answer("/users/12345/items", json.dumps({"success": {"0": "ABCD2345"}, "failed": {}}))
    assert push("users/12345", *wanted)["added"] == 1
    (sent,) = json.loads(server.asked[-1].body)
    assert sent.get("tags") == ([{"tag": "hive"}, {"tag": "wax"}] if wanted else None)


def test_a_push_that_cannot_be_says_why_and_sends_nothing(push: Say, server: Loopback, settings: Settings) -> None:
    assert "no reader ada" in str(push("users/12345")["err"])
    reader("ada")
    assert "no Zotero library" in str(push("12345")["err"])
    server.answer("/users/12345/items/top", "Forbidden", status=403)
    said = push("users/12345")
    assert "may not read it" in str(said["err"]) and KEY not in str(said)
    configure(settings, zotero_key="")
    assert "needs a key" in str(push("users/12345")["err"])
    assert {asked.method for asked in server.asked} == {"GET"}


def filed(handle: str) -> dict[str, filing.Filed]:
    found = accounts.by_handle(handle)
    assert found
    told = filing.of(found, library.papers(found).values_list("pk", flat=True))
    return {Paper.objects.get(pk=number).key: each for number, each in told.items()}


def test_the_tags_and_notes_of_a_file_come_along_once(say: Say, tmp_path: Path) -> None:
    reader("ada")
    path = tmp_path / "a.bib"
    path.write_text(BIB.replace("title={On bees},", "title={On bees}, keywords={hive; wax}, annote={Ask \\_Bo\\_.},"))
    for _ in range(2):
        assert say(str(path), "--reader", "ada")["status"] == DONE
        assert filed("ada")["2611.00001"] == filing.Filed(note="Ask _Bo_.", tags=("hive", "wax"))
    reader("bo")
    say(str(path), "--reader", "bo", "--without-notes")
    assert not filed("bo")["2611.00001"]


def test_the_tags_and_notes_of_a_zotero_library_come_along_once(say: Say, server: Loopback) -> None:
    reader("ada")
    note = {"key": "NOTE0001", "itemType": "note", "parentItem": "ABCD0001", "note": "<p>Read <b>this</b></p>"}
    server.answer("/users/12345/items", json.dumps([{"key": "NOTE0001", "data": note}]), Last_Modified_Version="57")
    play(server, item(1, tags=[{"tag": "hive"}, {"tag": "q-bio", "type": 1}]))
    for _ in range(2):
        said = say("zotero:users/12345", "--reader", "ada", "--again")
        assert said["status"] == DONE
        assert filed("ada") == {"2611.00001": filing.Filed(note="Read this", tags=("hive",))}
