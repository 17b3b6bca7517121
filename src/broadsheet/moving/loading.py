"""Rows into an empty database, counted, summed and read back: what comes from a backup and from another database."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper

from broadsheet.moving.databases import AT_ONCE, Target
from broadsheet.moving.lines import Sum, Writing
from broadsheet.moving.refused import Refused
from broadsheet.moving.tables import Table


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of the rows of a table: how many, and their sum."""

    rows: int
    sum: str


class Loading:
    """Fills a database table by table. Raises Refused where it does not take a row."""

    def __init__(self, connection: BaseDatabaseWrapper, tables: Iterable[Table]) -> None:
        self.target = Target(connection, tables)
        self.done: dict[str, Loaded] = {}

    def table(self, table: Table, lines: Iterable[bytes], counter: int = 0) -> None:
        """Fill a table with rows given as lines."""
        writing = Writing(table, self.target.converts)
        rows = []
        try:
            self.target.begin(table)
            for line in lines:
                rows.append(writing.row(line))
                if len(rows) >= AT_ONCE:
                    self.target.insert(table, rows)
                    rows.clear()
            if rows:
                self.target.insert(table, rows)
            self.target.end(table, counter)
        except DatabaseError as problem:
            raise Refused(f"a row of {table.name} does not fit: {first_line(problem)}") from problem
        self.done[table.name] = Loaded(writing.sum.rows, writing.sum.hex)

    def finish(self, expected: Mapping[str, Loaded]) -> None:
        """Check what points at what, and that the database gives back the rows that were expected of it."""
        try:
            self.target.finish()
        except DatabaseError as problem:
            raise Refused(f"the rows do not belong together: {first_line(problem)}") from problem
        for table, found in self._read_back():
            if found != expected[table.name]:
                raise Refused(f"{table.name} does not hold what it was given: {found.rows:,} rows, another sum")

    def _read_back(self) -> Iterator[tuple[Table, Loaded]]:
        for table in self.target.tables:
            total: Sum = self.target.sum_of(table)
            yield table, Loaded(total.rows, total.hex)


def first_line(problem: Exception) -> str:
    """What a database says, in one line."""
    return str(problem).strip().split("\n")[0][:300]
