"""What every file reader needs: bounded reading, the one error of a file, and the checks that refuse an item."""

import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time
from hashlib import sha256
from typing import BinaryIO, Final, Protocol

from broadsheet.lib.clock import Clock, now
from broadsheet.lib.text import squash
from broadsheet.record.paper import Item, Rejected

CHUNK: Final = 1 << 18
MAX_RECORD: Final = 8 << 20
MAX_DOCUMENT: Final = 64 << 20
KEPT: Final = 64 << 10
# A reason quotes what is wrong, which may be megabytes.
LONGEST_REASON: Final = 500
NOON: Final = time(12, tzinfo=UTC)
EARLIEST_YEAR: Final = 1900

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_SURROGATE = re.compile("[\ud800-\udfff]")


class BadFile(Exception):
    """A file that cannot be read, or not to its end: which, what is wrong, what to do. Trying again cannot help."""


class BadItem(ValueError):
    """An item of a file that cannot be read; the rest of the file can."""


class Reader(Protocol):
    """Reads one format. Raises BadFile, after the items before the break, when the file as a whole is wrong."""

    def __call__(self, stream: BinaryIO, filename: str, clock: Clock = now) -> Iterator[Item]:
        """Give the items of the stream in their order; `filename` is for messages and dates in names."""


def chunks(stream: BinaryIO) -> Iterator[bytes]:
    """Give the bytes of a stream as they come, so that those before a break in it are not lost with it."""
    read = getattr(stream, "read1", stream.read)
    while chunk := read(CHUNK):
        yield chunk


def lines(parts: Iterable[bytes], limit: int = MAX_RECORD) -> Iterator[tuple[int, bytes, int]]:
    """Give (number from 1, bytes without the line's end, size); of a line over `limit` bytes only the first 64 KiB."""
    number, size = 1, 0
    held: list[bytes] = []
    for chunk in parts:
        *ended, rest = chunk.split(b"\n")
        for part in ended:
            if held:
                size += len(part)
                held.append(part)
                part = b"".join(held)
                held = []
            else:
                size = len(part)
            yield number, part if size <= limit else part[:KEPT], size
            number, size = number + 1, 0
        if rest:
            size += len(rest)
            held.append(rest)
            if size > limit:
                held = [b"".join(held)[:KEPT]]
    if held:
        yield number, b"".join(held) if size <= limit else held[0][:KEPT], size


def document(parts: Iterable[bytes], filename: str) -> tuple[bytes, BadFile | None]:
    """Join the chunks of a document: its bytes up to a break, and the break. Raises BadFile for more than 64 MiB."""
    held, size = [], 0
    try:
        for chunk in parts:
            held.append(chunk)
            size += len(chunk)
            if size > MAX_DOCUMENT:
                break
    except BadFile as broken:
        return b"".join(held), broken
    if size > MAX_DOCUMENT:
        raise BadFile(f"{filename} is over {MAX_DOCUMENT >> 20} MiB in one piece: split it and import the parts")
    return b"".join(held), None


def decoded(raw: bytes) -> str:
    """Read UTF-8, with or without a byte order mark. Raises BadItem with the position of the first wrong byte."""
    # The codec that drops a mark is written in Python: it would take as long as reading the JSON.
    raw = raw.removeprefix(BOM_UTF8)
    try:
        return raw.decode()
    except UnicodeDecodeError as wrong:
        raise BadItem(f"not UTF-8: byte 0x{raw[wrong.start]:02x} at position {wrong.start}") from None


def decoded_or_latin(raw: bytes) -> str:
    """Read UTF-8, or Windows Latin-1 where it is not: reference managers of old wrote that."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def checked(text: str) -> str:
    """Give the text with its white space folded. Raises BadItem for characters that no database keeps."""
    if "\x00" in text:
        raise BadItem(f"holds a NUL character at position {text.index(chr(0))}")
    if not text.isascii() and (match := _SURROGATE.search(text)):
        raise BadItem(f"holds half a character (U+{ord(match[0]):04X}) at position {match.start()}")
    return squash(text)


def field_text(value: object, name: str) -> str:
    """Give a text field of a JSON row, folded; null and absent are empty. Raises BadItem for what is no text."""
    if value is None or value == "":
        return ""
    if not isinstance(value, str):
        raise BadItem(f"{name} is a {type(value).__name__}, not a text")
    return checked(value)


def possible_day(text: str, today: date) -> date:
    """Read YYYY-MM-DD. Raises BadItem for another form, a year before 1900 or one after the next."""
    try:
        day = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None:
        raise BadItem(f"{text[:40]!r} is not a date of the form YYYY-MM-DD")
    if not EARLIEST_YEAR <= day.year <= today.year + 1:
        raise BadItem(f"the date {text} cannot be right")
    return day


def possible_moment(text: str, today: date) -> datetime:
    """Read an ISO moment as UTC; one without a zone is taken as UTC. Raises BadItem as `possible_day` does."""
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadItem(f"{text[:40]!r} is not a moment of the form YYYY-MM-DDTHH:MM:SSZ") from None
    possible_day(moment.date().isoformat(), today)
    return moment


def noon(day: date) -> datetime:
    """Give noon UTC of a day: the moment that stands for a day when the hour is not known."""
    return datetime.combine(day, NOON)


def hashed(raw: bytes) -> str:
    """Give the SHA-256 of some bytes, in hex."""
    return sha256(raw).hexdigest()


def rejected(source: str, subject: str, reason: object, raw: bytes) -> Rejected:
    """Keep an item aside: of its bytes at most the first 64 KiB, of the reason what fits on a line or two."""
    return Rejected(source, subject[:200], str(reason)[:LONGEST_REASON], raw[:KEPT])


def too_long(source: str, subject: str, size: int, raw: bytes) -> Rejected:
    """Keep a record aside that is over 8 MiB."""
    return rejected(source, subject, f"{size:,} bytes in one record; at most {MAX_RECORD:,} are read", raw)
