"""What the formats of reference managers have in common: one reference, and the paper it names."""

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from broadsheet.lib.text import squash
from broadsheet.record.identifiers import BadIdentifier, Identifier, arxiv_id, doi, identify
from broadsheet.record.paper import Author, PaperData
from broadsheet.sources.published import Published, arxiv_categories, written
from broadsheet.sources.reading import EARLIEST_YEAR, BadItem, noon, possible_day

# Where people leave the id of a preprint: "arXiv preprint arXiv:2405.12345", "arXiv:hep-th/9901001 [hep-th]".
_NAMED_ARXIV: Final = re.compile(
    r"arxiv[:\s./]+(?:preprint\s+arxiv:\s*)?(?:abs/|pdf/)?"
    r"([a-z-]+(?:\.[A-Z]{2})?/\d{7}|\d{4}\.\d{4,5})(?:v\d+)?(?!\d)",
    re.IGNORECASE,
)
_CORR: Final = re.compile(r"abs/(\d{4}\.\d{4,5})(?!\d)")
_YEAR: Final = re.compile(r"\d{4}(?:-\d\d)?")
_MARKUP: Final = re.compile(r"</?(?:i|b|sub|sup|span|jats:\w+)\b[^<>]*>")
# More than any paper has had: the largest collaborations sign with fifteen thousand.
MOST_AUTHORS: Final = 20_000


@dataclass(frozen=True, slots=True)
class Reference:
    """One entry of a reference manager's file, its texts folded. `date` is YYYY, YYYY-MM or YYYY-MM-DD.

    elsewhere: other fields in which an arXiv id may be named.
    """

    title: str
    abstract: str = ""
    authors: tuple[Author, ...] = ()
    doi: str = ""
    url: str = ""
    arxiv: str = ""
    date: str = ""
    journal_ref: str = ""
    elsewhere: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


def published_in(reference: Reference, published: Published, keywords: Iterable[str] = ()) -> Reference:
    """Add where a reference was published, and the categories of arXiv among its keywords.

    The year of a preprint is in its id; any other year has no place but the reference to a publication. Only a preprint
    of arXiv is in its categories: others use the same words.
    """
    named = any(name.scheme == "arxiv" for name in identifiers(reference))
    journal_ref = written(published) if published.place or not named else ""
    categories = (*reference.categories, *(arxiv_categories(keywords) if named else ()))
    return replace(reference, journal_ref=journal_ref, categories=categories)


def unmarked(text: str) -> str:
    """Drop the marks of HTML and JATS that reference managers and publishers leave in titles and abstracts."""
    return squash(_MARKUP.sub("", text)) if "<" in text else text


def paper_of(reference: Reference, source: str, raw_hash: str, today: date) -> PaperData:
    """Give the paper a reference names. Raises BadItem without a title, with an impossible date or too many authors.

    Only a full date is a day of submission; noon stands for its hour.
    """
    if not reference.title:
        raise BadItem("an entry without a title")
    if len(reference.authors) > MOST_AUTHORS:
        raise BadItem(f"an entry of {len(reference.authors):,} authors")
    return PaperData(
        source=source,
        title=reference.title,
        abstract=reference.abstract,
        identifiers=identifiers(reference),
        authors=reference.authors,
        categories=reference.categories,
        submitted=_submitted(reference.date, today),
        journal_ref=reference.journal_ref,
        raw_hash=raw_hash,
    )


def _submitted(text: str, today: date) -> datetime | None:
    text = text.split("/")[0].split("T")[0].strip()
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        if (match := _YEAR.fullmatch(text)) and not EARLIEST_YEAR <= int(match[0][:4]) <= today.year + 1:
            raise BadItem(f"the year {text} cannot be right")
        return None
    return noon(possible_day(text, today))


def identifiers(reference: Reference) -> tuple[Identifier, ...]:
    """Give the names of a paper: its arXiv id, its DOI, and its address where it has neither."""
    found = [_arxiv(reference)]
    if reference.doi:
        with suppress(BadIdentifier):
            found.append(doi(reference.doi))
    if reference.url:
        named = identify(reference.url)
        if named and (named.scheme != "url" or not any(found)):
            found.append(named)
    return tuple(dict.fromkeys(name for name in found if name))


def _arxiv(reference: Reference) -> Identifier | None:
    told = [reference.arxiv] if reference.arxiv else []
    for text in reference.elsewhere:
        told += [match[1] for match in (_NAMED_ARXIV.search(text), _CORR.search(text)) if match]
    for text in told:
        try:
            return arxiv_id(text).identifier
        except BadIdentifier:
            continue
    return None
