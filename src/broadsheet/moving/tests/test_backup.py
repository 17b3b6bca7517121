import json
import os
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

import pytest
from django.db import connection

from broadsheet.lib.storage import Storage
from broadsheet.moving import backing, contents, restoring, tables
from broadsheet.moving.refused import Refused
from broadsheet.moving.tests.conftest import NOON, Inside
from broadsheet.papers.models import Paper
from broadsheet.readers.models import Reader, Token

pytestmark = pytest.mark.slow


def backup(home: Path, with_shard: bool = False) -> Storage:
    place = Storage(str(home.parent / "one.backup"))
    backing.write(place, now=NOON, with_shard=with_shard)
    return place


def rows(home: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(home / "record.sqlite3")) as record:
        names = [row[0] for row in record.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        kept = sorted(set(names) - tables.LEFT_OUT - {"sqlite_sequence", "django_migrations"})
        return {name: sorted(record.execute(_all_of(record, name)).fetchall(), key=repr) for name in kept}


def _all_of(record: sqlite3.Connection, table: str) -> str:
    """Ask for every column; in which order they were made is no matter."""
    names = sorted(f'"{row[1]}"' for row in record.execute(f'PRAGMA table_info("{table}")'))
    return f'SELECT {", ".join(names)} FROM "{table}"'


def last_number(home: Path, table: str) -> int:
    """The highest number that a table's rows were given."""
    with closing(sqlite3.connect(home / "record.sqlite3")) as record:
        (last,) = record.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", [table]).fetchone()
    return int(last)


def as_number(text: str) -> float | int:
    return int(float(text)) if float(text) >= 1e16 else float(text)


def plain(found: dict[str, list[tuple[object, ...]]]) -> dict[str, list[str]]:
    """The rows with nested JSON in one form."""

    def cell(value: object) -> object:
        if isinstance(value, str) and value.startswith(("{", "[")):
            return json.loads(value, parse_float=as_number)
        return value

    return {name: [json.dumps([str(cell(value)) for value in row]) for row in held] for name, held in found.items()}


def test_a_backup_brings_everything_back_into_an_empty_home(site: Path, elsewhere: Inside, tmp_path: Path) -> None:
    place, other = backup(site), tmp_path / "other"
    other.mkdir()
    with elsewhere(other):
        done = restoring.restore(place)
        assert plain(rows(other)) == plain(rows(site))
        assert done.rows["papers_paper"] == Paper.objects.count() > 100
        assert (other / "secret").read_text() == "the key that signs"
        assert (other / "secret").stat().st_mode & 0o777 == 0o600
        assert (other / "mail" / "one.log").read_text() == "a letter"
        assert not (other / "mail" / "dry").exists()
        # The number of a token that is gone is not given again.
        fresh = Token.objects.create(reader=Reader.objects.get(handle="late"), digest="e" * 64, name="new", made=NOON)
        assert fresh.pk == last_number(site, "readers_token") + 1
        assert Paper.objects.exclude(votes=0).count() == Paper.objects.exclude(votes_outside=0, votes_here=0).count()
        connection.check_constraints()


def test_a_backup_is_for_its_owner_alone_and_tar_reads_it(site: Path) -> None:
    place = backup(site)
    assert place.path.stat().st_mode & 0o777 == 0o600
    with tarfile.open(place.path) as packed:
        names = packed.getnames()
    assert names[0] == "backup.json" and names[-1] == "manifest.json"
    assert "files/secret/000000" in names


def test_a_home_with_a_record_is_refused_and_replaced_where_that_is_asked_for(site: Path) -> None:
    place = backup(site)
    Paper.objects.all().delete()
    (site / "secret").write_text("another")
    with pytest.raises(Refused, match="--replace"):
        restoring.restore(place)
    assert (site / "secret").read_text() == "another"
    restoring.restore(place, replace=True)
    assert Paper.objects.count() > 100
    assert (site / "secret").read_text() == "the key that signs"
    assert not [path for path in site.iterdir() if path.name.startswith((".restor", ".replaced"))]


def test_what_is_in_use_is_not_replaced(site: Path) -> None:
    place = backup(site)
    with closing(sqlite3.connect(site / "record.sqlite3")) as running:
        running.execute("PRAGMA journal_mode = WAL")
        running.execute("SELECT count(*) FROM papers_paper").fetchone()
        with pytest.raises(Refused, match="stop the site"):
            restoring.restore(place, replace=True)


def test_checking_writes_nothing_and_finds_what_is_well(site: Path) -> None:
    place = backup(site)
    before = sorted(path.name for path in site.iterdir())
    assert contents.verify(place).rows["readers_reader"] == 2
    assert sorted(path.name for path in site.iterdir()) == before


def test_a_backup_is_of_one_moment_while_others_write(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = backing._write_table
    wrote: list[bool] = []

    def meanwhile(writer: object, source: object, table: tables.Table, *more: object) -> object:
        if not wrote:
            with closing(sqlite3.connect(site / "record.sqlite3", timeout=20)) as other:
                other.execute("UPDATE papers_paper SET title = 'written meanwhile'")
                other.commit()
            wrote.append(True)
        return real(writer, source, table, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(backing, "_write_table", meanwhile)
    place = backup(site)
    assert Paper.objects.filter(title="written meanwhile").exists()
    restoring.restore(place, replace=True)
    assert not Paper.objects.filter(title="written meanwhile").exists()


def test_a_backup_of_an_older_version_is_brought_forward(site: Path, elsewhere: Inside, tmp_path: Path) -> None:
    from django.core.management import call_command

    newest = len(tables.applied(connection))
    for app, name in (("groups", "zero"), ("foryou", "zero"), ("readers", "0002_tokens_and_follows")):
        call_command("migrate", app, name, verbosity=0)
    place, other = backup(site), tmp_path / "other"
    other.mkdir()
    with elsewhere(other):
        done = restoring.restore(place)
        assert done.migrated > 0 and len(tables.applied(connection)) == newest
        assert Reader.objects.count() == 2


def test_a_backup_of_a_newer_version_is_refused(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = tables.applied
    monkeypatch.setattr(tables, "of_state", lambda _connection, _migrations: ())
    monkeypatch.setattr(tables, "applied", lambda other: [*real(other), ("papers", "0099_from_tomorrow")])
    place = backup(site)
    with pytest.raises(Refused, match="newer version"):
        contents.verify(place)


def test_the_settings_name_the_database_that_the_record_is_in_now(
    site: Path, elsewhere: Inside, tmp_path: Path
) -> None:
    (site / "broadsheet.toml").write_text('site_name = "A"\ndatabase = "postgresql://old:secret@host/db"\n')
    place, other = backup(site), tmp_path / "other"
    other.mkdir()
    (other / "broadsheet.toml").write_text('site_name = "B"\n')
    with elsewhere(other):
        done = restoring.restore(place)
    text = (other / "broadsheet.toml").read_text()
    assert text.startswith('database = ""\n') and "postgresql" not in text and 'site_name = "A"' in text
    assert (other / "broadsheet.toml.before").read_text() == 'site_name = "B"\n'
    assert len(done.notes) == 2


def test_the_index_comes_along_where_that_is_wanted(site: Path, elsewhere: Inside, tmp_path: Path) -> None:
    from broadsheet.papers import finding

    finding.forget()
    finding.index()
    place, other = backup(site, with_shard=True), tmp_path / "other"
    other.mkdir()
    with elsewhere(other):
        restoring.restore(place)
        finding.forget()
        assert finding.index() == 0
        assert len(finding.reader()) > 100
    finding.forget()


def test_an_old_index_does_not_survive_a_restore(site: Path) -> None:
    place = backup(site)
    (site / "shard").mkdir()
    (site / "shard" / "state.json").write_text("{}")
    os.makedirs(site / "encoders" / "minilm-int8")
    restoring.restore(place, replace=True)
    assert not (site / "shard").exists()
    assert (site / "encoders" / "minilm-int8").exists()
