"""CSL-JSON, the citation format of Zotero, pandoc and the DOI services: an array of items."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import BinaryIO, Final

from broadsheet.lib.clock import Clock, now
from broadsheet.lib.text import squash
from broadsheet.record.paper import Author, Item, PaperData
from broadsheet.sources.reading import (
    MAX_RECORD,
    BadFile,
    BadItem,
    chunks,
    decoded,
    document,
    field_text,
    hashed,
    rejected,
    too_long,
)
from broadsheet.sources.reference import Reference, paper_of

SOURCE: Final = "csl-json"

_HEAD = re.compile(rb'\s*(?:\{\s*"items"\s*:\s*)?\[?\s*\{')
_TYPED = re.compile(rb'"type"\s*:\s*"')
_TITLED = re.compile(rb'"(?:title|DOI|issued|container-title)"\s*:')
_MARKUP = re.compile(r"</?(?:i|b|sub|sup|span|jats:\w+)\b[^<>]*>")


def recognises(head: bytes, filename: str) -> bool:
    """Tell CSL-JSON by items that say their type."""
    head = head.removeprefix(b"\xef\xbb\xbf")
    return (
        _HEAD.match(head) is not None
        and b'"paper"' not in head
        and _TYPED.search(head) is not None
        and _TITLED.search(head) is not None
    )


def read(stream: BinaryIO, filename: str, clock: Clock = now) -> Iterator[Item]:
    """Read an array of items, an object with `items`, or one item. Raises BadFile for anything else."""
    raw, broken = document(chunks(stream), filename)
    if broken:
        raise broken
    try:
        told = json.loads(decoded(raw))
    except (ValueError, RecursionError) as wrong:
        raise BadFile(f"{filename} is no whole JSON document ({wrong}): export it again") from None
    if isinstance(told, dict):
        told = told.get("items", [told])
    if not isinstance(told, list):
        raise BadFile(f"{filename} holds no list of references: expected an array of CSL items")
    today = clock().date()
    for number, row in enumerate(told, 1):
        yield _item(row, f"item {number}", today)


def _item(row: object, subject: str, today: date) -> Item:
    raw = json.dumps(row, ensure_ascii=False).encode(errors="surrogatepass")
    if len(raw) > MAX_RECORD:
        return too_long(SOURCE, subject, len(raw), raw)
    try:
        if not isinstance(row, dict):
            raise BadItem(f"an item that is a {type(row).__name__}, not an object")
        return _paper(row, raw, today)
    except ValueError as wrong:
        return rejected(SOURCE, subject, wrong, raw)


def _paper(row: Mapping[str, object], raw: bytes, today: date) -> PaperData:
    journal = field_text(_one(row.get("container-title")), "container-title")
    note = field_text(row.get("note"), "note")
    archive = field_text(row.get("archive"), "archive")
    named = tuple(field_text(row.get(name), name) for name in ("number", "archive_location", "publisher"))
    reference = Reference(
        title=_unmarked(field_text(_one(row.get("title")), "title")),
        abstract=_unmarked(field_text(row.get("abstract"), "abstract")),
        authors=_authors(row.get("author")),
        doi=field_text(row.get("DOI"), "DOI"),
        url=field_text(row.get("URL"), "URL"),
        arxiv=named[1] if "arxiv" in archive.lower() else "",
        date=_date(row.get("issued")),
        journal_ref="" if "arxiv" in journal.lower() else journal,
        elsewhere=(note, journal, *named),
    )
    return paper_of(reference, SOURCE, hashed(raw), today)


def _one(told: object) -> object:
    """Crossref gives titles as lists of one."""
    return told[0] if isinstance(told, list) and told else (None if isinstance(told, list) else told)


def _unmarked(text: str) -> str:
    return squash(_MARKUP.sub("", text)) if "<" in text else text


def _authors(told: object) -> tuple[Author, ...]:
    authors = []
    for one in told if isinstance(told, list) else []:
        if not isinstance(one, dict):
            continue
        said = {part: field_text(one.get(part), part) for part in ("given", "family", "suffix", "literal", "ORCID")}
        particle = field_text(one.get("non-dropping-particle"), "particle") or field_text(
            one.get("dropping-particle"), "particle"
        )
        name = said["literal"] or squash(f"{said['given']} {particle} {said['family']} {said['suffix']}")
        if name:
            authors.append(Author(name, orcid=said["ORCID"].rpartition("/")[2]))
    return tuple(authors)


def _date(told: object) -> str:
    if not isinstance(told, dict):
        return ""
    parts = told.get("date-parts")
    if isinstance(parts, list) and parts and isinstance(parts[0], list):
        numbers = [str(part) for part in parts[0] if isinstance(part, int | str)]
        if numbers and all(number.isdigit() for number in numbers):
            return "-".join(f"{number:0>{width}}" for number, width in zip(numbers, (4, 2, 2), strict=False))
    raw = told.get("raw")
    return raw if isinstance(raw, str) else ""
