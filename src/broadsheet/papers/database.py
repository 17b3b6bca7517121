"""The database brought to the form this version expects, and kept from other accounts of the machine."""

from contextlib import suppress
from pathlib import Path

from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.migrations.executor import MigrationExecutor

from broadsheet.lib.files import lock
from broadsheet.papers import claims


def migrate() -> None:
    """Bring the database to the form this version expects; nothing to do costs a few milliseconds."""
    if _is_behind():
        from django.conf import settings

        # Two processes that start at once must not both create the tables, on one host or on several.
        with lock(settings.CONFIG.home / "migrate.lock"), claims.in_turn("migrate"):
            if _is_behind():
                call_command("migrate", interactive=False, verbosity=0)
    if connection.vendor == "sqlite":
        keep_to_owner(Path(str(connection.settings_dict["NAME"])))


def keep_to_owner(record: Path) -> None:
    """Take the record's files from other accounts of the machine: whoever reads them holds everybody's session.

    SQLite makes files that everybody may read, and those beside the record like the record itself.
    """
    for path in (record, *(record.with_name(record.name + ending) for ending in ("-wal", "-shm"))):
        # One that is not there, or that another account owns, is not ours to change.
        with suppress(OSError):
            mode = path.stat().st_mode
            if mode & 0o077:
                path.chmod(mode & 0o700)


def overwrite_deleted() -> None:
    """Have SQLite write over whatever this connection deletes from now on, so that it is gone from the file as well."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA secure_delete=ON")


def _is_behind() -> bool:
    executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def size_on_disk() -> int:
    """Bytes that the record takes."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_database_size(current_database())")
        else:
            cursor.execute("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
        return int(cursor.fetchone()[0])
