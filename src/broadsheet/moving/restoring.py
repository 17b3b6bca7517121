"""A backup brought back: checked in every part, made ready beside what is here, and put in its place at once."""

import os
import re
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from broadsheet.lib import swap
from broadsheet.lib.files import lock
from broadsheet.lib.progress import Progress, silent
from broadsheet.lib.storage import Storage
from broadsheet.moving import archive, databases, tables
from broadsheet.moving.archive import HEAD, MANIFEST, Member, Whole, read_json
from broadsheet.moving.backing import CHOICE, KEPT
from broadsheet.moving.loading import Loaded, Loading, first_line
from broadsheet.moving.refused import Refused

# So much of the disk stays free whatever a backup unpacks to.
KEEP_FREE: Final = 2**28
# Seconds that others have to leave a database.
PATIENCE: Final = 3.0
SCRATCH: Final = ".restoring-"
# What follows from the record, and what was noted of it: not of the record that comes.
DERIVED: Final = ("backup.json", "record.sqlite3-wal", "record.sqlite3-shm")
# Files that a backup may hold, by their first step: nothing else of a home is ever written by one.
PLACES: Final = re.compile(r"(broadsheet\.toml|secret|encoders/choice\.json)|(dkim|mail|shard|shard-[a-z0-9._-]+)/.+")
_DATABASE: Final = re.compile(r"^database[ \t]*=.*$", re.MULTILINE)


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
    from broadsheet.moving.lines import Writing

    with place.reading() as stream:
        contents = Contents(stream)
        known, done = tables.by_name(contents.head.tables()), _told(contents)
        sums: dict[str, Loaded] = {}
        for first in contents:
            if first.room == "files":
                _check_place(first.of)
                for _part in contents.rest(first):
                    pass
                continue
            table = _table(known, first)
            writing = Writing(table, {})
            for line in lines(contents.rest(first)):
                writing.row(line)
            sums[table.name] = Loaded(writing.sum.rows, writing.sum.hex)
            progress(sum(one.rows for one in sums.values()))
        contents.check()
        _compare(contents, known, sums)
    done.rows = {name: one.rows for name, one in sums.items()}
    done.files = tuple(sorted(contents.manifest["files"]))
    return done


def _told(contents: Contents) -> Restored:
    return Restored(contents.head.made, contents.head.version)


def _table(known: Mapping[str, tables.Table], first: Member) -> tables.Table:
    if first.of not in known:
        raise Refused(f"the backup holds a table {first.of!r} that its version does not have")
    return known[first.of]


def _check_place(path: str) -> None:
    named = [settings.CONFIG.values[name] for name in ("dkim_key", "dkim_ed25519_key")]
    if not PLACES.fullmatch(path) and path not in named and not path.endswith(".pem"):
        raise Refused(f"the backup holds {path!r}, which has no place in a home")


def _compare(contents: Contents, known: Mapping[str, tables.Table], sums: Mapping[str, Loaded]) -> None:
    if sums.keys() != known.keys():
        raise Refused("the backup lacks a table")
    for name, one in sums.items():
        told = contents.manifest["tables"][name]
        if (told.get("rows"), told.get("sum")) != (one.rows, one.sum):
            raise Refused(f"{name} is damaged: its rows are not those that were counted")


def has_record() -> bool:
    """Whether the record in force holds more than the sample of papers: anything that somebody might miss."""
    address = databases.in_force()
    if not databases.is_postgresql(address) and not Path(address).exists():
        return False
    try:
        names = connection.introspection.table_names()
        if "papers_paper" not in names:
            return False
        with connection.cursor() as cursor:
            asked = ["SELECT 1 FROM papers_paper WHERE source <> 'sample' LIMIT 1"]
            asked += ["SELECT 1 FROM readers_reader LIMIT 1"] if "readers_reader" in names else []
            return any(cursor.execute(sql) or cursor.fetchone() for sql in asked)
    except DatabaseError:
        # What cannot be read may still be wanted.
        return not databases.is_postgresql(address)
    finally:
        connections.close_all()


def restore(place: Storage, *, replace: bool = False, progress: Progress = silent) -> Restored:
    """Bring a backup back into this home and the record in force.

    Raises Refused where there is a record already and `replace` is False, where the site runs, and for whatever is
    not a whole and sound backup; then nothing has changed.
    """
    home: Path = settings.CONFIG.home
    with lock(home / "restore.lock", wait=False) as mine:
        if not mine:
            raise Refused("a restore is under way in this home")
        if has_record() and not replace:
            raise Refused(f"there is a record already ({databases.shown(databases.in_force())}); --replace replaces it")
        for old in home.glob(f"{SCRATCH}*"):
            shutil.rmtree(old)
        scratch = Path(tempfile.mkdtemp(dir=home, prefix=SCRATCH))
        try:
            with place.reading() as stream:
                return _Restoring(home, scratch, Contents(stream, home), progress).run()
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


