"""Reports written by hand about invented mails."""

from datetime import datetime, timedelta
from typing import Any

from broadsheet.digest.models import Mail, Subscription
from broadsheet.digest.tests.people import subscriber
from broadsheet.mail.tests.bounce_messages import block, report

SENT = datetime.fromisoformat("2026-11-18T07:00:00+00:00")
BOUNCES = "bounces@lab.example"


def mailed(subscription: Subscription | None = None, number: int = 1, **fields: object) -> Mail:
    """Keep a mail that went out, a day after the one of the number before; `fields` replace."""
    subscription = subscription or subscriber()
    moment = SENT + timedelta(days=number - 1)
    made: dict[str, Any] = {
        "subscription": subscription,
        "address": subscription.address,
        "domain": "lab.example",
        "message_id": f"<d{number}.{subscription.pk}@lab.example>",
        "token": f"t0ken{number:04}{subscription.pk:06}",
        "state": "sent",
        "next_try": moment,
        "queued": moment,
        "ended": moment,
    }
    return Mail.objects.create(**(made | fields))


def bounce(
    mail: Mail,
    status: str = "5.1.1",
    said: str = "550 5.1.1 User unknown",
    *,
    action: str = "failed",
    address: str = "",
) -> bytes:
    """A report to the address of a mail's own."""
    return addressed(mail.token, block(address or mail.address, action=action, status=status, said=said))


def full(mail: Mail, *, action: str = "failed") -> bytes:
    """A report that the mailbox is full."""
    return bounce(mail, "4.2.2", "452 4.2.2 Mailbox full", action=action)


def addressed(token: str, fields: str, **more: str) -> bytes:
    """A report to an address with a token."""
    return report(fields, **more).replace(b"digest+tok3n@lists.lab.example", f"bounces+{token}@lab.example".encode())


def complaint(token: str = "", **original: str) -> bytes:
    """A feedback report that names nobody; `original` are fields of the mail, with _ for -."""
    fields = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in original.items())
    return (
        f"From: staff@mail.example\nTo: bounces{'+' + token if token else ''}@lab.example\nSubject: complaint\n"
        "MIME-Version: 1.0\nContent-Type: multipart/report; report-type=feedback-report; boundary=cut\n\n"
        "--cut\nContent-Type: text/plain\n\nThis is a report.\n"
        "--cut\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nUser-Agent: x\nVersion: 1\n\n"
        f"--cut\nContent-Type: message/rfc822\n\n{fields}Subject: Papers\n\nHello\n--cut--\n"
    ).encode()
