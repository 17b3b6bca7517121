"""A mail as bytes: headers that nobody can add to, two bodies, and nothing that depends on the moment it is built.

The same letter gives the same bytes, so that trying again sends the same mail. Written straight rather than through
`email.message`, which takes several times the CPU of everything else that becomes of a digest.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import format_datetime
from functools import lru_cache

import idna

# RFC 5322, 2.1.1: no line is longer, without its line end.
LONGEST_LINE = 998
FOLD_AT = 76
# Leaves room for the name of a header beside it.
LONGEST_WORD = 900
CONTROLS = re.compile("[\x00-\x20\x7f-\x9f\u2028\u2029]+")
SURROGATES = re.compile("[\ud800-\udfff]")
ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
LABELS = re.compile(
    r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*"
)
HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,75}")
LINK = re.compile(r"(?:https?://|mailto:)[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")
IDENTIFIER = re.compile(r"<[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9._-]+>")
HIGH_BYTES = bytes(range(128, 256))
OURS = frozenset(
    (
        *("from", "to", "bcc", "subject", "date", "message-id", "return-path", "dkim-signature"),
        *("list-id", "list-unsubscribe", "list-unsubscribe-post", "auto-submitted", "feedback-id"),
        *("mime-version", "content-type", "content-transfer-encoding"),
    )
)


class Unsendable(ValueError):
    """No mail can be made of this, now or later; the message says why in words for a person."""


@dataclass(frozen=True, slots=True)
class Letter:
    """All that a mail says.

    sender, to: addresses alone; sender_name: as readers see it. subject, text, html: as written; html "" sends text
        alone. message_id: with its angle brackets. date: with its zone.
    list_id: a name like a domain; list_name: beside it, for people. unsubscribe_url: one click by POST (RFC 8058)
        where it is https. unsubscribe_mailto: begins with mailto:.
    headers: further ones, as (name, text); none that is written here already.
    """

    sender: str
    to: str
    subject: str
    text: str
    message_id: str
    date: datetime
    html: str = ""
    sender_name: str = ""
    reply_to: str = ""
    list_id: str = ""
    list_name: str = ""
    unsubscribe_url: str = ""
    unsubscribe_mailto: str = ""
    feedback_id: str = ""
    headers: tuple[tuple[str, str], ...] = ()


def build(letter: Letter) -> bytes:
    """Write the letter as a message with CRLF line ends, no line longer than 998 bytes.

    Everything but a local part outside ASCII is ASCII; bodies are quoted-printable, or base64 where that is shorter.
    Raises Unsendable if an address, link, identifier or header name is none. Line ends and other control characters
    in texts become spaces, so no text can begin a header of its own.
    """
    head = "".join(f"{name}: {value}\r\n" for name, value in _head(letter)).encode("utf-8")
    if any(len(line) > LONGEST_LINE for line in head.split(b"\r\n")):
        raise Unsendable("a header of this mail holds a line of more than 998 bytes, such as a very long link")
    return head + _body(letter)


def message_id(row: int, day: date, domain: str) -> str:
    """Name the mail of a row of the ledger; the same row and day always give the same name."""
    return f"<d{row}.{day:%Y%m%d}@{host(domain)}>"


def clean(text: str) -> str:
    """Give a text as one line: runs of blanks and control characters become one space, half characters a mark."""
    return CONTROLS.sub(" ", SURROGATES.sub("\ufffd", text)).strip(" ")


def address(text: str) -> str:
    """Give an address as it is written to a server: the domain in ASCII, the local part as it is.

    Raises Unsendable if it is no address. Quoted local parts and addresses in brackets are not taken.
    """
    local, at, domain = text.strip().rpartition("@")
    if not at or not _is_local(local):
        raise Unsendable(f"{clean(text)!r} is not a mail address")
    full = f"{local}@{host(domain)}"
    # RFC 5321, 4.5.3.1: at most 64 bytes before the sign and 254 in all.
    if len(local.encode()) > 64 or len(full.encode()) > 254:
        raise Unsendable(f"{clean(text)[:60]!r} is too long for a mail address")
    return full


@lru_cache(maxsize=4096)
def host(domain: str) -> str:
    """Give a domain in ASCII (RFC 5891), in small letters. Raises Unsendable if it is none."""
    name = domain.strip().rstrip(".")
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode("ascii")
        except idna.IDNAError as error:
            raise Unsendable(f"{clean(domain)!r} is not a domain") from error
    if len(name) > 253 or not LABELS.fullmatch(name):
        raise Unsendable(f"{clean(domain)[:60]!r} is not a domain")
    return name.lower()


def needs_utf8(text: str) -> bool:
    """Tell whether a server must offer SMTPUTF8 (RFC 6531) for this address."""
    return not text.rpartition("@")[0].isascii()


def _is_local(local: str) -> bool:
    # RFC 6531, 3.3: every character outside ASCII may stand where a letter may; those that cannot be seen may not here.
    return local.isprintable() and bool(ATOM.fullmatch(re.sub("[^\x00-\x7f]", "x", local)))


def _head(letter: Letter) -> Iterator[tuple[str, str]]:
    yield "From", mailbox("From", letter.sender_name, letter.sender)
    yield "To", address(letter.to)
    if letter.reply_to:
        yield "Reply-To", address(letter.reply_to)
    yield "Subject", unstructured("Subject", letter.subject)
    if letter.date.tzinfo is None:
        raise Unsendable("the date of a mail needs its zone")
    yield "Date", format_datetime(letter.date.astimezone(UTC))
    yield "Message-ID", _matching(IDENTIFIER, letter.message_id, "a Message-ID")
    yield "Auto-Submitted", "auto-generated"
    yield from _list_head(letter)
    yield from _further(letter.headers)
    yield "MIME-Version", "1.0"


def _list_head(letter: Letter) -> Iterator[tuple[str, str]]:
    if letter.list_id:
        identifier = host(letter.list_id)
        yield (
            "List-Id",
            _named("List-Id", letter.list_name, identifier) if clean(letter.list_name) else f"<{identifier}>",
        )
    ways = [way for way in (letter.unsubscribe_url, letter.unsubscribe_mailto) if way]
    if ways:
        yield "List-Unsubscribe", ",\r\n ".join(f"<{_matching(LINK, way, 'a link')}>" for way in ways)
    if letter.unsubscribe_url.startswith("https://"):
        yield "List-Unsubscribe-Post", "List-Unsubscribe=One-Click"
    if letter.feedback_id:
        yield "Feedback-ID", unstructured("Feedback-ID", letter.feedback_id)


def _further(headers: tuple[tuple[str, str], ...]) -> Iterator[tuple[str, str]]:
    seen: set[str] = {"reply-to"}
    for name, value in headers:
        if not HEADER_NAME.fullmatch(name) or name.lower() in OURS | seen or name.lower().startswith("content-"):
            raise Unsendable(f"{clean(name)[:60]!r} cannot be a further header")
        seen.add(name.lower())
        yield name, unstructured(name, value)


def _matching(pattern: re.Pattern[str], text: str, what: str) -> str:
    if not pattern.fullmatch(text):
        raise Unsendable(f"{clean(text)[:80]!r} is not {what}")
    return text


def mailbox(header: str, name: str, address_text: str) -> str:
    """Write a name and an address for a header."""
    found = address(address_text)
    return _named(header, name, found) if clean(name) else found


def _named(header: str, name: str, what: str) -> str:
    text = phrase(header, name)
    fits = "\r\n" not in text and len(header) + len(text) + len(what) + 5 <= FOLD_AT
    return f"{text} <{what}>" if fits else f"{text}\r\n <{what}>"


def phrase(header: str, name: str) -> str:
    """Write a name: quoted where it is short ASCII, else as encoded words."""
    text = clean(name)
    if text.isascii() and "=?" not in text and len(text) <= 60:
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return encoded_words(header, text)


def unstructured(header: str, value: str) -> str:
    """Write a text: folded at its spaces where it is ASCII, else as encoded words."""
    text = clean(value)
    if not text.isascii() or "=?" in text or any(len(word) > LONGEST_WORD for word in text.split(" ")):
        return encoded_words(header, text)
    return _folded(header, text)


def _folded(header: str, text: str) -> str:
    lines, room = [[""]], FOLD_AT - len(header) - 1
    for word in text.split(" "):
        if len(lines[-1]) > 1 and room < len(word) + 1:
            lines.append([""])
            room = FOLD_AT
        lines[-1].append(word)
        room -= len(word) + 1
    return "\r\n".join(" ".join(line) for line in lines)[1:]


def encoded_words(header: str, text: str) -> str:
    """Write a text as encoded words of UTF-8 in base64 (RFC 2047), one to a line, no character cut in two."""
    words, room = [], _room(FOLD_AT - len(header) - 2)
    rest = text.encode("utf-8")
    while rest:
        cut = min(room, len(rest))
        while cut < len(rest) and rest[cut] & 0xC0 == 0x80:
            cut -= 1
        words.append(f"=?utf-8?b?{base64.b64encode(rest[:cut]).decode('ascii')}?=")
        rest, room = rest[cut:], _room(FOLD_AT - 1)
    return "\r\n ".join(words)


def _room(columns: int) -> int:
    # Twelve columns are the frame of an encoded word, at most 75 columns are the word; four of base64 hold 3 bytes.
    return max((min(columns, 75) - 12) // 4 * 3, 6)


def _body(letter: Letter) -> bytes:
    if not letter.html:
        return _part("plain", letter.text)
    # No line of quoted-printable or base64 can hold "=_", so no body can end itself.
    boundary = "=_" + hashlib.sha256(letter.message_id.encode()).hexdigest()[:32]
    delimiter = b"\r\n--" + boundary.encode("ascii")
    start = f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n'.encode("ascii")
    parts = (_part("plain", letter.text), _part("html", letter.html))
    return start + b"".join(delimiter + b"\r\n" + part for part in parts) + delimiter + b"--\r\n"


def _part(kind: str, text: str) -> bytes:
    data = _lines(text).encode("utf-8", "replace")
    encoding, body = _encoded(data)
    head = f'Content-Type: text/{kind}; charset="utf-8"\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n'
    return head.encode("ascii") + body


def _lines(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return (lines if lines.endswith("\n") else lines + "\n").replace("\n", "\r\n")


def _encoded(data: bytes) -> tuple[str, bytes]:
    high = 0 if data.isascii() else len(data) - len(data.translate(None, HIGH_BYTES))
    # Quoted-printable writes such a byte as three; base64 writes every three bytes as four.
    if high * 6 > len(data):
        return "base64", base64.encodebytes(data).replace(b"\n", b"\r\n")
    return "quoted-printable", binascii.b2a_qp(data, istext=True)
