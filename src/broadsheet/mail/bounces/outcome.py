"""What reading a report gives."""

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["bounce", "complaint", "auto-reply", "delivered", "unknown"]

# Only these say that nobody is there. Everything else may pass: a mailbox is emptied, a filter changed.
HARD_REASONS = frozenset({"userunknown", "hostunknown", "hasmoved", "notaccept"})


@dataclass(frozen=True, slots=True)
class Recipient:
    """What became of the mail to one address.

    address: lower case; "" where the report does not say it.
    status: an enhanced status code (RFC 3463), as "5.1.1"; 5.0.0 or 4.0.0 where the report gives none;
        "" in a complaint.
    reply: the SMTP reply code, as "550", or "".
    reason: one word of `reasons.REASONS`.
    hard: nobody is at that address, so that no further mail should go there.
    """

    address: str
    status: str
    reply: str
    reason: str
    hard: bool


@dataclass(frozen=True, slots=True)
class Read:
    """A report, read.

    kind: "unknown" is for a person to look at.
    recipients: in the order of the report; those of a complaint complained.
    sent_to: the addresses the report itself was sent to, where a token of one's own may stand (VERP).
    message_id: of the mail that the report is about, without angle brackets, or "".
    original: header fields of that mail, names in lower case.
    """

    kind: Kind
    recipients: tuple[Recipient, ...] = ()
    sent_to: tuple[str, ...] = ()
    message_id: str = ""
    original: dict[str, str] = field(default_factory=dict)
