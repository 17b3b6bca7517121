"""A record moved from one database into another, SQLite or PostgreSQL, whole or not at all."""

import os
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import DatabaseError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from broadsheet.lib.files import scratch, sync
from broadsheet.lib.progress import Progress, silent
from broadsheet.moving import databases, tables
from broadsheet.moving.lines import Reading
from broadsheet.moving.loading import Loaded, Loading, first_line
from broadsheet.moving.refused import Refused
from broadsheet.moving.restoring import ours


@dataclass
class Copied:
    """What was copied: rows and their sum by table, the same in both databases."""

    source: str
    target: str
    migrations: list[tables.Migration]
    rows: dict[str, Loaded] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """For scripts."""
        told = {name: {"rows": one.rows, "sum": one.sum} for name, one in self.rows.items()}
        return {"from": databases.shown(self.source), "to": databases.shown(self.target), "tables": told}


def copy(source: str, target: str, progress: Progress = silent) -> Copied:
    """Copy a record into an empty database, as it is at this moment, and compare every table by count and sum.

    One transaction, or one file that gets its name at the end: what is killed on the way leaves the target as empty as
    it was and is simply begun again, which clears away what is left beside a file. Raises Refused where the target is
    not empty or does not take a row.
    """
    if source == target:
        raise Refused("both addresses name the same record")
    done = Copied(source, target, must_be_there(source))
    try:
        if databases.is_postgresql(target):
            with databases.standing_in(databases.wrapper(target)) as other, transaction.atomic():
                if ours(other):
                    raise Refused(f"{databases.shown(target)} is not empty: it holds tables of Broadsheet")
                _fill(other, done, progress)
        else:
            _into_file(Path(target), done, progress)
    except (DatabaseError, sqlite3.Error) as problem:
        raise Refused(f"the database says: {first_line(problem)}") from problem
    return done


def must_be_there(source: str) -> list[tables.Migration]:
    """Bring a record to the form this version expects; give its migrations. Raises Refused where there is none."""
    if not databases.is_postgresql(source) and not Path(source).exists():
        raise Refused(f"there is no record at {source}")
    try:
        with databases.standing_in(databases.wrapper(source)) as there:
            if not ours(there):
                raise Refused(f"there is no record at {databases.shown(source)}")
            call_command("migrate", interactive=False, verbosity=0)
            return tables.applied(there)
    except DatabaseError as problem:
        raise Refused(f"{databases.shown(source)}: {first_line(problem)}") from problem


def _into_file(path: Path, done: Copied, progress: Progress) -> None:
    if path.exists() and path.stat().st_size:
        raise Refused(f"{path} is there already; move it away first")
    with scratch(path.parent, f".{path.name}-") as folder:
        made = folder / path.name
        with databases.standing_in(databases.scratch_sqlite(made)) as other:
            _fill(other, done, progress)
        sync(made)
        os.replace(made, path)
    sync(path.parent)


def _fill(other: BaseDatabaseWrapper, done: Copied, progress: Progress) -> None:
    # Before the rows' transaction: in one, SQLite cannot make tables that point at each other.
    tables.migrate_to(other, done.migrations)
    known = tables.of_state(other, done.migrations)
    with databases.reading(done.source) as source, transaction.atomic():
        loading = Loading(other, known)
        for table in known:
            reading = Reading(table)
            rows = (reading.line(row) for row in source.rows(table))
            loading.table(table, rows, source.counter(table))
            done.rows[table.name] = Loaded(reading.sum.rows, reading.sum.hex)
            progress(sum(one.rows for one in done.rows.values()))
        loading.finish(done.rows)
