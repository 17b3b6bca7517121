"""How well an order serves a reader: measures of one reader's list, and means over readers with their intervals."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

METRICS: Final = ("auc", "recall50", "ndcg20", "pair_loss")
RESAMPLES: Final = 2000
SEED: Final = 11
SHARE: Final = 0.95


def measures(scores: FloatArray, grades: FloatArray) -> FloatArray:
    """Give all METRICS of one reader's list, (4,); NaN for those that its grades do not allow.

    scores, grades (n,): higher is better. Papers of the same score stand in every order with the same chance; each
    measure is its mean over those orders. Scores that differ by no more than float32 arithmetic does are the same.
    """
    found = _told_apart(scores.astype(np.float64)), grades.astype(np.float64)
    return np.array([auc(*found), recall(*found, 50), ndcg(*found, 20), pair_loss(*found)])


def _told_apart(scores: FloatArray) -> FloatArray:
    """Round scores to a hundred-thousandth of the largest: rows of one product are summed in different orders."""
    size = float(np.abs(scores).max(initial=0.0))
    return np.round(scores / size, 5) if size else scores


def relevant(grades: FloatArray) -> NDArray[np.bool_]:
    """Say which papers the reader wants, (n,): grades above 0; above the lowest grade where all are."""
    floor = max(0.0, float(grades.min())) if len(grades) else 0.0
    return grades > floor


def auc(scores: FloatArray, grades: FloatArray) -> float:
    """The share of pairs of a wanted and an unwanted paper that are in order, ties half; NaN without such a pair."""
    return 1 - pair_loss(scores, relevant(grades).astype(np.float64))


def pair_loss(scores: FloatArray, grades: FloatArray) -> float:
    """The share of pairs of different grades that are in the wrong order, ties half; NaN without such a pair."""
    wrong = pairs = 0.0
    for grade in np.unique(grades)[:-1]:
        lower, higher = np.sort(scores[grades == grade]), scores[grades > grade]
        below = np.searchsorted(lower, higher, "left")
        tied = np.searchsorted(lower, higher, "right") - below
        wrong += float((len(lower) - below - tied + tied / 2).sum())
        pairs += len(lower) * len(higher)
    return wrong / pairs if pairs else float("nan")


def recall(scores: FloatArray, grades: FloatArray, cut: int) -> float:
    """The share of the wanted papers that are among the first `cut`; NaN where none is wanted."""
    wanted = relevant(grades).astype(np.float64)
    return float(_in_order(scores, wanted)[:cut].sum() / wanted.sum()) if wanted.any() else float("nan")


def ndcg(scores: FloatArray, grades: FloatArray, cut: int) -> float:
    """Normalised discounted cumulative gain with gains 2^grade - 1 (Burges et al. 2005), discount log2(rank + 1).

    Grades below 0 gain nothing. NaN where nothing gains.
    """
    gains = np.exp2(np.maximum(grades, 0)) - 1
    discount = 1 / np.log2(np.arange(2, cut + 2))
    best = np.sort(gains)[::-1][:cut]
    ideal = float(best @ discount[: len(best)])
    first = _in_order(scores, gains)[:cut]
    return float(first @ discount[: len(first)]) / ideal if ideal else float("nan")


def _in_order(scores: FloatArray, gains: FloatArray) -> FloatArray:
    """Give the gains by rank, (n,); papers of one score share theirs."""
    order = np.argsort(-scores, kind="stable")
    _values, group, size = np.unique(-scores[order], return_inverse=True, return_counts=True)
    return (np.bincount(group, gains[order]) / size)[group]


def interval(values: FloatArray) -> tuple[float, float, float]:
    """Give the mean over readers and its bootstrap interval (Efron 1979, percentiles) of 95 %.

    values (readers,): NaN where a reader has none. Raises ValueError where no reader has any.
    """
    known = values[~np.isnan(values)]
    if not len(known):
        raise ValueError("no reader has a value")
    low, high = np.quantile(_resamples(len(known)) @ known / len(known), [(1 - SHARE) / 2, (1 + SHARE) / 2])
    return float(known.mean()), float(low), float(high)


@lru_cache(maxsize=16)
def _resamples(readers: int) -> FloatArray:
    """Give how often each reader is drawn in each resample, (RESAMPLES, readers)."""
    drawn = np.random.default_rng(SEED).multinomial(readers, np.full(readers, 1 / readers), RESAMPLES)
    return drawn.astype(np.float64)


def figures_of(name: str, values: FloatArray, metrics: Sequence[str] = METRICS) -> dict[str, float]:
    """Give NAME.auc, NAME.auc_lo, NAME.auc_hi and so on for values (readers, metrics), without those nobody has."""
    found: dict[str, float] = {}
    for metric, column in zip(metrics, values.T, strict=True):
        if np.isnan(column).all():
            continue
        mean, low, high = interval(column)
        found |= {f"{name}.{metric}": mean, f"{name}.{metric}_lo": low, f"{name}.{metric}_hi": high}
    return found
