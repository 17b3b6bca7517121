import builtins
import gzip
import io
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from broadsheet import cli
from broadsheet.api.v1 import export
from broadsheet.api.v1.tests.conftest import Asking
from broadsheet.cli import CommandFailed
from broadsheet.commands import export_command
from broadsheet.export import dump
from broadsheet.papers import copying
from broadsheet.papers.copying import Copy
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Change, Paper
from broadsheet.papers.tests.factory import NOON, paper
from broadsheet.papers.tests.record_dump import TABLES
from broadsheet.papers.tests.record_dump import record as rows
from broadsheet.sources import broadsheet_jsonl
from broadsheet.sources.files import open_items

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("record")]


def body(ask: Asking, query: str = "", **headers: str) -> bytes:
    response = ask(f"export?{query}", **headers)
    assert response.status_code == 200, response.content
    return b"".join(response)


def told(raw: bytes) -> list[dict[str, object]]:
    return [json.loads(line) for line in raw.splitlines()]


def taken(*raw: bytes) -> None:
    for one in raw:
        ingest(broadsheet_jsonl.read(io.BytesIO(one), "x", lambda: NOON), now=datetime(2026, 12, 1, tzinfo=UTC))


def emptied() -> None:
    for model in (Change, *reversed(TABLES)):
        model.objects.all().delete()


def test_an_export_names_where_it_ends(ask: Asking) -> None:
    response = ask("export")

    found = told(b"".join(response))
    assert response["X-Broadsheet-Seq"] == "15"
    assert response["Content-Type"] == "application/jsonl; charset=utf-8"
    assert found[-1] == {"head": 15}
    assert [row["seq"] for row in found[:-1]] == sorted(range(2, 16))
    assert {"seq", "key", "first_seen", "paper"} == set(found[0])


def test_two_steps_and_later_changes_make_an_equal_record(ask: Asking) -> None:
    first = body(ask, "limit=6")
    head = told(first)[-1]["head"]
    second = body(ask, f"since={head}")
    end = told(second)[-1]["head"]
    ingest([paper(5, source="arxiv-oai", title="On older clocks"), paper(40)], now=NOON)
    third = body(ask, f"since={end}")
    there = rows()
    emptied()

    taken(first, second, third)

    assert (len(told(first)), len(told(second)), len(told(third))) == (7, 9, 3)
    assert rows() == there


def test_an_export_that_ends_exactly_at_its_limit_is_at_the_end(ask: Asking) -> None:
    assert told(body(ask, "limit=14"))[-1] == {"head": 15}
    assert told(body(ask, "limit=13"))[-1] != {"head": 15}
    assert told(body(ask, "since=15")) == [{"head": 15}]
    assert told(body(ask, f"since={2**62}")) == [{"head": 15}]


def test_an_export_is_packed_for_who_takes_it(ask: Asking) -> None:
    packed = body(ask, **{"Accept-Encoding": "gzip"})

    assert gzip.decompress(packed) == body(ask)


def test_a_table_holds_the_same_papers(ask: Asking) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")

    raw = body(ask, "format=parquet")

    file = parquet.ParquetFile(io.BytesIO(raw))
    table = file.read()
    assert file.metadata.metadata[b"broadsheet.head"] == b"15"
    found = {row["key"]: row for row in table.to_pylist()}
    assert len(found) == 14
    assert found["hep-th/9901001"]["links"] == ["https://code.example/strings"]
    assert found["2611.00001"]["announced"] == Paper.objects.get(key="2611.00001").announced


