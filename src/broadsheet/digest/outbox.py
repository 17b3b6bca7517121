"""The ledger of mails: the one place that says what becomes of a row, each time by a conditional update.

    queued -> claimed -> sending -> sent | failed | doubtful | queued (the server said: not now)
    queued, claimed -> suppressed        claimed -> queued (its sender is gone; nothing was sent)
    sending -> doubtful (its sender is gone)      doubtful -> sent | queued (`reconcile`, or a person)

A sender holds the rows it claimed until a moment (the lease) that every message puts off; what it leaves behind is
taken up by `recover`. From `sending` on `next_try` is the moment the mail was handed in, and `claimed_until` of a
doubtful row the moment from which on it was in doubt.
"""

import os
import re
import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import Count, F, QuerySet

from broadsheet.digest.models import Digest, Mail, Subscription, Told
from broadsheet.mail.bounces.outcome import HARD_REASONS
from broadsheet.mail.bounces.reasons import reason_of_status, reason_of_words
from broadsheet.mail.smtp import Accepted, Lost, Outcome, Refused

# Longer than the longest answer of a server takes (RFC 5321, 4.5.3.2), so that no sender that lives loses a row.
LEASE: Final = timedelta(minutes=15)
# After so many tries, in minutes; the last one again and again, until GIVE_UP after the mail was queued.
WAITS: Final = (5, 15, 30, 60, 120, 240, 360)
GIVE_UP: Final = timedelta(days=3)
IN_HAND: Final = ("claimed", "sending")
OPEN: Final = ("queued", "claimed", "sending")
LOOK: Final = 500
LONGEST_REPLY: Final = 300
_RELAY: Final = re.compile(
    r"(?i)\brelay(?:ing)? (?:access )?(?:is )?(?:denied|not (?:permitted|allowed))|auth\w* required"
)
# The number of a lock of PostgreSQL that claims take in turn.
CLAIMING: Final = 0x62736D61


@dataclass(frozen=True, slots=True)
class Ended:
    """What a server said to a mail, to be written with the next commit."""

    mail: Mail
    outcome: Outcome


def new_sender() -> str:
    """Make up the name under which a sender claims."""
    return f"{os.getpid()}-{secrets.token_hex(8)}"


@contextmanager
def durable() -> Iterator[None]:
    """Have each commit outlive a power cut: SQLite's NORMAL may lose the last ones, and a mail would go out twice."""
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous=FULL")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous=NORMAL")


def claim(
    sender: str,
    now: datetime,
    *,
    batch: int,
    per_domain: int,
    lease: timedelta = LEASE,
    kind: str = "",
) -> list[Mail]:
    """Take up to so many mails that are due, the longest waiting first; they come with subscription and digest.

    per_domain: how many mails to one domain all senders together may hold. kind: take only such.
    """
    with transaction.atomic():
        _one_at_a_time()
        waiting = Mail.objects.filter(state="queued", next_try__lte=now)
        picked = _fair(waiting.filter(kind=kind) if kind else waiting, batch, per_domain)
        if not picked:
            return []
        Mail.objects.filter(pk__in=picked, state="queued").update(
            state="claimed", claimed_by=sender, claimed_until=now + lease
        )
    mine = Mail.objects.filter(pk__in=picked, state="claimed", claimed_by=sender)
    return list(mine.select_related("subscription", "digest").order_by("next_try", "pk"))


def _one_at_a_time() -> None:
    # SQLite's transactions are IMMEDIATE, so one writes at a time; elsewhere two could count the same free places.
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CLAIMING])


def _fair(waiting: QuerySet[Mail], batch: int, per_domain: int) -> list[int]:
    """Pick mails in order of their waiting, of no domain more than there are places for it."""
    held = Counter(
        dict(
            Mail.objects.filter(state__in=IN_HAND)
            .values_list("domain")
            .annotate(Count("pk"))
            .values_list("domain", "pk__count")
        )
    )
    picked: list[int] = []
    while len(picked) < batch:
        full = [domain for domain, count in held.items() if count >= per_domain]
        rows = waiting.exclude(domain__in=full).exclude(pk__in=picked).order_by("next_try", "pk")
        found = list(rows.select_for_update(skip_locked=True).values_list("pk", "domain")[:LOOK])
        for pk, domain in found:
            if held[domain] < per_domain and len(picked) < batch:
                held[domain] += 1
                picked.append(pk)
        if len(found) < LOOK:
            break
    return picked


def advance(ended: Ended | None, mail: Mail | None, now: datetime, *, lease: timedelta = LEASE) -> bool:
    """Write in one commit what became of the mail before, and that this one is now in the hands of the server.

    Gives whether it may be sent: not where its sender lost it, nor where nobody wants it any more.
    """
    with transaction.atomic():
        if ended:
            _settle(ended, now)
        return mail is not None and _begin(mail, now, lease)


def _begin(mail: Mail, now: datetime, lease: timedelta) -> bool:
    mine = Mail.objects.filter(pk=mail.pk, state="claimed", claimed_by=mail.claimed_by)
    # Read now: it may have been stopped since this mail was claimed.
    unwanted = unwanted_because(Subscription.objects.filter(pk=mail.subscription_id).first(), mail, now)
    if unwanted:
        mine.update(state="suppressed", ended=now, reply=unwanted, claimed_by="", claimed_until=None)
        return False
    return bool(mine.update(state="sending", next_try=now, claimed_until=now + lease, tries=F("tries") + 1))


