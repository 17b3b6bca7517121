"""Why a paper stands in a reader's list: what was learned says it in numbers, here it becomes terms and sentences."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.urls import reverse
from django.utils.html import escape
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from broadsheet.editions import named
from broadsheet.editions.named import NoSuchList
from broadsheet.foryou.models import Wish
from broadsheet.learning.arrange import Pick
from broadsheet.learning.profile import Why
from broadsheet.markup import maths
from broadsheet.papers.models import Paper
from broadsheet.readers.models import Follow, Reader

# Likes and words named under a paper, each way.
MOST_LIKES: Final = 3
MOST_WORDS: Final = 4
# Points below these are not worth a line.
LEAST: Final = 1.0
# Terms of `arrange`, in natural logarithms of odds: from these on they are said.
SAID_FROM: Final = 0.3
ARMS: Final = {
    "near": gettext_lazy("Shown to learn from: your list is unsure about papers like this."),
    "loved": gettext_lazy("Shown to try something other: it is not close to what you like, but readers here like it."),
    "far": gettext_lazy("Shown to try something other: it is unlike the rest of your list."),
    "chance": gettext_lazy("Shown to try something other: drawn by lot among today’s papers."),
}
# Chances are said as one in so many.
ONE_IN: Final = (2, 3, 4, 5, 7, 10, 15, 20, 30, 50, 100)


def kept(pick: Pick, reason: Why, chance: float) -> dict[str, Any]:
    """Give a place as `List.picks` keeps it. Points and terms are rounded: what is published need not be finer."""
    likes = _both_ways(reason.likes, LEAST, MOST_LIKES)
    words = _both_ways(reason.words, LEAST / 2, MOST_WORDS)
    terms = {name: round(value, 2) for name, value in pick.terms.items()}
    told: list[dict[str, Any]] = [{"chance": round(chance, 3)}, {"terms": terms}]
    told += [{name: value} for name, value in (("likes", likes), ("words", words)) if value]
    return {"id": pick.number, "score": round(reason.points, 1), "why": told, "arm": pick.arm, "also": list(pick.also)}


def _both_ways(given: Sequence[tuple[Any, float]], least: float, most: int) -> list[list[Any]]:
    """Give the strongest that pull up, then the strongest that pull down, as JSON keeps them."""
    told = [[one, round(points, 1)] for one, points in given if abs(points) >= least]
    return [pair for pair in told if pair[1] > 0][:most] + [pair for pair in told if pair[1] < 0][:most]


def of(pick: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401
    """Give a term of a place that was kept; None where it has none of the name."""
    return next((term[name] for term in pick.get("why", ()) if name in term), None)


@dataclass(frozen=True, slots=True)
class Named:
    """A like by name.

    number: of the paper, or of the wish, as signals count them. points: rounded; below 0 it pulls the other way.
    title: safe HTML; plain: the same as text. url: "" where there is no page of it.
    """

    number: int
    title: str
    plain: str
    url: str
    points: int

    @property
    def size(self) -> int:
        """The points without their sign."""
        return abs(self.points)


@dataclass(frozen=True, slots=True)
class Word:
    """A term with its rounded points."""

    term: str
    points: int

    @property
    def size(self) -> int:
        """The points without their sign."""
        return abs(self.points)


@dataclass(frozen=True, slots=True)
class Explained:
    """The reasons of one place.

    chance: in words. up, down: likes by name that pull it up and down; words, against: the same of terms. notes: whole
    sentences about the place. also: near-duplicates folded under it.
    """

    points: int = 0
    chance: str = ""
    up: tuple[Named, ...] = ()
    down: tuple[Named, ...] = ()
    words: tuple[Word, ...] = ()
    against: tuple[Word, ...] = ()
    notes: tuple[str, ...] = ()
    also: tuple[Named, ...] = ()
    arm: str = ""

    @property
    def sentences(self) -> list[str]:
        """Say it all in a few sentences of plain text."""
        said = []
        if self.up:
            said.append(_("Because you liked %(papers)s.") % {"papers": _listed(self.up)})
        if self.words:
            said.append(_("Words: %(words)s.") % {"words": _in_one(self.words)})
        if self.down:
            said.append(_("Held back by %(papers)s.") % {"papers": _listed(self.down)})
        if self.against:
            said.append(_("Words that hold it back: %(words)s.") % {"words": _in_one(self.against)})
        return [*said, *self.notes, *([self.chance] if self.chance else [])]


def _listed(some: Iterable[Named]) -> str:
    return ", ".join(f"“{one.plain}” ({one.points:+d})" for one in some)


def _in_one(words: Sequence[Word]) -> str:
    return f"{', '.join(word.term for word in words)} ({sum(word.points for word in words):+d})"


def explain(reader: Reader, picks: Sequence[Mapping[str, Any]]) -> list[Explained]:
    """Explain places that were kept; at most four queries for all of them."""
    wanted = {int(number) for pick in picks for number, _points in of(pick, "likes") or ()}
    wanted |= {int(number) for pick in picks for number in pick.get("also", ())}
    called = _called(reader, wanted)
    return [_explained(pick, called) for pick in picks]


def names(reader: Reader, numbers: Iterable[int]) -> dict[int, Named]:
    """Give the names of papers, wishes and followed lists, by number as signals count them; points are 0."""
    return _called(reader, set(numbers))


def paper_name(paper: Paper) -> Named:
    """Give the name of one paper; its points are 0."""
    title = maths.render(paper.title)
    return Named(paper.pk, title, maths.as_text(paper.title), reverse("paper", args=[paper.key]), 0)


def _called(reader: Reader, wanted: set[int]) -> dict[int, Named]:
    found = {}
    papers = [number for number in wanted if number > 0]
    if papers:
        for number, key, title in Paper.objects.filter(pk__in=papers).values_list("id", "key", "title"):
            found[number] = Named(number, maths.render(title), maths.as_text(title), reverse("paper", args=[key]), 0)
    wishes = [-number // 2 for number in wanted if number < 0 and number % 2 == 0]
    if wishes:
        for number, words in Wish.objects.filter(pk__in=wishes, reader=reader).values_list("pk", "words"):
            found[-2 * number] = Named(-2 * number, escape(words), words, "", 0)
    rows = [(-number - 1) // 2 for number in wanted if number < 0 and number % 2]
    if rows:
        for number, key in Follow.objects.filter(pk__in=rows, reader=reader).values_list("pk", "key"):
            found[-2 * number - 1] = _list_name(-2 * number - 1, key)
    return found


def _list_name(number: int, key: str) -> Named:
    try:
        head = named.head(key)
    except NoSuchList:
        value = key.partition("/")[2]
        return Named(number, escape(value), value, "", 0)
    said = _("%(list)s, which you follow") % {"list": head.label}
    return Named(number, escape(said), said, head.path, 0)


def _explained(pick: Mapping[str, Any], called: Mapping[int, Named]) -> Explained:
    if not pick:
        return Explained()
    likes = [_with(called[number], points) for number, points in of(pick, "likes") or () if number in called]
    words = [Word(str(term), _whole(points)) for term, points in of(pick, "words") or () if _whole(points)]
    chance = of(pick, "chance")
    return Explained(
        points=_whole(pick.get("score", 0)),
        chance=one_in(chance) if chance is not None else "",
        up=tuple(one for one in likes if one.points > 0),
        down=tuple(one for one in likes if one.points < 0),
        words=tuple(word for word in words if word.points > 0),
        against=tuple(word for word in words if word.points < 0),
        notes=tuple(_notes(of(pick, "terms") or {}, str(pick.get("arm", "")))),
        also=tuple(called[number] for number in pick.get("also", ()) if number in called),
        arm=str(pick.get("arm", "")),
    )


def _with(one: Named, points: float) -> Named:
    return Named(one.number, one.title, one.plain, one.url, _whole(points))


def _whole(points: float) -> int:
    return round(float(points))


def _notes(terms: Mapping[str, float], arm: str) -> list[str]:
    said = [str(ARMS[arm])] if arm in ARMS else []
    if terms.get("votes", 0.0) >= SAID_FROM:
        said.append(_("Popular here."))
    if terms.get("freshness", -1.0) == 0:
        said.append(_("New in this edition."))
    if terms.get("variety", 0.0) <= -SAID_FROM:
        said.append(_("A little lower, since papers like it stand above."))
    return said


def one_in(chance: float) -> str:
    """Say a chance in rounded words."""
    if chance > 0.66:
        return _("You would probably save it.")
    if chance < 0.5 / ONE_IN[-1]:
        return _("Few papers like it would be saved by you.")
    n = min(ONE_IN, key=lambda number: abs(1 / number - chance) / chance)
    return _("You would save about 1 in %(n)d papers like it.") % {"n": n}


def public(one: Explained) -> dict[str, object]:
    """Give reasons as programs are told them: rounded points by name, and the sentences."""
    told: dict[str, object] = {"points": one.points, "said": one.sentences}
    likes = {named.plain: named.points for named in (*one.up, *one.down)}
    words = {word.term: word.points for word in (*one.words, *one.against)}
    return told | {name: value for name, value in (("likes", likes), ("terms", words), ("arm", one.arm)) if value}
