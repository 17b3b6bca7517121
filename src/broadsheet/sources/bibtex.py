"""BibTeX, as reference managers and authors write it: tolerant, entry by entry.

A small reader after the grammar that BibTeX itself follows: an entry is `@type{key, name = value, …}`, a value is made
of numbers, names of @strings, "…" and {…} joined by #.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import BinaryIO, Final

from broadsheet.lib.clock import Clock, now
from broadsheet.lib.text import accents, squash
from broadsheet.record.paper import Item, PaperData
from broadsheet.sources.names import bibtex_authors
from broadsheet.sources.reading import (
    MAX_RECORD,
    BadItem,
    checked,
    chunks,
    decoded_or_latin,
    document,
    hashed,
    rejected,
    too_long,
)
from broadsheet.sources.reference import Reference, paper_of

SOURCE: Final = "bibtex"
MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DEEPEST_BRACES: Final = 100

_ENTRY = re.compile(r"@\s*([A-Za-z][\w-]*)\s*([{(])")
_LINE_ENTRY = re.compile(r"^[ \t]*@\s*[A-Za-z][\w-]*\s*[{(]", re.MULTILINE)
_KEY = re.compile(r"\s*([^\s,={}\"]*)\s*(?:,|(?=[})]))")
_NAME = re.compile(r"[\s,]*([^\s=,{}\"#]+)\s*=\s*")
_BARE = re.compile(r"[^\s,#{}\"()]+")
_MARK = re.compile(r"\\.|[{}()]", re.DOTALL)
_QUOTED_MARK = re.compile(r"\\.|[{}\"]", re.DOTALL)
_JOIN = re.compile(r"\s*#\s*")
_HEAD = re.compile(rb"(?:^|\n)[ \t]*@\s*[A-Za-z]+\s*[{(]")
_GROUP = re.compile(r"(\\[A-Za-z]+\*?|[\^_\]])?\{([^{}\\$]*)\}")
_MATHS = re.compile(r"(\$[^$]*\$)")


def recognises(head: bytes, filename: str) -> bool:
    """Tell BibTeX by its first entry."""
    return not head.lstrip().startswith((b"{", b"[", b"<")) and _HEAD.search(head) is not None


def read(stream: BinaryIO, filename: str, clock: Clock = now) -> Iterator[Item]:
    """Read every entry that has a title; entries that do not close are Rejected, and the next one read."""
    raw, broken = document(chunks(stream), filename)
    today = clock().date()
    for entry in entries(decoded_or_latin(raw).replace("\r\n", "\n")):
        yield _item(entry, today)
    if broken:
        raise broken


@dataclass
class Entry:
    """One entry: its type and field names in lower case, its text, and what is wrong with it, if anything."""

    kind: str
    key: str
    text: str
    fields: dict[str, str] = field(default_factory=dict)
    wrong: str = ""


def entries(text: str) -> Iterator[Entry]:
    """Give the entries of a text in their order; @comment and @preamble are passed over, @string is applied."""
    strings = {name: str(number) for number, name in enumerate(MONTHS, 1)}
    place = 0
    while match := _ENTRY.search(text, place):
        kind, begin = match[1].lower(), match.end()
        end = _closing(text, begin, match[2])
        if end < 0:
            # Go on at the next line that begins like an entry: what lies between belongs to the broken one.
            following = _LINE_ENTRY.search(text, begin)
            place = following.start() if following else len(text)
            if kind != "comment":
                yield Entry(kind, "", text[match.start() : place], wrong="an entry whose braces do not close")
            continue
        entry = Entry(kind, "", text[match.start() : end + 1])
        place = end + 1
        if kind in ("comment", "preamble"):
            continue
        try:
            _fill(entry, text[begin:end], strings)
        except BadItem as wrong:
            entry.wrong = str(wrong)
        if kind == "string":
            strings.update(entry.fields)
        else:
            yield entry


def _closing(text: str, begin: int, opening: str) -> int:
    """Find where an entry ends; -1 where it does not before the next line that begins one."""
    depth = 0
    closing = "}" if opening == "{" else ")"
    following = _LINE_ENTRY.search(text, begin)
    for match in _MARK.finditer(text, begin, following.start() if following else len(text)):
        if match[0] == closing and depth == 0:
            return match.start()
        depth += (match[0] == "{") - (match[0] == "}")
        if depth > DEEPEST_BRACES:
            return -1
    return -1


def _fill(entry: Entry, body: str, strings: Mapping[str, str]) -> None:
    place = 0
    if entry.kind != "string" and (match := _KEY.match(body)):
        entry.key, place = match[1], match.end()
    while match := _NAME.match(body, place):
        value, place = _value(body, match.end(), strings)
        # The first of two fields of one name counts, as in BibTeX.
        entry.fields.setdefault(match[1].lower(), value)
    if rest := body[place:].strip(" \t\n,"):
        raise BadItem(f"cannot be read from {rest[:30]!r} on")


def _value(body: str, place: int, strings: Mapping[str, str]) -> tuple[str, int]:
    parts = []
    while True:
        part, place = _part(body, place, strings)
        parts.append(part)
        match = _JOIN.match(body, place)
        if not match:
            return "".join(parts), place
        place = match.end()


def _part(body: str, place: int, strings: Mapping[str, str]) -> tuple[str, int]:
    mark = body[place : place + 1]
    if mark in ("{", '"'):
        end = _end_of_text(body, place + 1, "}" if mark == "{" else '"')
        return body[place + 1 : end], end + 1
    match = _BARE.match(body, place)
    if not match:
        return "", place
    return (match[0] if match[0].isdigit() else strings.get(match[0].lower(), match[0])), match.end()


def _end_of_text(body: str, place: int, closing: str) -> int:
    depth = 0
    for match in _QUOTED_MARK.finditer(body, place):
        if match[0] == closing and depth == 0:
            return match.start()
        depth += (match[0] == "{") - (match[0] == "}")
    raise BadItem("a value that does not end")


def _item(entry: Entry, today: date) -> Item:
    raw = entry.text.encode(errors="replace")
    subject = entry.key or entry.kind
    if len(raw) > MAX_RECORD:
        return too_long(SOURCE, subject, len(raw), raw)
    try:
        if entry.wrong:
            raise BadItem(entry.wrong)
        return _paper(entry, raw, today)
    except ValueError as wrong:
        return rejected(SOURCE, subject, wrong, raw)


def _paper(entry: Entry, raw: bytes, today: date) -> PaperData:
    told = {name: checked(value) for name, value in entry.fields.items()}
    reference = Reference(
        title=unprotected(told.get("title", "")),
        abstract=unprotected(told.get("abstract", "")),
        authors=bibtex_authors(told.get("author", "") or told.get("editor", "")),
        doi=told.get("doi", "").strip("{}"),
        url=told.get("url", "").removeprefix("\\url").strip("{}"),
        arxiv=_eprint(told),
        date=told.get("date") or _date(told),
        journal_ref=_journal(told),
        elsewhere=(told.get("journal", ""), told.get("note", ""), told.get("howpublished", ""), told.get("volume", "")),
        categories=tuple(told.get("primaryclass", "").strip("[]").split()),
    )
    return paper_of(reference, SOURCE, hashed(raw), today)


def _eprint(told: Mapping[str, str]) -> str:
    archive = (told.get("archiveprefix") or told.get("eprinttype") or "arxiv").strip("{}").lower()
    return told.get("eprint", "").strip("{}") if archive == "arxiv" else ""


def _date(told: Mapping[str, str]) -> str:
    year, month, day = (told.get(name, "").strip("{}") for name in ("year", "month", "day"))
    month = str(MONTHS.index(month[:3].lower()) + 1) if month[:3].lower() in MONTHS else month
    if not (year.isdigit() and month.isdigit() and day.isdigit()):
        return year
    return f"{year:0>4}-{month:0>2}-{day:0>2}"


def _journal(told: Mapping[str, str]) -> str:
    place = unprotected(told.get("journal") or told.get("journaltitle") or told.get("booktitle", ""))
    if not place or "arxiv" in place.lower() or place.lower() == "corr":
        return ""
    numbers = [told[name] for name in ("volume", "number", "pages", "year") if told.get(name)]
    return squash(" ".join([place, *numbers]))


def unprotected(text: str) -> str:
    """Drop the braces that only keep capitals, outside maths; the rest of the TeX stays."""
    if "{" not in text:
        return accents(text)
    parts = _MATHS.split(accents(text))
    return "".join(part if part.startswith("$") else _without_braces(part) for part in parts)


def _without_braces(text: str) -> str:
    previous = ""
    while previous != text:
        previous, text = text, _GROUP.sub(lambda match: match[0] if match[1] else match[2], text)
    return text
