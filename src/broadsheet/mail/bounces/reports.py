"""Delivery status notifications (RFC 3464), also where they are not marked as such."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from broadsheet.mail.bounces.addresses import address_of_field
from broadsheet.mail.bounces.parts import Part, fields_of, leaves, text_of

_TYPES = ("message/delivery-status", "message/global-delivery-status")
_MOST_RECIPIENTS = 50
_RECIPIENT = re.compile(r"(?im)^[ \t]*(?:final|original)-recipient[ \t]*:")
_STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")


@dataclass(frozen=True, slots=True)
class Reported:
    """What a report says of one recipient; "" for what it leaves out. comment: words beside the status code."""

    address: str
    action: str
    status: str
    diagnostic: str
    comment: str = ""


def is_report(part: Part) -> bool:
    """Whether a part is for machines to read."""
    return part.type in _TYPES


def reported_in(message: Part) -> list[Reported]:
    """The recipients of a message's reports, in order."""
    blocks = [block for part in leaves(message) if is_report(part) for block in _blocks(text_of(part))]
    return _recipients(blocks)


def reported_in_text(text: str) -> list[Reported]:
    """The recipients of a report that stands among the words for people."""
    return _recipients(list(_blocks(text))) if _RECIPIENT.search(text) else []


def _blocks(text: str) -> Iterator[str]:
    for block in re.split(r"\n[ \t]*\n", text.strip("\n")):
        if _RECIPIENT.search(block):
            yield from _apart(block)


def _apart(block: str) -> list[str]:
    """A block is one recipient's; where a sender forgot the empty line, each Final-Recipient begins another."""
    lines = block.split("\n")
    starts = [index for index, line in enumerate(lines) if re.match(r"(?i)\s*final-recipient\s*:", line)]
    if len(starts) < 2:
        return [block]
    return ["\n".join(lines[start:end]) for start, end in zip(starts, [*starts[1:], len(lines)], strict=True)]


def _recipients(blocks: list[str]) -> list[Reported]:
    """Each block's recipient; what is said twice in the same words counts once."""
    return list(dict.fromkeys(_recipient(dict(reversed(fields_of(block)))) for block in blocks[:_MOST_RECIPIENTS]))


def _recipient(fields: dict[str, str]) -> Reported:
    names = ("x-actual-recipient", "final-recipient", "original-recipient")
    addresses = [address_of_field(fields.get(name, "")) for name in names]
    status = _STATUS.search(fields.get("status", ""))
    return Reported(
        address=addresses[1] or addresses[2] or addresses[0],
        action=fields.get("action", "").split(" ")[0].strip().lower(),
        status=status[1] if status else "",
        # Some put the server's answer where the code belongs.
        diagnostic=_diagnostic(fields) or ("" if status else fields.get("status", "")),
        comment=fields.get("status", "")[status.end() :] if status else "",
    )


def _diagnostic(fields: dict[str, str]) -> str:
    kind, mark, words = fields.get("diagnostic-code", "").partition(";")
    text = words if mark and len(kind) < 30 else kind + mark + words
    # A bare exit status of a program is no diagnosis.
    text = "" if re.fullmatch(r"\s*\d{1,2}\s*", text) else text
    return " ".join([text.strip(), fields.get("x-powermta-bouncecategory", "")]).strip()
