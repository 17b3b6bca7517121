"""Is there a backup, and is it of late?"""

import json
from datetime import datetime, timedelta

from django.conf import settings

from broadsheet.moving.backing import NEWEST
from broadsheet.papers.health import Check

DO = "run `broadsheet backup`, or let a timer do so; docs/backup.md tells how"


def backup_check(now: datetime) -> Check:
    """Was a backup made within the days that the setting says?"""
    days = settings.CONFIG.backup_days
    made = newest()
    if made is None:
        return Check("backup", not days, "none was made here", DO)
    says = f"the newest was made {made:%Y-%m-%d %H:%M} UTC"
    late = bool(days) and now - made > timedelta(days=days)
    return Check("backup", not late, says, DO if late else "")


def newest() -> datetime | None:
    """Give when the newest backup of this home was made; None where none is known."""
    try:
        said = json.loads((settings.CONFIG.home / NEWEST).read_bytes())
        return datetime.fromisoformat(str(said["made"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
