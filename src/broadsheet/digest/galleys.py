"""Papers as they stand in mails, set once in a run and used for every reader.

Only what is signed for one reader, and the number of the place, is filled in for each. A run makes one `Galleys`, with
what it knows of its papers, and lets go of it at its end: votes and titles change between runs.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from broadsheet.community import organisations
from broadsheet.digest.readable import clamped, cut, readable, visible, without_surrogates, wrapped
from broadsheet.digest.reasons import sentences
from broadsheet.digest.typeset import render, typeset
from broadsheet.export.address import of_paper
from broadsheet.papers.models import Paper

COLUMNS: Final = 72
INDENT: Final = "    "
LONGEST_TITLE: Final = 300
LONGEST_ABSTRACT: Final = 500
LONGEST_REASON: Final = 240
AUTHORS: Final = 4
ALSO: Final = 4
# A run over more papers than this begins anew: memory stays bounded, whatever is asked for.
KEPT: Final = 20_000
SLOTS: Final = ("number", "vote", "save", "less")
# Private characters, which `readable` lets through nowhere: no text of a paper can stand for a slot.
_MARKS: Final = {name: f"\ue000{place}\ue001" for place, name in enumerate(SLOTS)}


@dataclass(frozen=True, slots=True)
class Story:
    """A paper in words: what both parts of a mail say of it."""

    url: str
    title: str
    by: str
    organisations: str
    facts: str
    abstract: str


@dataclass(frozen=True, slots=True)
class Galley:
    """A paper set in both forms, with slots for SLOTS, filled by the operator %; those of the HTML with escaped texts.

    size: of the HTML in bytes, without what goes into the slots.
    """

    html: str
    text: str
    size: int


@dataclass
class Galleys:
    """The papers of a run as they are set; organisations: names by the number of the paper."""

    organisations: Mapping[int, Sequence[str]] = field(default_factory=dict)
    _stories: dict[tuple[int, str], Story] = field(default_factory=dict)
    _set: dict[tuple[object, ...], Galley] = field(default_factory=dict)
    _papers: Mapping[int, Paper] = field(default_factory=dict)
    _by_key: dict[str, Paper] = field(default_factory=dict)

    @classmethod
    def of(cls, numbers: Iterable[int]) -> "Galleys":
        """Begin a run over the papers with these numbers; reads their organisations in one query."""
        told = organisations.of_papers(numbers)
        return cls({number: [found.name for found in names] for number, names in told.items()})

    def shown(self, papers: Mapping[int, Paper], keys: Iterable[str]) -> list[Paper]:
        """Give those of the papers that have these keys and that lists show."""
        if papers is not self._papers or len(papers) != len(self._by_key):
            self._papers, self._by_key = papers, {paper.key: paper for paper in papers.values()}
        found = (self._by_key.get(key) for key in keys)
        return [paper for paper in found if paper is not None and paper.is_shown]

    def story(self, paper: Paper) -> Story:
        """Give a paper in words of the language in force."""
        key = (paper.pk, get_language() or "")
        if key not in self._stories:
            self._make_room()
            self._stories[key] = _story(paper, self.organisations.get(paper.pk, ()))
        return self._stories[key]

    def set(self, paper: Paper, why: Sequence[Any], also: Sequence[Paper], abstract: int) -> Galley:
        """Give a paper as it is set. why: as in a digest's picks; abstract: characters of it that may show."""
        key = (paper.pk, repr(why), tuple(other.pk for other in also), abstract, get_language())
        if key not in self._set:
            self._make_room()
            others = [self.story(other) for other in also[:ALSO]]
            self._set[key] = _galley(self.story(paper), reason(why), others, abstract)
        return self._set[key]

    def _make_room(self) -> None:
        if len(self._set) + len(self._stories) > KEPT:
            self._set.clear()
            self._stories.clear()


