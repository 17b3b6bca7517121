"""What a reader's likes say of each other: whether one is a slip, and how high a score promises what."""

from typing import Final

import numpy as np

from broadsheet.learning.gaussian import Array, Fit

# How many likes are slips before anything is known of them. Three likes say too little of each other to doubt one of
# them, six are enough.
SLIPS: Final = 0.25
DOUBTED_FROM: Final = 3
DOUBTED_BY: Final = 6
LEAST_TRUST: Final = 0.03
# Of the papers shown to a reader, the part they would save where nothing is known yet.
BASE_RATE: Final = 0.03
# What likes and ordinary papers may score besides, so that two likes do not promise too much and no score is certain.
USUAL_LIKES: Final = (-0.7, -0.4, -0.1)
USUAL_STRANGERS: Final = (-0.5, 0.0)
STEPS: Final = 12


def believed(likes: Array, ordinary: Array, number: int) -> Array:
    """Give how far to trust each like, up to 1: the chance that it is no slip, by Bayes' rule.

    likes, ordinary: scores of likes and of ordinary papers, each as it would be without that paper. A slip scores as
    ordinary papers do, a true like as most likes do; both are taken for Gaussians of one variance. Where the likes are
    as scattered as ordinary papers nothing can be told apart, and all are believed.
    """
    if not len(likes):
        return likes
    below, spread = float(ordinary.mean()), float(ordinary.std()) + 1e-6
    above = max(float(np.median(likes)), below + spread / 2)
    scatter = 1.48 * float(np.median(np.abs(likes - above)))
    variance = (spread**2 + max(spread, scatter) ** 2) / 2
    # What scores better than most likes is no surer than they are.
    ahead = ((np.minimum(likes, above) - below) ** 2 - (np.minimum(likes, above) - above) ** 2) / (2 * variance)
    odds = np.log((1 - SLIPS) / SLIPS)
    chance = (1 + np.exp(-odds - (above - below) ** 2 / (2 * variance))) / (1 + np.exp(-odds - ahead))
    share = np.clip((number - DOUBTED_FROM) / (DOUBTED_BY - DOUBTED_FROM), 0, 1)
    return np.asarray(np.maximum(1 - share * (1 - chance), LEAST_TRUST))


def calibrated(found: Fit, targets: Array, trust: Array) -> tuple[float, float]:
    """Give slope and offset of the log-odds of saving.

    Platt 1999: a logistic regression of likes against ordinary papers on the score that each has when it is left out,
    by Newton's method. All likes together weigh as much as papers that are saved among papers that are shown.
    """
    likes = targets > 0
    scores = np.concatenate([found.left_out[likes], USUAL_LIKES, found.ordinary, USUAL_STRANGERS])
    saved = np.concatenate([trust[likes], np.ones(len(USUAL_LIKES))])
    others = len(scores) - len(saved)
    saved *= others * BASE_RATE / (1 - BASE_RATE) / saved.sum()
    weight = np.concatenate([saved, np.ones(others)])
    wanted = np.arange(len(scores)) < len(saved)
    columns = np.column_stack([scores, np.ones(len(scores))])
    fitted = np.array([4.0, 0.0])
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-np.clip(columns @ fitted, -30, 30)))
        curve = columns.T @ (columns * (weight * chance * (1 - chance))[:, None]) + 1e-6 * np.eye(2)
        step = np.linalg.solve(curve, columns.T @ (weight * (wanted - chance)))
        fitted += np.clip(step, -3, 3)
    # A higher score never promises less.
    return max(float(fitted[0]), 0.1), float(fitted[1])
