"""A report, read: what it is, which addresses it is about, and by what our own mail can be found."""

from dataclasses import replace

from broadsheet.mail.bounces import kinds
from broadsheet.mail.bounces.addresses import addresses_in
from broadsheet.mail.bounces.judging import Case, judged
from broadsheet.mail.bounces.notice import Notice, notice_of
from broadsheet.mail.bounces.notifications import notified_in
from broadsheet.mail.bounces.outcome import Kind, Read, Recipient
from broadsheet.mail.bounces.parts import Part, fields_of, leaves, opened, text_of
from broadsheet.mail.bounces.reports import Reported, is_report, reported_in, reported_in_text
from broadsheet.mail.bounces.texts import Told, passage_about, told_in

__all__ = ["read"]

_KEPT = (
    "message-id", "list-unsubscribe", "list-unsubscribe-post", "list-id", "feedback-id", "x-mailer", "subject",
    "date", "from", "to", "return-path",
)  # fmt: skip
_NOBODY = Reported("", "", "", "")


def read(raw: bytes) -> Read:
    """Read a message as a mailbox or a pipe gives it, lines ending in LF, CR or CRLF.

    Never raises: what cannot be understood is "unknown". At most the first million bytes are looked at.

    1. A notification of a provider in JSON, a feedback report, a receipt or a calendar's answer is what it says.
    2. A report for machines (RFC 3464) is believed, where the message comes from a machine.
    3. An answer of a machine in a person's name is an auto-reply; a list's mail is for a person to look at.
    4. Free text is a bounce where it comes from a mail system and tells of a failure.
    """
    return _read(opened(raw))


def _read(message: Part, *, within: bool = False) -> Read:
    notice = notice_of(message)
    notified = notified_in(notice.text + notice.rest[:100_000]) if '"' in notice.text[:2_000] else None
    if notified:
        return notified
    if kinds.is_complaint(message):
        return _found("complaint", _complained(message), message, notice)
    enclosed = None if within else _enclosed(message)
    if enclosed:
        return _handed_on(enclosed, _found("bounce", (), message, notice))
    recipients = _recipients(message, notice)
    kind = _kind(message, notice, recipients)
    if kind == "bounce" and not recipients[0].address and notice.rest and not within:
        return _forwarded(notice, _found(kind, recipients, message, notice))
    return _found(kind, recipients, message, notice)


def _forwarded(notice: Notice, outer: Read) -> Read:
    """A mail system that names nobody and hands on another's report: that one says whom it is about."""
    inner = _read(opened(notice.rest.encode()), within=True)
    return _handed_on(inner, outer) if inner.kind == "bounce" else outer


def _enclosed(message: Part) -> Read | None:
    """The report that a mail system encloses whole, without one of its own."""
    parts = list(leaves(message))
    if not kinds.is_from_daemon(message) or any(is_report(part) for part in parts):
        return None
    reports = [opened(part.body) for part in parts if part.type == "message/rfc822"]
    inner = [_read(one, within=True) for one in reports if "delivery-status" in one.get("content-type").lower()]
    return next((one for one in inner if one.kind == "bounce"), None)


def _handed_on(inner: Read, outer: Read) -> Read:
    return replace(inner, sent_to=tuple(dict.fromkeys(outer.sent_to + inner.sent_to)))


def _kind(message: Part, notice: Notice, recipients: tuple[Recipient, ...]) -> Kind:
    if any(is_report(part) for part in leaves(message)):
        return _of_report(message, recipients)
    if kinds.is_receipt(message) or kinds.is_calendar(message) or kinds.is_auto_reply(message):
        return "auto-reply"
    if kinds.is_to_many(message) and not kinds.is_from_daemon(message):
        return "unknown"
    named = any(one.address for one in recipients)
    return "bounce" if recipients and kinds.tells_failure(message, notice, named) else "unknown"


def _of_report(message: Part, recipients: tuple[Recipient, ...]) -> Kind:
    machine = "delivery-status" in message.get("content-type").lower() or kinds.is_from_daemon(message)
    if not recipients or not (machine or kinds.is_automatic(message)):
        return "unknown"
    return "delivered" if all(one.reason == "delivered" for one in recipients) else "bounce"


def _found(kind: Kind, recipients: tuple[Recipient, ...], message: Part, notice: Notice) -> Read:
    names = ("x-original-to", "delivered-to", "envelope-to", "x-envelope-to", "to")
    sent_to = dict.fromkeys(one for name in names for value in message.all(name) for one in addresses_in(value))
    original = {name: value for name, value in reversed(notice.returned) if name in _KEPT}
    kept = recipients if kind in ("bounce", "delivered", "complaint") else ()
    return Read(kind, kept, tuple(sent_to), original.get("message-id", "").strip("<> "), original)


def _recipients(message: Part, notice: Notice) -> tuple[Recipient, ...]:
    reported = reported_in(message) or reported_in_text(notice.text)
    warning = kinds.is_warning(message, notice)
    told = _told(message, notice)
    if not reported:
        cases = [Case(_with(_NOBODY, one.address), one.passage) for one in told]
    else:
        named = _named(reported, told)
        several = [one.address for one in named]
        lines = notice.text.split("\n")
        cases = [Case(one, passage_about(one.address, lines, several) if one.address else "") for one in named]
    around = notice.text if len(cases) == 1 else ""
    return tuple(judged(replace(case, around=around, warning=warning)) for case in cases)


def _named(reported: list[Reported], told: list[Told]) -> list[Reported]:
    """Reports with an address each: where one gives none, the notice may."""
    if all(one.address for one in reported):
        return reported
    known = {one.address for one in reported}
    spare = [one.address for one in told if one.address not in known]
    return [one if one.address or not spare else _with(one, spare.pop(0)) for one in reported]


def _with(one: Reported, address: str) -> Reported:
    return Reported(address, one.action, one.status, one.diagnostic, one.comment)


def _told(message: Part, notice: Notice) -> list[Told]:
    """Recipients of a notice in words; without any, those whom the returned mail was for."""
    own = frozenset(
        one for name in ("to", "from", "delivered-to", "return-path") for one in addresses_in(message.get(name))
    )
    failed = addresses_in(message.get("x-failed-recipients"))
    told = told_in(notice.text, failed, own)
    if told:
        return told
    to = [one for one in addresses_in(dict(reversed(notice.returned)).get("to", "")) if one not in own][:1]
    return [Told(one, "") for one in to or [""]] if notice.text.strip() else []


def _complained(message: Part) -> tuple[Recipient, ...]:
    parts = [part for part in leaves(message) if part.type == "message/feedback-report"]
    fields = [field for part in parts for field in fields_of(text_of(part))]
    names = ("original-rcpt-to", "removal-recipient")
    people = dict.fromkeys(one for name, value in fields if name in names for one in addresses_in(value))
    return tuple(Recipient(address, "", "", "complaint", False) for address in people)
