"""Papers as the lists show them: everything a template needs, made once, so that it only lays out."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from django.urls import reverse
from django.utils.safestring import SafeString

from broadsheet.editions.edition import Entry
from broadsheet.papers.finding import FoundPaper
from broadsheet.papers.models import Paper
from broadsheet.record.identifiers import BadIdentifier, arxiv_id
from broadsheet.web import categories, cover
from broadsheet.web.badges import Badge, badges, figures
from broadsheet.markup.maths import render
from broadsheet.web.reasons import sentences

AUTHORS_SHOWN: Final = 4
# About what four lines hold: a shorter abstract needs no "read on".
SHORT_ABSTRACT: Final = 300
# arXiv makes web pages of papers submitted since then.
FIRST_HTML: Final = "2023-12"


@dataclass(frozen=True, slots=True)
class Category:
    """A category with its name and its ink."""

    code: str
    name: str
    ink: str


@dataclass(frozen=True, slots=True)
class Card:
    """A paper in a list. Texts are safe HTML; `authors` are the first few names, `more` counts the others."""

    paper: Paper
    rank: int
    url: str
    title: SafeString
    abstract: SafeString
    long: bool
    authors: list[str]
    more: int
    cover: SafeString
    categories: list[Category]
    badges: list[Badge]
    figures: list[str]
    day: date | None
    outside: "Outside"
    late: bool = False
    why: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Outside:
    """Where the paper itself lives: addresses at arXiv, empty where it is not there."""

    abs: str = ""
    pdf: str = ""
    html: str = ""


def of_entry(entry: Entry, *, why: bool = False, lead: bool = False) -> Card:
    """Make the card of a place in an edition."""
    return _card(entry.paper, entry.rank, late=entry.late, why=sentences(entry.why) if why else [], lead=lead)


def of_hit(hit: FoundPaper, words: tuple[str, ...] = ()) -> Card:
    """Make the card of a paper found; `words` are marked in its texts where the words found it."""
    return _card(hit.paper, hit.rank, why=sentences(hit.why), words=words if hit.block != "meaning" else ())


def of_papers(papers: Iterable[Paper]) -> list[Card]:
    """Make cards of papers in the order they come."""
    return [_card(paper, rank) for rank, paper in enumerate(papers, 1)]


def _card(
    paper: Paper,
    rank: int,
    *,
    late: bool = False,
    why: list[str] | None = None,
    words: tuple[str, ...] = (),
    lead: bool = False,
) -> Card:
    found = categories_of(paper)
    names = author_names(paper)
    # One name more than shown costs no more room than "and 1 more".
    shown = names if len(names) <= AUTHORS_SHOWN + 1 else names[:AUTHORS_SHOWN]
    return Card(
        paper=paper,
        rank=rank,
        url=reverse("paper", args=[paper.key]),
        title=render(paper.title, words),
        abstract=render(excerpt(paper.abstract, words), words),
        long=len(paper.abstract) > SHORT_ABSTRACT,
        authors=shown,
        more=len(names) - len(shown),
        cover=cover.draw(paper.title, found[0].code if found else "", wide=lead),
        categories=found,
        badges=badges(paper),
        figures=figures(paper),
        day=paper.announced,
        outside=outside(paper),
        late=late,
        why=why or [],
    )


def categories_of(paper: Paper) -> list[Category]:
    """Give the categories of a paper, the primary one first."""
    return [Category(code, categories.name(code), categories.ink(code)) for code in paper.category_list]


def author_names(paper: Paper) -> list[str]:
    """Give the names of a paper's authors in their order."""
    return [str(author["name"]) for author in paper.authors if isinstance(author, dict) and author.get("name")]


def outside(paper: Paper) -> Outside:
    """Give the addresses of a paper at arXiv."""
    try:
        found = arxiv_id(paper.key)
    except BadIdentifier:
        return Outside()
    html = f"https://arxiv.org/html/{found.value}" if found.month >= FIRST_HTML else ""
    return Outside(f"https://arxiv.org/abs/{found.value}", f"https://arxiv.org/pdf/{found.value}", html)


def excerpt(abstract: str, words: tuple[str, ...]) -> str:
    """Give an abstract from the sentence that holds a found word, where the first lines would not show one."""
    if not words:
        return abstract
    match = re.search("|".join(re.escape(word) for word in words), abstract, re.IGNORECASE)
    if match is None or match.start() < SHORT_ABSTRACT:
        return abstract
    start = abstract.rfind(". ", 0, match.start()) + 2
    # Never from inside a formula.
    if start < 2 or abstract.count("$", 0, start) % 2:
        return abstract
    return "\N{HORIZONTAL ELLIPSIS} " + abstract[start:]
