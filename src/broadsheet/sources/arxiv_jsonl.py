"""arXiv metadata as JSON lines: the public snapshot (all of arXiv, one row per paper) and a flat shape with one date.

Rows are streamed. Neither shape says when a paper was announced: that is estimated from its submission and the
announcement schedule, and marked as an estimate.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import BinaryIO, Final

from broadsheet.lib.clock import Clock, now
from broadsheet.record.identifiers import ArxivId, Identifier, arxiv_id
from broadsheet.record.paper import Author, Item, PaperData, Version
from broadsheet.sources.arxiv_fields import estimate, identifiers, is_withdrawn, read_moment
from broadsheet.sources.holidays import LISTED
from broadsheet.sources.names import parsed_authors, split_authors
from broadsheet.sources.reading import (
    MAX_RECORD,
    BadItem,
    checked,
    chunks,
    decoded,
    field_text,
    hashed,
    lines,
    noon,
    possible_day,
    possible_moment,
    rejected,
    too_long,
)

SOURCE: Final = "arxiv-jsonl"
SNIFFED_LINES: Final = 20
MONTHS: Final = {
    "Jan": 1, "Feb": 2, "Mar": 3, "Apr": 4, "May": 5, "Jun": 6,
    "Jul": 7, "Aug": 8, "Sep": 9, "Oct": 10, "Nov": 11, "Dec": 12,
}  # fmt: skip

_RFC822 = re.compile(r"(?:\w{3}, )?(\d{1,2}) (\w{3}) (\d{4}) (\d\d):(\d\d):(\d\d) (?:GMT|UTC|[+-]0000)")
_KEYS = re.compile(rb'\s*\{.*?"(?:arxiv_id|authors_parsed|update_date|submitter)"\s*:', re.S)


def recognises(head: bytes, filename: str) -> bool:
    """Tell rows of arXiv metadata by the keys of the first row that can be read."""
    for raw in head.removeprefix(b"\xef\xbb\xbf").split(b"\n")[:SNIFFED_LINES]:
        try:
            row = json.loads(raw)
        except (ValueError, RecursionError):
            continue
        return isinstance(row, dict) and "title" in row and ("arxiv_id" in row or {"id", "categories"} <= row.keys())
    return _KEYS.match(head) is not None


def read(stream: BinaryIO, filename: str, clock: Clock = now) -> Iterator[Item]:
    """Read rows of either shape, one per line. A row that cannot be read is Rejected, and the next one read."""
    today = clock().date()
    for number, raw, size in lines(chunks(stream)):
        if size > MAX_RECORD:
            yield too_long(SOURCE, f"line {number}", size, raw)
        elif raw and not raw.isspace():
            yield _line_item(raw, number, today)


def _line_item(raw: bytes, number: int, today: date) -> Item:
    try:
        return _paper(_row(raw), raw, today)
    except json.JSONDecodeError as wrong:
        reason = f"not JSON: {wrong}"
    except ValueError as wrong:
        reason = str(wrong)
    except RecursionError:
        reason = "nested too deep"
    return rejected(SOURCE, f"line {number}", reason, raw)


def _row(raw: bytes) -> Mapping[str, object]:
    row = json.loads(decoded(raw))
    if type(row) is not dict:
        raise BadItem(f"a {type(row).__name__} where an object is expected")
    return row


def _paper(row: Mapping[str, object], raw: bytes, today: date) -> PaperData:
    return _flat(row, raw, today) if "arxiv_id" in row else _snapshot(row, raw, today)


def _flat(row: Mapping[str, object], raw: bytes, today: date) -> PaperData:
    paper = _name(row.get("arxiv_id"))
    created = field_text(row.get("created"), "created")
    updated = field_text(row.get("updated"), "updated")
    submitted = _noon(created, today) if created else None
    comments, abstract = field_text(row.get("comments"), "comments"), field_text(row.get("abstract"), "abstract")
    return PaperData(
        source=SOURCE,
        title=_title(row),
        abstract=abstract,
        identifiers=_identifiers(paper, row),
        authors=split_authors(field_text(row.get("author_text"), "author_text")),
        categories=_categories(row),
        submitted=submitted,
        announced=_edition_day(submitted, paper) if submitted else None,
        announced_by="estimate" if submitted else "",
        datestamp=_day(updated, today) if updated else (submitted.date() if submitted else None),
        withdrawn=_withdrawn(comments, abstract),
        comments=comments,
        raw_hash=hashed(raw),
    )


def _snapshot(row: Mapping[str, object], raw: bytes, today: date) -> PaperData:
    paper = _name(row.get("id"))
    versions = _versions(row.get("versions"), today)
    submitted = versions[0].submitted if versions and versions[0].number == 1 else None
    updated = field_text(row.get("update_date"), "update_date")
    comments, abstract = field_text(row.get("comments"), "comments"), field_text(row.get("abstract"), "abstract")
    return PaperData(
        source=SOURCE,
        title=_title(row),
        abstract=abstract,
        identifiers=_identifiers(paper, row),
        authors=_authors(row),
        categories=_categories(row),
        submitted=submitted,
        announced=_edition_day(submitted, paper) if submitted else None,
        announced_by="estimate" if submitted else "",
        datestamp=_day(updated, today) if updated else None,
        version=versions[-1].number if versions else 0,
        versions=versions,
        withdrawn=_withdrawn(comments, abstract),
        comments=comments,
        journal_ref=field_text(row.get("journal-ref"), "journal-ref"),
        licence=field_text(row.get("license"), "license"),
        raw_hash=hashed(raw),
    )


def _name(told: object) -> ArxivId:
    # A number is refused too: 1501.00010 written as a number is already another paper's id.
    if not isinstance(told, str):
        raise BadItem("a row without an id" if told is None else f"the id {told!r} is not a text")
    return arxiv_id(told)


def _title(row: Mapping[str, object]) -> str:
    if title := field_text(row.get("title"), "title"):
        return title
    raise BadItem("a row without a title")


def _identifiers(paper: ArxivId, row: Mapping[str, object]) -> tuple[Identifier, ...]:
    told = row.get("doi")
    return identifiers(paper, field_text(told, "doi")) if told else (paper.identifier,)


def _authors(row: Mapping[str, object]) -> tuple[Author, ...]:
    parsed = row.get("authors_parsed")
    authors = parsed_authors(parsed) if isinstance(parsed, list) else ()
    checked("".join(author.name + author.affiliation for author in authors))
    return authors or split_authors(field_text(row.get("authors"), "authors"))


def _categories(row: Mapping[str, object]) -> tuple[str, ...]:
    return _category_names(
        field_text(row.get("categories"), "categories"), field_text(row.get("primary_cat"), "primary_cat")
    )


@lru_cache(maxsize=16384)
def _category_names(told: str, primary: str) -> tuple[str, ...]:
    """Split the names of categories, the primary one first."""
    names = told.replace(",", " ").split()
    return tuple(dict.fromkeys([primary, *names] if primary else names))


def _versions(told: object, today: date) -> tuple[Version, ...]:
    if not isinstance(told, list):
        return ()
    versions = []
    for place, one in enumerate(told, 1):
        if not isinstance(one, dict):
            raise BadItem("a version that is not an object")
        label, created = one.get("version"), one.get("created")
        number = int(label[1:]) if isinstance(label, str) and re.fullmatch(r"v[1-9]\d{0,2}", label) else place
        versions.append(Version(number, _moment(created, today) if isinstance(created, str) and created else None))
    return tuple(sorted(versions, key=lambda version: version.number))


def _moment(text: str, today: date) -> datetime:
    if not (match := _RFC822.fullmatch(text)):
        return _odd_moment(text, today)
    day, month, year, hour, minute, second = match.groups()
    try:
        moment = datetime(int(year), MONTHS[month], int(day), int(hour), int(minute), int(second), tzinfo=UTC)
    except (KeyError, ValueError):
        raise BadItem(f"{text!r} is not a moment") from None
    if not 1900 <= moment.year <= today.year + 1:
        raise BadItem(f"the date {text} cannot be right")
    return moment


def _odd_moment(text: str, today: date) -> datetime:
    return possible_moment(read_moment(text).isoformat(), today)


# Rows come in the order of their ids, so days repeat: the caches turn most readings of a date into a look-up.
@lru_cache(maxsize=4096)
def _day(text: str, today: date) -> date:
    return possible_day(text, today)


@lru_cache(maxsize=4096)
def _noon(text: str, today: date) -> datetime:
    return noon(possible_day(text, today))


def _edition_day(submitted: datetime, paper: ArxivId) -> date:
    # The schedule turns at a full hour, in New York and so in UTC: within an hour the answer is the same.
    return _edition_of(submitted.replace(minute=0, second=0, microsecond=0), paper.month)


@lru_cache(maxsize=65536)
def _edition_of(hour: datetime, month: str) -> date:
    return estimate(hour, ArxivId("", 0, month), LISTED)


def _withdrawn(comments: str, abstract: str) -> bool:
    return ("ithdrawn" in comments or "ithdrawn" in abstract) and is_withdrawn(comments, abstract)
