"""What the worker does for digests."""

from datetime import datetime

from django.conf import settings

from broadsheet.digest import deliver, prepare
from broadsheet.papers import claims


def is_on() -> bool:
    """Whether digests can leave: by a mail server, a provider of mail, or into files in a dry run."""
    values = settings.CONFIG.values
    return bool(settings.MAIL or values.get("mail_provider") or values.get("mail_dry_run"))


def run(now: datetime) -> int:
    """Choose the digests that are due and send what waits; give how much was done. A step of the worker."""
    if not is_on():
        return 0
    clock, prepared = deliver.advancing(now), 0
    try:
        # Whoever is second would choose the same ones, and throw them away.
        with claims.alone("digests") as mine:
            prepared = prepare.prepare(now) if mine else 0
    finally:
        # What keeps digests from being chosen keeps no confirmation, and no digest of before, from going out.
        sent = deliver.work(clock())
    return prepared + sent
