"""A record with rows in every table goes to PostgreSQL and back: the same rows, and new ones get new numbers."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from broadsheet.moving import copying, databases
from broadsheet.moving.tests import everything

pytestmark = [pytest.mark.slow, pytest.mark.postgres]
Contents = dict[str, list[tuple[Any, ...]]]


@pytest.fixture(autouse=True)
def _unblocked(django_db_blocker: Any) -> Iterator[None]:  # noqa: ANN401
    with django_db_blocker.unblock():
        yield


@contextmanager
def at(address: str) -> Iterator[None]:
    """Let the models ask the record at an address."""
    with databases.standing_in(databases.wrapper(address)):
        yield


def contents(address: str) -> Contents:
    with at(address):
        return dict(everything.contents())


def fill(address: str) -> dict[str, Any]:
    """Make a record with three rows in every table, the last of them deleted again; give the numbers of that one."""
    with at(address):
        call_command("migrate", verbosity=0)
        everything.add(1)
        everything.add(2)
        gone = everything.add(3)
        for model in reversed(everything.models()):
            model._base_manager.filter(pk=gone[model._meta.db_table])._raw_delete("default")
    return gone


def must_number_on(address: str, gone: dict[str, Any]) -> None:
    """Add a row to every table: each gets a number that none had before, not even one that is gone."""
    before = contents(address)
    with at(address):
        fresh = everything.add(4)
        assert all(
            fresh[model._meta.db_table] > gone[model._meta.db_table]
            for model in everything.models()
            if "Auto" in model._meta.pk.get_internal_type()
        )
    assert {name: len(rows) for name, rows in contents(address).items()} == {
        name: len(rows) + 1 for name, rows in before.items()
    }


def test_every_table_has_rows_and_they_come_through_both_ways(empty_database: str, tmp_path: Path) -> None:
    first, back = str(tmp_path / "first.sqlite3"), str(tmp_path / "back.sqlite3")
    gone = fill(first)
    held = contents(first)
    assert len(held) > 60 and all(rows for rows in held.values())
    there = copying.copy(first, empty_database)
    assert contents(empty_database) == held
    again = copying.copy(empty_database, back)
    assert contents(back) == held
    assert there.rows == again.rows and there.rows.keys() >= held.keys()
    for address in (empty_database, back):
        must_number_on(address, gone)
    with at(back):
        call_command("makemigrations", check=True, dry_run=True, verbosity=0)
