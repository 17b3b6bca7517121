"""The databases that a record can be in: named by an address, read in one snapshot, filled in one go."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import load_backend

from broadsheet import settings as site
from broadsheet.moving import lines
from broadsheet.moving.refused import Refused
from broadsheet.moving.tables import Column, Table

# Rows that are fetched or written at once.
AT_ONCE: Final = 2000
# Of a SQLite file that is being filled; a larger one makes it no faster.
CACHE_KB: Final = 8192
POSTGRESQL: Final = ("postgres://", "postgresql://")
# What the name of a SQLite file ends in, where it is not told by a slash.
SQLITE: Final = (".sqlite3", ".sqlite", ".db")
_COMMON: Final = {
    "ATOMIC_REQUESTS": False,
    "AUTOCOMMIT": True,
    "CONN_HEALTH_CHECKS": False,
    "CONN_MAX_AGE": None,
    "HOST": "",
    "PASSWORD": "",
    "PORT": "",
    "TIME_ZONE": None,
    "USER": "",
}
_TEST: Final = {"CHARSET": None, "COLLATION": None, "MIGRATE": True, "MIRROR": None, "NAME": None}


def is_postgresql(address: str) -> bool:
    """Whether an address names a PostgreSQL database."""
    return address.startswith(POSTGRESQL)


def in_force() -> str:
    """The address of the record that the settings name."""
    return str(settings.CONFIG.database) or str(settings.CONFIG.home / "record.sqlite3")


def address(text: str) -> str:
    """Read an address: postgresql://…, `sqlite` for the file in the home, or the path of another SQLite file.

    Raises Refused where it is none of them: a word alone, such as `sqlite3`, names no file unless one is there.
    """
    if text == "sqlite":
        return str(settings.CONFIG.home / "record.sqlite3")
    if is_postgresql(text):
        return text
    is_path = "/" in text or text.endswith(SQLITE) or Path(text).is_file()
    if "://" in text or not is_path:
        # An address is not repeated: it may hold a password.
        named = "that address" if "://" in text else repr(text)
        raise Refused(
            f"{named} names no record: write postgresql://user:password@host:port/name, `sqlite` for the file in the"
            " home, or a path such as ./copy.sqlite3"
        )
    return str(Path(text).expanduser().absolute())


def shown(address: str) -> str:
    """An address as it may be printed: without what signs in."""
    if not is_postgresql(address):
        return address
    parts = urlsplit(address)
    return f"postgresql://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"


def wrapper(address: str) -> BaseDatabaseWrapper:
    """Make Django's connection to a database, outside the ones that its settings name."""
    if is_postgresql(address):
        chosen = site.postgresql(address)
    else:
        chosen = {**site.SQLITE, "NAME": address}
    values = {**_COMMON, "OPTIONS": {}, **chosen, "TEST": dict(_TEST)}
    try:
        made: BaseDatabaseWrapper = load_backend(values["ENGINE"]).DatabaseWrapper(values, DEFAULT_DB_ALIAS)
    except ImproperlyConfigured as problem:
        raise Refused("PostgreSQL needs its driver: pip install 'broadsheet[postgres]'") from problem
    return made


def scratch_sqlite(path: Path) -> BaseDatabaseWrapper:
    """Make a connection to a new SQLite file that nobody else sees before it is whole."""
    other = wrapper(str(path))
    # Nothing is lost with it, so nothing has to be safe on the disk before the end. The cache is all that grows with
    # the rows, until it is full.
    quick = f"PRAGMA page_size=8192;PRAGMA journal_mode=MEMORY;PRAGMA synchronous=OFF;PRAGMA cache_size=-{CACHE_KB}"
    other.settings_dict["OPTIONS"] = {"init_command": quick}
    return other


@contextmanager
def standing_in(other: BaseDatabaseWrapper) -> Iterator[BaseDatabaseWrapper]:
    """Let another database be the one that everything in this thread asks: migrations move rows by it."""
    before = connections[DEFAULT_DB_ALIAS]
    connections[DEFAULT_DB_ALIAS] = other
    try:
        yield other
    finally:
        connections[DEFAULT_DB_ALIAS] = before
        other.close()


