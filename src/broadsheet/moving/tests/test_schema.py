"""The tests' own tables are made as the models are, without migrations: both ways must lead to the same."""

from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from broadsheet.moving import databases
from broadsheet.moving.tests.conftest import inside


def tables(database: BaseDatabaseWrapper) -> dict[str, object]:
    """Every table with its columns and constraints, whatever those are called and in whatever order they stand."""
    look = database.introspection
    with database.cursor() as cursor:
        return {
            name: (
                {(one.name, one.type_code, one.null_ok) for one in look.get_table_description(cursor, name)},
                sorted(
                    repr(sorted((key, what) for key, what in one.items() if key != "definition"))
                    for one in look.get_constraints(cursor, name).values()
                ),
            )
            for name in look.table_names(cursor)
        }


def others(database: BaseDatabaseWrapper) -> list[tuple[object, ...]]:
    """What only a migration's own SQL can make."""
    with database.cursor() as cursor:
        cursor.execute("SELECT type, name, sql FROM sqlite_master WHERE type IN ('trigger', 'view') ORDER BY name")
        return list(cursor.fetchall())


@pytest.mark.slow
@pytest.mark.django_db
def test_all_migrations_lead_to_the_tables_of_the_models(tmp_path: Path) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("compares two SQLite databases")
    with inside(tmp_path):
        call_command("migrate", verbosity=0)
    migrated = databases.wrapper(str(tmp_path / "record.sqlite3"))
    try:
        assert tables(connection) == tables(migrated)
        assert others(connection) == others(migrated)
    finally:
        migrated.close()
