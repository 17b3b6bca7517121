"""What services of mail report of single mails, entered as any bounce is; read and verified by django-anymail.

A report is believed because it is signed, or comes with a password; so an address alone is enough there, if a mail of
ours went to it of late. What is about mails that others send through the same account is passed over.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from anymail.signals import AnymailTrackingEvent, EventType, RejectReason
from django.utils.module_loading import import_string

from broadsheet.digest import bounces, concerned, reconcile
from broadsheet.digest.bounces import Kind, Report, Taken
from broadsheet.digest.concerned import Concerned
from broadsheet.mail.bounces.judging import Case, judged
from broadsheet.mail.bounces.outcome import HARD_REASONS, Recipient
from broadsheet.mail.bounces.reports import Reported


@dataclass(frozen=True, slots=True)
class Provider:
    """How a service reports.

    view: of django-anymail. secret: the name that its signing key has there; "" where it signs nothing, and the secret
        is user:password in the address that it reports to.
    """

    view: str
    secret: str = ""


PROVIDERS: Final[Mapping[str, Provider]] = {
    "brevo": Provider("anymail.webhooks.brevo.BrevoTrackingWebhookView"),
    "mailersend": Provider("anymail.webhooks.mailersend.MailerSendTrackingWebhookView", "signing_secret"),
    "mailgun": Provider("anymail.webhooks.mailgun.MailgunTrackingWebhookView", "webhook_signing_key"),
    "mailjet": Provider("anymail.webhooks.mailjet.MailjetTrackingWebhookView"),
    "mailtrap": Provider("anymail.webhooks.mailtrap.MailtrapTrackingWebhookView", "tracking_secret"),
    "mandrill": Provider("anymail.webhooks.mandrill.MandrillCombinedWebhookView", "webhook_key"),
    "postal": Provider("anymail.webhooks.postal.PostalTrackingWebhookView", "webhook_key"),
    "postmark": Provider("anymail.webhooks.postmark.PostmarkTrackingWebhookView"),
    # Its signatures need a package that is not installed; its reports can carry a password instead.
    "resend": Provider("anymail.webhooks.resend.ResendTrackingWebhookView"),
    "sparkpost": Provider("anymail.webhooks.sparkpost.SparkPostTrackingWebhookView"),
    "unisender_go": Provider("anymail.webhooks.unisender_go.UnisenderGoTrackingWebhookView", "api_key"),
}
# Under this name a mail carries its token through a service.
TOKEN: Final = "mail"
# The service has it, whatever becomes of it then.
HAS_IT: Final = frozenset(
    {EventType.QUEUED, EventType.SENT, EventType.DELIVERED, EventType.DEFERRED, EventType.BOUNCED, EventType.COMPLAINED}
)
REJECTED: Final[Mapping[str, Kind]] = {
    RejectReason.INVALID: "hard",
    RejectReason.BOUNCED: "hard",
    RejectReason.SPAM: "complaint",
    RejectReason.UNSUBSCRIBED: "stopped",
}
# An address alone tells whose mail it was for so long.
ADDRESS_FOR: Final = timedelta(days=30)
# In the services' own words, and the fields that they stand in.
HARD_WORDS: Final = frozenset({"hardbounce", "hard", "permanent", "hardbounces"})
SOFT_WORDS: Final = frozenset({"softbounce", "soft", "transient", "temporary", "softbounces", "undetermined"})
WORD_FIELDS: Final = frozenset({"type", "event", "bouncetype", "bouncecategory", "severity", "classification"})
DEEPEST: Final = 3
LONGEST_WORDS: Final = 4_000


def view_of(provider: str) -> tuple[type[Any], str]:
    """Give the view of django-anymail that reads a service's reports, and the name of its secret."""
    found = PROVIDERS[provider]
    view: type[Any] = import_string(found.view)
    return view, found.secret or "webhook_secret"


def hear(event: AnymailTrackingEvent, provider: str, *, now: datetime) -> Taken | None:
    """Enter what a service reports; None where nothing follows from it."""
    if event.event_type in HAS_IT:
        reconcile.accepted(_message_ids(event), now, tokens=_tokens(event))
    kind, one = _judged(event)
    whom = _whom(event, now) if kind else None
    if kind is None or whom is None:
        return None
    if kind == "delivered":
        bounces.arrived(whom.subscription)
        return None
    if kind == "stopped" and _is_older(event, whom):
        return None
    return bounces.enter(_report(event, provider, kind, one), whom, "provider", now=now)


