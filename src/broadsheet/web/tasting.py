"""A reader's profile as pages show it: sections with headlines, words with bars, sums with their terms."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from broadsheet.editions import named
from broadsheet.editions.named import NoSuchList
from broadsheet.foryou import terms as all_terms
from broadsheet.foryou import why
from broadsheet.foryou.editing import WEIGHTS
from broadsheet.foryou.portrait import Held, Interest, Portrait, Word
from broadsheet.foryou.terms import Points, Terms
from broadsheet.markup import maths
from broadsheet.papers.models import Paper
from broadsheet.readers.models import Reader

SECTIONS: Final = 12
HEADLINES: Final = 5
# Words that stand there at once, each way; the others are a click away.
WORDS: Final = 14
INKS: Final = ("brick", "teal", "ochre", "slate", "moss", "plum", "rust", "graphite")
SOURCES: Final = {
    "vote": gettext_lazy("you voted for it"),
    "save": gettext_lazy("in your library"),
    "seed": gettext_lazy("you named it"),
    "more": gettext_lazy("you want more like it"),
    "less": gettext_lazy("you want less like it"),
    "opened": gettext_lazy("you opened it"),
    "follow": gettext_lazy("you follow it"),
    "wish": gettext_lazy("in your words"),
}
ORIGINS: Final = {
    "ids": gettext_lazy("named by id or title"),
    "bibtex": gettext_lazy("from a bibliography"),
    "zotero": gettext_lazy("from Zotero"),
    "author": gettext_lazy("by an author’s name"),
    "orcid": gettext_lazy("by an ORCID iD"),
    "map": gettext_lazy("chosen on the map"),
}
CHOICES: Final = (
    (0.25, gettext_lazy("much less")),
    (0.5, gettext_lazy("less")),
    (1.0, gettext_lazy("as learned")),
    (2.0, gettext_lazy("more")),
    (3.0, gettext_lazy("much more")),
)
assert tuple(weight for weight, _name in CHOICES) == WEIGHTS
# On the page of a sum, so many words and likes stand by themselves; the others are one line.
TOLD: Final = 40


@dataclass(frozen=True, slots=True)
class Headline:
    """An example as a small headline. title: safe HTML; url: "" for words. says: what it is."""

    number: int
    title: SafeString
    url: str
    says: str


@dataclass(frozen=True, slots=True)
class Section:
    """An interest. letter: A, B, …; percent: its share; rest: headlines beyond the first few."""

    letter: str
    ink: str
    interest: Interest
    percent: int
    headlines: list[Headline]
    rest: list[Headline]

    @property
    def part(self) -> int:
        """Its share in twentieths, from 1."""
        return max(1, round(self.percent / 5))


@dataclass(frozen=True, slots=True)
class Bar:
    """A term with points. width: 0 to 100, of the strongest. name: safe HTML or text; url: "" without a page."""

    value: str
    name: str
    points: float
    width: int
    url: str = ""

    @property
    def said(self) -> str:
        """The points with their sign, as people read them."""
        return _signed(self.points)


def _signed(points: float) -> str:
    shown = f"{abs(points):.0f}" if abs(points) >= 9.5 else f"{abs(points):.1f}"
    return f"+{shown}" if points > 0 else f"−{shown}"


def sections(told: Portrait) -> tuple[list[Section], list[Headline]]:
    """Give the interests as sections, and those of a single paper as briefs."""
    full = [one for one in told.interests if len(one.papers) > 1 or one.named or one.weight != 1][:SECTIONS]
    full = full or list(told.interests[: SECTIONS // 2])
    # What the reader follows is told by itself.
    rest = [held for one in told.interests if one not in full for held in one.papers if "follow" not in held.sources]
    return [_section(place, one) for place, one in enumerate(full)], headlines(rest)


def _section(place: int, interest: Interest) -> Section:
    shown = headlines(interest.papers)
    ink, letter = INKS[place % len(INKS)], chr(ord("A") + place)
    return Section(letter, ink, interest, round(100 * interest.share), shown[:HEADLINES], shown[HEADLINES:])


def headlines(some: Sequence[Held]) -> list[Headline]:
    """Give examples as headlines."""
    return [_headline(one) for one in some]


def _headline(one: Held) -> Headline:
    says = ", ".join(str(SOURCES[source]) for source in one.sources)
    if one.number > 0:
        return Headline(one.number, maths.render(one.title), reverse("paper", args=[one.key]), says)
    if not one.key:
        return Headline(one.number, SafeString(f"“{escape(one.title)}”"), "", says)
    try:
        head = named.head(one.key)
    except NoSuchList:
        return Headline(one.number, SafeString(escape(one.title)), "", says)
    return Headline(one.number, SafeString(escape(head.title)), head.path, says)


def bars(words: Sequence[Word]) -> list[Bar]:
    """Give words as bars."""
    most = max((abs(word.points) for word in words), default=1.0)
    return [Bar(word.term, word.shown, word.points, _width(word.points, most)) for word in words]


def _width(points: float, most: float) -> int:
    return max(1, round(100 * abs(points) / max(most, 1e-9)))


@dataclass(frozen=True, slots=True)
class Sum:
    """A score as a page shows it. parts add up to points; few: words told in one line; likes stand apart."""

    points: str
    chance: str
    sentences: list[str]
    parts: list[Bar]
    words: list[Bar]
    few: str
    likes: list[Bar]
    own: bool


def summed(reader: Reader, terms: Terms) -> Sum:
    """Give a score with all its terms."""
    given = [
        ("meaning", _("Near in meaning to what you liked"), terms.meaning),
        ("words", _("Words"), terms.worded),
        ("marks", _("Authors and categories"), terms.marks),
        ("level", _("Where every paper starts"), terms.level),
    ]
    most = max(abs(points) for _value, _name, points in given)
    parts = [Bar(value, name, points, _width(points, most)) for value, name, points in given]
    words, likes = terms.words[:TOLD], terms.likes[:TOLD]
    called = why.names(reader, [number for number, _points in likes])
    strongest = max((abs(points) for _term, points in words), default=1.0)
    loudest = max((abs(points) for _number, points in likes), default=1.0)
    return Sum(
        f"{round(terms.points):d}".replace("-", "−"),
        why.one_in(terms.chance),
        sentences(reader, terms),
        parts,
        [Bar(term, term, points, _width(points, strongest)) for term, points in words],
        _signed(sum(points for _term, points in terms.words[TOLD:])) if terms.words[TOLD:] else "",
        [
            Bar(str(number), called[number].title, points, _width(points, loudest), called[number].url)
            for number, points in likes
            if number in called
        ],
        terms.own,
    )


def sentences(reader: Reader, terms: Terms) -> list[str]:
    """Say the strongest reasons in a few sentences."""
    pick = {
        "score": terms.points,
        "why": [{"likes": _few(terms.likes, 2)}, {"words": _few(terms.words, 3)}],
    }
    (told,) = why.explain(reader, [pick])
    return told.sentences


def _few(given: Points, most: int) -> list[list[object]]:
    up = [[one, points] for one, points in given if points >= why.LEAST][:most]
    down = [[one, points] for one, points in given if points <= -why.LEAST][:1]
    return up + down


def _above(given: Points) -> Points:
    return tuple(pair for pair in given if pair[1] > 0)


@dataclass(frozen=True, slots=True)
class Line:
    """What a paper's page says of its reader: a chance in words, reasons, and where all of it stands."""

    chance: str
    sentences: list[str]
    url: str
    own: bool


def line(reader: Reader | None, paper: Paper) -> Line | None:
    """Give the line of a paper's page; None for strangers and where nothing is known of a reader yet."""
    terms = all_terms.of(reader, paper) if reader else None
    if reader is None or terms is None:
        return None
    url = reverse("taste-why", args=[paper.key])
    # What pulls it up; what holds it back stands in the whole sum.
    above = replace(terms, likes=_above(terms.likes), words=_above(terms.words))
    said = [] if terms.own else sentences(reader, above)
    return Line(why.one_in(terms.chance), said, url, terms.own)
