"""Which papers to ask a reader about, and when more answers will not help.

Interests are rare: of a hundred papers one may be for a reader. Asking where the profile is least sure (uncertainty
sampling, Lewis and Gale 1994) then asks for ninety-nine times "not for me". What teaches is a paper that is liked, so
most questions are those that are most probably liked, each unlike the others (maximal marginal relevance, Carbonell
and Goldstein 1998). The rest look for what the profile does not know yet: they are the papers that stand for most
others which no answer speaks of so far (facility location, whose greedy choice is within 1 - 1/e of the best:
Nemhauser, Wolsey and Fisher 1978), where what may be liked counts more. Without any like all of them are.

Whether to stop is read off the learning curve, as a power law (Cortes et al. 1993; methods of "learning curve stop").
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from broadsheet.learning.background import Background, Prepared
from broadsheet.learning.features import Features, FloatArray
from broadsheet.learning.profile import Example, Trained, learn

Flags = NDArray[np.bool_]

# Of the questions so many are the most probable ones.
PROBABLE: Final = 0.6
# Likes teach the more the rarer they are. Of the free candidates a share stands out so far, in standard deviations of
# ordinary papers: up to the first share probable ones are asked about; from the second on they teach no more than
# others.
OUTSTANDING: Final = 2.0
COMMON: Final = (0.15, 0.4)
# How much a question may be like another of its round, against standard deviations of points.
UNLIKE: Final = 1.0
# Candidates beyond these are thinned out evenly before they are compared with each other.
MOST: Final = 2500

# The curve: parts of the likes that are learned from, and how they are held out.
PARTS: Final = (0.4, 0.7, 1.0)
FOLDS: Final = 5
# Below so many likes no curve is drawn.
FEWEST_LIKES: Final = 6
POWERS: Final = (0.5, 1.0, 1.5)
# So many more answers would have to gain this much of the quality.
NEXT: Final = 10
WORTH: Final = 0.01


@dataclass(frozen=True, slots=True)
class Enough:
    """Whether more answers would help.

    state: "few" (too few likes to tell), "learning" or "flat". quality: how high likes held out stand now, 0 to 1, see
    `_quality`. gain: what NEXT more answers are expected to add to it. Both 0 while there are too few.
    """

    state: Literal["few", "learning", "flat"]
    quality: float = 0.0
    gain: float = 0.0

    @property
    def is_enough(self) -> bool:
        """Whether to say so."""
        return self.state == "flat"


def next_questions(
    trained: Trained | None,
    candidates: Features | Prepared,
    background: Background,
    count: int,
    asked: Collection[int] = frozenset(),
) -> list[int]:
    """Give places in candidates of the papers whose answers teach most, at most `count`, in the order to be asked.

    trained: None where nothing is known of the reader. asked: places that were asked about, or are known: they are not
    given again, and what is like them counts as spoken of.
    """
    places = _thinned(len(candidates), asked)
    taken = candidates.take(places)
    kept = taken if isinstance(taken, Prepared) else background.prepare(taken)
    spoken = np.isin(places, np.fromiter(asked, np.int64, len(asked)))
    standing = _standing(trained, kept, background)
    return [int(places[row]) for row in choose(standing, kept.meaning, spoken, count)]


def choose(standing: FloatArray | None, rows: FloatArray, spoken: Flags, count: int) -> list[int]:
    """Choose rows of unit vectors (n, dim) to ask about. standing (n,): points in standard deviations; None: no like.

    spoken (n,): those that were asked about.
    """
    alike = np.maximum(rows @ rows.T, 0)
    free = ~spoken
    count = min(count, int(free.sum()))
    if standing is None or not count:
        return _standing_for_others(alike**2, np.ones(len(rows), np.float32), free, count)
    outstanding = float(np.mean(standing[free] > OUTSTANDING))
    rare = float(np.interp(outstanding, COMMON, (1.0, 0.0)))
    chosen = _probable(standing, alike, free, round(PROBABLE * rare * count))
    free[chosen] = False
    weight = np.exp(rare * np.clip(standing, -3, 3)).astype(np.float32)
    return chosen + _standing_for_others(alike**2, weight, free, count - len(chosen))


def _probable(standing: FloatArray, alike: FloatArray, free: Flags, count: int) -> list[int]:
    chosen: list[int] = []
    nearest = np.zeros(len(standing), np.float32)
    open_ = free.copy()
    for _ in range(count):
        chosen.append(int(np.argmax(np.where(open_, standing - UNLIKE * nearest, -np.inf))))
        open_[chosen[-1]] = False
        nearest = np.maximum(nearest, alike[chosen[-1]])
    return chosen


def _standing_for_others(alike: FloatArray, weight: FloatArray, free: Flags, count: int) -> list[int]:
    chosen: list[int] = []
    open_ = free.copy()
    covered = alike[~free].max(axis=0, initial=0)
    for _ in range(count):
        gain = np.maximum(alike - covered, 0) @ weight
        chosen.append(int(np.argmax(np.where(open_, gain, -np.inf))))
        open_[chosen[-1]] = False
        covered = np.maximum(covered, alike[chosen[-1]])
    return chosen


def _thinned(size: int, asked: Collection[int]) -> NDArray[np.int64]:
    if size <= MOST:
        return np.arange(size)
    spread = np.linspace(0, size - 1, MOST).astype(np.int64)
    return np.union1d(spread, np.array(sorted(asked), np.int64))


def _standing(trained: Trained | None, candidates: Prepared, background: Background) -> FloatArray | None:
    """Give how far each paper stands out of the record, in standard deviations; None where nothing is liked yet."""
    if trained is None or not any(example.liked for example in trained.examples):
        return None
    usual = trained.profile.score(background.landmarks)
    spread = max(float(usual.std()), 1e-6)
    points: FloatArray = trained.profile.score(candidates)
    return (points - np.float32(usual.mean())) / np.float32(spread)


Learn = Callable[[Sequence[Example], Prepared, Background], Trained]


def enough(trained: Trained | None, learned: Learn = learn) -> Enough:
    """Tell from the learning curve of what a reader said so far whether more answers would help.

    A fold of the likes is held out and ranked against the background, after learning from parts of the others.
    """
    if trained is None:
        return Enough("few")
    rows = [row for row, example in enumerate(trained.examples) if example.weight > 0]
    likes = [row for row in rows if trained.examples[row].liked]
    if len(likes) < FEWEST_LIKES:
        return Enough("few")
    others = [row for row in rows if not trained.examples[row].liked]
    sizes = [max(2, round(part * len(likes) * (FOLDS - 1) / FOLDS)) for part in PARTS]
    curve = [_quality(trained, likes, others, size, learned) for size in sizes]
    quality, gain = expected_gain(sizes, curve, len(likes), NEXT * len(likes) / len(rows))
    return Enough("flat" if gain < WORTH else "learning", quality, gain)


def _quality(trained: Trained, likes: Sequence[int], others: Sequence[int], size: int, learned: Learn) -> float:
    """Give how high likes held out stand after learning from `size` of the rest: 1 - log(1 + a) / log(1 + n), the mean.

    a of n papers stand above a like; the n are ordinary ones, and those not liked that were held out with it.
    """
    found, background = [], trained.background
    for fold in range(FOLDS):
        rest = [like for place, like in enumerate(likes) if place % FOLDS != fold]
        # Taken evenly, so that small parts are as old and as mixed as large ones.
        kept = [rest[place] for place in np.linspace(0, len(rest) - 1, min(size, len(rest))).astype(int)]
        rows = [*kept, *(row for place, row in enumerate(others) if place % FOLDS != fold)]
        profile = learned([trained.examples[row] for row in rows], trained.papers.take(rows), background).profile
        against = [background.landmarks, trained.papers.take(others[fold::FOLDS])]
        usual = np.sort(np.concatenate([profile.score(papers) for papers in against]))
        points = profile.score(trained.papers.take(likes[fold::FOLDS]))
        above = len(usual) - np.searchsorted(usual, points, "left")
        found.append(float(np.mean(1 - np.log1p(above) / np.log1p(len(usual)))))
    return float(np.mean(found))


def expected_gain(sizes: Sequence[int], curve: Sequence[float], now: float, more: float) -> tuple[float, float]:
    """Fit quality = a - b size^-c with b >= 0 to a curve; give the quality at `now` and the gain of `more` likes."""
    best = (np.inf, 0.0, 0.0, POWERS[0])
    for power in POWERS:
        scale = np.array(sizes, np.float64) ** -power
        spread = float(np.var(scale))
        slope = -float(np.mean((scale - scale.mean()) * (np.array(curve) - np.mean(curve)))) / spread if spread else 0.0
        slope = max(slope, 0.0)
        top = float(np.mean(curve) + slope * scale.mean())
        error = float(np.sum((top - slope * scale - np.array(curve)) ** 2))
        best = min(best, (error, top, slope, power))
    _error, top, slope, power = best
    quality = top - slope * now**-power
    return min(quality, 1.0), min(slope * (now**-power - (now + more) ** -power), max(1 - quality, 0.0))
