"""The mail that asks a mailbox whether digests may come: queued like any other, without a word of whoever asked."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from email.utils import parseaddr

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from broadsheet.digest import addresses, links, typeset
from broadsheet.digest.models import Mail, Subscription
from broadsheet.readers.network import site_address


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What such a mail says; what makes it a message is the sender's.

    unsubscribe: the address behind "I want no mail from here".
    """

    subject: str
    text: str
    html: str
    unsubscribe: str


def queue(subscription: Subscription, address: str, *, now: datetime) -> Mail:
    """Put a confirmation into the outbox, to the subscription's address or to the one it wants to move to."""
    token = secrets.token_hex(12)
    sender = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    return Mail.objects.create(
        subscription=subscription,
        kind="confirm",
        address=address,
        domain=addresses.host_of(address),
        message_id=f"<confirm.{token}@{addresses.host_of(sender) or 'localhost'}>",
        token=token,
        next_try=now,
        queued=now,
    )


def composed(mail: Mail, *, now: datetime) -> Confirmation:
    """Write a mail of kind "confirm" as it is sent now, in the language of its subscription.

    To an address that gets digests already it says so, and how to change them: only its owner learns that.
    """
    subscription = mail.subscription
    moved = mail.address if mail.address != subscription.address else ""
    known = subscription.state == "active" and not moved
    with translation.override(subscription.language or settings.LANGUAGE_CODE):
        purpose = "preferences" if known else "confirm"
        unsubscribe = "" if moved else links.link(subscription, "unsubscribe", now=now)
        context = {
            "site": settings.CONFIG.site_name,
            "home": site_address(),
            "known": known,
            "moved": moved,
            "link": links.link(subscription, purpose, address=moved, now=now),
            "unsubscribe": unsubscribe,
        }
        subject = _subject(known)
        return Confirmation(
            subject=subject,
            text=render_to_string("digest/confirmation.txt", context),
            html=typeset.page("confirmation", {**context, "subject": subject}),
            unsubscribe=unsubscribe,
        )


def _subject(known: bool) -> str:
    said = _("Your digests from %(site)s") if known else _("Please confirm your digests from %(site)s")
    return said % {"site": " ".join(settings.CONFIG.site_name.split())}
