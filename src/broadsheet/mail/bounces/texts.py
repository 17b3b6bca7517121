"""Recipients in free text, and the passage that is about each."""

import re
from dataclasses import dataclass

from broadsheet.mail.bounces.addresses import ADDRESS, addresses_in, clean, local_part

_MOST_LINES = 400
_MOST_RECIPIENTS = 50
_LONGEST_PASSAGE = 14  # lines
_NOBODYS = re.compile(r"(?:mailer.?daemon|post.?master|support|abuse|help|info-?desk|no-?reply|hostmaster|noc)\b")

# A line that is an address alone, with or without marks, or an address and then what happened to it.
_LISTED = re.compile(
    r"[\s>*\-\u2022=]{0,20}(?:\d{1,3}[.)]\s{1,4})?(?:<[^<>\n]{1,160}>|\"?[^\s<>\"]{1,160}@[^\s<>,;]{1,160}?)\"?"
    r"\s*(?:$|:|,\s*$|;\s*$|\(|<mailto:|<[^<>\s]{1,160}>|on \w{3}, |\.{3}|delivery failed|failed\b|rejected\b|- "
    r"|\[|[\w ]{0,20}\b(?:invalid|unknown|error|not |fail|reject|full|[45]\d\d\b))",
    re.IGNORECASE,
)
# Words right before an address that make it a recipient.
_LEADS = re.compile(
    r"(?:recipients?(?: address)?|addressed to|rcpt to|address|original address|deliver(?:ed|ing)?"
    r"(?: \w{1,12}){0,5} to|mail to|message to|email to|user|permanent errors|sent to|undeliverable to|errors?"
    r"|generated (?:by|from)|\b[45]\d\d[ -](?:\d\.\d{1,3}\.\d{1,3})?)\s*(?:is|was)?[\s:=]{0,6}[<\"'(\[]{0,2}$",
    re.IGNORECASE,
)
_SENDERS = re.compile(
    r"(?:from|your e-?mail|sender|reply-to|cc|mail from|originator)\s*(?:address)?\s*:?\s*[<\"'(]{0,2}$", re.I
)
# Where a transcript turns to another server.
_SESSION = re.compile(r"(?i)while talking to")
_REPLY_LINE = re.compile(r"[45]\d\d[ -]")


@dataclass(frozen=True, slots=True)
class Told:
    """A recipient and the lines about it."""

    address: str
    passage: str


def told_in(text: str, failed: list[str], own: frozenset[str]) -> list[Told]:
    """Recipients named in a notice, in order.

    failed: addresses that a header already says the notice is about.
    own: addresses that the report was sent to or comes from; they are recipients only where nothing else is.
    """
    lines = text.split("\n")[:_MOST_LINES]
    listed = _listed(lines)
    strangers = [address for address in listed if address not in own and not _NOBODYS.match(local_part(address))]
    found = failed or strangers or listed or [one for one in _any(lines) if one not in own]
    found = found[:_MOST_RECIPIENTS]
    return [Told(address, passage_about(address, lines, found)) for address in found]


def passage_about(address: str, lines: list[str], others: list[str]) -> str:
    """The lines on an address: those that name it and what follows, up to the next recipient.

    In a transcript of a session the server's answer stands before the line that names the recipient, so what stands
    between the recipient before and this one counts too, after the rest.
    """
    rivals = {other for other in others if other != address}
    named = [index for index, line in enumerate(lines) if address in line.lower()][:6]
    ends = [index for index in named if _REPLY_LINE.match(lines[index])]
    if rivals and ends:
        before = _until(lines[max(0, ends[0] - 6) : ends[0]][::-1], rivals, _SESSION)[::-1]
        return "\n".join([*(lines[index] for index in ends), *before])
    return "\n".join(line for index in named for line in _until(lines[index : index + _LONGEST_PASSAGE], rivals))


def _until(lines: list[str], rivals: set[str], end: re.Pattern[str] | None = None) -> list[str]:
    taken: list[str] = []
    for line in lines:
        if rivals and any(clean(found[0]) in rivals for found in ADDRESS.finditer(line)):
            break
        if end and end.search(line):
            break
        taken.append(line)
    return taken


def _listed(lines: list[str]) -> list[str]:
    found: list[str] = []
    for line in lines:
        if "@" not in line:
            continue
        first = next(ADDRESS.finditer(line), None)
        if first and (_LISTED.match(line) or _leads(line, first)) and not _SENDERS.search(line[: first.start()]):
            found.append(clean(first[0]))
    return list(dict.fromkeys(found))


def _leads(line: str, found: re.Match[str]) -> bool:
    return bool(_LEADS.search(line[max(0, found.start() - 80) : found.start()]))


def _any(lines: list[str]) -> list[str]:
    return [one for one in addresses_in("\n".join(lines)) if not _NOBODYS.match(local_part(one))][:1]
