"""BibTeX, as reference managers and authors write it: tolerant, entry by entry.

A small reader after the grammar that BibTeX itself follows: an entry is `@type{key, name = value, …}`, a value is made
of numbers, names of @strings, "…" and {…} joined by #.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import zip_longest
from typing import BinaryIO, Final

from broadsheet.lib.clock import Clock, now
from broadsheet.lib.text import accents
from broadsheet.record.paper import Author, Item, PaperData
from broadsheet.sources.names import bibtex_authors
from broadsheet.sources.published import YEAR, Published, not_a_preprint
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
from broadsheet.sources.reference import Reference, paper_of, published_in

SOURCE: Final = "bibtex"
MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DEEPEST_BRACES: Final = 100
# A @string stands for the name of a journal. Without bounds, ten of them that name one another ten times each fill any
# memory.
LONGEST_STRING: Final = 1000
MOST_OF_STRINGS: Final = 64 << 10
# Fields that say where an entry came out, the most telling first; and those in which an arXiv id may be named.
PLACES: Final = ("journal", "journaltitle", "booktitle", "publisher", "school", "institution", "organization")
ELSEWHERE: Final = ("journal", "note", "howpublished", "volume", "number", "annote", "eprint")

_ENTRY = re.compile(r"@\s*([A-Za-z][\w-]*)\s*([{(])")
_LINE_ENTRY = re.compile(r"^[ \t]*@\s*[A-Za-z][\w-]*\s*[{(]", re.MULTILINE)
_KEY = re.compile(r"\s*([^\s,={}\"]*)\s*(?:,|(?=[})]))")
_NAME = re.compile(r"[\s,]*([^\s=,{}\"#]+)\s*=\s*")
_BARE = re.compile(r"[^\s,#{}\"()]+")
_MARK = re.compile(r"\\.|[{}()]", re.DOTALL)
_QUOTED_MARK = re.compile(r"\\.|[{}\"]", re.DOTALL)
_JOIN = re.compile(r"\s*#\s*")
_HEAD = re.compile(rb"(?:^|\n)[ \t]*@\s*[A-Za-z]+\s*[{(]")
_BRACE = re.compile(r"\\[A-Za-z]+\*?|\\.|[{}]", re.DOTALL)
# A formula in \(…\) ends before the next one opens: of many that never end each is looked at once.
_MATHS = re.compile(r"((?<!\\)\$.*?(?<!\\)\$|\\\((?:(?!\\[()]).)*\\\))")
_ESCAPED = re.compile(r"\\([%&#_])")
_VERBATIM = re.compile(r"\\([%&#_~{}])(?:\{\})?|\{\\?(_|textunderscore|~)\}|\\url\s*|[{}]")
_DAY_IN_MONTH = re.compile(r"(?P<before>\d{1,2})?[~ ,.]*(?P<month>[A-Za-z]{3,9})\.?[~ ,]*(?P<after>\d{1,2})?")
# What entries of astronomy call their journals (the macros of AASTeX).
JOURNALS: Final = {
    "aap": "Astronomy & Astrophysics", "aj": "The Astronomical Journal", "apj": "The Astrophysical Journal",
    "apjl": "The Astrophysical Journal Letters", "apjs": "The Astrophysical Journal Supplement Series",
    "araa": "Annual Review of Astronomy and Astrophysics", "mnras": "Monthly Notices of the Royal Astronomical Society",
    "nat": "Nature", "pasp": "Publications of the Astronomical Society of the Pacific", "prd": "Physical Review D",
    "prl": "Physical Review Letters",
}  # fmt: skip


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
    strings = {name: name for name in MONTHS}
    lines = [*(match.start() for match in _LINE_ENTRY.finditer(text)), len(text)]
    place = 0
    while match := _ENTRY.search(text, place):
        kind, begin = match[1].lower(), match.end()
        following = lines[bisect_left(lines, begin)]
        end = _closing(text, begin, following, match[2])
        if end < 0:
            # Go on at the next line that begins like an entry: what lies between belongs to the broken one.
            place = following
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
            strings.update((name, value) for name, value in entry.fields.items() if len(value) <= LONGEST_STRING)
        else:
            yield entry


def _closing(text: str, begin: int, following: int, opening: str) -> int:
    """Find where an entry ends; -1 where it does not before the next line that begins one."""
    depth = 0
    closing = "}" if opening == "{" else ")"
    for match in _MARK.finditer(text, begin, following):
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
    room = len(body) + MOST_OF_STRINGS
    while match := _NAME.match(body, place):
        value, place = _value(body, match.end(), strings, room)
        room -= len(value)
        # The first of two fields of one name counts, as in BibTeX.
        entry.fields.setdefault(match[1].lower(), value)
    if rest := body[place:].strip(" \t\n,"):
        raise BadItem(f"cannot be read from {rest[:30]!r} on")


def _value(body: str, place: int, strings: Mapping[str, str], room: int) -> tuple[str, int]:
    parts = []
    while True:
        part, place = _part(body, place, strings)
        parts.append(part)
        room -= len(part)
        if room < 0:
            raise BadItem("an entry that its @strings make too long")
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
    eprint = _eprint(told)
    reference = Reference(
        title=_title(told),
        abstract=unprotected(told.get("abstract", "")),
        authors=_authors(told),
        doi=verbatim(told.get("doi", "")),
        url=verbatim(told.get("url", "")),
        arxiv=eprint,
        date=told.get("date") or _date(told),
        elsewhere=tuple(verbatim(told.get(name, "")) for name in ELSEWHERE),
        categories=tuple(
            (told.get("primaryclass") or told.get("eprintclass", "")).strip("[]").replace(",", " ").split()
        ),
    )
    return paper_of(published_in(reference, _published(told)), SOURCE, hashed(raw), today)


def _title(told: Mapping[str, str]) -> str:
    title, subtitle = unprotected(told.get("title", "")), unprotected(told.get("subtitle", ""))
    return f"{title}: {subtitle}" if title and subtitle else title


def _authors(told: Mapping[str, str]) -> tuple[Author, ...]:
    """The authors, or the editors of what has none; a collaboration in a field of its own is the last of them."""
    authors = bibtex_authors(told.get("author", "") or told.get("editor", ""))
    authors = tuple(replace(author, name=_ESCAPED.sub(r"\1", author.name)) for author in authors)
    group = unprotected(told.get("collaboration", ""))
    if group and not any(group.lower() in author.name.lower() for author in authors):
        named = group if "collaboration" in group.lower() else f"{group} Collaboration"
        authors += (Author(named),)
    return authors


def _eprint(told: Mapping[str, str]) -> str:
    archive = verbatim(told.get("archiveprefix") or told.get("eprinttype") or "arxiv").lower()
    if archive != "arxiv":
        return ""
    eprint = verbatim(told.get("eprint") or told.get("arxivid") or told.get("arxiv", ""))
    # Before 2007 the class is part of the id, and some write it in its own field alone.
    return f"{told['primaryclass']}/{eprint}" if eprint.isdigit() and told.get("primaryclass") else eprint


def _date(told: Mapping[str, str]) -> str:
    year, month, day = (told.get(name, "").strip("{}") for name in ("year", "month", "day"))
    # "10~jan" and "jan # {~10}": the day stands in the field of the month.
    if match := _DAY_IN_MONTH.fullmatch(month):
        month, day = match["month"], day or match["before"] or match["after"] or ""
    month = str(MONTHS.index(month[:3].lower()) + 1) if month[:3].lower() in MONTHS else month
    if not (year.isdigit() and month.isdigit() and day.isdigit()):
        return year
    return f"{year:0>4}-{month:0>2}-{day:0>2}"


def _published(told: Mapping[str, str]) -> Published:
    place = _place(told)
    year = (told.get("year") or told.get("date", ""))[:4].strip("{}")
    if not place:
        return Published(year=year if YEAR.fullmatch(year) else "")
    told_of = {name: unprotected(told.get(name, "")) for name in ("volume", "number", "issue", "pages")}
    return Published(place, told_of["volume"], told_of["number"] or told_of["issue"], told_of["pages"], year)


def _place(told: Mapping[str, str]) -> str:
    for name in PLACES:
        place = unprotected(told.get(name, ""))
        place = JOURNALS.get(place.removeprefix("\\").lower(), place) if place.startswith("\\") else place
        if place:
            return not_a_preprint(place)
    return ""


def verbatim(text: str) -> str:
    r"""Read an identifier or an address: what was escaped for TeX (`\_`, `\%`, `{\_}`, `\url{…}`) stands for itself."""
    if not re.search(r"[\\{}]", text):
        return text
    return _VERBATIM.sub(lambda match: match[1] or (match[2] or "").replace("textunderscore", "_"), text).strip()


def unprotected(text: str) -> str:
    r"""Drop the braces that only keep capitals, outside maths, and read `\&` as &; the rest of the TeX stays."""
    if "{" not in text and "\\" not in text:
        return text
    parts = _MATHS.split(text)
    # A brace may hold a formula, so braces are looked at with the formulas taken out.
    prose = _ESCAPED.sub(r"\1", _without_braces(accents("\x00".join(parts[::2]))))
    return "".join(piece for pair in zip_longest(prose.split("\x00"), parts[1::2], fillvalue="") for piece in pair)


def _without_braces(text: str) -> str:
    kept: list[str] = []
    holding: list[bool] = []
    end, after_command = 0, -1
    for match in _BRACE.finditer(text):
        kept.append(text[end : match.start()])
        token, end = match[0], match.end()
        if token == "{":
            switches = text[end : end + 1] == "\\" and text[end + 1 : end + 2].isalpha()
            argument = match.start() == after_command or text[max(0, match.start() - 1) : match.start()] in (
                "^",
                "_",
                "]",
            )
            holding.append(switches or argument)
            kept.append(token if holding[-1] else "")
        elif token == "}":
            holds = holding.pop() if holding else True
            after_command = end if holds else -1
            kept.append(token if holds else "")
        else:
            after_command = end
            kept.append(token)
    return "".join([*kept, text[end:]])
