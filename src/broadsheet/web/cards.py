"""Papers as the lists show them: everything a template needs, made once, so that it only lays out."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from broadsheet.community.marks import UNMARKED, Marks
from broadsheet.community.models import Organisation
from broadsheet.editions.edition import Entry
from broadsheet.export.address import Outside, outside
from broadsheet.markup.maths import render
from broadsheet.papers.finding import FoundPaper
from broadsheet.papers.models import Paper
from broadsheet.readers.models import Reader
from broadsheet.web import categories, cover
from broadsheet.web.addresses import address
from broadsheet.web.badges import Badge, badges, figures
from broadsheet.web.reasons import sentences

AUTHORS_SHOWN: Final = 4
# About what four lines hold: a shorter abstract needs no "read on".
SHORT_ABSTRACT: Final = 300


@dataclass(frozen=True, slots=True)
class Category:
    """A category with its name and its ink."""

    code: str
    name: str
    ink: str


@dataclass(frozen=True, slots=True)
class Card:
    """A paper in a list. Texts are safe HTML; `authors` are the first few names, `more` counts the others.

    placed: a curator placed it there, beside the day of its announcement.
    voted, saved: what the reader of the page did; submitter, organisations: what readers told of the paper.
    lead: it is the first of an edition.
    """

    paper: Paper
    rank: int
    url: str
    title: SafeString
    abstract: SafeString
    long: bool
    authors: list[str]
    more: int
    categories: list[Category]
    badges: list[Badge]
    figures: list[str]
    day: date | None
    outside: Outside
    late: bool = False
    placed: bool = False
    why: list[str] = field(default_factory=list)
    hint: str = ""
    voted: bool = False
    saved: bool = False
    submitter: Reader | None = None
    organisations: list[Organisation] = field(default_factory=list)
    lead: bool = False

    @property
    def cover(self) -> SafeString:
        """Its plate, a wide one for the first of an edition."""
        return cover.draw(self.paper.title, self.categories[0].code if self.categories else "", wide=self.lead)

    @property
    def title_id(self) -> str:
        """What its title is called on the page, for links that repeat on every card."""
        return f"t{self.rank}"


def of_entry(
    entry: Entry, marks: Marks = UNMARKED, *, why: bool = False, lead: bool = False, day: date | None = None
) -> Card:
    """Make the card of a place in an edition; `day`: of the edition, where it is of one."""
    told = sentences(entry.why) if why else []
    paper = entry.paper
    placed = paper.placed is not None and paper.placed != paper.announced and day in (None, paper.placed)
    return _card(paper, entry.rank, marks, late=entry.late, placed=placed, why=told, lead=lead)


def of_hit(hit: FoundPaper, marks: Marks = UNMARKED, words: tuple[str, ...] = ()) -> Card:
    """Make the card of a paper found; `words` are marked in its texts where the words found it."""
    marked = words if hit.block != "meaning" else ()
    return _card(hit.paper, hit.rank, marks, why=sentences(hit.why), words=marked)


def of_papers(papers: Iterable[Paper], marks: Marks = UNMARKED, first: int = 1) -> list[Card]:
    """Make cards of papers in the order they come; `first` is the rank of the first."""
    return [_card(paper, rank, marks) for rank, paper in enumerate(papers, first)]


def _card(
    paper: Paper,
    rank: int,
    marks: Marks,
    *,
    late: bool = False,
    placed: bool = False,
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
        url=address("paper", paper.key),
        title=render(paper.title, words),
        abstract=render(excerpt(paper.abstract, words), words),
        long=len(paper.abstract) > SHORT_ABSTRACT,
        authors=shown,
        more=len(names) - len(shown),
        categories=found,
        badges=badges(paper, marks.links.get(paper.id, ())),
        figures=figures(paper),
        day=paper.announced,
        outside=outside(paper),
        late=late,
        placed=placed,
        why=why or [],
        hint=votes_apart(paper.votes_here, paper.votes_outside),
        voted=paper.id in marks.voted,
        saved=paper.id in marks.saved,
        submitter=marks.submitters.get(paper.id),
        organisations=marks.organisations.get(paper.id, []),
        lead=lead,
    )


def votes_apart(here: int, outside: int) -> str:
    """Say how many votes were given here and how many elsewhere; "" where all were given here."""
    return _("%(here)d here, %(outside)d elsewhere") % {"here": here, "outside": outside} if outside else ""


def categories_of(paper: Paper) -> list[Category]:
    """Give the categories of a paper, the primary one first."""
    return [Category(code, categories.name(code), categories.ink(code)) for code in paper.category_list]


def author_names(paper: Paper) -> list[str]:
    """Give the names of a paper's authors in their order."""
    return [name for _place, name in author_places(paper)]


def author_places(paper: Paper) -> list[tuple[int, str]]:
    """Give the authors' places in the record, from 0, each with the name that stands there."""
    told = enumerate(paper.authors)
    return [(place, str(author["name"])) for place, author in told if isinstance(author, dict) and author.get("name")]


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
