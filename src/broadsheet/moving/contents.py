"""What is in a backup: read from front to end, every part held to what its manifest says; nothing of it is believed."""

import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

from django.conf import settings
from django.db import connection

from broadsheet.lib.progress import Progress, silent
from broadsheet.lib.storage import Storage
from broadsheet.moving import archive, tables
from broadsheet.moving.archive import HEAD, MANIFEST, Member, Whole, read_json
from broadsheet.moving.lines import Writing
from broadsheet.moving.loading import Loaded
from broadsheet.moving.refused import Refused

# So much of the disk stays free whatever a backup unpacks to.
KEEP_FREE: Final = 2**28
# Files that a backup may hold, by their first step: nothing else of a home is ever written by one.
PLACES: Final = re.compile(r"(broadsheet\.toml|secret|encoders/choice\.json)|(dkim|mail|shard|shard-[a-z0-9._-]+)/.+")


@dataclass
class Restored:
    """What a backup held. migrated: it was of an older version, and its record was brought forward."""

    made: str = ""
    version: str = ""
    rows: dict[str, int] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    migrated: int = 0
    notes: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """For scripts."""
        return {
            "made": self.made,
            "rows": sum(self.rows.values()),
            "tables": {name: count for name, count in self.rows.items() if count},
            "files": list(self.files),
            "migrations_applied": self.migrated,
            "notes": self.notes,
        }


@dataclass(frozen=True, slots=True)
class Head:
    """What an archive says of itself first."""

    made: str
    version: str
    migrations: tuple[tables.Migration, ...]
    shapes: Mapping[str, Any]

    @classmethod
    def read(cls, member: Member) -> "Head":
        """Read it. Raises Refused for what is none, and for one that a newer version wrote."""
        if member.room != HEAD:
            raise Refused("the file is no backup of Broadsheet")
        said = read_json(member.data)
        if said.get("format") != archive.FORMAT:
            raise Refused(
                f"the backup has format {said.get('format')!r}; this version reads {archive.FORMAT}: update it"
            )
        migrations = said.get("migrations")
        sound = isinstance(migrations, list) and all(
            isinstance(one, list) and len(one) == 2 and all(isinstance(name, str) for name in one) for one in migrations
        )
        if not sound or not isinstance(said.get("tables"), dict):
            raise Refused("what the file says of itself cannot be read")
        found = tuple((one[0], one[1]) for one in migrations or ())
        return cls(str(said.get("made")), str(said.get("broadsheet")), found, said["tables"])

    def tables(self) -> tuple[tables.Table, ...]:
        """The tables that it must hold. Raises Refused where its columns are not those of its migrations."""
        if unknown := tables.unknown(connection, self.migrations):
            named = ".".join(unknown[0])
            raise Refused(f"the backup was made by a newer version ({self.version}, {named}): update Broadsheet first")
        found = tables.of_state(connection, self.migrations)
        if {table.name: table.shape for table in found} != dict(self.shapes):
            raise Refused("the backup's tables are not those of the version that it says it is of")
        return found


