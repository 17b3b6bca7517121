"""Two lists of one search made into one, over the whole result: never inside a part of it."""

from collections.abc import Mapping, Sequence

DEPTH = 200


def min_max(scores: Mapping[int, float]) -> dict[int, float]:
    """Stretch scores to 0..1 over the list; one score alone becomes 1."""
    if not scores:
        return {}
    low, high = min(scores.values()), max(scores.values())
    if high == low:
        return dict.fromkeys(scores, 1.0)
    return {paper: (score - low) / (high - low) for paper, score in scores.items()}


def fused(lists: Sequence[Mapping[int, float]], weights: Sequence[float]) -> list[tuple[int, float]]:
    """Give (paper, score) best first, score = sum of weight x score, of lists that are min-max scores already.

    A paper missing in a list counts 0 there.
    """
    totals: dict[int, float] = {}
    for scores, weight in zip(lists, weights, strict=True):
        for paper, score in scores.items():
            totals[paper] = totals.get(paper, 0.0) + weight * score
    return ordered(totals)


def ordered(scores: Mapping[int, float]) -> list[tuple[int, float]]:
    """Sort by falling score, then by paper, so that equal scores always come in one order."""
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))