def _judged(event: AnymailTrackingEvent) -> tuple[Kind | None, Recipient]:
    one = _told(event)
    match event.event_type:
        case EventType.BOUNCED:
            return ("hard" if _is_hard(event, one) else "soft"), one
        case EventType.REJECTED:
            return REJECTED.get(event.reject_reason or "", "soft"), one
        case EventType.DEFERRED:
            return "late", one
        case EventType.COMPLAINED:
            return "complaint", bounces.NOBODY
        case EventType.UNSUBSCRIBED:
            return "stopped", bounces.NOBODY
        case EventType.DELIVERED:
            return "delivered", bounces.NOBODY
    return None, bounces.NOBODY


def _told(event: AnymailTrackingEvent) -> Recipient:
    """What the server's answer says, as it is read in a bounce."""
    answer, around = _text(event.mta_response), _text(event.description)
    if not answer and not around:
        return bounces.NOBODY
    return judged(Case(Reported(_recipient(event), "failed", "", answer), around))


def _is_hard(event: AnymailTrackingEvent, one: Recipient) -> bool:
    """Whether nobody is there. A server's words count more than the sorting of the service.

    Services call "hard" whatever was refused for good, a mail that looked like spam too.
    """
    words = set(_words(event.esp_event))
    if words & SOFT_WORDS:
        return False
    if one.hard or event.reject_reason == RejectReason.INVALID:
        return True
    return bool(words & HARD_WORDS) and one.reason in ("", "undefined", *HARD_REASONS)


def _words(value: object, depth: int = 0) -> Iterator[str]:
    """The words by which a service sorts what came back."""
    for name, one in value.items() if isinstance(value, Mapping) and depth < DEEPEST else ():
        if isinstance(one, Mapping):
            yield from _words(one, depth + 1)
        elif one is True and _letters(str(name)) == "hardbounce":
            yield "hard"
        elif isinstance(one, str) and _letters(str(name)) in WORD_FIELDS:
            yield _letters(one)


def _letters(text: str) -> str:
    return text[:60].lower().replace("_", "").replace("-", "").replace(" ", "")


def _whom(event: AnymailTrackingEvent, now: datetime) -> Concerned | None:
    tokens = concerned.by_tokens(_tokens(event))
    named = (concerned.by_message_id(one) for one in _message_ids(event))
    found = tokens or concerned.of_mail(next((mail for mail in named if mail), None))
    if found or not _recipient(event):
        return found
    return concerned.latest_to(_recipient(event), since=now - ADDRESS_FOR)


def _is_older(event: AnymailTrackingEvent, whom: Concerned) -> bool:
    confirmed = whom.subscription.confirmed
    return bool(confirmed and event.timestamp and event.timestamp < confirmed)


def _report(event: AnymailTrackingEvent, provider: str, kind: Kind, one: Recipient) -> Report:
    # A mail may be put off many times; that it was is known after the first.
    moment = "" if kind == "late" else event.timestamp or event.event_id
    name = bounces.named(provider, kind, event.message_id, *_tokens(event), _recipient(event), moment)
    raw = json.dumps(event.esp_event, default=str)[: bounces.LONGEST_RAW].encode("utf-8", "replace")
    return Report(kind, name, raw, _recipient(event), one.status, one.reply, one.reason)


def _message_ids(event: AnymailTrackingEvent) -> list[str]:
    return [name] if (name := concerned.plain(_text(event.message_id)).strip("<> ")) else []


def _tokens(event: AnymailTrackingEvent) -> list[str]:
    metadata = event.metadata if isinstance(event.metadata, Mapping) else {}
    token = concerned.plain(_text(metadata.get(TOKEN)))
    return [token] if token else []


def _recipient(event: AnymailTrackingEvent) -> str:
    return concerned.plain(_text(event.recipient)).strip().lower()[:320]


def _text(value: object) -> str:
    return value[:LONGEST_WORDS] if isinstance(value, str) else ""
