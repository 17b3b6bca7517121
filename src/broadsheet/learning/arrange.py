"""From what one reader may be shown to one list, with the reasons of every place.

A score is a sum of terms in natural logarithms of odds, so that a page can say what each did:

- relevance: `mine` times the log-odds that the reader saves the paper. A profile that knows little gives probabilities
  that lie close together and so weighs little by itself.
- votes: `1 - mine` times log((W + k) / (m + k)) of the support W, with m its mean over the candidates: the mean of the
  posterior of a Poisson rate under a gamma prior of shape k, over that of the prior. The shape is fitted by moments
  (empirical Bayes: Robbins 1956): k = m² / (v - m) of the variance v, and at least 1. Where votes vary no more than by
  chance they say little; where they vary much it is log(1 + W) less a constant.
- freshness: the odds halve with every half of the window (one edition day at least).
- variety: minus 2 `width` times log(1 + c), with c the similarities to the papers above, each 0 where it is no more
  than the middle one of this day and 1 from its highest hundredth on. It is the marginal relevance of Carbonell and
  Goldstein 1998 with d'Hondt's divisors in place of the maximum, as in the election of results by Dang and Croft 2012:
  at a width of 1/2 an interest that has c papers in the list has its odds divided by 1 + c, so that several interests
  stand side by side in proportion to their odds, and the strongest does not fill the list.

A paper that was seen is left out, and so is every other of its story. Of a story the best paper by the first three
terms stands for all. Exploration comes after: its papers are put between those of the list and move them down, but
change neither their order nor their scores.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from math import isfinite
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Vectors = NDArray[np.float32]

TERMS: Final = ("relevance", "votes", "freshness", "variety")
# Log-odds beyond these are taken for these: nobody is surer than one in 8,000.
CERTAIN: Final = 9.0
# Shape of the prior of votes, at least and at most.
SHAPES: Final = (1.0, 100.0)
# At a width of 1 the odds are divided by (1 + c) to this power.
POWER: Final = 2.0
# So many of the best take part when papers are compared, or three times the length of the list.
POOL: Final = 300
# So many candidates show how alike the papers of this day are, and the share of their pairs that counts as near.
SAMPLE: Final = 100
NEAR: Final = 0.01
# Two cosines that differ by less are not told apart.
LEAST_SPREAD: Final = 0.05
# Every term is a multiple of this, so that sums are exact in any order.
GRAIN: Final = 2.0**-20
# No exploration before this place (from 0), nor in a list shorter than SHORTEST.
FIRST: Final = 3
SHORTEST: Final = 5


@dataclass(frozen=True, slots=True)
class Candidates:
    """The papers that may be shown to one reader, in any order; all arrays have n rows.

    numbers: (n,) int64, of the papers. probability: (n,), calibrated, that the reader would save it. points: (n,),
    relevance points of the profile. votes: (n,), support of the community, 0 or more. age: (n,) in edition days, 0 is
    today. story: (n,) int32, shared by near-duplicates (`stories.stories`). vectors: (n, dim) float32 of length 1, of 0
    where there is none, as if near to no other; dim 0 without an encoder. seen: (n,) bool, shown before or known
    otherwise.

    Raises ValueError for arrays of other lengths, and for numbers that are not finite or out of range.
    """

    numbers: NDArray[np.int64]
    probability: Floats
    points: Floats
    votes: Floats
    age: Floats
    story: NDArray[np.int32]
    vectors: Vectors
    seen: NDArray[np.bool_]

    def __post_init__(self) -> None:
        lengths = {len(getattr(self, field.name)) for field in fields(self)}
        if len(lengths) > 1 or self.vectors.ndim != 2:
            raise ValueError("the arrays of the candidates need the same number of rows, and the vectors two axes")
        for name in ("probability", "points", "votes", "age"):
            if not np.isfinite(getattr(self, name)).all():
                raise ValueError(f"{name} holds a value that is not finite")
        if len(self) and not (0 <= self.probability.min() <= self.probability.max() <= 1 and self.votes.min() >= 0):
            raise ValueError("a probability is from 0 to 1, and votes are 0 or more")

    def __len__(self) -> int:
        return len(self.numbers)


@dataclass(frozen=True, slots=True)
class Knobs:
    """What a reader can turn.

    mine: 0 (what is popular) to 1 (what is mine). width: 0 (the nearest to what I liked) to 1 (of everything).
    days: the window; papers of `days` edition days and older are left out. length: of the list, at most.
    explore: share of the places for exploration; from a length of 5 on at least one, unless it is 0.

    Raises ValueError for a knob that is turned too far.
    """

    mine: float = 0.8
    width: float = 0.3
    days: int = 7
    length: int = 50
    explore: float = 0.1

    def __post_init__(self) -> None:
        for name in ("mine", "width", "explore"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is from 0 to 1, not {getattr(self, name)}")
        if self.days < 1 or self.length < 0:
            raise ValueError("days is 1 or more, length 0 or more")


@dataclass(frozen=True, slots=True)
class Pick:
    """A place of the list.

    place: row in the candidates. number: of the paper. score: the sum of `terms`, exactly, in any order of adding.
    terms: by the names in TERMS. arm: of exploration, "" for places by score. also: near-duplicates folded under it,
    the best first.
    """

    place: int
    number: int
    score: float
    terms: Mapping[str, float]
    arm: str
    also: tuple[int, ...]


def arrange(candidates: Candidates, knobs: Knobs, *, arms: Mapping[str, float], seed: int) -> tuple[Pick, ...]:
    """Order one reader's candidates into a list; the same for the same arguments.

    Scores of the places without an arm never rise down the list. arms: weights of the arms of exploration by the names
    in ARMS (`explore.weights`); none, or all 0: no exploration. An arm that finds no paper leaves its place to another
    one, and in the end to the next paper by score. Raises ValueError for an arm of another name or a negative weight.
    """
    _check(arms)
    draw = np.random.default_rng(seed)
    found = _Found.of(candidates, knobs)
    length = min(knobs.length, len(found.order))
    places = _places(length, knobs.explore if any(arms.values()) else 0.0, draw)
    chosen = _Chosen(found, knobs)
    chosen.extend(length - len(places))
    explored = _explore(_Rest.of(found, chosen.rows, draw), places, arms)
    chosen.extend(length - len(explored), without=[row for row, _ in explored.values()])
    scored = iter(zip(chosen.rows, chosen.variety, strict=True))
    picks = []
    for place in range(length):
        row, arm = explored.get(place, (-1, ""))
        picks.append(found.pick(row, chosen.variety_of(row), arm) if arm else found.pick(*next(scored), ""))
    return tuple(picks)


def _check(arms: Mapping[str, float]) -> None:
    if unknown := set(arms) - set(ARMS):
        raise ValueError(f"no such arm: {', '.join(sorted(unknown))}")
    if not all(isfinite(weight) and weight >= 0 for weight in arms.values()):
        raise ValueError("weights of arms are 0 or more")


@dataclass(frozen=True, slots=True)
class _Found:
    """Candidates that may stand in the list, one of each story.

    terms: (n, 4) over all candidates. base: (n,) their sum without variety. order: rows of those that may stand in the
    list, the best first. also: by row the rows folded under it.
    """

    candidates: Candidates
    terms: Floats
    base: Floats
    order: Ints
    also: Mapping[int, list[int]]

    @classmethod
    def of(cls, candidates: Candidates, knobs: Knobs) -> "_Found":
        terms = _terms(candidates, knobs)
        base = terms.sum(axis=1)
        known = np.unique(candidates.story[candidates.seen])
        allowed = np.flatnonzero((candidates.age < knobs.days) & ~np.isin(candidates.story, known))
        worse = (candidates.numbers, -candidates.votes, -candidates.points, -base)
        ranked = allowed[np.lexsort([key[allowed] for key in worse])]
        return cls(candidates, terms, base, *_fold(ranked, candidates.story))

    def pick(self, row: int, variety: float, arm: str) -> Pick:
        terms = dict(zip(TERMS, self.terms[row].tolist(), strict=True)) | {"variety": variety}
        also = tuple(self.candidates.numbers[self.also.get(row, [])].tolist())
        return Pick(row, int(self.candidates.numbers[row]), sum(terms.values()), terms, arm, also)


def _fold(ranked: Ints, story: NDArray[np.int32]) -> tuple[Ints, dict[int, list[int]]]:
    """Give the first row of each story, in order, and the others of it by that row."""
    _, firsts, stories = np.unique(story[ranked], return_index=True, return_inverse=True)
    leads = firsts[stories] == np.arange(len(ranked))
    also: dict[int, list[int]] = {}
    for place in np.flatnonzero(~leads).tolist():
        also.setdefault(int(ranked[firsts[stories[place]]]), []).append(int(ranked[place]))
    return ranked[leads], also


def _terms(candidates: Candidates, knobs: Knobs) -> Floats:
    terms = np.zeros((len(candidates), len(TERMS)))
    if len(candidates):
        terms[:, 0] = knobs.mine * _log_odds(candidates.probability)
        terms[:, 1] = (1 - knobs.mine) * _log_votes(candidates.votes)
        terms[:, 2] = -np.log(2) * np.maximum(candidates.age, 0) / max(1.0, knobs.days / 2)
    return _grained(terms)


def _grained(terms: Floats) -> Floats:
    # A zero is added so that there is no minus zero.
    return np.rint(terms / GRAIN) * GRAIN + 0.0


def _log_odds(probability: Floats) -> Floats:
    edge = 1 / (1 + np.exp(CERTAIN))
    sure = np.clip(probability, edge, 1 - edge)
    odds: Floats = np.log(sure) - np.log1p(-sure)
    return odds


def _log_votes(votes: Floats) -> Floats:
    mean, variance = float(votes.mean()), float(votes.var())
    least, most = SHAPES
    shape = most if variance <= mean else min(max(mean**2 / (variance - mean), least), most)
    return np.log((votes + shape) / (mean + shape))


@dataclass(frozen=True, slots=True)
class _Scale:
    """How alike two papers are among these candidates: 0 up to the middle pair, 1 from the nearest hundredth on."""

    middle: float
    span: float

    @classmethod
    def of(cls, found: "_Found") -> "_Scale":
        step = max(1, -(-len(found.order) // SAMPLE))
        vectors = found.candidates.vectors[found.order[::step]]
        vectors = vectors[vectors.any(axis=1)]
        if len(vectors) < 3:
            return cls(1.0, 1.0)
        # Row by row: a product of matrices of this size wakes a second thread, whose waiting costs more than the work.
        pairs = np.vecdot(vectors[:, None], vectors)[np.tri(len(vectors), k=-1, dtype=np.bool_)]
        middle, near = len(pairs) // 2, int((1 - NEAR) * len(pairs))
        pairs.partition((middle, near))
        return cls(float(pairs[middle]), max(float(pairs[near] - pairs[middle]), LEAST_SPREAD))

    def __call__(self, cosines: NDArray[np.float32]) -> Floats:
        return np.clip((cosines.astype(np.float64) - self.middle) / self.span, 0, 1)


class _Chosen:
    """The rows picked by score, in order, each with the term of variety it had then."""

    def __init__(self, found: _Found, knobs: Knobs) -> None:
        self.found = found
        self.rows: list[int] = []
        self.variety: list[float] = []
        self._weight = POWER * knobs.width
        self._pool = found.order[: max(POOL, 3 * knobs.length)]
        self._vectors = found.candidates.vectors[self._pool]
        # What is near to papers above; -inf for what is picked.
        self._near = np.zeros(len(self._pool))
        self._open = found.base[self._pool]
        self._scale = _Scale.of(found) if self._weight else _Scale(1.0, 1.0)

    def extend(self, length: int, without: Iterable[int] = ()) -> None:
        """Pick rows by score until there are `length`."""
        self._open[np.isin(self._pool, list(without))] = -np.inf
        while len(self.rows) < length:
            variety = self._of(self._near)
            # Of equal ones the first, which is the better without variety.
            best = int((self._open + variety).argmax())
            self.rows.append(int(self._pool[best]))
            self.variety.append(float(variety[best]))
            self._open[best] = -np.inf
            if self._weight:
                self._near += self._scale(np.vecdot(self._vectors, self._vectors[best]))

    def variety_of(self, row: int) -> float:
        """Give the term of a paper below all of the list."""
        vectors = self.found.candidates.vectors
        near = self._scale(np.vecdot(vectors[self.rows], vectors[row])).sum(keepdims=True)
        return float(self._of(near)[0])

    def _of(self, near: Floats) -> Floats:
        return _grained(-self._weight * np.log1p(near))


def _places(length: int, share: float, draw: np.random.Generator) -> list[int]:
    """Give a place of every stretch of the list, so that no place is exploration's own."""
    if not share or length < SHORTEST:
        return []
    count = min(max(1, round(share * length)), length - FIRST)
    edges = FIRST + (length - FIRST) * np.arange(count + 1) // count
    return draw.integers(edges[:-1], edges[1:]).tolist()  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class _Rest:
    """What exploration chooses from: rows that are not in the list, the best first, and the rows that were shown."""

    found: _Found
    rows: Ints
    shown: Ints
    draw: np.random.Generator

    @classmethod
    def of(cls, found: _Found, chosen: list[int], draw: np.random.Generator) -> "_Rest":
        shown = np.concatenate([np.flatnonzero(found.candidates.seen), np.array(chosen, np.intp)])
        return cls(found, found.order[~np.isin(found.order, chosen)], shown, draw)

    def less(self, row: int) -> "_Rest":
        return replace(self, rows=self.rows[self.rows != row], shown=np.append(self.shown, row))


