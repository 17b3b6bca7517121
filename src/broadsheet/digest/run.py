"""What the worker does for digests."""

from datetime import datetime

from django.conf import settings

from broadsheet.digest import prepare


def is_on() -> bool:
    """Whether digests can leave: by a mail server, a provider of mail, or into files in a dry run."""
    values = settings.CONFIG.values
    return bool(settings.MAIL or values.get("mail_provider") or values.get("mail_dry_run"))


def run(now: datetime) -> int:
    """Choose the digests that are due; give how much was done. A step of the worker."""
    if not is_on():
        return 0
    return prepare.prepare(now)