class _Restoring:
    def __init__(self, home: Path, scratch: Path, contents: Contents, progress: Progress) -> None:
        self.home = home
        self.made = scratch / "made"
        self.made.mkdir()
        self.contents = contents
        self.progress = progress
        self.done = _told(contents)
        self.database = databases.in_force()
        self.on_postgresql = databases.is_postgresql(self.database)

    def run(self) -> Restored:
        tables_known = self.contents.head.tables()
        connections.close_all()
        with ExitStack() as stack:
            if self.on_postgresql:
                other = stack.enter_context(databases.standing_in(databases.wrapper(self.database)))
                stack.enter_context(transaction.atomic())
                empty(other)
            else:
                other = stack.enter_context(
                    databases.standing_in(databases.scratch_sqlite(self.made / "record.sqlite3"))
                )
            self._load(other, tables_known)
        self._put_in_place()
        return self.done

    def _load(self, other: BaseDatabaseWrapper, known: tuple[tables.Table, ...]) -> None:
        tables.migrate_to(other, self.contents.head.migrations)
        with transaction.atomic():
            loading = Loading(other, known)
            self._read(loading, tables.by_name(known))
            self._count_on(loading, known)
            loading.finish(self._expected())
        before = len(tables.applied(other))
        call_command("migrate", interactive=False, verbosity=0)
        self.done.migrated = len(tables.applied(other)) - before
        if other.vendor == "sqlite":
            other.cursor().execute("PRAGMA journal_mode = DELETE")

    def _read(self, loading: Loading, known: Mapping[str, tables.Table]) -> None:
        for first in self.contents:
            if first.room == "files":
                self._write(first)
            else:
                loading.table(_table(known, first), lines(self.contents.rest(first)))
                self.progress(sum(one.rows for one in loading.done.values()))
        self.contents.check()
        _compare(self.contents, known, loading.done)
        self.done.rows = {name: one.rows for name, one in loading.done.items()}
        self.done.files = tuple(sorted(self.contents.manifest["files"]))

    def _write(self, first: Member) -> None:
        _check_place(first.of)
        place = self.made / first.of
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Never through a link, and never over what is there.
        handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "wb") as stream:
            for part in self.contents.rest(first):
                stream.write(part)

    def _count_on(self, loading: Loading, known: tuple[tables.Table, ...]) -> None:
        for table in known:
            counter = self.contents.manifest["tables"][table.name].get("counter")
            if table.counted and type(counter) is int and 0 <= counter < 2**63:
                loading.target.count_from(table, counter)

    def _expected(self) -> dict[str, Loaded]:
        told = self.contents.manifest["tables"]
        return {name: Loaded(one["rows"], one["sum"]) for name, one in told.items()}

    def _put_in_place(self) -> None:
        self._name_database()
        _say_modes(self.made)
        # Settings are missed where none come; every index follows the record that was here.
        going = [name for name in (*DERIVED, *KEPT) if name != "broadsheet.toml"]
        going += [path.name for path in self.home.glob("shard*")]
        with ExitStack() as stack:
            if not self.on_postgresql:
                stack.enter_context(alone_with(Path(self.database)))
            swap.decide(self.home, self.made, going, into=(Path(CHOICE).parent.name,))

    def _name_database(self) -> None:
        """Let the settings that come name the database that the record is in now."""
        path, before = self.made / "broadsheet.toml", self.home / "broadsheet.toml"
        if not path.exists():
            return
        text = path.read_text(encoding="utf-8")
        line = f'database = "{settings.CONFIG.database}"'
        found = _DATABASE.search(text)
        if (found[0] if found else 'database = ""') != line:
            # Before the first line: behind a table's head it would be the table's.
            path.write_text(f"{line}\n{_DATABASE.sub('', text)}", encoding="utf-8")
            self.done.notes.append("the broadsheet.toml of the backup named another database; it names this one now")
        if before.exists() and before.read_bytes() != path.read_bytes():
            shutil.copyfile(before, self.made / "broadsheet.toml.before")
            self.done.notes.append("the settings that were here are kept as broadsheet.toml.before")


def _say_modes(made: Path) -> None:
    for name in ("mail", "dkim"):
        if (made / name).is_dir():
            (made / name).chmod(0o700)
    if (made / "record.sqlite3").exists():
        (made / "record.sqlite3").chmod(0o644)


def empty(other: BaseDatabaseWrapper) -> None:
    """Remove every table of Broadsheet from a PostgreSQL database; others stay. Inside a transaction.

    Raises Refused where somebody else is connected to it.
    """
    until = time.monotonic() + PATIENCE
    while others := _others(other):
        # Those that were closed a moment ago are still leaving.
        if time.monotonic() > until:
            raise Refused(f"{others} other connections to the database are open: stop the site on every host first")
        time.sleep(0.1)
    with other.cursor() as cursor:
        for name in ours(other):
            cursor.execute(f"DROP TABLE {databases.quoted(name)} CASCADE")


def _others(other: BaseDatabaseWrapper) -> int:
    with other.cursor() as cursor:
        # What is seen of others is kept for the whole transaction otherwise.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )
        return int(cursor.fetchone()[0])


def ours(other: BaseDatabaseWrapper) -> list[str]:
    """Name the tables of Broadsheet in a database."""
    with other.cursor() as cursor:
        there = set(other.introspection.table_names(cursor))
    known = {table.name for table in tables.of_state(other, tables.applied(other))} if there else set()
    return sorted(
        there
        & {*known, *other.introspection.django_table_names(include_views=False), *tables.LEFT_OUT, "django_migrations"}
    )


@contextmanager
def alone_with(path: Path) -> Iterator[None]:
    """Hold a SQLite record so that nobody opens it while it changes places. Raises Refused where somebody has it."""
    connections.close_all()
    if not path.exists():
        yield
        return
    with closing(sqlite3.connect(path, timeout=5, isolation_level=None)) as held:
        try:
            # Only the last one who has it open may end the log beside it.
            held.execute("PRAGMA journal_mode = DELETE")
            held.execute("PRAGMA locking_mode = EXCLUSIVE")
            held.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as problem:
            raise Refused(f"the record is in use ({first_line(problem)}): stop the site first") from problem
        except sqlite3.DatabaseError:
            # A damaged record is replaced all the same.
            pass
        yield


__all__ = ["Restored", "alone_with", "empty", "has_record", "ours", "restore", "verify"]