def _explore(rest: _Rest, places: list[int], arms: Mapping[str, float]) -> dict[int, tuple[int, str]]:
    """Give by place a row and the arm that chose it."""
    found: dict[int, tuple[int, str]] = {}
    for place in places:
        for arm in _drawn(arms, rest.draw):
            row = ARMS[arm](rest)
            if row is not None:
                found[place] = row, arm
                rest = rest.less(row)
                break
    return found


def _drawn(arms: Mapping[str, float], draw: np.random.Generator) -> list[str]:
    """Give all arms of some weight, each drawn by weight from those that are left."""
    names = [name for name in ARMS if arms.get(name)]
    if not names:
        return []
    # The arm whose exponential clock of that rate rings first; the same as drawing one after the other.
    rings = np.log(draw.exponential(size=len(names))) - np.log([arms[name] for name in names])
    return [names[place] for place in np.argsort(rings)]


def _near(rest: _Rest) -> int | None:
    """The paper that it is least sure of."""
    return _lowest(rest.rows, np.abs(rest.found.candidates.probability[rest.rows] - 0.5))


def _loved(rest: _Rest) -> int | None:
    """The paper with most votes among the half that is least this reader's."""
    probability, votes = rest.found.candidates.probability, rest.found.candidates.votes
    outside = rest.rows[probability[rest.rows] <= np.median(probability[rest.found.order])]
    outside = outside[votes[outside] > 0]
    return _lowest(outside, -votes[outside])


def _far(rest: _Rest) -> int | None:
    """The paper least like what was shown, among the best supported quarter."""
    vectors, votes = rest.found.candidates.vectors, rest.found.candidates.votes
    shown = vectors[rest.shown].sum(axis=0)
    if not len(rest.rows) or not shown.any():
        return None
    decent = rest.rows[votes[rest.rows] >= np.quantile(votes[rest.rows], 0.75)]
    decent = decent[vectors[decent].any(axis=1)]
    return _lowest(decent, np.vecdot(vectors[decent], shown))


def _chance(rest: _Rest) -> int | None:
    return int(rest.draw.choice(rest.rows)) if len(rest.rows) else None


def _lowest(rows: Ints, values: NDArray[np.floating]) -> int | None:
    return int(rows[values.argmin()]) if len(rows) else None


ARMS: Final[Mapping[str, Callable[[_Rest], int | None]]] = {
    "near": _near,
    "loved": _loved,
    "far": _far,
    "chance": _chance,
}