class Contents:
    """The members of an archive in turn, each held to the manifest at the end."""

    def __init__(self, stream: BinaryIO, room: Path | None = None) -> None:
        self.reader = archive.Reader(stream, (lambda: _room(room)) if room else None)
        self.members = self.reader.members()
        self.head = Head.read(next(self.members))
        self.wholes: dict[tuple[str, str], Whole] = {}
        self.manifest: dict[str, Any] = {}
        self._next: Member | None = None

    def __iter__(self) -> Iterator[Member]:
        """Give the first part of each table and file; `rest` gives what follows it."""
        while (member := self._take()) is not None:
            if member.room == MANIFEST:
                self.manifest = read_json(member.data)
                # What follows is the end; nothing may come behind it.
                next(self.members, None)
                return
            if member.room not in ("tables", "files") or (member.room, member.of) in self.wholes:
                raise Refused(f"the file holds {member.of or member.room!r} twice")
            self.wholes[member.room, member.of] = Whole()
            yield member
        raise Refused("the file ends too early")

    def _take(self) -> Member | None:
        member, self._next = self._next, None
        return member or next(self.members, None)

    def rest(self, first: Member) -> Iterator[bytes]:
        """Give the parts of a table or file, from the first on."""
        whole, member = self.wholes[first.room, first.of], first
        while (member.room, member.of) == (first.room, first.of):
            if member.part != whole.parts:
                raise Refused(f"a part of {first.of} is missing")
            whole.add(member.data)
            yield member.data
            following = self._take()
            if following is None:
                raise Refused("the file ends too early")
            member = following
        self._next = member

    def check(self) -> None:
        """Compare lengths and hashes with the manifest. Raises Refused."""
        for room in ("tables", "files"):
            told = self.manifest.get(room)
            held = {of: whole for (one, of), whole in self.wholes.items() if one == room}
            if not isinstance(told, dict) or told.keys() != held.keys():
                raise Refused("the backup does not hold what its manifest lists")
            for of, whole in held.items():
                if not isinstance(told[of], dict) or not whole.to_json().items() <= told[of].items():
                    raise Refused(f"{of} is damaged: its hash is not the one that was written")


def _room(place: Path) -> int:
    # What was unpacked is on the disk in another form already; half of what is free is for what is still to come.
    return shutil.disk_usage(place).free // 2 + 2**30 - KEEP_FREE


def lines(parts: Iterator[bytes]) -> Iterator[bytes]:
    """Divide parts into lines; a line ends where a part does."""
    for part in parts:
        if part and not part.endswith(b"\n"):
            raise Refused("a row is cut off")
        yield from part.splitlines(keepends=True)


def verify(place: Storage, progress: Progress = silent) -> Restored:
    """Read a backup from front to end and check every count and hash; nothing is written."""
    with place.reading() as stream:
        contents = Contents(stream)
        known, done = tables.by_name(contents.head.tables()), told(contents)
        sums: dict[str, Loaded] = {}
        for first in contents:
            if first.room == "files":
                check_place(first.of)
                for _part in contents.rest(first):
                    pass
                continue
            table = table_of(known, first)
            writing = Writing(table, {})
            for line in lines(contents.rest(first)):
                writing.row(line)
            sums[table.name] = Loaded(writing.sum.rows, writing.sum.hex)
            progress(sum(one.rows for one in sums.values()))
        contents.check()
        compare(contents, known, sums)
    done.rows = {name: one.rows for name, one in sums.items()}
    done.files = tuple(sorted(contents.manifest["files"]))
    return done


def told(contents: Contents) -> Restored:
    """Say what a backup is, before its rows are read."""
    return Restored(contents.head.made, contents.head.version)


def table_of(known: Mapping[str, tables.Table], first: Member) -> tables.Table:
    """Give the table that a member is of. Raises Refused for one that its version does not have."""
    if first.of not in known:
        raise Refused(f"the backup holds a table {first.of!r} that its version does not have")
    return known[first.of]


def check_place(path: str) -> None:
    """Raise Refused for a file that has no place in a home."""
    named = [settings.CONFIG.values[name] for name in ("dkim_key", "dkim_ed25519_key")]
    if not PLACES.fullmatch(path) and path not in named and not path.endswith(".pem"):
        raise Refused(f"the backup holds {path!r}, which has no place in a home")


def compare(contents: Contents, known: Mapping[str, tables.Table], sums: Mapping[str, Loaded]) -> None:
    """Compare the rows that were read with those that were counted when it was written. Raises Refused."""
    if sums.keys() != known.keys():
        raise Refused("the backup lacks a table")
    for name, one in sums.items():
        told = contents.manifest["tables"][name]
        if (told.get("rows"), told.get("sum")) != (one.rows, one.sum):
            raise Refused(f"{name} is damaged: its rows are not those that were counted")
