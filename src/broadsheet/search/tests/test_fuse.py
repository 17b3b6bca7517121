"""Fusing two lists."""

import pytest

from broadsheet.search.fuse import fused, min_max


def test_min_max_stretches_to_nought_and_one() -> None:
    assert min_max({1: 2.0, 2: 4.0, 3: 3.0}) == {1: 0.0, 2: 1.0, 3: 0.5}
    assert min_max({7: 5.0}) == {7: 1.0}
    assert min_max({}) == {}


def test_a_paper_high_in_both_lists_comes_before_one_high_in_either() -> None:
    words = {1: 10.0, 2: 9.0, 3: 0.0}
    meaning = {4: 1.0, 2: 0.9, 5: 0.0}
    assert [paper for paper, _ in fused([min_max(words), min_max(meaning)], [0.5, 0.5])][0] == 2


def test_weighted_scores_add_up() -> None:
    assert dict(fused([{1: 1.0, 2: 0.4}, {2: 0.8}], [0.25, 0.75])) == pytest.approx({1: 0.25, 2: 0.7})


def test_equal_scores_come_by_paper() -> None:
    assert [paper for paper, _ in fused([{9: 1.0}, {3: 1.0}], [0.5, 0.5])] == [3, 9]