def reason(why: Sequence[Any]) -> str:
    """Say why a paper stands in a digest, in a line."""
    told = " ".join(visible(without_surrogates(sentence)) for sentence in sentences(why))
    return clamped(told, LONGEST_REASON)


def _story(paper: Paper, names: Sequence[str]) -> Story:
    votes = ngettext("%(votes)d vote", "%(votes)d votes", paper.votes) % {"votes": paper.votes} if paper.votes else ""
    return Story(
        url=of_paper(paper),
        title=cut(readable(paper.title), LONGEST_TITLE) or paper.key,
        by=authors(paper),
        organisations=", ".join(_name(name) for name in _organisations(paper, names)[:2]),
        facts=" · ".join(part for part in (_categories(paper), votes) if part),
        abstract=clamped(readable(paper.abstract), LONGEST_ABSTRACT),
    )


def _categories(paper: Paper) -> str:
    return cut(visible(without_surrogates(", ".join(paper.category_list[:4]))), 60)


def _organisations(paper: Paper, names: Sequence[str]) -> list[str]:
    told = paper.listing.get("organisation") if isinstance(paper.listing, Mapping) else None
    listed = [str(told[1] or told[0])] if isinstance(told, list | tuple) and len(told) == 2 else []
    return list(dict.fromkeys([*names, *listed]))


def authors(paper: Paper) -> str:
    """Give the first few authors, and how many others there are."""
    names = [str(author["name"]) for author in paper.authors if isinstance(author, dict) and author.get("name")]
    # One name more than shown costs no more room than "and 1 more".
    shown = names if len(names) <= AUTHORS + 1 else names[:AUTHORS]
    line = ", ".join(name for name in map(_name, shown) if name)
    more = len(names) - len(shown)
    if not more:
        return line
    return ngettext("%(names)s and %(more)d more", "%(names)s and %(more)d more", more) % {"names": line, "more": more}


def _name(name: str) -> str:
    return cut(readable(name), 60)


def _galley(story: Story, why: str, also: Sequence[Story], longest: int) -> Galley:
    template = typeset("digest").story
    if template is None:
        raise LookupError("the template of digests has no {# story #}")
    abstract = clamped(story.abstract, longest)
    values = {"story": story, "abstract": abstract, "reason": why, "also": also, "slots": _MARKS}
    html = _slotted(render(template, values))
    return Galley(html, _slotted(_text(story, why, also, abstract)), len(html.encode()))


def _slotted(rendered: str) -> str:
    """Turn marks into slots of the operator %."""
    rendered = rendered.replace("%", "%%")
    for name, mark in _MARKS.items():
        rendered = rendered.replace(mark, f"%({name})s")
    return rendered


def _text(story: Story, why: str, also: Sequence[Story], abstract: str) -> str:
    by = " · ".join(part for part in (story.by, story.organisations) if part)
    links = ((_("Read"), story.url), (_("Vote"), _MARKS["vote"]), (_("Save"), _MARKS["save"]))
    parts = [
        # The number takes the room of the indent: two digits, a full stop, a blank.
        _MARKS["number"] + wrapped(story.title, COLUMNS, INDENT, INDENT).removeprefix(INDENT),
        *(wrapped(part, COLUMNS, INDENT, INDENT) for part in (by, story.facts) if part),
        *(["", wrapped(abstract, COLUMNS, INDENT, INDENT)] if abstract else []),
        "",
        *(wrapped(f"{_('Why here:')} {why}", COLUMNS, INDENT, INDENT + "  ") for why in [why] if why),
        *(_also(other) for other in also),
        *(f"{INDENT}{label}: {url}" for label, url in links),
        f"{INDENT}{_('Less like this')}: {_MARKS['less']}",
    ]
    return "\n".join(parts)


def _also(other: Story) -> str:
    title = wrapped(f"{_('The same story:')} {other.title}", COLUMNS, INDENT, INDENT + "  ")
    return f"{title}\n{INDENT}  {other.url}"
