"""What comes back: bounces and complaints, entered once each, and what follows from them for a subscription.

Nobody is there: the subscription ends at once, as it does after a complaint. Not for now: it ends after several mails
in a row came back so. Everything else changes nothing. What cannot be told is kept for a person.
"""

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, Literal

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q

from broadsheet.digest import outbox, stopping, subscribing
from broadsheet.digest.addresses import host_of
from broadsheet.digest.concerned import WENT_OUT, Concerned, concerned, plain
from broadsheet.digest.models import Bounced, Subscription
from broadsheet.mail.bounces import kinds
from broadsheet.mail.bounces.notice import notice_of
from broadsheet.mail.bounces.outcome import Read, Recipient
from broadsheet.mail.bounces.parts import LONGEST_MESSAGE, opened
from broadsheet.mail.bounces.read import read
from broadsheet.mail.bounces.reports import reported_in, reported_in_text

log = logging.getLogger(__name__)
CameBy = Literal["pipe", "imap", "provider"]
Kind = Literal["hard", "soft", "late", "complaint", "stopped", "delivered", "auto-reply", "unknown"]

# Of a message, bytes; what is worth a look by a person stands in its first pages.
LONGEST_RAW: Final = 64 * 1024
# Whoever floods the mailbox fills no disk.
MOST_UNKNOWN: Final = 1000
RAW_FOR: Final = timedelta(days=30)
ROWS_FOR: Final = timedelta(days=180)
# Mails that are looked back at for how many came back in a row; more than the limit may be.
LONGEST_ROW: Final = 100
# Fields that the way of a message adds, so that the same one by two ways is told to be the same.
TRACES: Final = (
    b"received:", b"return-path:", b"delivered-to:", b"x-original-to:", b"envelope-to:", b"x-envelope-to:",
    b"x-envelope-from:", b"delivery-date:", b"status:", b"x-status:", b"x-keywords:", b"x-uid:", b"x-spam",
    b"authentication-results:", b"arc-", b"x-mozilla-",
)  # fmt: skip
NOBODY: Final = Recipient("", "", "", "", False)


