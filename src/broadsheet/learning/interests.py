"""The several interests of one reader: groups of liked papers that are near each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from broadsheet.learning.features import FloatArray, Words

# Papers on one subject stand at cosines of about .3 to .6 among the axes, strangers at about 0 with a spread of .1.
JOINED_FROM: Final = 0.22
NAMED_BY: Final = 4


@dataclass(frozen=True, slots=True)
class Interest:
    """Papers that belong together, the most typical first; the words that tell them apart; their share of all."""

    papers: tuple[int, ...]
    words: tuple[str, ...]
    share: float


def interests(
    papers: Sequence[int],
    weights: FloatArray,
    places: FloatArray,
    words: Words,
    common: FloatArray,
    terms: Sequence[str],
) -> tuple[Interest, ...]:
    """Group liked papers, the largest group first.

    weights (n,): how much each counts. places (n, axes): rows of length 1. words: their words; common (terms,): the
    mean weight of each term in ordinary papers.
    """
    groups = _groups(places)
    total = float(weights.sum()) or 1.0
    found = []
    for members in groups:
        centre = (weights[members, None] * places[members]).sum(axis=0)
        typical = sorted(members, key=lambda row: (-float(places[row] @ centre), papers[row]))
        name = telling(words.take(members), weights[members], common, terms)
        share = float(weights[members].sum()) / total
        found.append(Interest(tuple(papers[row] for row in typical), name, share))
    return tuple(sorted(found, key=lambda one: (-one.share, one.papers)))


def telling(words: Words, weights: FloatArray, common: FloatArray, terms: Sequence[str]) -> tuple[str, ...]:
    """Give the words by which a group of papers differs most from ordinary ones, no word twice."""
    if not len(words):
        return ()
    mean = words.sum(weights / max(float(weights.sum()), 1e-9), len(common)) - common
    chosen: list[str] = []
    for number in np.argsort(-mean, kind="stable")[: 12 * NAMED_BY].tolist():
        if mean[number] <= 0 or len(chosen) == NAMED_BY:
            break
        _choose(chosen, terms[number])
    return tuple(chosen)


def _choose(chosen: list[str], term: str) -> None:
    """Add a term, unless its words are there; a pair takes the place of its parts."""
    stems = _stems(term)
    for place, other in enumerate(chosen):
        if _stems(other) < stems:
            chosen[place] = term
            return
        if stems & _stems(other):
            return
    chosen.append(term)


def _stems(term: str) -> frozenset[str]:
    return frozenset(word.rstrip("s")[:7] for word in term.split())


def _groups(places: FloatArray) -> list[list[int]]:
    """Join the nearest groups by the mean cosine of their members until none are near (average linkage)."""
    groups: list[list[int]] = [[row] for row in range(len(places))]
    near: NDArray[np.float64] = (places @ places.T).astype(np.float64)
    np.fill_diagonal(near, -2)
    sizes = np.ones(len(places))
    while len(groups) > 1:
        one, other = divmod(int(near.argmax()), len(places))
        if near[one, other] < JOINED_FROM:
            break
        one, other = min(one, other), max(one, other)
        merged = (sizes[one] * near[one] + sizes[other] * near[other]) / (sizes[one] + sizes[other])
        near[one], near[:, one] = merged, merged
        near[other], near[:, other] = -2, -2
        near[one, one] = -2
        sizes[one] += sizes[other]
        groups[one] = groups[one] + groups[other]
        groups[other] = []
    return [sorted(group) for group in groups if group]
