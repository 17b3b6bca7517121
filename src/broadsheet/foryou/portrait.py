"""What the program holds of a reader's taste, as a person can read it: interests, examples, words, edits, knobs.

Interests are found anew whenever the profile is learned. What a reader changed stays with them all the same: an edit is
anchored to papers, and belongs to whichever interest holds one of them now; of several edits the newest counts.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from broadsheet.community.models import Vote
from broadsheet.foryou import models, profiles, signals
from broadsheet.foryou.map import spelt
from broadsheet.foryou.models import Opened, Opinion, Seed, Taste, Tuned, Wish
from broadsheet.foryou.signals import Signals
from broadsheet.learning.background import Background
from broadsheet.learning.features import FloatArray
from broadsheet.learning.profile import RANKER, Trained
from broadsheet.lib.text import plain
from broadsheet.papers.models import Paper
from broadsheet.papers.store import LOOKUP
from broadsheet.readers.models import Follow, Reader, Saved

FORM: Final = "broadsheet-profile/1"
WORDS: Final = 30
# Below this part of its weight an example is told as one that the others speak against.
DOUBTED: Final = 0.6
# Scores at which the chance of saving is told: an ordinary paper, between, as good as a like.
LEVELS: Final = (-1.0, -0.5, 0.0, 0.5, 1.0)
# Characters of texts in which the spelling of words is looked up.
SPELT_IN: Final = 40_000


@dataclass(frozen=True, slots=True)
class Held:
    """A paper that the profile learns from, or words or a list that do so beside papers.

    number: of the paper; negative for words and lists. key: of the paper or the list; "" for words.
    sources: vote, save, seed, more, less, opened, follow, wish. weight: as the reader set it, 1 else.
    trust: 0 to 1.2, how much it counts.
    """

    number: int
    key: str
    title: str
    sources: tuple[str, ...]
    weight: float = 1.0
    trust: float = 1.0


@dataclass(frozen=True, slots=True)
class Interest:
    """An interest. anchor: a number by which it is edited. name: the reader's own, where `named`, else its words.

    weight: as the reader set it. share: of all that is liked, 0 to 1. papers: the most typical first.
    """

    anchor: int
    name: str
    named: bool
    words: tuple[str, ...]
    weight: float
    share: float
    papers: tuple[Held, ...]


@dataclass(frozen=True, slots=True)
class Word:
    """A word or a pair. shown: as papers write it. points: what it gives to a paper that holds it as papers do."""

    term: str
    shown: str
    points: float


@dataclass(frozen=True, slots=True)
class Removed:
    """Papers that do not count by the reader's wish. name: of the interest that went with them, or ""; at: when."""

    name: str
    at: datetime
    papers: tuple[Held, ...]


@dataclass(frozen=True, slots=True)
class Portrait:
    """All of it.

    doubted: examples that count less because the others do not point there. up, down: the strongest words each way.
    seeds: how many by origin. examples: how many papers are learned from; older: how many more are too old to count.
    learned: when, None where it was not kept yet. chances: (score in points, chance of saving).
    """

    interests: tuple[Interest, ...] = ()
    doubted: tuple[Held, ...] = ()
    up: tuple[Word, ...] = ()
    down: tuple[Word, ...] = ()
    dislikes: tuple[Held, ...] = ()
    muted: tuple[str, ...] = ()
    removed: tuple[Removed, ...] = ()
    wishes: tuple[str, ...] = ()
    seeds: tuple[tuple[str, int], ...] = ()
    follows: tuple[Held, ...] = ()
    mine: float = 0.8
    width: float = 0.3
    days: int = 7
    opens: bool = False
    examples: int = 0
    older: int = 0
    learned: datetime | None = None
    ranker: str = RANKER
    background: str = ""
    chances: tuple[tuple[float, float], ...] = ()


