"""What the formats of reference managers have in common: one reference, and the paper it names."""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from broadsheet.record.identifiers import BadIdentifier, Identifier, arxiv_id, doi, identify
from broadsheet.record.paper import Author, PaperData
from broadsheet.sources.reading import EARLIEST_YEAR, BadItem, noon, possible_day

# Where people leave the id of a preprint: "arXiv preprint arXiv:2405.12345", "arXiv:hep-th/9901001 [hep-th]".
_NAMED_ARXIV: Final = re.compile(
    r"arxiv[:\s./]+(?:preprint\s+arxiv:\s*)?(?:abs/|pdf/)?"
    r"([a-z-]+(?:\.[A-Z]{2})?/\d{7}|\d{4}\.\d{4,5})(?:v\d+)?(?!\d)",
    re.IGNORECASE,
)
_CORR: Final = re.compile(r"abs/(\d{4}\.\d{4,5})(?!\d)")
_YEAR: Final = re.compile(r"\d{4}(?:-\d\d)?")


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


def paper_of(reference: Reference, source: str, raw_hash: str, today: date) -> PaperData:
    """Give the paper a reference names. Raises BadItem without a title or with an impossible date.

    Only a full date is a day of submission; noon stands for its hour.
    """
    if not reference.title:
        raise BadItem("an entry without a title")
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