class Source(Protocol):
    """A record at one moment, whatever is written to it meanwhile."""

    vendor: str

    def rows(self, table: Table) -> Iterator[tuple[Any, ...]]:
        """Give the rows of a table, a few at a time."""

    def counter(self, table: Table) -> int:
        """Give the largest number that was given to a row of a table, also to one that is gone; 0 without."""


def reading(address: str) -> AbstractContextManager[Source]:
    """Open a snapshot of a record; nothing is locked, others go on writing."""
    return _reading_postgresql(address) if is_postgresql(address) else _reading_sqlite(address)


class _SqliteSource:
    vendor = "sqlite"

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def rows(self, table: Table) -> Iterator[tuple[Any, ...]]:
        names = ", ".join(quoted(column.name) for column in table.columns)
        cursor = self.connection.execute(f"SELECT {names} FROM {quoted(table.name)}")
        while found := cursor.fetchmany(AT_ONCE):
            yield from found

    def counter(self, table: Table) -> int:
        if not table.counted:
            return 0
        found = self.connection.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", [table.name]).fetchone()
        return int(found[0]) if found else 0


@contextmanager
def _reading_sqlite(address: str) -> Iterator[Source]:
    with closing(sqlite3.connect(address, timeout=20, isolation_level=None)) as connection:
        connection.execute("PRAGMA query_only = 1")
        connection.execute("BEGIN")
        # The snapshot begins with the first look.
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        yield _SqliteSource(connection)


