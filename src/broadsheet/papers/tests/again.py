"""What many tests begin with is worked out once in a process; after that its rows are written as they were."""

import shutil
import tempfile
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from broadsheet.papers import finding

_kept: dict[Hashable, list[tuple[str, Any, bool]]] = {}
_indexes: dict[Hashable, Path] = {}
# The home of all tests of a process goes with its last one; each of those that ask an index has a home of its own.
HOME = settings.CONFIG.home


def written(name: Hashable, fill: Callable[[], object]) -> None:
    """Let `fill` write into the record; from the second time on write what it wrote the first time.

    `name` must tell all that decides what is written but for the rows that were ever added before: those are looked
    at. On PostgreSQL, whose numbers are not given anew to the next test, `fill` always runs.
    """
    if connection.vendor != "sqlite":
        fill()
        return
    name = (name, _ever_added())
    if name in _kept:
        _write(_kept[name])
    else:
        statements: list[tuple[str, Any, bool]] = []
        with connection.execute_wrapper(_keeping(statements)):
            fill()
        _kept[name] = statements


def indexed(name: Hashable) -> None:
    """Index the papers, as the first thing in a home; from the second time on take a copy of the first index.

    `name` must tell all that decides what the papers are, as for `written`.
    """
    if connection.vendor != "sqlite":
        finding.index()
        return
    place = finding.place()
    assert not place.exists(), "an index that is there would be written over"
    name = (name, place.name, settings.CONFIG.shards, _ever_added())
    if name in _indexes:
        shutil.copytree(_indexes[name], place)
        return
    finding.index()
    _indexes[name] = shutil.copytree(place, Path(tempfile.mkdtemp(dir=HOME)) / "index")


def _ever_added() -> tuple[tuple[object, ...], ...]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, seq FROM sqlite_sequence WHERE seq > 0 ORDER BY name")
        return tuple(cursor.fetchall())


def _keeping(statements: list[tuple[str, Any, bool]]) -> Callable[..., object]:
    def keep(execute: Callable[..., object], sql: str, params: Any, many: bool, context: object) -> object:  # noqa: ANN401
        assert not sql.startswith("ROLLBACK"), "what was taken back would be written again"
        if sql.startswith(("INSERT", "UPDATE", "DELETE", "REPLACE")):
            params = [tuple(row) for row in params] if many else tuple(params or ())
            statements.append((sql, params, many))
        return execute(sql, params, many, context)

    return keep


def _write(statements: Sequence[tuple[str, Any, bool]]) -> None:
    with connection.cursor() as cursor:
        for sql, params, many in statements:
            (cursor.executemany if many else cursor.execute)(sql, params)
            if "RETURNING" in sql:
                cursor.fetchall()