def portrait(reader: Reader) -> Portrait:
    """Give what the program holds of a reader's taste now; about twenty short queries."""
    told = signals.gather(reader)
    found = profiles.trained(reader, told)
    edits = list(Tuned.objects.filter(reader=reader).order_by("at", "pk"))
    removed = [edit for edit in edits if edit.kind == "paper" and edit.weight == 0]
    trained = {example.paper for example in found.examples} if found else set()
    numbers = trained | {example.paper for example in told.examples} | _numbers(removed)
    known = _known(reader, told, numbers, found)
    taste = Taste.objects.filter(reader=reader).first() or Taste(reader=reader)
    kept = models.Profile.objects.filter(reader=reader, signals=told.digest).first()
    up, down = words(found, _text(known)) if found else ((), ())
    return Portrait(
        interests=_interests(found, known, edits) if found else (),
        doubted=_doubted(found, known) if found else (),
        up=up,
        down=down,
        dislikes=tuple(known[one.paper] for one in told.examples if not one.liked and one.paper in known),
        muted=tuple(sorted(edit.value for edit in edits if edit.kind == "word" and edit.weight == 0)),
        removed=_removed(removed, known),
        wishes=tuple(Wish.objects.filter(reader=reader).order_by("at", "pk").values_list("words", flat=True)),
        seeds=_seeds(reader),
        follows=tuple(held for held in known.values() if "follow" in held.sources),
        mine=taste.mine,
        width=taste.width,
        days=taste.days,
        opens=taste.opens,
        examples=len(told.examples),
        older=told.left_out,
        learned=kept.made if kept else None,
        background=found.background.version if found else "",
        chances=chances(found) if found else (),
    )


def interest_of(found: Trained, number: int) -> tuple[int, ...]:
    """Give the numbers of the examples of the interest that holds one of them; none where no interest does."""
    return next((one.papers for one in found.interests if number in one.papers), ())


def chances(found: Trained) -> tuple[tuple[float, float], ...]:
    """Give the chance of saving at a few scores, in points."""
    told = found.profile.chance(np.array(LEVELS, np.float32))
    return tuple((100 * level, float(chance)) for level, chance in zip(LEVELS, told, strict=True))


def words(found: Trained, text: str, most: int = WORDS) -> tuple[tuple[Word, ...], tuple[Word, ...]]:
    """Give the words that pull up the most and down the most. text: where their spelling is looked up."""
    points = 100 * found.profile.word_weights * usual_weights(found.background)
    order = np.argsort(points, kind="stable")
    terms = found.background.vocabulary.terms
    up = _distinct([(terms[place], float(points[place])) for place in order[::-1][: 6 * most]], most)
    down = _distinct([(terms[place], float(-points[place])) for place in order[: 6 * most]], most)
    return (
        tuple(Word(term, _spelt(term, text), gained) for term, gained in up),
        tuple(Word(term, _spelt(term, text), -lost) for term, lost in down),
    )


def _distinct(given: Iterable[tuple[str, float]], most: int) -> list[tuple[str, float]]:
    """Leave out what gives nothing, and words and pairs all of whose words were told before."""
    kept: list[tuple[str, float]] = []
    said: set[str] = set()
    for term, points in given:
        stems = {word.rstrip("s")[:7] for word in term.split()}
        if points < 0.05 or len(kept) == most:
            break
        if not stems <= said:
            kept.append((term, points))
            said |= stems
    return kept


def usual_weights(background: Background) -> FloatArray:
    """Give the mean weight of each term in the papers that hold it, (terms,); of others that of the usual term."""
    held = background.sample.words
    n = len(background.vocabulary)
    count = np.bincount(held.term, minlength=n)
    total = np.bincount(held.term, held.weight, minlength=n)
    usual = float(held.weight.mean()) if len(held.weight) else 0.0
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), usual), np.float32)


def _interests(found: Trained, known: Mapping[int, Held], edits: Sequence[Tuned]) -> tuple[Interest, ...]:
    changed = [(int(edit.value), edit) for edit in edits if edit.kind == "interest" and _is_number(edit.value)]
    text = _text(known)
    told = []
    for one in found.interests:
        members = set(one.papers)
        # The newest comes last.
        own = [edit for number, edit in changed if number in members]
        said = ", ".join(_spelt(word, text) for word in one.words)
        name = own[-1].name if own else ""
        anchor = next((number for number in one.papers if number > 0), one.papers[0])
        weight = own[-1].weight if own else 1.0
        papers = tuple(known[number] for number in one.papers if number in known)
        # A mark alone, such as a followed category, has no words.
        shown = name or _capital(said) or (papers[0].title if papers else "")
        told.append(Interest(anchor, shown, bool(name), one.words, weight, one.share, papers))
    return tuple(told)


def _capital(said: str) -> str:
    return said[:1].upper() + said[1:]


def _doubted(found: Trained, known: Mapping[int, Held]) -> tuple[Held, ...]:
    trust = found.trust
    # Wishes and lists stand apart: nothing else need point to them.
    papers = [one for one in found.examples if one.liked and one.paper > 0]
    less = [one for one in papers if trust[one.paper] < DOUBTED * one.weight]
    return tuple(
        known[one.paper] for one in sorted(less, key=lambda one: trust[one.paper] / one.weight) if one.paper in known
    )


