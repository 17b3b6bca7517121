"""The process of the profile against the textbook: one inverse of the whole kernel."""

import numpy as np
import pytest

from broadsheet.learning.gaussian import Array, Fit, Landmarks, Process


def kernel(seed: int, n: int, m: int, q: int) -> tuple[Array, int, int]:
    """A kernel among n examples, m landmarks and q further points."""
    points = np.random.default_rng(seed).standard_normal((n + m + q, 7))
    apart = ((points[:, None] - points[None]) ** 2).sum(axis=2)
    return np.exp(-apart / 6) + 0.5, n, n + m


def fitted(seed: int, n: int = 9, m: int = 30, q: int = 5) -> tuple[Fit, Array, Array, Array]:
    """A process, the whole kernel, the targets and the variances."""
    random = np.random.default_rng(seed + 100)
    whole, first, last = kernel(seed, n, m, q)
    targets, variances = random.choice([-1.0, 1.0, 2.0], n), random.uniform(0.1, 3, n)
    landmarks = Landmarks.of(whole[first:last, first:last])
    found = Process(whole[:first, :first], whole[:first, first:last], landmarks, 4.0, -1.0).fit(targets, variances)
    return found, whole, np.concatenate([targets, np.full(m, -1.0)]), np.concatenate([variances, np.full(m, 4.0)])


def mean(whole: Array, targets: Array, variances: Array, used: list[int], at: list[int]) -> Array:
    """The mean at some points as the textbook has it, (Rasmussen and Williams 2006, equation 2.25)."""
    chosen = np.ix_(used, used)
    inverse = np.linalg.inv(whole[chosen] + np.diag(variances[used]))
    return np.asarray(whole[np.ix_(at, used)] @ inverse @ targets[used])


@pytest.mark.parametrize("seed", range(5))
def test_the_mean_is_that_of_one_inverse_of_the_whole_kernel(seed: int) -> None:
    found, whole, targets, variances = fitted(seed)
    used, at = list(range(39)), list(range(39, 44))
    dense = mean(whole, targets, variances, used, at)
    fast = whole[39:, :9] @ found.examples + whole[39:, 9:39] @ found.landmarks
    np.testing.assert_allclose(fast, dense, atol=1e-6)
    inverse = np.linalg.inv(whole[:39, :39] + np.diag(variances))
    np.testing.assert_allclose(found.inverse, inverse[:9, :9], atol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_what_each_example_and_landmark_would_have_had_is_what_it_has_when_it_is_really_left_out(seed: int) -> None:
    found, whole, targets, variances = fitted(seed)
    for place in range(39):
        others = [other for other in range(39) if other != place]
        alone = mean(whole, targets, variances, others, [place])[0]
        told = found.left_out[place] if place < 9 else found.ordinary[place - 9]
        assert told == pytest.approx(alone, abs=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_what_is_owed_to_an_example_is_what_the_mean_loses_without_it(seed: int) -> None:
    found, whole, targets, variances = fitted(seed)
    used, at = list(range(39)), list(range(39, 44))
    before = mean(whole, targets, variances, used, at)
    owed = found.owed(whole[39:, :9], whole[39:, 9:39])
    for place in range(9):
        after = mean(whole, targets, variances, [other for other in used if other != place], at)
        np.testing.assert_allclose(owed[:, place], before - after, atol=1e-6)


def test_one_example_alone_is_fitted_too() -> None:
    found, whole, targets, variances = fitted(1, n=1, m=3, q=2)
    dense = mean(whole, targets, variances, [0, 1, 2, 3], [4, 5])
    np.testing.assert_allclose(whole[4:, :1] @ found.examples + whole[4:, 1:4] @ found.landmarks, dense, atol=1e-6)


def test_landmarks_that_are_all_alike_do_no_harm() -> None:
    landmarks = Landmarks.of(np.ones((6, 6)))
    found = Process(np.eye(2), np.zeros((2, 6)), landmarks, 2.0, -1.0).fit(np.array([1.0, -1.0]), np.full(2, 0.5))
    assert np.isfinite(found.examples).all() and np.isfinite(found.ordinary).all()
    np.testing.assert_allclose(found.examples, [1 / 1.5, -1 / 1.5])
