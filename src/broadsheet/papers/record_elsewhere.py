"""The change log opened in a process of its own, as when several shards are built at once.

Nothing here imports the record before it is asked to: a new process finds this module first, and sets Django up then.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from broadsheet.search.types import ChangeLog


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The change log, with the vectors of an encoder, for a shard in a process that has nothing set up yet."""

    encoder: str

    def __call__(self) -> ChangeLog:
        """Open it."""
        return opened_elsewhere(self.encoder)

    def begin(self, path: Path, index: str, count: int, number: int) -> None:
        """Let a shard that has no files yet begin from a copy, where one is kept."""
        _set_up()
        from django.conf import settings
        from django.utils.module_loading import import_string

        import_string(settings.SHARD_COPIES)(path, index, count, number)


def _set_up() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "broadsheet.settings")
    django.setup()


def opened_elsewhere(encoder: str) -> ChangeLog:
    """Give the change log, with the vectors of an encoder, in a process that has nothing set up yet."""
    _set_up()
    from django.db import close_old_connections

    # A process that lives long, as a shard's of a cluster, outlives its connection to the database.
    close_old_connections()
    from broadsheet.papers.changes import RecordLog

    return RecordLog(encoder)


def shareable() -> bool:
    """Tell whether another process would see the same record: one in memory is seen by its own process alone."""
    from django.db import connection

    return "memory" not in str(connection.settings_dict["NAME"])