def _removed(edits: Iterable[Tuned], known: Mapping[int, Held]) -> tuple[Removed, ...]:
    """Group what was taken out together, the last first."""
    groups: dict[tuple[str, datetime, str], list[int]] = defaultdict(list)
    for edit in edits:
        if _is_number(edit.value):
            groups[edit.name, edit.at, "" if edit.name else edit.value].append(int(edit.value))
    told = [
        Removed(name, at, tuple(known[number] for number in numbers if number in known))
        for (name, at, _value), numbers in groups.items()
    ]
    return tuple(sorted((one for one in told if one.papers), key=lambda one: (one.at, one.name), reverse=True))


def _numbers(edits: Iterable[Tuned]) -> set[int]:
    return {int(edit.value) for edit in edits if _is_number(edit.value)}


def _is_number(value: str) -> bool:
    return value.removeprefix("-").isdecimal() and len(value) < 19


def _seeds(reader: Reader) -> tuple[tuple[str, int], ...]:
    count: dict[str, int] = defaultdict(int)
    for origin in Seed.objects.filter(reader=reader).values_list("origin", flat=True):
        count[origin] += 1
    return tuple(sorted(count.items(), key=lambda pair: (-pair[1], pair[0])))


def _known(reader: Reader, told: Signals, numbers: set[int], found: Trained | None) -> dict[int, Held]:
    """Give what is to be told of the examples, by number."""
    trust = found.trust if found else {}
    sources = _sources(reader)
    pulls = {one.paper: one.pull for one in told.examples}
    titles: dict[int, tuple[str, str]] = {}
    papers = sorted(number for number in numbers if number > 0)
    for start in range(0, len(papers), LOOKUP):
        rows = Paper.objects.filter(pk__in=papers[start : start + LOOKUP]).values_list("pk", "key", "title")
        titles.update((number, (key, title)) for number, key, title in rows)
    known = {
        number: Held(number, key, title, sources.get(number, ()), pulls.get(number, 1.0), trust.get(number, 0.0))
        for number, (key, title) in titles.items()
    }
    return known | _beside(reader, trust)


def _beside(reader: Reader, trust: Mapping[int, float]) -> dict[int, Held]:
    """Give the same of wishes and followed lists, which stand beside the papers as negative numbers."""
    known = {}
    for number, said in Wish.objects.filter(reader=reader).order_by("pk").values_list("pk", "words"):
        known[-2 * number] = Held(-2 * number, "", said, ("wish",), 1.0, trust.get(-2 * number, 0.0))
    for number, key, name in Follow.objects.filter(reader=reader).order_by("pk").values_list("pk", "key", "name"):
        place = -2 * number - 1
        if place in trust:
            known[place] = Held(place, key, name or key.partition("/")[2], ("follow",), 1.0, trust[place])
    return known


def _sources(reader: Reader) -> dict[int, tuple[str, ...]]:
    found: dict[int, list[str]] = defaultdict(list)
    for name, model, at in (
        ("vote", Vote, "cast"),
        ("save", Saved, "at"),
        ("seed", Seed, "at"),
        ("opened", Opened, "at"),
    ):
        rows = model._default_manager.filter(reader=reader).order_by(f"-{at}", "-pk")
        for number in rows.values_list("paper_id", flat=True)[: signals.MOST_TUNED]:
            found[number].append(name)
    opinions = Opinion.objects.filter(reader=reader).order_by("-at", "-pk").values_list("paper_id", "more")
    for number, more in opinions[: signals.MOST_TUNED]:
        found[number].append("more" if more else "less")
    return {number: tuple(names) for number, names in found.items()}


def _text(known: Mapping[int, Held]) -> str:
    numbers = [number for number in known if number > 0][:50]
    # Titles write words with capitals, abstracts as they are.
    rows = Paper.objects.filter(pk__in=numbers).order_by("pk").values_list("abstract", flat=True)
    return " . ".join(plain(abstract) for abstract in rows)[:SPELT_IN]


def _spelt(term: str, text: str) -> str:
    """Give a term as papers write it; to look for one that is not there takes long."""
    return spelt(term, text) if all(_there(word, text) for word in term.split()) else term


def _there(word: str, text: str) -> bool:
    return word in text or word.capitalize() in text or word.upper() in text
