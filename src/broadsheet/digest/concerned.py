"""Whom a report is about: told by what only a mail of ours can have given its sender, never by an address alone.

Anybody can send a report to a mailbox that the world writes to, and name any address and any subscription in it. So
something has to come back that was ours to begin with: the token of the envelope's sender, the link of the mail's
List-Unsubscribe, which is signed, or its Message-ID together with the address that it went to.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db.models import QuerySet
from django.db.models.functions import Lower

from broadsheet.digest import links
from broadsheet.digest.links import BadLink
from broadsheet.digest.models import Mail, Subscription
from broadsheet.mail.bounces.addresses import addresses_in
from broadsheet.mail.bounces.outcome import Read

_LINK: Final = re.compile(r"/([\w-]{43}\.[\w.-]{3,700})", re.ASCII)
_TOKEN: Final = re.compile(r"[a-z0-9]{8,40}")
_MOST_LINKS: Final = 5
# What a bounce may be about: it went out, whatever the ledger knows of that.
WENT_OUT: Final = ("sent", "doubtful", "sending")


@dataclass(frozen=True, slots=True)
class Concerned:
    """A subscription, the mail to it, where one is known, and the address that it went to."""

    subscription: Subscription
    mail: Mail | None
    address: str


def concerned(read: Read, *, now: datetime) -> Concerned | None:
    """Tell whom a report is about; None where nothing in it proves that it answers a mail of ours."""
    named = {one.address for one in read.recipients}
    return _by_token(read) or _by_message_id(read, named, now) or _by_link(read, now)


def by_tokens(tokens: Iterable[str]) -> Concerned | None:
    """Tell whose mail has one of these tokens."""
    return of_mail(_mails().filter(token__in=list(tokens)).first())


def by_message_id(message_id: str) -> Mail | None:
    """Give the mail of a Message-ID, with its angle brackets or without."""
    name = plain(message_id).strip("<> ")
    return _mails().filter(message_id=f"<{name}>").first() if name else None


def latest_to(address: str, *, since: datetime) -> Concerned | None:
    """Give the newest mail that went out to the address of a subscription; None without any since that moment."""
    found = Subscription.objects.alias(lower=Lower("address")).filter(lower=plain(address).lower()).first()
    if found is None:
        return None
    went_out = found.mails.filter(address=found.address, state__in=WENT_OUT, queued__gte=since)
    return of_mail(went_out.select_related("subscription").order_by("-pk").first())


def of_mail(mail: Mail | None) -> Concerned | None:
    """Say whom a mail concerns."""
    return Concerned(mail.subscription, mail, mail.address) if mail else None


def plain(text: str) -> str:
    """Give a text as every database takes it."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _by_token(read: Read) -> Concerned | None:
    returned = addresses_in(plain(read.original.get("return-path", "")))
    return by_tokens(_tokens([*read.sent_to, *returned]))


def _tokens(addresses: Iterable[str]) -> Iterator[str]:
    """The tokens in addresses that are made of the one that bounces go to."""
    base, _at, host = str(settings.CONFIG.bounce_address).lower().rpartition("@")
    for address in addresses:
        local, _at, domain = address.lower().rpartition("@")
        before, _plus, token = local.rpartition("+")
        if base and before == base and domain == host and _TOKEN.fullmatch(token):
            yield token


def _by_message_id(read: Read, named: set[str], now: datetime) -> Concerned | None:
    mail = by_message_id(read.message_id)
    if mail is None:
        return None
    is_proved = mail.address.lower() in named or any(one.pk == mail.subscription_id for one in _linked(read, now))
    # It may be counted up: the digests of a site have numbers.
    return of_mail(mail) if is_proved else None


def _by_link(read: Read, now: datetime) -> Concerned | None:
    """A relay may have given the mail another Message-ID: the newest one that went out stands for it then."""
    for subscription in _linked(read, now):
        sent = subscription.mails.filter(address=subscription.address, state__in=WENT_OUT)
        return Concerned(subscription, sent.order_by("-pk").first(), subscription.address)
    return None


def _linked(read: Read, now: datetime) -> Iterator[Subscription]:
    for token in _LINK.findall(read.original.get("list-unsubscribe", ""))[:_MOST_LINKS]:
        try:
            yield links.read("unsubscribe", token, now=now).subscription
        except BadLink:
            continue


def _mails() -> QuerySet[Mail]:
    return Mail.objects.select_related("subscription")
