"""A backup: everything of a site that cannot be made again, in one file."""

import json
import os
import platform
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import connection

from broadsheet import __version__
from broadsheet.config import SETTINGS, Config
from broadsheet.lib.files import write_whole
from broadsheet.lib.progress import Progress, silent
from broadsheet.lib.storage import CHUNK, Access, Storage
from broadsheet.moving import archive, databases, shards, tables
from broadsheet.moving.lines import Reading
from broadsheet.moving.refused import Refused
from broadsheet.search.choice import CHOICE_FILE

CHOICE: Final = f"encoders/{CHOICE_FILE}"
# What is kept of a home beside the record: settings, the key that signs, the keys of DKIM, letters that were not sent,
# which encoder was chosen.
KEPT: Final = ("broadsheet.toml", "secret", "dkim", "mail", CHOICE)
NOT_KEPT: Final = ("mail/dry",)
NEWEST: Final = "backup.json"


@dataclass
class Backup:
    """What a backup holds: rows by table, bytes by file, and what it does not hold although the site uses it."""

    made: str
    length: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    files: dict[str, int] = field(default_factory=dict)
    environment: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """For scripts."""
        return {
            "made": self.made,
            "bytes": self.length,
            "rows": sum(self.rows.values()),
            "tables": {name: count for name, count in self.rows.items() if count},
            "files": self.files,
            "from_environment": list(self.environment),
        }


def storage(address: str) -> Storage:
    """A place for backups and snapshots, reached as the settings say."""
    config: Config = settings.CONFIG
    return Storage(address, Access(config.storage_endpoint, config.storage_key, config.storage_secret))


def write(place: Storage, *, now: datetime, with_shard: bool = False, progress: Progress = silent) -> Backup:
    """Write a backup, in bounded memory, while others go on writing. The database must be migrated."""
    migrations = tables.applied(connection)
    found = tables.of_state(connection, migrations)
    done = Backup(now.isoformat(timespec="seconds"), environment=_from_environment())
    manifest: dict[str, Any] = {"format": archive.FORMAT, "made": done.made, "tables": {}, "files": {}}
    with ExitStack() as stack:
        # The shard first: one that is behind its record follows it, one that is ahead would have to be built anew.
        place_of_shard = shards.in_use(settings.CONFIG)
        shard = stack.enter_context(shards.held(place_of_shard)) if with_shard else []
        source = stack.enter_context(databases.reading(databases.in_force()))
        counted = _Counted(stack.enter_context(place.writing()))
        writer = archive.Writer(counted)  # type: ignore[arg-type]
        writer.json(archive.HEAD, _head(done.made, migrations, found))
        for table in found:
            manifest["tables"][table.name] = _write_table(writer, source, table, done, progress)
        of_shard = [(f"{place_of_shard.name}/{path}", file) for path, file in shard]
        for path, file in [*files(settings.CONFIG), *of_shard]:
            manifest["files"][path] = _write_file(writer, path, file, done)
        writer.json(archive.MANIFEST, manifest)
        writer.close()
    done.length = counted.count
    _note(place, done)
    return done


class _Counted:
    def __init__(self, under: Any) -> None:  # noqa: ANN401 - any stream
        self.under = under
        self.count = 0

    def write(self, data: bytes) -> None:
        self.under.write(data)
        self.count += len(data)


def _head(made: str, migrations: list[tables.Migration], found: tuple[tables.Table, ...]) -> dict[str, Any]:
    return {
        "what": "a backup of Broadsheet, secrets included",
        "format": archive.FORMAT,
        "broadsheet": __version__,
        "python": platform.python_version(),
        "database": connection.vendor,
        "made": made,
        "migrations": [list(one) for one in migrations],
        "tables": {table.name: table.shape for table in found},
        "left_out": sorted(tables.LEFT_OUT),
    }


def _write_table(
    writer: archive.Writer, source: databases.Source, table: tables.Table, done: Backup, progress: Progress
) -> dict[str, Any]:
    reading = Reading(table)
    before = sum(done.rows.values())

    def chunks() -> Iterator[bytes]:
        for row in source.rows(table):
            yield reading.line(row)
            if reading.sum.rows % 10_000 == 0:
                progress(before + reading.sum.rows)

    whole = writer.parts(f"tables/{table.name}", chunks())
    done.rows[table.name] = reading.sum.rows
    told = {"rows": reading.sum.rows, "sum": reading.sum.hex, "counter": source.counter(table)}
    return whole.to_json() | told


def _write_file(writer: archive.Writer, path: str, file: Path, done: Backup) -> dict[str, Any]:
    with file.open("rb") as stream:
        whole = writer.parts(f"files/{path}", iter(lambda: stream.read(CHUNK), b""))
    done.files[path] = whole.length
    return whole.to_json() | {"mode": file.stat().st_mode & 0o700}


def files(config: Config) -> list[tuple[str, Path]]:
    """Give the files of the home that a backup holds, by their paths in it; links are not followed."""
    named = [str(config.values[name]) for name in ("dkim_key", "dkim_ed25519_key") if config.values[name]]
    found: dict[str, Path] = {}
    for name in (*KEPT, *(name for name in named if not Path(name).is_absolute())):
        place = config.home / name
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            told = str(path.relative_to(config.home))
            if path.is_file() and not path.is_symlink() and not told.startswith(NOT_KEPT):
                if not archive.is_safe(told):
                    raise Refused(f"{path} has a name that a backup cannot hold")
                found[told] = path
    return sorted(found.items())


def _from_environment() -> tuple[str, ...]:
    return tuple(setting.variable for setting in SETTINGS if setting.variable in os.environ)


def _note(place: Storage, done: Backup) -> None:
    """Keep when and where the newest backup was made, for `broadsheet doctor`."""
    said = {"made": done.made, "address": place.address, "bytes": done.length}
    write_whole(settings.CONFIG.home / NEWEST, json.dumps(said).encode())
