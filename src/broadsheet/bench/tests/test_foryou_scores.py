"""The measures against slow oracles that try every pair and every order."""

from itertools import permutations

import numpy as np
import pytest

from broadsheet.bench.foryou_scores import METRICS, auc, figures_of, interval, measures, ndcg, pair_loss, recall

CASES = [np.random.default_rng(seed).integers(0, 4, (2, 7)).astype(float) for seed in range(30)]


def _pairs_wrong(scores: np.ndarray, grades: np.ndarray) -> float:
    found = [
        0.5 if scores[low] == scores[high] else float(scores[low] > scores[high])
        for low in range(len(grades))
        for high in range(len(grades))
        if grades[low] < grades[high]
    ]
    return sum(found) / len(found) if found else float("nan")


def _over_orders(scores: np.ndarray, value: np.ndarray, cut: int, discount: bool) -> float:
    """The mean over all orders that the scores allow."""
    sums = [
        sum(value[row] / (np.log2(rank + 2) if discount else 1) for rank, row in enumerate(order[:cut]))
        for order in permutations(range(len(scores)))
        if all(scores[one] >= scores[other] for one, other in zip(order, order[1:], strict=False))
    ]
    return float(np.mean(sums))


@pytest.mark.parametrize("case", CASES)
def test_pairs_are_counted_as_a_slow_reader_counts_them(case: np.ndarray) -> None:
    scores, grades = case
    assert pair_loss(scores, grades) == pytest.approx(_pairs_wrong(scores, grades), nan_ok=True)
    wanted = (grades > (0 if (grades <= 0).any() else grades.min())).astype(float)
    assert auc(scores, grades) == pytest.approx(1 - _pairs_wrong(scores, wanted), nan_ok=True)


@pytest.mark.parametrize("case", CASES[:12])
def test_ties_stand_in_every_order(case: np.ndarray) -> None:
    scores, grades = case
    wanted = (grades > (0 if (grades <= 0).any() else grades.min())).astype(float)
    assert recall(scores, grades, 3) == pytest.approx(_over_orders(scores, wanted, 3, False) / wanted.sum())
    gains = 2**grades - 1
    ideal = _over_orders(gains, gains, 4, True)
    assert ndcg(scores, grades, 4) == pytest.approx(_over_orders(scores, gains, 4, True) / ideal)


@pytest.mark.parametrize("seed", range(5))
def test_scikit_learn_finds_the_same(seed: int) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    draw = np.random.default_rng(seed)
    scores, grades = draw.integers(0, 30, 200).astype(float), draw.integers(0, 4, 200).astype(float)
    assert auc(scores, grades) == pytest.approx(metrics.roc_auc_score(grades > 0, scores))
    gains = 2**grades - 1
    assert ndcg(scores, grades, 20) == pytest.approx(metrics.ndcg_score([gains], [scores], k=20))


def test_a_perfect_order_and_its_opposite() -> None:
    grades = np.array([3.0, 2, 1, 0, 0])
    found = dict(zip(METRICS, measures(grades, grades), strict=True))
    assert found == {"auc": 1, "recall50": 1, "ndcg20": 1, "pair_loss": 0}
    assert pair_loss(-grades, grades) == 1
    assert auc(np.zeros(5), grades) == 0.5


def test_grades_that_leave_nothing_to_tell_apart_have_no_value() -> None:
    scores = np.arange(3.0)
    assert np.isnan(measures(scores, np.zeros(3))).all()
    assert np.isnan(auc(scores, np.full(3, 2.0)))
    # Where no grade is 0 the lowest one is what is not wanted.
    assert auc(scores, np.array([1.0, 2, 5])) == 1
    # Where some are below 0 they gain nothing.
    assert ndcg(scores, np.array([-1.0, 0, 1]), 20) == 1


def test_an_interval_holds_the_mean_and_narrows_with_readers() -> None:
    draw = np.random.default_rng(2)
    few, many = draw.normal(5, 1, 20), draw.normal(5, 1, 2000)
    mean, low, high = interval(many)
    assert mean == pytest.approx(many.mean())
    assert interval(many) == (mean, low, high)
    # The interval of a mean of normal values is close to 1.96 standard errors on each side.
    assert high - low == pytest.approx(2 * 1.96 * many.std() / np.sqrt(2000), rel=0.1)
    assert interval(few)[2] - interval(few)[1] > 5 * (high - low)


def test_readers_without_a_value_are_left_out() -> None:
    values = np.array([[0.5, np.nan, 1, 0], [0.7, np.nan, np.nan, 0]])
    found = figures_of("svm.10", values)
    assert found["svm.10.auc"] == pytest.approx(0.6)
    assert found["svm.10.ndcg20"] == found["svm.10.ndcg20_lo"] == 1
    assert not any("recall50" in key for key in found)
    with pytest.raises(ValueError, match="no reader"):
        interval(np.array([np.nan]))


def test_scores_that_rounding_alone_tells_apart_are_the_same() -> None:
    scores = np.array([0.3, 0.3 + 3e-8, 0.3 - 3e-8, 0.1])
    assert measures(scores, np.array([0.0, 1, 0, 0]))[0] == pytest.approx(2 / 3)
