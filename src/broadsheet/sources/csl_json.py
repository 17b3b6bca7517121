"""CSL-JSON, the citation format of Zotero, pandoc and the DOI services: an array of items."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import BinaryIO, Final

from broadsheet.lib.clock import Clock, now
from broadsheet.lib.text import squash
from broadsheet.record.paper import Author, Item, PaperData
from broadsheet.sources.published import YEAR, Published, not_a_preprint
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
from broadsheet.sources.reference import Reference, paper_of, published_in, unmarked

SOURCE: Final = "csl-json"

_HEAD = re.compile(rb'\s*(?:\{\s*"items"\s*:\s*)?\[?\s*\{')
_TYPED = re.compile(rb'"type"\s*:\s*"')
_TITLED = re.compile(rb'"(?:title|DOI|issued|container-title)"\s*:')
_NAME: Final = ("given", "dropping-particle", "non-dropping-particle", "family", "suffix")
_ORCID = re.compile(r"\d{4}-\d{4}-\d{4}-\d{3}[\dX]")
# Zotero writes what the format had no field for into the note, a line each; lines are folded when it is read.
_EXTRA = re.compile(r"\b(DOI): ?(10\.\d{4,9}/\S+)")


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
    today = clock().date()
    for number, row in enumerate(rows(stream, filename), 1):
        yield _item(row, f"item {number}", today)


def rows(stream: BinaryIO, filename: str) -> list[object]:
    """Give the items of a document, whatever they are. Raises BadFile."""
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
    return told


def hash_of(row: object) -> str:
    """Give the hash by which an item is known."""
    return hashed(_raw(row))


def _raw(row: object) -> bytes:
    return json.dumps(row, ensure_ascii=False).encode(errors="surrogatepass")


def _item(row: object, subject: str, today: date) -> Item:
    raw = _raw(row)
    if len(raw) > MAX_RECORD:
        return too_long(SOURCE, subject, len(raw), raw)
    try:
        if not isinstance(row, dict):
            raise BadItem(f"an item that is a {type(row).__name__}, not an object")
        return _paper(row, raw, today)
    except ValueError as wrong:
        return rejected(SOURCE, subject, wrong, raw)


def _paper(row: Mapping[str, object], raw: bytes, today: date) -> PaperData:
    journal = unmarked(field_text(_one(row.get("container-title")), "container-title"))
    note = field_text(row.get("note"), "note")
    archive = field_text(row.get("archive"), "archive")
    named = tuple(_written(row.get(name), name) for name in ("number", "archive_location", "publisher"))
    extra = dict(_EXTRA.findall(note))
    reference = Reference(
        title=unmarked(field_text(_one(row.get("title")), "title")),
        abstract=unmarked(field_text(row.get("abstract"), "abstract")),
        authors=_authors(row),
        doi=field_text(row.get("DOI"), "DOI") or extra.get("DOI", ""),
        url=field_text(row.get("URL"), "URL"),
        arxiv=named[1] if "arxiv" in archive.lower() else "",
        date=_day(row),
        elsewhere=(note, journal, *named),
    )
    reference = published_in(reference, _published(row, journal), _keywords(row))
    return paper_of(reference, SOURCE, hashed(raw), today)


def _published(row: Mapping[str, object], journal: str) -> Published:
    year = _date(row.get("issued"))[:4]
    year = year if YEAR.fullmatch(year) else ""
    place = not_a_preprint(journal) or not_a_preprint(field_text(row.get("publisher"), "publisher"))
    if not place:
        return Published(year=year)
    volume, issue, pages = (_written(row.get(name), name) for name in ("volume", "issue", "page"))
    return Published(place, volume, issue, pages, year)


def _written(told: object, name: str) -> str:
    """A field that some write as a number."""
    return str(told) if isinstance(told, int) and not isinstance(told, bool) else field_text(told, name)


def _day(row: Mapping[str, object]) -> str:
    """The day of submission where it is told apart, else the date of issue."""
    submitted = _date(row.get("submitted"))
    return submitted if len(submitted) == 10 else _date(row.get("issued"))


def _keywords(row: Mapping[str, object]) -> list[str]:
    told = row.get("categories")
    return [code for code in told if isinstance(code, str)] if isinstance(told, list) else []


def _one(told: object) -> object:
    """Crossref gives titles as lists of one."""
    return told[0] if isinstance(told, list) and told else (None if isinstance(told, list) else told)


def _authors(row: Mapping[str, object]) -> tuple[Author, ...]:
    told, beside = row.get("author"), _orcids(row)
    authors = []
    for place, one in enumerate(told if isinstance(told, list) else []):
        if not isinstance(one, dict):
            continue
        said = {part: field_text(one.get(part), part) for part in (*_NAME, "literal", "ORCID")}
        name = said["literal"] or squash(" ".join(said[part] for part in _NAME))
        if name:
            authors.append(Author(name, orcid=said["ORCID"].rpartition("/")[2] or beside.get(place, "")))
    return tuple(authors)


def _orcids(row: Mapping[str, object]) -> dict[int, str]:
    """ORCID iDs that stand beside the authors, in their order: the schema has no place for them in a name."""
    custom = row.get("custom")
    told = custom.get("orcid") if isinstance(custom, dict) else None
    if not isinstance(told, list):
        return {}
    return {place: one for place, one in enumerate(told) if isinstance(one, str) and _ORCID.fullmatch(one)}


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
