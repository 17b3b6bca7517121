"""Bad files: one clear line each, the rest goes on, nothing is lost."""

import gzip
import json
from pathlib import Path

import pytest
from django.db import OperationalError, connections

from broadsheet.cli import FAILED, main
from broadsheet.commands import doctor_command
from broadsheet.papers.models import Paper, Quarantined

pytestmark = pytest.mark.django_db(transaction=True)
GOOD = {
    "id": "2405.00001",
    "title": "A study of wet ground",
    "abstract": "We look at wet ground and find it wet.",
    "authors": "Ada Example",
    "categories": "cs.LG",
    "versions": [{"version": "v1", "created": "Mon, 27 May 2024 12:00:00 GMT"}],
    "update_date": "2024-05-28",
}


def line(number: int, **values: object) -> bytes:
    return json.dumps({**GOOD, "id": f"2405.{number:05}", **values}).encode() + b"\n"


def take(capsys: pytest.CaptureFixture[str], *paths: Path) -> tuple[int, dict[str, object], list[str]]:
    status = main(["import", "--json", *map(str, paths)])
    printed = capsys.readouterr()
    return status, json.loads(printed.out), [text for text in printed.err.splitlines() if text]


FILES = {
    "an empty file": ("empty.jsonl", b""),
    "an HTML page instead of data": (
        "papers.jsonl",
        b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>",
    ),
    "a file of no known kind": ("notes.txt", b"Dear diary,\n" * 3),
    "a gzip cut off in its header": ("cut.jsonl.gz", gzip.compress(line(9))[:12]),
    "a gzip that is none": ("not.jsonl.gz", b"plain text"),
    "bytes of no text": ("noise.json", bytes(range(256)) * 40),
}


@pytest.mark.parametrize("what", FILES)
def test_a_file_that_is_not_what_it_says_is_refused_in_one_line_and_the_others_go_on(
    what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, data = FILES[what]
    (bad := tmp_path / name).write_bytes(data)
    (good := tmp_path / "good.jsonl").write_bytes(line(1) + line(2))
    status, report, said = take(capsys, bad, good)
    assert status == FAILED
    assert len(said) == 1 and name in said[0]
    assert (report["new"], report["state"]) == (2, "failed")


@pytest.mark.slow
def test_a_gzip_cut_off_gives_the_papers_before_the_cut(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = gzip.compress(b"".join(line(number, abstract="words " * (number % 97)) for number in range(1, 2400)))
    (cut := tmp_path / "cut.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    status, report, said = take(capsys, cut)
    assert status == FAILED
    assert len(said) == 1 and "cut.jsonl.gz" in said[0]
    assert 0 < int(str(report["new"])) == Paper.objects.count() < 2399


LINES = {
    "an abstract of 30 MB": line(5, abstract="x" * 30_000_000),
    "a NUL in a title": line(5, title="A\0B"),
    "invalid UTF-8": b'{"id": "2405.00005", "title": "\xff\xfe", "abstract": "x"}\n',
    "a date in the year 9999": line(5, versions=[{"version": "v1", "created": "Mon, 27 May 9999 12:00:00 GMT"}]),
    "a date in the future": line(5, versions=[{"version": "v1", "created": "Sun, 27 May 2096 12:00:00 GMT"}]),
    "no title": line(5, title=""),
    "an id damaged as a number": line(5, id="1501.0026699999999"),
    "half a line": b'{"id": "2405.00005", "ti\n',
    "a list in place of a paper": b"[1, 2]\n",
    "a title that is a number": line(5, title=5),
    "nesting without end": b'{"id": ' + b"[" * 100_000 + b"\n",
}


@pytest.mark.parametrize("what", LINES)
def test_a_line_that_cannot_be_read_is_kept_aside_and_the_rest_goes_in(
    what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (papers := tmp_path / "papers.jsonl").write_bytes(line(1) + LINES[what] + line(2))
    status, report, said = take(capsys, papers)
    assert (status, said) == (0, [])
    assert (report["seen"], report["new"], report["quarantined"]) == (3, 2, 1)
    kept = Quarantined.objects.get()
    assert kept.reason and len(kept.reason) <= 500
    assert 0 < len(bytes(kept.raw)) <= 65536


def test_what_was_kept_aside_is_kept_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (papers := tmp_path / "papers.jsonl").write_bytes(line(1) + LINES["no title"])
    take(capsys, papers)
    take(capsys, papers)
    assert Quarantined.objects.count() == 1


def test_a_file_that_is_not_there_is_said_before_anything_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "nowhere.jsonl"]) == FAILED
    assert capsys.readouterr().err == "broadsheet import: nowhere.jsonl is not there\n"


def test_a_record_that_cannot_be_reached_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def migrate() -> None:
        raise OperationalError("connection is bad: no such file\n\tIs the server running?")

    monkeypatch.setattr(doctor_command, "migrate", migrate)
    monkeypatch.setattr(connections["default"], "is_usable", lambda: False)
    assert main(["doctor", "--offline"]) == FAILED
    told = "the record cannot be reached: connection is bad: no such file Is the server running?"
    assert capsys.readouterr().err == f"broadsheet doctor: {told}\n"
    # Where it is there, something else is wrong, and its traceback is wanted.
    monkeypatch.setattr(connections["default"], "is_usable", lambda: True)
    with pytest.raises(OperationalError):
        main(["doctor", "--offline"])
