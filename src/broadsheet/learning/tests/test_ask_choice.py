import numpy as np

from broadsheet.learning.ask import choose, expected_gain
from broadsheet.learning.features import FloatArray


def groups(sizes: list[int], seed: int = 3) -> FloatArray:
    """Rows of length 1 around a few directions."""
    random = np.random.default_rng(seed)
    axes = np.linalg.qr(random.standard_normal((12, len(sizes))))[0].T
    rows = np.concatenate(
        [axis + 0.08 * random.standard_normal((size, 12)) for axis, size in zip(axes, sizes, strict=True)]
    )
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def test_without_a_like_each_question_is_of_another_group_and_the_largest_come_first() -> None:
    rows = groups([40, 20, 10, 5])
    group = np.repeat(np.arange(4), [40, 20, 10, 5])
    chosen = choose(None, rows, np.zeros(75, bool), 4)
    assert group[chosen].tolist() == [0, 1, 2, 3]


def test_what_was_asked_about_is_not_asked_again_nor_what_is_like_it() -> None:
    rows = groups([40, 20, 10, 5])
    group = np.repeat(np.arange(4), [40, 20, 10, 5])
    spoken = np.zeros(75, bool)
    spoken[0] = True
    chosen = choose(None, rows, spoken, 3)
    assert 0 not in chosen and group[chosen].tolist() == [1, 2, 3]


def test_with_a_like_most_questions_are_probable_ones_and_the_others_look_elsewhere() -> None:
    rows = groups([10, 40, 40])
    standing = np.where(np.arange(90) < 10, 3.0, 0.0).astype(np.float32)
    chosen = choose(standing, rows, np.zeros(90, bool), 5)
    assert sum(place < 10 for place in chosen[:3]) == 3 and len(set(chosen)) == 5


def test_where_much_is_liked_the_questions_are_spread_as_if_nothing_were_known() -> None:
    rows = groups([45, 25, 20])
    standing = np.where(np.arange(90) < 45, 3.0, 0.0).astype(np.float32)
    none = np.zeros(90, bool)
    assert choose(standing, rows, none, 5) == choose(None, rows, none, 5)


def test_no_more_is_asked_than_there_is() -> None:
    rows = groups([2, 2])
    assert sorted(choose(None, rows, np.zeros(4, bool), 9)) == [0, 1, 2, 3]
    assert choose(None, rows, np.ones(4, bool), 5) == []
    assert choose(None, np.zeros((0, 3), np.float32), np.zeros(0, bool), 5) == []
    standing = np.ones(4, np.float32)
    assert sorted(choose(standing, rows, np.zeros(4, bool), 9)) == [0, 1, 2, 3]


def test_a_curve_that_is_a_power_law_is_followed() -> None:
    sizes = [4, 7, 10]
    quality, gain = expected_gain(sizes, [0.9 - 0.3 / size for size in sizes], 12, 6)
    assert abs(quality - (0.9 - 0.3 / 12)) < 1e-9
    assert abs(gain - (0.3 / 12 - 0.3 / 18)) < 1e-9


def test_a_flat_or_falling_curve_promises_nothing_and_no_curve_more_than_there_is() -> None:
    quality, gain = expected_gain([4, 7, 10], [0.8, 0.8, 0.8], 12, 6)
    assert abs(quality - 0.8) < 1e-9 and gain == 0.0
    assert expected_gain([4, 7, 10], [0.9, 0.8, 0.7], 12, 6)[1] == 0.0
    quality, gain = expected_gain([2, 3, 4], [0.1, 0.6, 0.99], 5, 50)
    assert quality <= 1 and 0 <= gain <= 1 - quality