class _PostgresqlSource:
    vendor = "postgresql"

    def __init__(self, connection: Any) -> None:  # noqa: ANN401 - psycopg is an extra
        self.connection = connection

    def rows(self, table: Table) -> Iterator[tuple[Any, ...]]:
        names = ", ".join(_selected(column) for column in table.columns)
        with self.connection.cursor(name="rows", binary=True) as cursor:
            cursor.itersize = AT_ONCE
            cursor.execute(f"SELECT {names} FROM {quoted(table.name)}")
            yield from cursor

    def counter(self, table: Table) -> int:
        if not table.counted:
            return 0
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", [quoted(table.name), table.counted])
            name = cursor.fetchone()[0]
            cursor.execute(f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {name}")
            return int(cursor.fetchone()[0])


def _selected(column: Column) -> str:
    # As text, so that a JSON value is read the same way wherever it comes from.
    return f"{quoted(column.name)}::text" if column.kind in ("json", "uuid") else quoted(column.name)


@contextmanager
def _reading_postgresql(address: str) -> Iterator[Source]:
    import psycopg

    # Without what Django adds to a connection: values come as they are kept.
    asked: dict[str, Any] = wrapper(address).get_connection_params()
    for name in ("context", "cursor_factory"):
        asked.pop(name, None)
    with closing(psycopg.connect(**asked)) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        connection.execute("SET LOCAL TIME ZONE 'UTC'")
        yield _PostgresqlSource(connection)


def quoted(name: str) -> str:
    """A name in SQL. Names come from the migrations, never from what is read."""
    return '"{}"'.format(name.replace('"', '""'))


_TO_SQLITE: Final[Mapping[str, Callable[[Any], Any]]] = {"json": lines.to_json, "bytes": lines.to_bytes}


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("a NUL sign, which PostgreSQL cannot keep")
    return text


def _holds_nul(value: object) -> bool:
    if isinstance(value, dict):
        return any(_holds_nul(one) for pair in value.items() for one in pair)
    if isinstance(value, list):
        return any(_holds_nul(one) for one in value)
    return isinstance(value, str) and "\0" in value


def _to_jsonb(value: object) -> str:
    text = lines.to_json(value)
    if "\\u0000" in text and _holds_nul(value):
        raise ValueError("a NUL sign, which PostgreSQL cannot keep")
    return text


def _in_utc(text: str) -> str:
    return f"{text}+00"


_TO_POSTGRESQL: Final[Mapping[str, Callable[[Any], Any]]] = {
    "text": _without_nul,
    "json": _to_jsonb,
    "bytes": lines.to_bytes,
    "moment": _in_utc,
}


class Target:
    """A database with empty tables that is being filled; nothing is checked or indexed before `finish()`."""

    def __init__(self, connection: BaseDatabaseWrapper, tables: Iterable[Table]) -> None:
        self.connection = connection
        self.tables = tuple(tables)
        self.loaded: set[str] = set()
        self.indexes = self._drop_indexes()
        for table in reversed(self.tables):
            self.execute(f"DELETE FROM {quoted(table.name)}")

    @property
    def converts(self) -> dict[str, Callable[[Any], Any]]:
        """From what stands in a line to what this database takes."""
        return dict(_TO_POSTGRESQL if self.connection.vendor == "postgresql" else _TO_SQLITE)

    def execute(self, sql: str, values: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a statement and give its rows, if any."""
        with self.connection.cursor() as cursor:
            cursor.execute(sql, list(values) or None)
            return list(cursor.fetchall()) if cursor.description else []

    def _drop_indexes(self) -> list[str]:
        """Take away what can be built again faster at the end; what keeps rows unique by a constraint stays."""
        if self.connection.vendor == "postgresql":
            found = self.execute(
                "SELECT c.relname, pg_get_indexdef(i.indexrelid)"
                " FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid"
                " WHERE t.relname = ANY(%s) AND t.relnamespace = current_schema()::regnamespace"
                " AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid)",
                [[table.name for table in self.tables]],
            )
        else:
            found = self.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
        for name, _sql in found:
            self.execute(f"DROP INDEX {quoted(name)}")
        return [sql for _name, sql in found]

    def begin(self, table: Table) -> None:
        """Tell that a table comes next."""
        if self.connection.vendor == "postgresql":
            # What is not checked at once is remembered row by row: only for rows that may point at later ones.
            when = "IMMEDIATE" if table.parents <= self.loaded else "DEFERRED"
            self.execute(f"SET CONSTRAINTS ALL {when}")

    def insert(self, table: Table, rows: list[list[Any]]) -> None:
        """Write rows."""
        names = ", ".join(quoted(column.name) for column in table.columns)
        if self.connection.vendor == "postgresql":
            self._copy(f"COPY {quoted(table.name)} ({names}) FROM STDIN", rows)
            return
        marks = ", ".join(["%s"] * len(table.columns))
        with self.connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO {quoted(table.name)} ({names}) VALUES ({marks})", rows)

    def _copy(self, sql: str, rows: list[list[Any]]) -> None:
        with self.connection.wrap_database_errors, self.connection.cursor() as cursor, cursor.copy(sql) as stream:
            for row in rows:
                stream.write_row(row)

    def end(self, table: Table, counter: int) -> None:
        """Tell that a table is complete, and up to which number its rows were numbered."""
        self.loaded.add(table.name)
        if table.counted:
            self.count_from(table, counter)

    def count_from(self, table: Table, counter: int) -> None:
        """Let new rows be numbered from the largest number on that was ever given."""
        column = quoted(table.counted)
        largest = int(self.execute(f"SELECT COALESCE(MAX({column}), 0) FROM {quoted(table.name)}")[0][0])
        last = max(largest, counter)
        if self.connection.vendor == "postgresql":
            name = self.execute("SELECT pg_get_serial_sequence(%s, %s)", [quoted(table.name), table.counted])[0][0]
            self.execute("SELECT setval(%s::regclass, %s, %s)", [name, max(last, 1), last > 0])
        else:
            self.execute("DELETE FROM sqlite_sequence WHERE name = %s", [table.name])
            if last:
                self.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [table.name, last])

    def finish(self) -> None:
        """Check who points at whom and build the indexes. Raises IntegrityError where a row points at nothing."""
        self.connection.check_constraints()
        if self.connection.vendor == "postgresql":
            self.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for sql in self.indexes:
            self.execute(sql)

    def sum_of(self, table: Table) -> lines.Sum:
        """Read a table back and sum it."""
        reading = lines.Reading(table)
        names = ", ".join(self._read_back(column) for column in table.columns)
        sql = f"SELECT {names} FROM {quoted(table.name)}"
        with self.connection.chunked_cursor() as cursor:
            cursor.execute(sql)
            while found := cursor.fetchmany(AT_ONCE):
                for row in found:
                    reading.line(row)
        return reading.sum

    def _read_back(self, column: Column) -> str:
        if self.connection.vendor == "postgresql":
            return _selected(column)
        # As it is kept: Django's connection would make dates and moments of the text.
        plain = f"CAST({quoted(column.name)} AS TEXT)"
        return plain if column.kind in ("moment", "day", "text", "json", "uuid") else quoted(column.name)
