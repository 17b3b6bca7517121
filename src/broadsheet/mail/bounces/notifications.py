"""Notifications of Amazon's mail service (SES), alone or within one of its notification service (SNS), as JSON."""

import json

from broadsheet.mail.bounces.codes import status_in
from broadsheet.mail.bounces.judging import Case, judged
from broadsheet.mail.bounces.outcome import Kind, Read, Recipient
from broadsheet.mail.bounces.reports import Reported

_DEEPEST = 40
_MOST_RECIPIENTS = 50
_OF_TYPE = {"transient": "4.0.0", "permanent": "5.0.0"}


def notified_in(text: str) -> Read | None:
    """Read a notification in a text, or None where it holds none."""
    told = _object_in(text)
    message = told.get("Message")
    if isinstance(message, str):
        told = _object_in(message)
    kind = told.get("notificationType") or told.get("eventType")
    mail = _mapping(told.get("mail"))
    if kind == "Bounce":
        return _read("bounce", _bounced(_mapping(told.get("bounce"))), mail)
    if kind == "Complaint":
        return _read("complaint", _complained(_mapping(told.get("complaint"))), mail)
    if kind == "Delivery":
        return _read("delivered", _delivered(_mapping(told.get("delivery"))), mail)
    return None


def _object_in(text: str) -> dict[str, object]:
    """The JSON object in a text. Mailers break long lines with "!", a line feed and a blank: those go."""
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or '"' not in text[start : start + 20] or _depth(text[start : end + 1]) > _DEEPEST:
        return {}
    for written in (text[start : end + 1], text[start : end + 1].replace("!\n ", "").replace("\n", "")):
        try:
            return _mapping(json.loads(written, strict=False))
        except ValueError:
            continue
    return {}


def _depth(text: str) -> int:
    """At least the depth of nesting; a cheap bound, so that no reader of JSON runs out of stack."""
    deepest = depth = 0
    for letter in text:
        depth += (letter in "{[") - (letter in "}]")
        deepest = max(deepest, depth)
    return deepest


def _mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _people(value: object) -> list[dict[str, object]]:
    return [_mapping(one) for one in value[:_MOST_RECIPIENTS]] if isinstance(value, list) else []


def _words(value: object) -> str:
    """A text, without the halves of characters that JSON can hold and no file."""
    return value[:2_000].encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _bounced(bounce: dict[str, object]) -> tuple[Recipient, ...]:
    kind = f"{_words(bounce.get('bounceType'))} {_words(bounce.get('bounceSubType'))}"
    return tuple(_judged(one, kind) for one in _people(bounce.get("bouncedRecipients")))


def _judged(one: dict[str, object], kind: str) -> Recipient:
    diagnostic = _words(one.get("diagnosticCode"))
    status = (
        status_in(_words(one.get("status"))) or status_in(diagnostic) or _OF_TYPE.get(kind.split(" ")[0].lower(), "")
    )
    told = {"Permanent NoEmail": "user unknown", "Permanent OnAccountSuppressionList": "blocked by suppression"}
    reported = Reported(
        _words(one.get("emailAddress")).lower(), "failed", status, diagnostic.partition(";")[2] or diagnostic
    )
    return judged(Case(reported, told.get(kind, kind if "Mailbox" in kind else "")))


def _complained(complaint: dict[str, object]) -> tuple[Recipient, ...]:
    people = _people(complaint.get("complainedRecipients"))
    return tuple(Recipient(_words(one.get("emailAddress")).lower(), "", "", "complaint", False) for one in people)


def _delivered(delivery: dict[str, object]) -> tuple[Recipient, ...]:
    people = delivery.get("recipients")
    answer = _words(delivery.get("smtpResponse"))
    status = status_in(answer) if status_in(answer).startswith("2") else "2.0.0"
    reply = answer[:3] if answer[:3].isdigit() else ""
    several = people[:_MOST_RECIPIENTS] if isinstance(people, list) else []
    return tuple(Recipient(_words(one).lower(), status, reply, "delivered", False) for one in several)


def _read(kind: Kind, recipients: tuple[Recipient, ...], mail: dict[str, object]) -> Read:
    fields = {_words(one.get("name")).lower(): _words(one.get("value")) for one in _people(mail.get("headers"))}
    message_id = (fields.get("message-id") or _words(mail.get("messageId"))).strip("<> ")
    sent_to = (_words(mail.get("source")).lower(),) if mail.get("source") else ()
    return Read(kind, recipients, sent_to, message_id, fields)
