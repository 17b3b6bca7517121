"""Copies of papers from another Broadsheet, one JSON object per line, as `broadsheet export` and its API write them.

Each paper keeps the names of the sources it had there, so that the record becomes equal to that one. Whoever imports
such a file or follows such a site believes it as much as those sources; what cannot be true of any is refused.
"""

import json
import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, BinaryIO, Final

from broadsheet.lib.clock import Clock, now
from broadsheet.record.decide import AUTHORITY, CERTAINTY
from broadsheet.record.identifiers import BadIdentifier, Identifier, arxiv_id
from broadsheet.record.paper import Item, PaperData
from broadsheet.record.wire import from_json
from broadsheet.sources.reading import (
    EARLIEST_YEAR,
    MAX_RECORD,
    BadItem,
    checked,
    chunks,
    decoded,
    lines,
    rejected,
    too_long,
)

SOURCE: Final = "broadsheet-jsonl"
SCHEMES: Final = ("arxiv", "doi", "openreview", "url", "broadsheet")
LINKS: Final = ("code", "project", "model", "data", "demo")
LARGEST_COUNT: Final = 2**31 - 1
LARGEST_VERSION: Final = 9999

_HEAD = re.compile(rb'\s*\{\s*("seq"\s*:\s*\d+\s*,\s*"key"|"head")\s*:')
_HASH = re.compile(r"[0-9a-f]{0,64}")
_OWN = re.compile(r"b[0-9a-f]{12}")
_CATEGORY = re.compile(r"\S{1,100}")


def recognises(head: bytes, filename: str) -> bool:
    """Tell an export by the first keys of its first line."""
    return _HEAD.match(head) is not None


def read(stream: BinaryIO, filename: str, clock: Clock = now) -> Iterator[Item]:
    """Read an export. A line that cannot be read is Rejected, and the next one read."""
    return items(lines(chunks(stream)), clock().date())


def items(told: Iterable[tuple[int, bytes, int]], today: date) -> Iterator[Item]:
    """Read (number, line, size); lines that tell where an export ends hold no paper."""
    for number, raw, size in told:
        if size > MAX_RECORD:
            yield too_long(SOURCE, f"line {number}", size, raw)
        elif raw.strip() and (item := _item(raw, number, today)):
            yield item


def _item(raw: bytes, number: int, today: date) -> Item | None:
    try:
        row = _row(raw)
        return None if "head" in row else _paper(row.get("paper"), today)
    except json.JSONDecodeError as wrong:
        reason = f"not JSON: {wrong}"
    except (ValueError, TypeError, AttributeError) as wrong:
        reason = str(wrong)
    except RecursionError:
        reason = "nested too deep"
    return rejected(SOURCE, f"line {number}", reason, raw)


def _row(raw: bytes) -> dict[str, Any]:
    text = decoded(raw)
    row = json.loads(text)
    if type(row) is not dict:
        raise BadItem(f"a {type(row).__name__} where an object is expected")
    # What no database keeps can stand in JSON by its number alone.
    if "\\u" in text:
        _check_texts(row)
    return row


def _check_texts(value: object) -> None:
    if isinstance(value, str):
        checked(value)
    elif isinstance(value, list | dict):
        for one in value:
            _check_texts(one)
        for one in value.values() if isinstance(value, dict) else ():
            _check_texts(one)


def _paper(told: object, today: date) -> PaperData:
    paper = from_json(told)
    if paper.raw_hash or paper.signals:
        raise BadItem("a copy tells its hashes and counts by source, not of its own")
    if not paper.sightings or paper.source not in AUTHORITY:
        raise BadItem(f"it does not say which sources it is from, or one that is not known here: {paper.source!r}")
    if not paper.title.strip() or not paper.identifiers:
        raise BadItem("a paper without a title or without an identifier")
    for check in (_check_names, _check_people, _check_sightings):
        check(paper)
    _check_dates(paper, today)
    return paper


def _check_names(paper: PaperData) -> None:
    if paper.announced_by not in CERTAINTY:
        raise BadItem(f"{paper.announced_by!r} is no way to know an edition day")
    for name in paper.identifiers:
        if not _fits(name):
            raise BadItem(f"{name!s} is not an identifier")
    if not all(_CATEGORY.fullmatch(code) for code in paper.categories):
        raise BadItem("a category that has no category's form")
    for link in paper.links:
        if link.kind not in LINKS or not _is_text(link.url) or not link.url.startswith(("https://", "http://")):
            raise BadItem(f"a link of the kind {link.kind!r} that leads nowhere")


def _is_text(value: object) -> bool:
    """JSON may hold anything where a text is expected."""
    return isinstance(value, str)


def _fits(name: Identifier) -> bool:
    if not (_is_text(name.scheme) and _is_text(name.value) and name.value):
        return False
    if name.scheme == "arxiv":
        try:
            return arxiv_id(name.value).value == name.value
        except BadIdentifier:
            return False
    return name.scheme in SCHEMES and (name.scheme != "broadsheet" or _OWN.fullmatch(name.value) is not None)


def _check_people(paper: PaperData) -> None:
    told = [text for author in paper.authors for text in (author.name, author.affiliation, author.orcid)]
    if not all(_is_text(text) for text in told) or not all(author.name for author in paper.authors):
        raise BadItem("an author whose name is no text")
    for listed in paper.listing.authors if paper.listing else ():
        if not 0 <= listed.place < LARGEST_COUNT:
            raise BadItem("an author at an impossible place")


def _check_sightings(paper: PaperData) -> None:
    for one in paper.sightings:
        if one.source not in AUTHORITY:
            raise BadItem(f"the source {one.source!r} is not known here")
        if not _HASH.fullmatch(one.raw_hash):
            raise BadItem("a hash that is none")
        if not all(0 < len(name) <= 20 and abs(value) <= LARGEST_COUNT for name, value in one.signals):
            raise BadItem("a count that cannot be right")
    if len({one.source for one in paper.sightings}) != len(paper.sightings):
        raise BadItem("a source is told twice")


def _check_dates(paper: PaperData, today: date) -> None:
    moments = [paper.submitted, *(version.submitted for version in paper.versions)]
    moments += [author.since for author in paper.listing.authors] if paper.listing else []
    for moment in filter(None, moments):
        if moment.tzinfo is None:
            raise BadItem("a moment without a time zone")
    days = [paper.announced, paper.datestamp, *(one.datestamp for one in paper.sightings)]
    for day in filter(None, (*moments, *days)):
        if not EARLIEST_YEAR <= day.year <= today.year + 1:
            raise BadItem(f"the date {day} cannot be right")
    numbers = [paper.version, *(version.number for version in paper.versions)]
    if not all(type(number) is int and 0 <= number <= LARGEST_VERSION for number in numbers):
        raise BadItem("a version whose number cannot be right")
