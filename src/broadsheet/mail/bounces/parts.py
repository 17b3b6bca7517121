"""The parts of a message, however broken: a small MIME reader that never fails and reads each line once.

The reader of the standard library goes as deep as a message wants, and every line costs it as much as the depth; what
comes from outside has to cost no more than its size.
"""

import base64
import binascii
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header

LONGEST_MESSAGE = 1_000_000  # bytes; what is worth reading of a bounce stands in its first pages
_DEEPEST = 6
_MOST_PARTS = 60
_MOST_FIELDS = 400
_LONGEST_FIELD = 4_000  # characters

_FIELD = re.compile(r"([!-9;-~]{1,76})[ \t]*:[ \t]*(.*)", re.DOTALL)
_BOUNDARY = re.compile(r"boundary[ \t]*=[ \t]*(?:\"([^\"\n]{1,200})\"|([^\s;\"]{1,200}))", re.IGNORECASE)
_CHARSET = re.compile(r"charset[ \t]*=[ \t]*[\"']?([\w.:-]{1,40})", re.IGNORECASE)
# Codecs that are cheap on anything; others ("punycode", "zlib") are not for mail.
_CODECS = re.compile(
    r"utf-?(8|7|16|32)|(iso-?)?8859-?\d+|iso-8859-\d+|(windows|cp)-?\d+|koi8-[ru]|iso-2022-(jp|kr)|shift[_-]?jis"
    r"|sjis|euc-?(jp|kr)|gb(k|2312|18030)|big5|(us-)?ascii|latin-?1|tis-620"
)


@dataclass(frozen=True, slots=True)
class Part:
    """One part. headers: (name in lower case, unfolded value) in order; body: as sent, with bare line feeds."""

    headers: tuple[tuple[str, str], ...]
    body: bytes
    parts: tuple["Part", ...] = ()

    def all(self, name: str) -> list[str]:
        """All values of a field, decoded."""
        return [decoded(value) for key, value in self.headers if key == name]

    def get(self, name: str) -> str:
        """The first value of a field, decoded; "" where there is none."""
        return next(iter(self.all(name)), "")

    @property
    def type(self) -> str:
        """The media type, as "text/plain"."""
        return self.get("content-type").split(";")[0].strip().lower() or "text/plain"


def opened(raw: bytes) -> Part:
    """Read a message whose lines end in LF, CR or CRLF; what lies beyond the first million bytes is left out."""
    lines = raw[:LONGEST_MESSAGE].replace(b"\0", b"").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if lines.startswith(b"From "):
        lines = lines.partition(b"\n")[2]
    return _part(lines.lstrip(b"\n"), _DEEPEST)


def leaves(part: Part) -> Iterator[Part]:
    """Parts that hold no others, in order; a returned message is one leaf."""
    if not part.parts:
        yield part
    for inner in part.parts:
        yield from leaves(inner)


def text_of(part: Part) -> str:
    """The text of a part, its encoding undone as far as it can be."""
    data = _undone(part.body, part.get("content-transfer-encoding").strip().lower())
    found = _CHARSET.search(part.get("content-type"))
    return _characters(data, found[1].lower() if found else "")


def fields_of(block: str) -> tuple[tuple[str, str], ...]:
    """The header fields of a block of text, folded lines joined; lines that are no field are passed over."""
    fields: list[tuple[str, str]] = []
    for line in block.split("\n")[: _MOST_FIELDS * 4]:
        if line[:1] in (" ", "\t") and fields:
            name, value = fields[-1]
            fields[-1] = (name, f"{value} {line.strip()}" if len(value) < _LONGEST_FIELD else value)
        elif (found := _FIELD.match(line[:_LONGEST_FIELD])) and len(fields) < _MOST_FIELDS:
            fields.append((found[1].lower(), found[2].strip()))
    return tuple(fields)


def decoded(value: str) -> str:
    """A header's value with its encoded words (RFC 2047) decoded."""
    if "=?" not in value:
        return value
    try:
        pieces = decode_header(value)
    except (HeaderParseError, ValueError):
        return value
    return "".join(
        piece if isinstance(piece, str) else _characters(piece, (charset or "").lower()) for piece, charset in pieces
    )


def _part(data: bytes, depth: int) -> Part:
    head, body = _halves(data)
    headers = fields_of(head.decode("utf-8", "replace"))
    part = Part(headers, body)
    found = _BOUNDARY.search(part.get("content-type")) if depth else None
    if found is None or not part.get("content-type").lstrip().lower().startswith("multipart"):
        return part
    inner = _divided(body, (found[1] or found[2]).encode("utf-8", "replace"))
    return Part(headers, body, tuple(_part(piece, depth - 1) for piece in inner))


def _halves(data: bytes) -> tuple[bytes, bytes]:
    """Header and body. A part that begins with no field has none: some senders leave the headers of a part out."""
    first = data.lstrip(b"\n").partition(b"\n")[0]
    if data.startswith(b"\n") or not _FIELD.match(first.decode("latin-1")):
        return b"", data.lstrip(b"\n")
    head, _, body = data.partition(b"\n\n")
    return head, body


def _divided(body: bytes, boundary: bytes) -> list[bytes]:
    marks = re.compile(rb"^--" + re.escape(boundary.rstrip()) + rb"(?:--)?[ \t]*$", re.MULTILINE)
    pieces = marks.split(body, maxsplit=_MOST_PARTS)
    return [piece.removeprefix(b"\n").removesuffix(b"\n") for piece in pieces[1:] if piece.strip()]


def _undone(data: bytes, encoding: str) -> bytes:
    if encoding == "quoted-printable":
        return quopri.decodestring(data)
    if encoding == "base64":
        kept = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
        try:
            return base64.b64decode(kept + b"=" * (-len(kept) % 4))
        except binascii.Error:
            return base64.b64decode(kept[: len(kept) // 4 * 4])
    return data


def _characters(data: bytes, charset: str) -> str:
    if charset and _CODECS.fullmatch(charset):
        try:
            return data.decode(charset, "replace")
        except LookupError:
            pass
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")
