"""A row as a line of JSON that says the same whatever database it came from, and sums over rows in any order.

Moments are UTC without an offset, "2026-11-21 09:30:00"; bytes are base64; JSON is nested. These are the forms in which
SQLite keeps them, so that most columns are copied as they are.
"""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final

from broadsheet.moving.refused import Refused
from broadsheet.moving.tables import Table

Convert = Callable[[Any], Any]
# Larger whole numbers are the same in both databases only when they are written without an exponent.
_EXACT: Final = 1e16
_ENCODE: Final = json.JSONEncoder(separators=(",", ":")).encode
_ENCODE_SORTED: Final = json.JSONEncoder(separators=(",", ":"), sort_keys=True).encode
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{6})?")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_UUID: Final = re.compile(r"[0-9a-f]{32}")


def number(text: str) -> float | int:
    """Read a number of a JSON value as both databases give it back: PostgreSQL keeps decimals, not floats."""
    value = float(text) + 0.0
    return int(value) if abs(value) >= _EXACT and value.is_integer() else value


_DECODE: Final = json.JSONDecoder(parse_float=number).decode


@lru_cache(maxsize=4096)
def _json_of_short(text: str) -> Any:  # noqa: ANN401 - whatever the JSON holds
    return _DECODE(text)


def _json(text: str) -> Any:  # noqa: ANN401 - whatever the JSON holds
    # Most values are one of a few; nobody changes what is given.
    return _json_of_short(text) if len(text) < 40 else _DECODE(text)


def _moment(value: datetime | str) -> str:
    return value if isinstance(value, str) else str(value.astimezone(UTC).replace(tzinfo=None))


def _float(value: float) -> float:
    return float(value) + 0.0


def _base64(value: bytes) -> str:
    return b64encode(value).decode()


def _uuid(value: object) -> str:
    return str(value).replace("-", "")


# From what a database gives to what stands in a line.
FROM_DATABASE: Final[dict[str, Convert]] = {
    "float": _float,
    "bool": bool,
    "moment": _moment,
    "day": str,
    "json": _json,
    "bytes": _base64,
    "uuid": _uuid,
}


class Reading:
    """Turns rows of a table into lines, and counts and sums them."""

    def __init__(self, table: Table) -> None:
        kinds = [column.kind for column in table.columns]
        self.converts = [(place, FROM_DATABASE[kind]) for place, kind in enumerate(kinds) if kind in FROM_DATABASE]
        self.sum = Sum("json" in kinds)

    def line(self, row: Sequence[Any]) -> bytes:
        """Give the line of a row, with its end."""
        values = list(row)
        for place, convert in self.converts:
            if (value := values[place]) is not None:
                values[place] = convert(value)
        text = _ENCODE(values)
        self.sum.add(values, text)
        return text.encode() + b"\n"


class Sum:
    """A sum over rows that does not depend on their order: SHA-256 of each as a number, added modulo 2**256.

    Two tables with equal sums and counts hold the same rows; a row that stands twice counts twice.
    """

    def __init__(self, nested: bool) -> None:
        self.nested = nested
        self.rows = 0
        self.total = 0

    def add(self, values: Sequence[Any], text: str) -> None:
        """Count a row, given also as its line: where no JSON is nested in it, that is its one form already."""
        form = _ENCODE_SORTED(values) if self.nested else text
        self.total += int.from_bytes(sha256(form.encode()).digest(), "big")
        self.rows += 1

    @property
    def hex(self) -> str:
        """The sum in hexadecimal digits."""
        return f"{self.total % 2**256:064x}"


# What may stand in a line, by the kind of its column: whoever reads a line that others wrote checks it.
_ALLOWED: Final[dict[str, Callable[[Any], bool]]] = {
    "integer": lambda value: type(value) is int and -(2**63) <= value < 2**63,
    "float": lambda value: type(value) in (float, int),
    "text": lambda value: type(value) is str,
    "bool": lambda value: type(value) is bool,
    "moment": lambda value: type(value) is str and _MOMENT.fullmatch(value) is not None,
    "day": lambda value: type(value) is str and _DAY.fullmatch(value) is not None,
    "json": lambda value: True,
    "bytes": lambda value: type(value) is str,
    "uuid": lambda value: type(value) is str and _UUID.fullmatch(value) is not None,
}


class Writing:
    """Turns lines of a table into rows for a database, checks what they hold, and counts and sums them.

    to: by kind, from what stands in a line to what the database takes.
    """

    def __init__(self, table: Table, to: dict[str, Convert]) -> None:
        self.table = table
        kinds = [column.kind for column in table.columns]
        self.allowed = [_ALLOWED[kind] for kind in kinds]
        self.nested = [place for place, kind in enumerate(kinds) if kind == "json"]
        self.converts = [(place, to[kind]) for place, kind in enumerate(kinds) if kind in to]
        self.sum = Sum(bool(self.nested))

    def row(self, line: bytes) -> list[Any]:
        """Give the row of a line. Raises Refused for one that this table cannot hold."""
        try:
            values = _DECODE(line.decode())
        except (ValueError, RecursionError) as problem:
            raise Refused(f"a row of {self.table.name} is no JSON") from problem
        self._check(values)
        self.sum.add(values, line.decode().rstrip("\n"))
        try:
            for place, convert in self.converts:
                if (value := values[place]) is not None:
                    values[place] = convert(value)
        except ValueError as problem:
            raise Refused(f"a row of {self.table.name} holds {problem}") from problem
        return list(values)

    def _check(self, values: object) -> None:
        if not isinstance(values, list) or len(values) != len(self.allowed):
            raise Refused(f"a row of {self.table.name} has not the columns it should have")
        for place, (value, allowed) in enumerate(zip(values, self.allowed, strict=True)):
            if value is not None and not allowed(value):
                column = self.table.columns[place]
                raise Refused(f"{self.table.name}.{column.name} holds what is no {column.kind}")


def to_json(value: object) -> str:
    """Write a nested value as the record does."""
    text = json.dumps(value, ensure_ascii=False)
    # Half a surrogate pair can be kept in its escaped form alone.
    return text if text.isascii() or not _SURROGATE.search(text) else json.dumps(value)


def to_bytes(text: str) -> bytes:
    """Read base64. Raises ValueError for what is none."""
    return b64decode(text, validate=True)
