"""RIS, the tagged format of reference managers: lines of a two-letter tag, two blanks, a hyphen and a value."""

import re
from collections.abc import Iterator
from datetime import date
from typing import BinaryIO, Final

from broadsheet.lib.clock import Clock, now
from broadsheet.record.paper import Item, PaperData
from broadsheet.sources.names import family_first
from broadsheet.sources.reading import (
    MAX_RECORD,
    BadItem,
    checked,
    chunks,
    decoded_or_latin,
    hashed,
    lines,
    rejected,
    too_long,
)
from broadsheet.sources.reference import Reference, paper_of

SOURCE: Final = "ris"

_TAG = re.compile(r"([A-Z][A-Z0-9])  ?-(?: (.*))?$")
_HEAD = re.compile(rb"(?:^|[\r\n])TY  ?- ?\w")
_FULL_DATE = re.compile(r"(\d{4})[/-](\d{1,2})[/-](\d{1,2})(?:/.*)?")

Tags = dict[str, list[str]]


def recognises(head: bytes, filename: str) -> bool:
    """Tell RIS by its first record."""
    return not head.lstrip().startswith((b"{", b"[", b"<")) and _HEAD.search(head) is not None


def read(stream: BinaryIO, filename: str, clock: Clock = now) -> Iterator[Item]:
    """Read every record from TY to ER; one that begins before the last has ended ends it."""
    today = clock().date()
    held: list[bytes] = []
    begun, size = 0, 0
    for number, raw, length in lines(chunks(stream)):
        line = raw.rstrip(b"\r").removeprefix(b"\xef\xbb\xbf")
        opens = line.startswith((b"TY  -", b"TY -"))
        if opens or not begun:
            if begun:
                yield _item(held, size, begun, today)
            held, begun, size = [], number if opens else 0, 0
        if not begun:
            continue
        size += length + 1
        if size <= MAX_RECORD:
            held.append(line)
        if line.startswith((b"ER  -", b"ER -")):
            yield _item(held, size, begun, today)
            held, begun, size = [], 0, 0
    if begun:
        yield _item(held, size, begun, today)


def _item(held: list[bytes], size: int, begun: int, today: date) -> Item:
    raw = b"\n".join(held)
    subject = f"line {begun}"
    if size > MAX_RECORD:
        return too_long(SOURCE, subject, size, raw)
    try:
        return _paper(_tags(decoded_or_latin(raw)), raw, today)
    except ValueError as wrong:
        return rejected(SOURCE, subject, wrong, raw)


def _tags(text: str) -> Tags:
    tags: Tags = {}
    last: list[str] = []
    for line in text.split("\n"):
        if match := _TAG.match(line):
            last = tags.setdefault(match[1], [])
            last.append(match[2] or "")
        elif last and line.strip():
            last[-1] += " " + line
    return {tag: [value for told in values if (value := checked(told))] for tag, values in tags.items()}


def _paper(tags: Tags, raw: bytes, today: date) -> PaperData:
    def first(*names: str) -> str:
        return next((tags[name][0] for name in names if tags.get(name)), "")

    if not tags.get("TY"):
        raise BadItem("a record without its type")
    names = tags.get("AU") or tags.get("A1") or tags.get("A2") or []
    journal = first("JO", "JF", "T2", "JA")
    reference = Reference(
        title=first("TI", "T1"),
        abstract=first("AB", "N2"),
        authors=tuple(author for name in names if (author := family_first(name))),
        doi=first("DO"),
        url=first("UR", "L1", "L2"),
        date=_date(first("DA", "Y1", "PY")) or first("PY", "Y1"),
        journal_ref="" if "arxiv" in journal.lower() else journal,
        elsewhere=(journal, *tags.get("AN", []), *tags.get("N1", []), *tags.get("M1", []), *tags.get("PB", [])),
    )
    return paper_of(reference, SOURCE, hashed(raw), today)


def _date(text: str) -> str:
    match = _FULL_DATE.fullmatch(text.rstrip("/"))
    return f"{match[1]}-{match[2]:0>2}-{match[3]:0>2}" if match else ""