def unwanted_because(subscription: Subscription | None, mail: Mail, now: datetime) -> str:
    """Say why a mail must not go out, "" where it may."""
    if subscription is None or subscription.state == "suppressed":
        return "its address is suppressed"
    if mail.kind == "confirm":
        return ""
    if subscription.state != "active":
        return "its subscription is not active"
    today = now.astimezone(ZoneInfo(subscription.time_zone)).date()
    if subscription.paused_until and today < subscription.paused_until:
        return "its subscription is paused"
    return ""


def _settle(ended: Ended, now: datetime) -> None:
    outcome = ended.outcome
    if isinstance(outcome, Accepted):
        sent([ended.mail.pk], now, outcome.reply)
    elif isinstance(outcome, Refused) and outcome.permanent and not is_about_us(outcome):
        _fail(ended.mail, outcome, now)
    elif isinstance(outcome, Lost) and outcome.in_doubt:
        _mine(ended.mail).update(state="doubtful", claimed_by="", claimed_until=now, reply=_cut(outcome.reason))
    else:
        reply = outcome.reply if isinstance(outcome, Refused) else outcome.reason
        put_off(ended.mail, reply, now)


def sent(mails: Sequence[int], now: datetime, reply: str = "") -> int:
    """Write that these were accepted; give how many of them were not known to be."""
    # A sender that was thought gone may tell of a mail later: what it knows is right whatever the row says by now.
    open_ones = Mail.objects.filter(pk__in=mails, state__in=("sending", "doubtful", "queued"))
    return open_ones.update(state="sent", ended=now, reply=_cut(reply), claimed_by="", claimed_until=None)


def _fail(mail: Mail, refused: Refused, now: datetime) -> None:
    _mine(mail).update(state="failed", ended=now, reply=_cut(refused.reply), claimed_by="", claimed_until=None)
    if mail.address == mail.subscription.address and is_nobody_there(refused):
        gone = Subscription.objects.filter(pk=mail.subscription_id, state__in=("asked", "active"), address=mail.address)
        gone.update(state="suppressed", ended=now, says=_cut(f"Its mail server says: {refused.reply}"))
        waiting = Mail.objects.filter(subscription=mail.subscription_id, state="queued")
        waiting.update(state="suppressed", ended=now, reply="its address is suppressed")


def is_nobody_there(refused: Refused) -> bool:
    """Whether a refusal says that the address does not exist, rather than that this mail was not liked."""
    if not refused.permanent or refused.at != "recipient":
        return False
    return (reason_of_words(refused.reply) or reason_of_status(refused.enhanced)) in HARD_REASONS


def is_about_us(refused: Refused) -> bool:
    """Whether a refusal is of this site or of this moment, so that it says nothing of one mail or its recipient.

    A wrong setting, such as a sender that the server does not let through, must not cost an edition its mails.
    """
    return refused.at in ("connection", "login", "sender") or refused.code == 421 or bool(_RELAY.search(refused.reply))


def put_off(mail: Mail, reply: str, now: datetime) -> None:
    """Try again later what was not taken for now; give it up three days after it was queued."""
    if now - mail.queued >= GIVE_UP:
        _mine(mail).update(state="failed", ended=now, reply=_cut(reply), claimed_by="", claimed_until=None)
        return
    wait = timedelta(minutes=WAITS[min(mail.tries, len(WAITS) - 1)])
    _mine(mail).update(
        state="queued", next_try=now + wait, reply=_cut(reply), claimed_by="", claimed_until=None, tries=mail.tries + 1
    )


def reject(mail: Mail, why: str, now: datetime) -> None:
    """Give up a mail that was claimed and cannot be made."""
    _mine(mail).update(state="failed", ended=now, reply=_cut(why), claimed_by="", claimed_until=None)


def wrote(mail: Mail, where: str, now: datetime) -> None:
    """Write that a mail went into a file instead: its digest is dry, and nothing was told by it."""
    with transaction.atomic():
        reply = _cut(f"dry run: {where}")
        if not _mine(mail).update(state="suppressed", ended=now, reply=reply, claimed_by="", claimed_until=None):
            return
        Digest.objects.filter(mail=mail).update(state="dry")
        Told.objects.filter(digest__mail=mail).delete()


def release(sender: str) -> int:
    """Give back what a sender claimed and did not begin to send; give how much."""
    mine = Mail.objects.filter(state="claimed", claimed_by=sender)
    return mine.update(state="queued", claimed_by="", claimed_until=None)


def recover(now: datetime) -> tuple[int, int]:
    """Take up what senders left behind: give how many mails are queued again, and how many are in doubt now."""
    over = Mail.objects.filter(claimed_until__lt=now)
    again = over.filter(state="claimed").update(state="queued", claimed_by="", claimed_until=None)
    in_doubt = over.filter(state="sending").update(
        state="doubtful", claimed_by="", reply="its sender ended before the answer of the server"
    )
    return again, in_doubt


def again(mails: Sequence[int], now: datetime, *, failed: bool = False) -> int:
    """Queue mails in doubt, or failed ones too, once more under the same Message-ID; give how many."""
    states = ("doubtful", "failed") if failed else ("doubtful",)
    over = Mail.objects.filter(pk__in=mails, state__in=states)
    return over.update(state="queued", next_try=now, ended=None, claimed_by="", claimed_until=None)


def _mine(mail: Mail) -> QuerySet[Mail]:
    """The row, as long as its sender still holds it."""
    return Mail.objects.filter(pk=mail.pk, state__in=IN_HAND, claimed_by=mail.claimed_by)


def _cut(text: str) -> str:
    return " ".join(text.split())[:LONGEST_REPLY]
