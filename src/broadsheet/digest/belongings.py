"""What this room keeps of a reader: subscriptions, digests, what they told of, mails, bounces, wishes for less.

Tokens and names of messages stay out of an export: whoever has the file must not be able to pass for a mail server.
"""

from collections.abc import Mapping
from typing import Final

from django.db.models import F, Model, Q

from broadsheet.digest import subscribing
from broadsheet.digest.models import Bounced, Less, Mail, Subscription, Told
from broadsheet.readers import belongings
from broadsheet.readers.models import Reader
from broadsheet.readers.parts import plain

# Numbers of rows, what follows from where a row stands in the file, secrets, and how senders share work.
KEPT_BACK: Final = frozenset({"id", "subscription", "reader", "digest", "paper", "mail", "token", "message_id"}) | {
    "claimed_by", "claimed_until", "next_try", "next_look", "digest_of_raw", "raw",
}  # fmt: skip


def register() -> None:
    """Register the part."""
    belongings.register(belongings.Part("digests", _export, _erase))


def export(subscription: Subscription) -> dict[str, object]:
    """Give all that is kept of a subscription, in JSON's terms."""
    papers = F("paper__key")
    told = Told.objects.filter(subscription=subscription).annotate(key=papers).order_by("pk")
    less = Less.objects.filter(subscription=subscription).annotate(key=papers).order_by("pk")
    bounced = Bounced.objects.filter(Q(subscription=subscription) | Q(mail__subscription=subscription)).order_by("pk")
    return {
        **_row(subscription),
        "digests": [_row(digest) for digest in subscription.digests.order_by("pk")],
        "told": [one.key for one in told],
        "mails": [_row(mail) for mail in Mail.objects.filter(subscription=subscription).order_by("pk")],
        "bounces": [_row(one) for one in bounced],
        "less": [{"paper": one.key, "at": one.at.isoformat()} for one in less],
    }


def _row(instance: Model) -> Mapping[str, object]:
    shown = {field.name: field.value_from_object(instance) for field in instance._meta.concrete_fields}
    return {name: plain(value) for name, value in shown.items() if name not in KEPT_BACK}


def _of(reader: Reader) -> list[Subscription]:
    """What is an account's: its own, and what goes to an address that it proved."""
    proved = subscribing.proved_address(reader)
    of_it = Q(reader=reader) | Q(reader=None, address__iexact=proved) if proved else Q(reader=reader)
    return list(Subscription.objects.filter(of_it).order_by("pk"))


def _export(reader: Reader) -> object:
    return [export(subscription) for subscription in _of(reader)]


def _erase(reader: Reader) -> None:
    for subscription in _of(reader):
        subscribing.erase(subscription)
