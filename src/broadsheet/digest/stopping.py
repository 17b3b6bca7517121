"""Stopping by mail: the second way that List-Unsubscribe names (RFC 2369), beside the one click of RFC 8058.

Whatever comes to a signed address of a subscription stops it. The address holds the number of the subscription, the
epoch of its links and a signature, so it cannot be made up; it stands in the headers of a mail alone, is never the
sender of one and so gets no bounces, and is looked for only where a message says to whom it was sent, never in what it
quotes. It is given out where the mailbox of bounces is read over IMAP.
"""

import base64
import re
from collections.abc import Iterable
from typing import Final

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

from broadsheet.digest.addresses import LONGEST_LOCAL
from broadsheet.digest.models import Subscription
from broadsheet.mail.bounces import kinds
from broadsheet.mail.bounces.addresses import addresses_in
from broadsheet.mail.bounces.parts import leaves, opened
from broadsheet.mail.bounces.reports import is_report

_SALT: Final = "broadsheet.digest.stop-by-mail"
# Small letters and digits: mail servers may change the case. No token of a mail looks so.
_SIGNED: Final = re.compile(r"stop-(?P<number>[1-9]\d{0,17})-(?P<epoch>\d{1,9})-(?P<signature>[a-z2-7]{26})", re.ASCII)
_FIELDS: Final = ("to", "cc", "x-original-to", "delivered-to", "envelope-to", "x-envelope-to")


def mailto(subscription: Subscription) -> str:
    """Give the link of List-Unsubscribe by mail; "" where nobody would read what comes there."""
    config = settings.CONFIG
    base, _at, domain = str(config.bounce_address).rpartition("@")
    local = f"{base}+stop-{subscription.pk}-{subscription.epoch}-{_signature(subscription.pk, subscription.epoch)}"
    if not (base and config.bounce_imap) or len(local) > LONGEST_LOCAL:
        return ""
    return f"mailto:{local}@{domain}?subject=unsubscribe"


def stopped_by(raw: bytes) -> Subscription | None:
    """Give the subscription that a message was sent to stop; None for any other message, a machine's among them."""
    message = opened(raw)
    named = dict.fromkeys(one for name in _FIELDS for value in message.all(name) for one in addresses_in(value))
    found = next((one for one in map(_told, named) if one), None)
    if found is None or kinds.is_from_daemon(message) or kinds.is_auto_reply(message):
        return None
    if any(is_report(part) for part in leaves(message)):
        return None
    return Subscription.objects.filter(pk=found[0], epoch=found[1]).first()


def _told(address: str) -> tuple[int, int] | None:
    """Read the number and the epoch out of an address that we signed."""
    base, _at, host = str(settings.CONFIG.bounce_address).lower().rpartition("@")
    local, _at, domain = address.lower().rpartition("@")
    before, _plus, told = local.rpartition("+")
    match = _SIGNED.fullmatch(told)
    if not base or (before, domain) != (base, host) or match is None:
        return None
    number, epoch = int(match["number"]), int(match["epoch"])
    return (number, epoch) if _is_ours(match["signature"], _signatures(number, epoch)) else None


def _is_ours(given: str, known: Iterable[str]) -> bool:
    return any(constant_time_compare(given, one) for one in known)


def _signatures(number: int, epoch: int) -> list[str]:
    return [_signature(number, epoch, key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]


def _signature(number: int, epoch: int, key: str | bytes | None = None) -> str:
    made = salted_hmac(_SALT, f"{number}.{epoch}", secret=key or settings.SECRET_KEY, algorithm="sha256").digest()[:16]
    return base64.b32encode(made).decode().rstrip("=").lower()
