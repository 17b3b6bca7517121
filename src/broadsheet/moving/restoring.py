"""A backup brought back: made ready beside what is here, and put in its place at once, when all of it was checked."""

import os
import re
import shutil
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Final

from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from broadsheet.lib import swap
from broadsheet.lib.files import lock, scratch
from broadsheet.lib.progress import Progress, silent
from broadsheet.lib.storage import Storage
from broadsheet.moving import databases, tables
from broadsheet.moving.archive import Member
from broadsheet.moving.backing import CHOICE, KEPT
from broadsheet.moving.contents import Contents, Restored, check_place, compare, lines, table_of, told
from broadsheet.moving.loading import Loaded, Loading, first_line
from broadsheet.moving.refused import Refused

# Seconds that others have to leave a database.
PATIENCE: Final = 3.0
SCRATCH: Final = ".restoring-"
# What follows from the record, and what was noted of it: not of the record that comes.
DERIVED: Final = ("backup.json", "record.sqlite3-wal", "record.sqlite3-shm")
_DATABASE: Final = re.compile(r"^database[ \t]*=.*$", re.MULTILINE)


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
        with scratch(home, SCRATCH) as folder, place.reading() as stream:
            return _Restoring(home, folder, Contents(stream, home), progress).run()


class _Restoring:
    def __init__(self, home: Path, folder: Path, contents: Contents, progress: Progress) -> None:
        self.home = home
        self.made = folder / "made"
        self.made.mkdir()
        self.contents = contents
        self.progress = progress
        self.done = told(contents)
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
                loading.table(table_of(known, first), lines(self.contents.rest(first)))
                self.progress(sum(one.rows for one in loading.done.values()))
        self.contents.check()
        compare(self.contents, known, loading.done)
        self.done.rows = {name: one.rows for name, one in loading.done.items()}
        self.done.files = tuple(sorted(self.contents.manifest["files"]))

    def _write(self, first: Member) -> None:
        check_place(first.of)
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
        (made / "record.sqlite3").chmod(0o600)


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
