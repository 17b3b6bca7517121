"""The library as its pages show it: what an address asks for, filters with their counts, papers as they are filed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from broadsheet.community import marks
from broadsheet.markup import markdown
from broadsheet.papers.finding import FoundPaper
from broadsheet.papers.models import Paper
from broadsheet.papers.store import LOOKUP
from broadsheet.readers import filing, library_search
from broadsheet.readers.filing import Filed
from broadsheet.readers.library_search import Asked, Found
from broadsheet.readers.models import Reader
from broadsheet.search.highlight import Piece, snippet
from broadsheet.web import cards, formats
from broadsheet.web.cards import Card

PAGE: Final = 30
# Tags offered as chips; the others stand on the page of tags.
OFFERED: Final = 14
MOST_ASKED: Final = 8
STATES: Final = {
    library_search.READING_LIST: gettext_lazy("Reading list"),
    filing.TO_READ: gettext_lazy("To read"),
    filing.READING: gettext_lazy("Reading"),
    filing.READ: gettext_lazy("Read"),
    library_search.JUST_KEPT: gettext_lazy("Just kept"),
}
ORDERS: Final = {
    "saved": gettext_lazy("Last saved"),
    "added": gettext_lazy("First saved"),
    "newest": gettext_lazy("Newest paper"),
    "title": gettext_lazy("Title"),
}
# What the one button that moves a paper on says, by the state it leads to.
MOVES: Final = {
    filing.TO_READ: gettext_lazy("Read later"),
    filing.READING: gettext_lazy("Start reading"),
    filing.READ: gettext_lazy("Finished"),
}
CHOICES: Final = {
    filing.KEPT: gettext_lazy("Just kept"),
    filing.TO_READ: gettext_lazy("To read"),
    filing.READING: gettext_lazy("Reading"),
    filing.READ: gettext_lazy("Read"),
}


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter: set, with the address that takes it away, or on offer, with the address that sets it."""

    label: str
    url: str
    on: bool
    papers: int


@dataclass(frozen=True, slots=True)
class Shelved:
    """A paper of the library on a page. note: safe HTML; said: the part of the note that was searched for, marked.

    onward, move: the state that one button leads to, and what it says; "" where there is none.
    written: the tags as the form shows them; wrong: why what was typed was not kept, and then the form is open.
    """

    card: Card
    filed: Filed
    tags: tuple[tuple[str, str, bool], ...]
    note: SafeString
    long: bool
    said: Sequence[Piece]
    label: str
    onward: str
    move: str
    written: str
    wrong: str = ""


def read(query: QueryDict) -> Asked:
    """Read the address of a library page. What makes no sense is left out."""
    state, order = query.get("state", ""), query.get("sort", "")
    keys = [filing.tag_key(tag) for tag in query.getlist("tag") if tag.isprintable() and tag.strip()]
    said = "".join(char if char.isprintable() else " " for char in query.get("q", "")[: library_search.LONGEST_QUERY])
    return Asked(
        q=" ".join(said.split()),
        tags=tuple(dict.fromkeys(keys))[:MOST_ASKED],
        state=state if state in library_search.STATES else "",
        order=next((known for known in library_search.ORDERS if known == order), "saved"),
    )


def read_place(place: str) -> Asked:
    """Read what the library page at an address of this site shows; everything where it is another page."""
    parts = urlsplit(place)
    try:
        query = QueryDict(parts.query)
    except (ValueError, UnicodeError):
        query = QueryDict()
    return read(query) if parts.path == reverse("library") else Asked()


def query_of(asked: Asked) -> str:
    """Give the shortest query that asks the same, with its question mark; "" for the whole library."""
    query = QueryDict(mutable=True)
    for name, value in (("q", asked.q), ("state", asked.state), ("sort", asked.order)):
        if value and value != "saved":
            query[name] = value
    query.setlist("tag", list(asked.tags))
    told = query.urlencode()
    return f"?{told}" if told else ""


def address(asked: Asked) -> str:
    """Give the shortest address that asks the same."""
    return reverse("library") + query_of(asked)


