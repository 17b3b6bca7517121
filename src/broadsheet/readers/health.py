"""What is well with accounts and mail, and what is not."""

from django.conf import settings

from broadsheet.papers.health import Check
from broadsheet.readers import accounts
from broadsheet.readers.models import Reader


def checks() -> list[Check]:
    """Look at accounts and mail."""
    return [accounts_check(), mail_check()]


def accounts_check() -> Check:
    """Does somebody own the site its readers use?"""
    readers = Reader.objects.exclude(handle=accounts.LOCAL).count()
    if not readers and Reader.objects.filter(handle=accounts.LOCAL).exists():
        return Check("accounts", True, "one person uses it on this machine, without signing in")
    if not readers:
        return Check("accounts", True, "nobody has an account yet", "`broadsheet run` prints the link for the owner")
    waiting = accounts.waiting().count()
    says = f"{readers} accounts, {waiting} waiting for approval; registration: {settings.CONFIG.registration}"
    if accounts.has_owner():
        return Check("accounts", True, says)
    return Check("accounts", False, f"{says}; the site has no owner", "run `broadsheet reader role HANDLE owner`")


def mail_check() -> Check:
    """Can mail reach readers, with an address to come from and one to lead back to?"""
    config = settings.CONFIG
    if not (config.mail_url or config.mail_provider):
        return Check("mail", True, "no mail server is set; letters to readers are kept in mail/ in the home")
    missing = [name for name in ("mail_from", "public_url") if not getattr(config, name)]
    if missing:
        return Check("mail", False, f"mail is sent without {' and '.join(missing)}", f"set {' and '.join(missing)}")
    return Check("mail", True, f"sent from {config.mail_from}")
