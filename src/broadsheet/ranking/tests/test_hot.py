import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.ranking.hot import hot, lot

COUNTS = st.integers(0, 100_000)
AGES = st.integers(0, 400)


def test_the_terms_are_the_formula_worked_by_hand() -> None:
    terms = hot(votes=17, age=6, category_mean=1.0, prior=3.0, editions_per_tenfold=3.0)
    assert terms.drawn_votes == (17 + 3 * 1) / 4
    assert terms.score == pytest.approx(math.log10(6) - 2)


@given(COUNTS, AGES)
def test_tenfold_votes_make_good_the_age_they_should(votes: int, age: int) -> None:
    older = hot(10 * votes + 9, age + 3, 0, 0, 3)
    assert older.score == pytest.approx(hot(votes, age, 0, 0, 3).score)


@given(COUNTS, COUNTS, AGES)
def test_more_votes_never_rank_lower_at_one_age(one: int, other: int, age: int) -> None:
    low, high = sorted((one, other))
    assert hot(low, age, 4, 3, 3).score <= hot(high, age, 4, 3, 3).score


def test_a_single_vote_moves_a_paper_less_in_a_field_of_many_votes() -> None:
    def gain(mean: float) -> float:
        return hot(1, 0, mean, 3, 3).score - hot(0, 0, mean, 3, 3).score

    assert gain(50) < gain(0)


def test_a_date_in_the_future_and_negative_votes_gain_nothing() -> None:
    assert hot(-5, -9, 0, 3, 3) == hot(0, 0, 0, 3, 3)


def test_lots_differ_between_editions_and_stay_within_one() -> None:
    keys = [f"2611.{number:05}" for number in range(50)]
    monday = sorted(keys, key=lambda key: lot(key, "2026-11-16"))
    assert monday == sorted(keys, key=lambda key: lot(key, "2026-11-16"))
    assert monday != sorted(keys, key=lambda key: lot(key, "2026-11-17"))
