"""The database brought to the form this version expects."""

from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.migrations.executor import MigrationExecutor

from broadsheet.lib.files import lock
from broadsheet.papers import claims


def migrate() -> None:
    """Bring the database to the form this version expects; nothing to do costs a few milliseconds."""
    if not _is_behind():
        return
    from django.conf import settings

    # Two processes that start at once must not both create the tables, on one host or on several.
    with lock(settings.CONFIG.home / "migrate.lock"), claims.in_turn("migrate"):
        if _is_behind():
            call_command("migrate", interactive=False, verbosity=0)


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
