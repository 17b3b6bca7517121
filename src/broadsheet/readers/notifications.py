"""What readers should know of: in the site at once, and by mail for the kinds that a reader chose.

A notification keeps what its sentence is made of; the sentence itself is made when it is shown, in the language of
whoever reads it.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from smtplib import SMTPException
from typing import Any, Final

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from broadsheet.markup import maths
from broadsheet.readers.models import Notification, Reader
from broadsheet.readers.network import site_address

log = logging.getLogger("broadsheet.readers")
Data = Mapping[str, Any]

# By kind, in the words in which a reader chooses what comes by mail.
KINDS: Final[Mapping[str, str | Promise]] = {
    "reply": gettext_lazy("somebody replies to a comment of mine"),
    "mention": gettext_lazy("somebody mentions me"),
    "comment": gettext_lazy("somebody comments on a paper of mine"),
    "submission": gettext_lazy("a paper I brought in is decided on"),
    "claim": gettext_lazy("a claim of mine is decided on"),
    "report": gettext_lazy("a report of mine is decided on, or waits for me as a moderator"),
    "moderation": gettext_lazy("a moderator does something about what I gave"),
    "delivery": gettext_lazy("a list I send somewhere no longer arrives there"),
    "alert": gettext_lazy("papers come into a list of which I want to be told at once"),
    "group": gettext_lazy("a group asks me in, or something changes in one that I am in"),
}
# Told to everyone concerned; its mail is a letter of its own (`readers.welcome`).
_UNASKED: Final = frozenset({"welcome"})
# What did means in a sentence to the reader concerned; %(title)s is what it was done to.
_DONE: Final[Mapping[tuple[str, str], str | Promise]] = {
    ("submission", "accept"): gettext_lazy("“%(title)s”, which you brought in, was accepted."),
    ("submission", "decline"): gettext_lazy("“%(title)s”, which you brought in, was declined."),
    ("claim", "confirm"): gettext_lazy("Your claim to “%(title)s” was confirmed."),
    ("claim", "decline"): gettext_lazy("Your claim to “%(title)s” was declined."),
    ("claim", "revoke"): gettext_lazy("Your claim to “%(title)s” was taken back."),
    ("report", "uphold"): gettext_lazy("Your report of “%(title)s” was upheld. Thank you."),
    ("report", "dismiss"): gettext_lazy("Your report of “%(title)s” was dismissed."),
    ("report", "waiting"): gettext_lazy("“%(title)s” was reported and waits for a moderator."),
    ("moderation", "remove"): gettext_lazy("What you wrote or added was removed: “%(title)s”."),
    ("moderation", "restore"): gettext_lazy("What had been removed is shown again: “%(title)s”."),
    ("moderation", "hide"): gettext_lazy("Your paper “%(title)s” was taken off the lists."),
    ("moderation", "show"): gettext_lazy("Your paper “%(title)s” is on the lists again."),
    ("moderation", "freeze"): gettext_lazy("The discussion of your paper “%(title)s” was frozen."),
    ("moderation", "thaw"): gettext_lazy("The discussion of your paper “%(title)s” was opened again."),
    ("moderation", "uphold"): gettext_lazy("A report of something you gave was upheld: “%(title)s”."),
    ("moderation", "suspend"): gettext_lazy("Your account was suspended."),
    ("moderation", "reinstate"): gettext_lazy("Your account is active again."),
    ("delivery", "failing"): gettext_lazy("“%(title)s” no longer arrives where you send it, so it was paused."),
    ("moderation", "role"): gettext_lazy("Your role here was changed to %(role)s."),
}
_IN_GROUP: Final[Mapping[str, str | Promise]] = {
    "asked": gettext_lazy("%(by)s asks you into the group “%(group)s”. You are in it once you say yes."),
    "joined": gettext_lazy("%(by)s came into the group “%(group)s”."),
    "keeper": gettext_lazy("%(by)s made you a keeper of the group “%(group)s”."),
    "removed": gettext_lazy("You are no longer in the group “%(group)s”."),
    "closed": gettext_lazy("The group “%(group)s” was closed."),
}
# Mails of one reader are bundled and at least this far apart.
APART: Final = timedelta(minutes=10)
MOST_TRIES: Final = 5
# After a failure the wait is doubled each time, from this on: 10, 20, 40, 80 minutes.
FIRST_WAIT: Final = timedelta(minutes=10)
# In one mail, and mails in one step of the worker: the rest comes with the next.
MOST_IN_A_MAIL: Final = 50
MOST_MAILS: Final = 100
# What was not mailed by then, as when a mail server is set up later, is not news any more.
TOO_OLD: Final = timedelta(days=3)
UNREACHABLE: Final = (OSError, SMTPException)
_LONGEST_TITLE: Final = 120


def notify(readers: Iterable[Reader], kind: str, data: Data, url: str, *, now: datetime) -> None:
    """Tell readers of something; each is told once, whatever the list holds.

    kind: one of KINDS, or welcome. data: what the sentence is made of, in JSON's terms. url: a path of this site.
    """
    if kind not in KINDS and kind not in _UNASKED:
        raise ValueError(f"no notification is of the kind {kind}")
    told = {reader.pk: reader for reader in readers}
    Notification.objects.bulk_create(
        Notification(reader=reader, kind=kind, data=dict(data), url=url[:500], at=now, mail_due=kind in reader.mailed)
        for reader in told.values()
    )


def notify_each(told: Iterable[tuple[Reader, Data]], kind: str, url: str, *, now: datetime) -> None:
    """Tell each reader something of their own, all of one kind, one of KINDS."""
    if kind not in KINDS:
        raise ValueError(f"no notification is of the kind {kind}")
    Notification.objects.bulk_create(
        Notification(reader=reader, kind=kind, data=dict(data), url=url[:500], at=now, mail_due=kind in reader.mailed)
        for reader, data in told
    )


def unread(reader: Reader) -> int:
    """Count what the reader has not seen."""
    return Notification.objects.filter(reader=reader, read=None).count()


def latest(reader: Reader, limit: int) -> list[Notification]:
    """Give the newest notifications of a reader, the newest first."""
    return list(Notification.objects.filter(reader=reader).order_by("-at", "-id")[:limit])


def mark_read(reader: Reader, *, now: datetime, numbers: Iterable[int] | None = None) -> None:
    """Mark notifications as read: these, or all. What was read in the site needs no mail any more."""
    found = Notification.objects.filter(reader=reader, read=None)
    if numbers is not None:
        found = found.filter(pk__in=list(numbers))
    found.update(read=now, mail_due=False)


def sentence(notification: Notification) -> str:
    """Say what happened, in the language in force. Plain text: whoever shows it escapes it."""
    data: Data = notification.data if isinstance(notification.data, dict) else {}
    said = _SAY.get(notification.kind, _done)(notification.kind, data)
    reason = str(data.get("reason", ""))
    return _("%(said)s Reason: %(reason)s") % {"said": said, "reason": reason} if reason else said


def _from_somebody(kind: str, data: Data) -> str:
    by = f"@{data['by']}" if data.get("by") else _("A former reader")
    says = {
        "reply": _("%(by)s replied to you on “%(title)s”."),
        "mention": _("%(by)s mentioned you on “%(title)s”."),
        "comment": _("%(by)s commented on your paper “%(title)s”."),
    }
    return says[kind] % {"by": by, "title": _title(data)}


def _welcome(_kind: str, _data: Data) -> str:
    return _("Welcome to %(site)s! Your account is open.") % {"site": settings.CONFIG.site_name}


def _done(kind: str, data: Data) -> str:
    says = _DONE.get((kind, str(data.get("did", ""))))
    if says is None:
        return _("There is news of “%(title)s”.") % {"title": _title(data)}
    return str(says) % {"title": _title(data), "role": data.get("role", "")}


def _title(data: Data) -> str:
    return _cut(maths.as_text(str(data.get("title", ""))))


def _cut(title: str) -> str:
    return title if len(title) <= _LONGEST_TITLE else title[: _LONGEST_TITLE - 1].rstrip() + "…"


def _alert(_kind: str, data: Data) -> str:
    count, more = (value if isinstance(value, int) else 0 for value in (data.get("count"), data.get("more")))
    told = {"count": count, "list": _cut(str(data.get("list", ""))), "more": more}
    if not more:
        return ngettext("%(count)d new paper in %(list)s.", "%(count)d new papers in %(list)s.", count) % told
    others = ngettext("%(more)d other list", "%(more)d other lists", more) % told
    return _("%(count)d new papers in %(list)s and %(others)s.") % {**told, "others": others}


def _in_group(_kind: str, data: Data) -> str:
    says = _IN_GROUP.get(str(data.get("did", "")), gettext_lazy("There is news in the group “%(group)s”."))
    by = f"@{data['by']}" if data.get("by") else _("A former reader")
    return str(says) % {"by": by, "group": _cut(str(data.get("group", "")))}


_SAY: Final[Mapping[str, Callable[[str, Data], str]]] = {
    "reply": _from_somebody,
    "mention": _from_somebody,
    "comment": _from_somebody,
    "welcome": _welcome,
    "alert": _alert,
    "group": _in_group,
}


def send_mails(now: datetime) -> int:
    """Mail what is due, one mail for each reader; say how many mails went out. A step of the worker.

    Nothing is sent without a mail server or a service of mail. While the server cannot be reached, nothing is counted
    as tried. Rows are claimed, and the try is counted, before their mail leaves, so that of two workers one sends it;
    a worker that dies between the server's yes and its own note of it lets one mail go out again.
    """
    if not (settings.CONFIG.mail_url or settings.CONFIG.mail_provider):
        return 0
    waiting = list(_due(now).order_by("reader").values_list("reader", flat=True).distinct()[:MOST_MAILS])
    if not waiting:
        return 0
    connection = get_connection()
    try:
        connection.open()
    except UNREACHABLE as problem:
        log.warning("mail: the server cannot be reached: %s", problem)
        return 0
    try:
        return sum(_mail(connection, number, now) for number in waiting)
    finally:
        connection.close()


def _due(now: datetime) -> QuerySet[Notification]:
    """Give what may be mailed now: to active readers with a proved address, not too soon after their last mail."""
    proved = EmailAddress.objects.filter(user=OuterRef("reader"), verified=True)
    just_mailed = Notification.objects.filter(reader=OuterRef("reader"), mail_tried__gt=now - APART)
    rested = Q(mail_tried=None)
    for tries in range(1, MOST_TRIES):
        rested |= Q(mail_tries=tries, mail_tried__lte=now - FIRST_WAIT * 2 ** (tries - 1))
    waiting = Notification.objects.filter(rested, mail_due=True, at__gte=now - TOO_OLD, reader__state="active")
    return waiting.filter(Exists(proved), ~Exists(just_mailed))


def _mail(connection: BaseEmailBackend, number: int, now: datetime) -> bool:
    reader, rows = _claim(number, now)
    address = EmailAddress.objects.filter(user=number, verified=True).order_by("-primary", "pk").first()
    if not rows or reader is None or address is None:
        return False
    claimed = Notification.objects.filter(pk__in=[row.pk for row in rows])
    try:
        connection.send_messages([_message(reader, address.email, rows)])
    except UNREACHABLE as problem:
        log.warning("mail: notifications for reader %s were not taken: %s", number, problem)
        claimed.filter(mail_tries__gte=MOST_TRIES).update(mail_due=False)
        return False
    claimed.update(mail_due=False)
    return True


def _claim(number: int, now: datetime) -> tuple[Reader | None, list[Notification]]:
    """Take what is due of one reader, and count the try; whoever comes second finds that it was just tried."""
    with transaction.atomic():
        reader = Reader.objects.select_for_update(no_key=True).filter(pk=number).first()
        if reader is None:
            return None, []
        due = _due(now).filter(reader=number)
        # Kinds that the reader no longer wants by mail.
        unwanted = due.exclude(kind__in=reader.mailed).values_list("pk", flat=True)
        Notification.objects.filter(pk__in=list(unwanted)).update(mail_due=False)
        rows = list(due.filter(kind__in=reader.mailed).order_by("at", "id")[:MOST_IN_A_MAIL])
        chosen = Notification.objects.filter(pk__in=[row.pk for row in rows])
        chosen.update(mail_tried=now, mail_tries=F("mail_tries") + 1)
    return reader, rows


def _message(reader: Reader, address: str, rows: list[Notification]) -> EmailMessage:
    with translation.override(reader.language or settings.LANGUAGE_CODE):
        site = settings.CONFIG.site_name
        lines = [_("Hello %(name)s,") % {"name": reader.name}, ""]
        for row in rows:
            lines += [sentence(row), _absolute(row.url), ""]
        lines += [_("Choose what %(site)s mails you:") % {"site": site}, _absolute(reverse("me"))]
        count = ngettext("%(count)d notification", "%(count)d notifications", len(rows)) % {"count": len(rows)}
        return EmailMessage(
            subject=f"{site}: {count}",
            body="\n".join(lines) + "\n",
            from_email=settings.CONFIG.mail_from or None,
            to=[address],
            headers={"Auto-Submitted": "auto-generated"},
        )


def _absolute(path: str) -> str:
    # Only a path of this site: whatever else a row may hold leads to the list of notifications.
    ours = path if path.startswith("/") and not path.startswith("//") else reverse("notifications")
    return site_address().rstrip("/") + ours
