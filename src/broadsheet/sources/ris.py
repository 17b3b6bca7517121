"""RIS, the tagged format of reference managers: lines of a two-letter tag, two blanks, a hyphen and a value."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from typing import BinaryIO, Final

from broadsheet.lib.clock import Clock, now
from broadsheet.record.identifiers import identify
from broadsheet.record.paper import Author, Item, PaperData
from broadsheet.sources.names import family_first
from broadsheet.sources.published import YEAR, Published, not_a_preprint
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
from broadsheet.sources.reference import Reference, paper_of, published_in

SOURCE: Final = "ris"

_TAG = re.compile(r"([A-Z][A-Z0-9])  ?-(?: (.*))?$")
_HEAD = re.compile(rb"(?:^|[\r\n])TY  ?- ?\w")
_FULL_DATE = re.compile(r"(\d{4})[/-](\d{1,2})[/-](\d{1,2})(?:/.*)?")

_DOI = re.compile(r"\bdoi[:\s]\s*(10\.\d{4,9}/\S+)", re.IGNORECASE)

Tags = dict[str, list[str]]


def recognises(head: bytes, filename: str) -> bool:
    """Tell RIS by its first record."""
    return not head.lstrip().startswith((b"{", b"[", b"<")) and _HEAD.search(head) is not None


def read(stream: BinaryIO, filename: str, clock: Clock = now) -> Iterator[Item]:
    """Read every record from TY to ER; one that begins before the last has ended ends it."""
    today = clock().date()
    for held, size, begun in _records(stream):
        yield _item(held, size, begun, today)


def records(stream: BinaryIO) -> Iterator[bytes]:
    """Give the bytes of every record that is not too long, as they are hashed."""
    return (b"\n".join(held) for held, size, _begun in _records(stream) if size <= MAX_RECORD)


def _records(stream: BinaryIO) -> Iterator[tuple[list[bytes], int, int]]:
    """Give the lines of every record, its size in bytes, and the number of its first line."""
    held: list[bytes] = []
    begun, size = 0, 0
    for number, raw, length in lines(chunks(stream)):
        line = raw.rstrip(b"\r").removeprefix(b"\xef\xbb\xbf")
        opens = line.startswith((b"TY  -", b"TY -"))
        if opens or not begun:
            if begun:
                yield held, size, begun
            held, begun, size = [], number if opens else 0, 0
        if not begun:
            continue
        size += length + 1
        if size <= MAX_RECORD:
            held.append(line)
        if line.startswith((b"ER  -", b"ER -")):
            yield held, size, begun
            held, begun, size = [], 0, 0
    if begun:
        yield held, size, begun


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
    return {tag: [value for one in values if (value := checked(one))] for tag, values in told(text).items()}


def told(text: str) -> Tags:
    """Give the values of a record by their tags, as they are written; lines without a tag go on the one before."""
    tags: Tags = {}
    last: list[str] = []
    for line in text.split("\n"):
        if match := _TAG.match(line):
            last = tags.setdefault(match[1], [])
            last.append(match[2] or "")
        elif last and line.strip():
            last[-1] += " " + line
    return tags


def _first(tags: Tags, *names: str) -> str:
    return next((tags[name][0] for name in names if tags.get(name)), "")


def _paper(tags: Tags, raw: bytes, today: date) -> PaperData:
    first = partial(_first, tags)
    if not tags.get("TY"):
        raise BadItem("a record without its type")
    names = tags.get("AU") or tags.get("A1") or tags.get("A2") or []
    named = (*tags.get("AN", []), *tags.get("N1", []), *tags.get("M1", []), *tags.get("PB", []), *tags.get("C1", []))
    journal = first("JO", "JF", "T2", "JA", "BT")
    reference = Reference(
        title=first("TI", "T1", "CT"),
        abstract=first("AB", "N2"),
        authors=tuple(author for name in names if (author := _author(name))),
        doi=first("DO"),
        url=_address(tags),
        date=_date(first("DA", "Y1", "PY")) or first("PY", "Y1")[:4],
        elsewhere=(journal, *named),
    )
    if not reference.doi:
        reference = replace(reference, doi=_doi(named))
    reference = published_in(reference, _published(tags, journal), tags.get("KW", []))
    return paper_of(reference, SOURCE, hashed(raw), today)


def _published(tags: Tags, journal: str) -> Published:
    first = partial(_first, tags)
    year = first("PY", "Y1", "DA")[:4]
    year = year if YEAR.fullmatch(year) else ""
    # Who gives out a preprint is no place of publication.
    publisher = "" if tags["TY"][0] == "UNPB" else first("PB")
    place = not_a_preprint(journal) or not_a_preprint(publisher)
    if not place:
        return Published(year=year)
    begin, end = first("SP"), first("EP")
    pages = f"{begin}-{end}" if begin and end and "-" not in begin and begin != end else begin or end
    return Published(place, first("VL"), first("IS"), pages, year)


def _author(text: str) -> Author | None:
    """Read "Family, Given, Suffix": here the suffix comes last."""
    parts = [part.strip() for part in text.split(",")]
    if len(parts) == 3 and all(parts):
        text = f"{parts[0]}, {parts[2]}, {parts[1]}"
    return family_first(text.rstrip(", "))


def _address(tags: Tags) -> str:
    """The address that names the paper best: some programs list the site's own pages first."""
    told = [url for name in ("UR", "L1", "L2", "LK") for line in tags.get(name, []) for url in line.split(";")]
    known = (url for url in told if (named := identify(url)) and named.scheme != "url")
    return next(known, told[0] if told else "").strip()


def _doi(told: Sequence[str]) -> str:
    """A DOI out of notes, where older exports left it."""
    return next((match[1] for text in told if (match := _DOI.search(text))), "")


def _date(text: str) -> str:
    match = _FULL_DATE.fullmatch(text.rstrip("/"))
    return f"{match[1]}-{match[2]:0>2}-{match[3]:0>2}" if match else ""