@dataclass(frozen=True, slots=True)
class Report:
    """One recipient of one report, judged. name: the same for the same report, however often and whichever way it came.

    address: as the report has it, "" where it says none. raw: what a person may want to look at.
    """

    kind: Kind
    name: str
    raw: bytes = b""
    address: str = ""
    status: str = ""
    reply: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a report. says: in a line, for the operator. row: where it stands in the ledger, if it does.

    twice: it was there already, and nothing followed again.
    """

    kind: Kind
    says: str
    subscription: Subscription | None = None
    row: Bounced | None = None
    twice: bool = False


def take(raw: bytes, came_by: CameBy, *, now: datetime) -> Taken:
    """Take in a message that came to the address of bounces, whatever it is; once, however often it comes.

    Raises nothing but what the database does; then nothing was written, and it may be tried again.
    """
    if stops := stopping.stopped_by(raw):
        # Nothing of what a reader wrote beside is kept.
        report = Report("stopped", _name(raw))
        return enter(report, Concerned(stops, None, stops.address), came_by, now=now)
    told = read(raw)
    if told.kind == "auto-reply":
        return Taken("auto-reply", "An automatic answer; nothing follows.")
    whom = concerned(told, now=now)
    if whom is not None:
        return enter(_judged(told, whom, raw), whom, came_by, now=now)
    if told.kind == "delivered":
        return Taken("delivered", "A mail arrived that is not known here; nothing follows.")
    first = told.recipients[0] if told.recipients else NOBODY
    return _keep(_report("unknown", first, _name(raw), raw), came_by, now)


def enter(report: Report, whom: Concerned, came_by: CameBy, *, now: datetime) -> Taken:
    """Write a report into the ledger and do what follows from it, in one transaction."""
    with transaction.atomic():
        found = Subscription.objects.select_for_update(of=("self",)).filter(pk=whom.subscription.pk).first()
        if found is None:
            return Taken(report.kind, "Its subscription was erased; nothing is kept.")
        row = _entered(report, Concerned(found, whom.mail, whom.address), came_by, now)
        if row is None:
            return Taken(report.kind, "It was here before; nothing follows again.", found, twice=True)
        if whom.mail and report.kind != "unknown":
            # What came back went out: of a mail in doubt, nobody has to ask any more.
            outbox.sent([whom.mail.pk], now, "something came back for it")
        return Taken(report.kind, _follow(report, Concerned(found, whom.mail, whom.address), now), found, row)


def arrived(subscription: Subscription) -> None:
    """A mail to it reached its mailbox: what came back for now before does not count any more.

    That a relay took a mail is no arrival; most of what comes back was taken by one before.
    """
    Subscription.objects.filter(pk=subscription.pk, soft_bounces__gt=0).update(soft_bounces=0)


def forget(now: datetime) -> int:
    """Forget messages after a month and rows after half a year; give how many rows. Complaints stay: they bind."""
    Bounced.objects.filter(~Q(raw=b""), at__lt=now - RAW_FOR).update(raw=b"")
    old = Bounced.objects.filter(at__lt=now - ROWS_FOR)
    return old.exclude(kind="complaint", subscription__isnull=False).delete()[0]


def named(*parts: object) -> str:
    """Name a report by what makes it this one."""
    return sha256("\n".join(map(str, parts)).encode("utf-8", "replace")).hexdigest()


def _judged(told: Read, whom: Concerned, raw: bytes) -> Report:
    name = _name(raw, whom.mail.pk if whom.mail else 0)
    first = told.recipients[0] if told.recipients else NOBODY
    if told.kind == "bounce":
        kind, one = _of_bounce(told.recipients, whom.address)
        return _report("late" if kind == "soft" and _is_late(raw) else kind, one, name, raw)
    return _report("unknown" if told.kind == "auto-reply" else told.kind, first, name, raw)


def _of_bounce(recipients: tuple[Recipient, ...], address: str) -> tuple[Kind, Recipient]:
    """Judge a bounce of a mail to an address.

    What happened further on is not about that address: a forwarding that leads nowhere, one of several people whom a
    shared address stands for. The address exists, so that is for now, however final it sounds.
    """
    own = [one for one in recipients if one.address in ("", address.lower())]
    own = own or [one for one in recipients if _is_beside(one.address, address)]
    judged = own or list(recipients) or [NOBODY]
    if all(one.reason == "delivered" for one in judged):
        return "delivered", judged[0]
    is_hard = bool(own) and all(one.hard for one in own)
    return ("hard" if is_hard else "soft"), next(one for one in judged if one.reason != "delivered")


def _is_beside(one: str, address: str) -> bool:
    """Whether it is at the same host, or at a host of it: servers write addresses as they have them inside."""
    host = host_of(address.lower())
    return host_of(one) == host or host_of(one).endswith(f".{host}")


def _is_late(raw: bytes) -> bool:
    """Whether it only says that a mail waits: another message follows if it comes back."""
    message = opened(raw)
    notice = notice_of(message)
    actions = {one.action for one in reported_in(message) or reported_in_text(notice.text)} - {""}
    return actions == {"delayed"} if actions else kinds.is_warning(message, notice)


def _report(kind: Kind, one: Recipient, name: str, raw: bytes) -> Report:
    return Report(kind, name, raw, one.address, one.status, one.reply, one.reason)


def _name(raw: bytes, mail: int = 0) -> str:
    """Name a message, and the mail that it is about: without what its way added."""
    text = raw[:LONGEST_MESSAGE].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if text.startswith(b"From "):
        text = text.partition(b"\n")[2]
    head, _blank, body = text.lstrip(b"\n").partition(b"\n\n")
    fields = head.replace(b"\n ", b"\0 ").replace(b"\n\t", b"\0\t").split(b"\n")
    kept = [field for field in fields if not field.lower().startswith(TRACES)]
    return sha256(b"%d\n%b\n\n%b" % (mail, b"\n".join(kept), body.rstrip(b"\n"))).hexdigest()


def _row(report: Report, came_by: CameBy, now: datetime) -> Bounced:
    return Bounced(
        digest_of_raw=report.name,
        kind=report.kind,
        address=plain(report.address)[:320],
        status=plain(report.status)[:12],
        reply=plain(report.reply)[:4],
        reason=plain(report.reason)[:20],
        came_by=came_by,
        raw=report.raw[:LONGEST_RAW],
        at=now,
    )


def _saved(row: Bounced) -> Bounced | None:
    """Keep a row; None where the same report has one."""
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        return None
    return row


def _entered(report: Report, whom: Concerned, came_by: CameBy, now: datetime) -> Bounced | None:
    row = _row(replace(report, address=report.address or whom.address), came_by, now)
    row.mail = whom.mail
    # It may have moved since; what comes back from its old address says nothing of the new one.
    row.subscription = whom.subscription if _is_still_there(whom) else None
    return _saved(row)


def _keep(report: Report, came_by: CameBy, now: datetime) -> Taken:
    if Bounced.objects.filter(kind="unknown", at__gt=now - RAW_FOR).count() >= MOST_UNKNOWN:
        log.warning("bounces: %d messages wait for a person already; one more was not kept", MOST_UNKNOWN)
        return Taken("unknown", "Not understood, and so many others wait for a person that it was not kept.")
    row = _saved(_row(report, came_by, now))
    says = "Nothing in it tells of a mail of ours; it is kept for a person, and nothing follows."
    return Taken("unknown", says if row else "It was here before; nothing follows again.", row=row, twice=row is None)


def _is_still_there(whom: Concerned) -> bool:
    return whom.address.lower() == whom.subscription.address.lower()


def _follow(report: Report, whom: Concerned, now: datetime) -> str:
    """Do what follows, and say it."""
    found = whom.subscription
    if report.kind in NOTHING:
        return NOTHING[report.kind]
    if not _is_still_there(whom):
        return f"{found} goes to another address by now; nothing follows."
    if report.kind == "stopped":
        return _stopped(whom, now)
    if report.kind == "complaint":
        _suppress(found, "It was reported as spam.", now, states=("asked", "active", "stopped", "suppressed"))
        return f"Its owner complained: {found} is suppressed."
    if whom.mail and found.confirmed and whom.mail.queued < found.confirmed:
        return f"{found} was confirmed since that mail went out; nothing follows."
    return _hard(report, found, now) if report.kind == "hard" else _soft(report, whom, now)


def _stopped(whom: Concerned, now: datetime) -> str:
    subscribing.stop(whom.subscription, now=now)
    return f"Its owner stopped {whom.subscription} by mail, or where the mail service lets them."


NOTHING: Final = {
    "late": "The mail is late, and its server still tries; nothing follows.",
    "delivered": "The mail arrived; nothing follows.",
    "unknown": "Not understood; it is kept for a person, and nothing follows.",
}


def _hard(report: Report, found: Subscription, now: datetime) -> str:
    _suppress(found, f"Mail to it came back for good ({_why(report)}).", now)
    return f"Nobody is there ({_why(report)}): {found} is {found.state}."


def _soft(report: Report, whom: Concerned, now: datetime) -> str:
    found, limit = whom.subscription, settings.CONFIG.bounce_soft_limit
    found.soft_bounces = _in_a_row(found) if whom.mail else found.soft_bounces + 1
    found.save(update_fields=["soft_bounces"])
    if found.soft_bounces < limit:
        return f"Not for now ({_why(report)}): {found} had {found.soft_bounces} of {limit} in a row."
    _suppress(found, f"{found.soft_bounces} mails in a row came back, the last one: {_why(report)}.", now)
    return f"{found.soft_bounces} in a row, the last one: {_why(report)}: {found} is {found.state}."


def _in_a_row(found: Subscription) -> int:
    """Count the mails, back from the newest that came back, none of which is known to have got through."""
    sent = found.mails.filter(address=found.address, state__in=WENT_OUT, queued__gte=found.confirmed or found.asked)
    back = Bounced.objects.filter(mail=OuterRef("pk"), kind__in=("soft", "hard"))
    newest_first = sent.annotate(back=Exists(back)).order_by("-queued", "-pk").values_list("back", flat=True)
    came_back = list(newest_first[: LONGEST_ROW * 2])
    # Of the newest ones it may not be known yet.
    came_back = came_back[came_back.index(True) :] if True in came_back else []
    return came_back.index(False) if False in came_back else len(came_back)


def _why(report: Report) -> str:
    return ", ".join(part for part in (report.status, report.reason) if part) or "no reason given"


def _suppress(found: Subscription, says: str, now: datetime, states: tuple[str, ...] = ("asked", "active")) -> None:
    """End a subscription; what waits for its address does not go out. What a sender holds looks for itself."""
    if found.state not in states or found.says == subscribing.UNWANTED:
        return
    if found.state != "suppressed":
        found.ended = now
    found.state, found.says = "suppressed", says[:300]
    found.save(update_fields=["state", "ended", "says"])
    waiting = found.mails.filter(state="queued", address=found.address)
    waiting.update(state="suppressed", ended=now, reply="its address is suppressed")
