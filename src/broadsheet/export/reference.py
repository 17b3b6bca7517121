"""A paper as a reference: what every format of reference managers asks for."""

import re
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, Literal

from broadsheet.export.address import outside
from broadsheet.papers.models import Paper
from broadsheet.record.identifiers import BadIdentifier, arxiv_id
from broadsheet.sources.published import Published, read

_CONFERENCE: Final = re.compile(
    r"\b(?:proceedings|proc\.?|conf(?:erence|\.)|workshop|symposium|advances in neural|neurips|nips|icml|iclr|cvpr)\b",
    re.IGNORECASE,
)
# A year in a text about a publication that lies farther from the submission is a number of something else.
_EARLIEST, _LATEST = -2, 20


@dataclass(frozen=True, slots=True)
class Reference:
    """A paper as references name it. Texts hold TeX, as the record does.

    authors: names as the record has them, with the ORCID iD of each, "" where none is known.
    published: where and when; its year is the one to cite, "" where none is known.
    day: of submission, where the work is a preprint and the day known.
    """

    kind: Literal["preprint", "journal", "conference"]
    title: str
    authors: tuple[tuple[str, str], ...]
    published: Published
    day: date | None
    arxiv: str
    categories: tuple[str, ...]
    doi: str
    url: str
    abstract: str


def of_paper(paper: Paper, doi: str = "", url: str = "") -> Reference:
    """Give the reference of a paper. doi, url: of its other names (`identifiers.of_papers`)."""
    published = _published(paper)
    arxiv = _arxiv(paper)
    day = paper.submitted.date() if paper.submitted else None
    known = published.year or (str(day.year) if day else paper.id_month[:4] or _year(paper.announced))
    return Reference(
        kind=_kind(published),
        title=paper.title,
        authors=tuple(_authors(paper)),
        published=replace(published, year=known),
        day=day if not published.place else None,
        arxiv=arxiv,
        categories=tuple(paper.category_list),
        doi=doi,
        url=outside(paper).abs or (f"https://doi.org/{doi}" if doi else url),
        abstract=paper.abstract,
    )


def _kind(published: Published) -> Literal["preprint", "journal", "conference"]:
    if not published.place:
        return "preprint"
    return "conference" if _CONFERENCE.search(published.place) else "journal"


def _published(paper: Paper) -> Published:
    told = read(paper.journal_ref)
    if told.year and paper.submitted and not _EARLIEST <= int(told.year) - paper.submitted.year <= _LATEST:
        return Published(paper.journal_ref)
    return told


def _arxiv(paper: Paper) -> str:
    try:
        return arxiv_id(paper.key).value
    except BadIdentifier:
        return ""


def _year(day: date | None) -> str:
    return str(day.year) if day else ""


def _authors(paper: Paper) -> list[tuple[str, str]]:
    told = [author for author in paper.authors if isinstance(author, dict) and author.get("name")]
    return [(str(author["name"]), str(author.get("orcid", ""))) for author in told]