def exports(asked: Asked) -> list[tuple[str, str]]:
    """Give what is asked for in each format, as (name of the format, address)."""
    return [(label, url + query_of(asked)) for label, url in formats.links("library")]


def states(asked: Asked, found: Found) -> list[Chip]:
    """Give the states as filters, of which one is set; a second click takes it away."""
    made = []
    for name, label in STATES.items():
        on = asked.state == name
        if found.states[name] or on:
            url = address(replace(asked, state="" if on else name))
            made.append(Chip(str(label), url, on, found.states[name]))
    return made


def tags(asked: Asked, found: Found) -> list[Chip]:
    """Give the tags that are set, then the largest of those that would narrow it further."""
    counts = {tag.key: tag for tag in found.tags}
    on = [
        Chip(counts[key].name if key in counts else key, address(_without(asked, key)), True, 0) for key in asked.tags
    ]
    offered = [tag for tag in found.tags if tag.key not in asked.tags][:OFFERED]
    made = (replace(asked, tags=(*asked.tags, tag.key)) for tag in offered)
    return on + [Chip(tag.name, address(wanted), False, tag.papers) for tag, wanted in zip(offered, made, strict=True)]


def _without(asked: Asked, key: str) -> Asked:
    return replace(asked, tags=tuple(tag for tag in asked.tags if tag != key))


def papers(numbers: Sequence[int]) -> list[Paper]:
    """Give papers by their numbers, in that order, with all their texts."""
    found: dict[int, Paper] = {}
    for start in range(0, len(numbers), LOOKUP):
        found |= Paper.objects.in_bulk(numbers[start : start + LOOKUP])
    return [found[number] for number in numbers if number in found]


def shelved(
    reader: Reader, wanted: Sequence[Paper], first: int, asked: Asked, words: Sequence[str] = ()
) -> list[Shelved]:
    """Give papers of the library as a page shows them. first: the rank of the first; words: those to mark."""
    numbers = [paper.id for paper in wanted]
    given, filed = marks.of_papers(numbers, reader), filing.of(reader, numbers)
    placed = ((rank, paper, filed.get(paper.id, Filed())) for rank, paper in enumerate(wanted, first))
    return [one(paper, rank, its, given, asked, words) for rank, paper, its in placed]


def one(paper: Paper, rank: int, filed: Filed, given: marks.Marks, asked: Asked, words: Sequence[str] = ()) -> Shelved:
    """Give one paper of the library as a page shows it."""
    marked = library_search.marked(words, paper.title, paper.abstract, filed.note)
    tagged = library_search.marked(words, *filed.tags)
    onward = filing.ONWARD.get(filed.state, "")
    pieces = snippet(filed.note, marked) if marked and filed.note else []
    return Shelved(
        card=cards.of_hit(FoundPaper(rank, paper, "words", 0.0), given, marked),
        filed=filed,
        tags=tuple(_tag(name, asked, tagged) for name in filed.tags),
        note=_html(filed.note) if filed.note else SafeString(""),
        long=len(filed.note) > 600 or filed.note.count("\n") > 8,
        said=pieces if any(hit for _text, hit in pieces) else [],
        label=str(CHOICES[filed.state]) if filed.state else "",
        onward=onward,
        move=str(MOVES[onward]) if onward else "",
        written=", ".join(filed.tags),
    )


def _tag(name: str, asked: Asked, marked: Sequence[str]) -> tuple[str, str, bool]:
    key = filing.tag_key(name)
    return name, address(Asked(tags=(key,))), key in asked.tags or bool(library_search.marked(marked or ("\0",), name))


# A note is shown far more often than it is written, and formulas take their time.
@lru_cache(maxsize=128)
def _html(note: str) -> SafeString:
    return markdown.to_html(note, {})


def chosen(request: HttpRequest, reader: Reader, place: str) -> list[int]:
    """Give the numbers of the papers that a form ticks: each by itself, or all that the page at `place` would show."""
    if request.POST.get("all") == "1":
        return library_search.find(reader, read_place(place)).numbers
    ticked: Iterable[str] = request.POST.getlist("paper")
    return [int(told) for told in ticked if told.isascii() and told.isdigit() and len(told) <= 18]