@pytest.fixture
def without_pyarrow(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    real = builtins.__import__

    def importing(name: str, *rest: Any, **more: Any) -> object:  # noqa: ANN401
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", importing)
    yield


@pytest.mark.usefixtures("without_pyarrow")
def test_without_pyarrow_one_sentence_says_what_to_install(ask: Asking, tmp_path: Path) -> None:
    response = ask("export?format=parquet")

    assert response.status_code == 501
    assert "pip install 'broadsheet[parquet]'" in json.loads(response.content)["error"]
    with pytest.raises(CommandFailed, match="pip install"):
        command("export", str(tmp_path / "papers.parquet"))
    assert not list(tmp_path.glob("*papers*"))


@pytest.mark.parametrize("query", ["since=-1", "since=x", f"since={2**70}", "limit=0", "limit=10000000", "format=csv"])
def test_an_export_of_nonsense_is_refused(ask: Asking, query: str) -> None:
    assert ask(f"export?{query}").status_code == 422


def command(*arguments: str) -> int:
    options = cli.parser("export").parse_args(list(arguments))
    return int(export_command.run(options))


@pytest.fixture(autouse=True)
def _migrated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_command, "migrate", lambda: None)


def test_the_command_writes_what_the_api_gives(ask: Asking, tmp_path: Path) -> None:
    assert command("export", str(tmp_path / "papers.jsonl.gz")) == 0
    assert command("export", str(tmp_path / "papers.jsonl"), "--since", "10") == 0

    assert gzip.decompress((tmp_path / "papers.jsonl.gz").read_bytes()) == body(ask)
    assert (tmp_path / "papers.jsonl").read_bytes() == body(ask, "since=10")


@pytest.mark.parametrize(
    ("name", "begins"),
    [("papers.bib", b"@"), ("papers.ris", b"TY  - "), ("papers.json", b"[{"), ("papers.parquet", b"PAR1")],
)
def test_the_name_of_the_file_says_the_format(tmp_path: Path, name: str, begins: bytes) -> None:
    command("export", str(tmp_path / name))

    assert (tmp_path / name).read_bytes().startswith(begins)


def test_references_can_be_read_back(tmp_path: Path) -> None:
    for name in ("papers.bib", "papers.ris", "papers.json"):
        command("export", str(tmp_path / name))
        assert len(list(open_items(tmp_path / name)[1])) == 14, name


def test_only_a_category_is_written(tmp_path: Path) -> None:
    command("export", str(tmp_path / "cv.jsonl"), "--category", "cs.CV")

    assert len(told((tmp_path / "cv.jsonl").read_bytes())) == 6 + 1


def test_a_file_that_cannot_be_written_whole_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "papers.jsonl").write_text("as it was")

    def broken(*_given: object) -> Iterator[bytes]:
        yield b"{"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(dump, "jsonl", broken)
    with pytest.raises(CommandFailed, match="No space left"):
        command("export", str(tmp_path / "papers.jsonl"))

    assert [path.name for path in tmp_path.glob("*papers*")] == ["papers.jsonl"]
    assert (tmp_path / "papers.jsonl").read_text() == "as it was"


def test_memory_stays_bounded_as_papers_are_read_in_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "AT_ONCE", 3)
    held: list[int] = []
    read = copying._read

    def reading(found: Sequence[tuple[int, int]]) -> Iterator[Copy]:
        held.append(len(found))
        return read(found)

    monkeypatch.setattr(copying, "_read", reading)

    assert len(list(copying.changed(0, copying.head()))) == 14
    assert max(held) == 3


def test_who_reads_the_record_slowly_keeps_others_from_that_alone(ask: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    # An answer that is closed gives its connection up; this one is the test's.
    monkeypatch.setattr(connection, "close_if_unusable_or_obsolete", lambda: None)
    monkeypatch.setattr(export, "AT_A_TIME", 1)
    slow = ask("export")
    pieces = iter(slow)
    next(pieces)
    busy = ask("export?since=3")
    assert (busy.status_code, busy["Retry-After"]) == (503, "60") and b"limit=1000" in busy.content
    # Parts are handed over whole: nobody waits for whoever reads them.
    assert told(body(ask, "limit=1000"))[-1] == {"head": 15} and not ask("export?limit=5").streaming
    assert ask("papers/2405.12001").status_code in (200, 404)
    slow.close()
    assert told(body(ask, "since=3"))[-1] == {"head": 15}
    # One that was read to its end, and one that nobody began to read, are over.
    ask("export").close()
    assert len(told(body(ask))) == 15 == len(told(body(ask)))
