"""The map of the record: its topics, what they are called, their typical papers and where they lie.

Papers are put into groups by k-means over unit vectors (spherical k-means: Dhillon and Modha 2001, Machine Learning
42), begun by k-means++ (Arthur and Vassilvitskii 2007). A group is named by the terms that tell it from the rest:
log-odds with a prior, as z-scores (Monroe, Colaresi and Quinn 2008, "Fightin' Words"). Places keep near topics near:
stress is made small by majorisation (SMACOF, De Leeuw 1977) from the two main axes on. Everything is deterministic.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from broadsheet.learning.background import Background
from broadsheet.learning.features import Features, FloatArray, Rows, Words
from broadsheet.learning.vocabulary import Vocabulary

Floats = NDArray[np.float64]

ROUNDS: Final = 40
STARTS: Final = 3
SEED: Final = 20_240_527
# Terms of a group that are looked at for its name, and how many make one.
LOOKED_AT: Final = 60
NAMED_BY: Final = 3
# A pair of words names a topic better than its words do, where it tells nearly as much.
PAIR_GAIN: Final = 1.6
# How much each count is drawn to that of all papers: about so many papers are added to each group.
PRIOR: Final = 50.0
# Letters that two words of one stem share, such as "embedding" and "embeddings", "optimal" and "optimization".
STEM: Final = 5
TYPICAL: Final = 12
STRESS_ROUNDS: Final = 300
# What an abstract of any field says of itself: it may tell a group, but it names none.
_NAMES_NOTHING = """
approach approaches method methods paper study studies studied work problem problems algorithm algorithms model
models system systems data based new novel set sets number time case order high low different first state show
performance analysis framework proposed task tasks experiments experimental demonstrate non via prove existence
class classes theory numerical simulations obtained function functions dimensional observed observations general
properties property simple important significant best better state-of-the-art outperforms achieve accuracy effective
improve training trained learn research applications application available code evaluation challenges real-world
existing compared prior benchmarks benchmark datasets dataset large-scale technique techniques consider terms
corresponding respect obtain introduce investigate discuss finite small sample measurements effect effects value
values parameter parameters point points process processes type known structure structures space deep linear online
error running support development user papers
"""
_SAYS_NOTHING: Final = frozenset(_NAMES_NOTHING.split())
# And what makes no name even beside a word that does.
_NEVER: Final = frozenset(
    ("method", "methods", "approach", "approaches", "study", "studies", "novel", "paper", "papers", "proposed", "based")
)


@dataclass(frozen=True, slots=True)
class Topic:
    """A group of papers. terms: what tells it from the others, the most telling first; they are its name.

    size: its share of the papers, 0 to 1. papers: places of its most typical papers in the Features, the most typical
    first. x, y: its place on the map, 0 to 1.
    """

    terms: tuple[str, ...]
    size: float
    papers: tuple[int, ...]
    x: float
    y: float

    @property
    def name(self) -> str:
        """Its terms in one line."""
        return ", ".join(self.terms)


def topics(features: Features, background: Background, count: int = 24) -> tuple[Topic, ...]:
    """Find the topics of papers, the largest first; fewer where there are not that many different papers.

    Papers lie where the background puts them: by their vectors, or by their words where there is no encoder.
    """
    points, vocabulary = background.places(features), background.vocabulary
    known = np.flatnonzero(np.any(points, axis=1))
    if not len(known) or count < 1:
        return ()
    group, centres = kmeans(points[known], count)
    sizes = np.bincount(group, minlength=len(centres))
    order = np.argsort(-sizes, kind="stable")
    names = _names(features.words.take(known), group, len(centres), vocabulary)
    places = layout(centres[order])
    return tuple(
        Topic(
            terms=names[number],
            size=float(sizes[number] / len(known)),
            papers=tuple(known[_typical(points[known], group, centres, int(number))].tolist()),
            x=float(x),
            y=float(y),
        )
        for number, (x, y) in zip(order.tolist(), places, strict=True)
    )


def _unit(rows: FloatArray) -> FloatArray:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    found: FloatArray = np.divide(rows, length, out=np.zeros_like(rows), where=length > 1e-9)
    return found


def kmeans(points: FloatArray, count: int) -> tuple[Rows, FloatArray]:
    """Put points (n, dim), of length 1, into groups; give the group of each (n,) and their centres (count, dim).

    The best of a few starts, by the sum of likeness to the centres. No group is empty.
    """
    random = np.random.default_rng(SEED)
    found = [_lloyd(points, _begin(points, count, random)) for _ in range(STARTS)]
    _likeness, group, centres = max(found, key=lambda one: one[0])
    kept, group = np.unique(group, return_inverse=True)
    return group.astype(np.int64), centres[kept]


def _begin(points: FloatArray, count: int, random: np.random.Generator) -> FloatArray:
    chosen = [int(random.integers(len(points)))]
    far = np.maximum(1 - points @ points[chosen[0]], 0).astype(np.float64)
    while len(chosen) < min(count, len(points)) and far.max() > 1e-6:
        drawn = np.searchsorted(np.cumsum(far), random.random() * far.sum(), side="right")
        chosen.append(min(int(drawn), len(far) - 1))
        far = np.minimum(far, np.maximum(1 - points @ points[chosen[-1]], 0))
    return points[chosen]


def _lloyd(points: FloatArray, centres: FloatArray) -> tuple[float, Rows, FloatArray]:
    group = np.full(len(points), -1)
    for _ in range(ROUNDS):
        nearest = np.argmax(points @ centres.T, axis=1)
        if np.array_equal(nearest, group):
            break
        group = nearest
        sums = np.stack([points[group == number].sum(0) for number in range(len(centres))])
        # A group that lost its papers keeps its centre; it goes at the end if none came back.
        centres = _unit(np.where(np.any(sums, axis=1)[:, None], sums, centres))
    return float(np.sum(points * centres[group])), group.astype(np.int64), centres


def _typical(points: FloatArray, group: Rows, centres: FloatArray, number: int) -> Rows:
    """Give the places of the papers nearest to a centre, in turn, less what is near to one taken before (MMR)."""
    members = np.flatnonzero(group == number)
    near = points[members] @ centres[number]
    best = members[np.argsort(-near, kind="stable")[: 8 * TYPICAL]]
    worth, taken = points[best] @ centres[number], []
    alike = np.zeros(len(best), np.float32)
    for _ in range(min(TYPICAL, len(best))):
        taken.append(int(np.argmax(worth - 0.3 * alike)))
        alike = np.maximum(alike, points[best] @ points[best[taken[-1]]])
        worth[taken[-1]] = -np.inf
    return best[taken]


def _names(words: Words, group: Rows, count: int, vocabulary: Vocabulary) -> list[tuple[str, ...]]:
    held = np.bincount(words.term, minlength=len(vocabulary)).astype(np.float64)
    names, said = [], set[str]()
    tells = np.stack([_tells(words, group, number, held) for number in range(count)])
    for number in np.argsort(-np.bincount(group, minlength=count), kind="stable").tolist():
        name = _name(tells[number], vocabulary.terms, said)
        said.update(name)
        names.append((number, name))
    return [name for _number, name in sorted(names)]


def _tells(words: Words, group: Rows, number: int, held: Floats) -> Floats:
    """Give for each term how surely it is commoner inside of a group than outside, as a z-score."""
    inside = np.bincount(words.term[(group == number)[words.row_of_entry]], minlength=len(held)).astype(np.float64)
    n, rest = float(np.sum(group == number)), float(np.sum(group != number))
    prior = PRIOR * held / len(group) + 0.01
    here, there = inside + prior, held - inside + prior
    odds = np.log(here / np.maximum(n + PRIOR - here, 0.5)) - np.log(there / np.maximum(rest + PRIOR - there, 0.5))
    return np.asarray(odds / np.sqrt(1 / here + 1 / there))


def _name(tells: Floats, terms: Sequence[str], said: set[str]) -> tuple[str, ...]:
    best = [int(place) for place in np.argsort(-tells, kind="stable")[:LOOKED_AT] if tells[place] > 0]
    worth = {terms[place]: float(tells[place]) * (PAIR_GAIN if " " in terms[place] else 1.0) for place in best}
    name: list[str] = []
    for term in sorted(worth, key=lambda one: (-worth[one], one)):
        if len(name) == NAMED_BY:
            break
        if term not in said and _names_something(term) and not any(_alike(term, other) for other in name):
            name.append(term)
    return tuple(name) or tuple(terms[place] for place in best[:1])


def _names_something(term: str) -> bool:
    parts = term.split()
    return len(term) > 2 and not all(part in _SAYS_NOTHING for part in parts) and _NEVER.isdisjoint(parts)


def _alike(one: str, other: str) -> bool:
    """Tell whether two terms share a word, or the stem of one."""
    return any(_one_stem(first, second) for first in one.split() for second in other.split())


def _one_stem(one: str, other: str) -> bool:
    shorter, longer = sorted((one, other), key=len)
    return longer.startswith(shorter[:STEM]) if len(shorter) > STEM else longer.startswith(shorter[:-1])


def layout(centres: FloatArray) -> Floats:
    """Give places (n, 2) within 0 to 1, so that near centres lie near; the main axis runs from left to right."""
    if len(centres) == 1:
        return np.array([[0.5, 0.5]])
    wanted = np.sqrt(np.maximum(2 - 2 * centres @ centres.T, 0)).astype(np.float64)
    middle = centres - centres.mean(0)
    left, scale, _right = np.linalg.svd(middle.astype(np.float64), full_matrices=False)
    places = (left * scale)[:, :2]
    if places.shape[1] < 2:
        places = np.column_stack([places, np.zeros(len(places))])
    # Which way an axis runs is left open by the decomposition: the largest goes to the right, and up.
    places = places * np.where(places[np.argmax(np.abs(places), axis=0), [0, 1]] < 0, -1, 1)
    # On a line nothing could get past anything.
    places[:, 1] += 1e-3 * np.cos(np.arange(len(places)))
    return _within(_less_stress(places, wanted))


def _less_stress(places: Floats, wanted: Floats) -> Floats:
    """Move places so that their distances are those that are wanted, by Guttman's transform."""
    n = len(places)
    for _ in range(STRESS_ROUNDS):
        apart = np.linalg.norm(places[:, None] - places[None], axis=2)
        pull = -np.divide(wanted, apart, out=np.zeros_like(wanted), where=apart > 1e-9)
        np.fill_diagonal(pull, 0)
        np.fill_diagonal(pull, -pull.sum(1))
        places = pull @ places / n
    return places


def _within(places: Floats) -> Floats:
    low, high = places.min(0), places.max(0)
    # Both axes are stretched, as a map should fill its sheet, but a line stays one.
    scale = np.maximum(high - low, 0.4 * float((high - low).max()))
    return np.asarray(0.5 + (places - (low + high) / 2) / np.where(scale > 1e-9, scale, 1))
