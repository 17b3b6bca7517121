"""Support and heat against an oracle in decimal arithmetic, written from docs/ranking.md alone."""

from dataclasses import replace
from decimal import ROUND_FLOOR, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.ranking.hot import hot, lot
from broadsheet.ranking.rules import Rules
from broadsheet.ranking.support import Counts, in_steps, support

RULES = Rules()
PLAIN = replace(RULES, trending_prior=0.0, field_fairness=0.0, support_step=0.0)
AMOUNTS = st.floats(0, 10_000)
COUNTS = st.builds(Counts, AMOUNTS, AMOUNTS, st.integers(0, 100_000), st.integers(0, 1_000_000))
AGES = st.integers(0, 400)
MEANS = st.floats(0, 1000)


def oracle(counts: Counts, age: int, field_mean: float, overall_mean: float) -> Decimal:
    def constant(name: str) -> Decimal:
        return Decimal(getattr(RULES, name))

    with localcontext() as context:
        context.prec = 50
        found, small, whole = Decimal(counts.vote_weight), Decimal(field_mean), Decimal(overall_mean)
        found += constant("commenter_weight") * sorted([Decimal(counts.commenters), found])[0]
        step = sorted([constant("support_step"), constant("support_step_part") * whole])[0]
        if step:
            found = (found / step + Decimal("0.5")).to_integral_value(rounding=ROUND_FLOOR) * step
        found += constant("outside_vote_weight") * counts.outside_votes
        found += constant("star_weight") * Decimal(counts.stars + 1).log10()
        prior, damping = constant("trending_prior"), constant("field_damping")
        found = (found + prior * small) / (prior + 1)
        found *= (constant("field_fairness") * ((whole + damping).ln() - (small + damping).ln())).exp()
        return (found + 1).log10() - age / constant("trending_editions_per_tenfold")


@given(COUNTS, AGES, MEANS, st.sampled_from([0.0, 0.5, 4.0, 250.0]))
def test_the_score_is_the_oracles(counts: Counts, age: int, field_mean: float, overall_mean: float) -> None:
    terms = hot(counts, age, field_mean, overall_mean, RULES)
    step = min(RULES.support_step, RULES.support_step_part * overall_mean)
    # At the edge of a step the two arithmetics may fall on different sides of it.
    part = (terms.support.own + terms.support.talk) / step % 1 if step else 0.0
    if abs(part - 0.5) > 1e-6:
        assert terms.score == pytest.approx(float(oracle(counts, age, field_mean, overall_mean)), abs=1e-9)


def test_a_paper_worked_by_hand() -> None:
    # 6 votes; of 9 who comment 6 count, half each: 3; 5 votes elsewhere: 1; 99 stars: 0.5 log 100 = 1. Together 11.
    counts = Counts(vote_weight=6, commenters=9, outside_votes=5, stars=99)
    terms = hot(counts, age=6, field_mean=2.0, overall_mean=11.0, rules=RULES)
    assert (terms.support.own, terms.support.talk, terms.support.outside, terms.support.code) == (6, 3, 1, 1)
    # (11 + 0.5 x 2) / 1.5 = 8; a field of mean 2 among 11 is lifted by the root of 12 / 3, so twice: 16; log 17 - 2.
    assert (terms.counted, terms.drawn, terms.lift, terms.lifted) == pytest.approx((11, 8, 2, 16))
    assert terms.score == pytest.approx(1.2304489214 - 2)
    assert terms.to_json()["own"] == 6
    assert terms.to_json()["support"] == 11


def test_an_unknown_paper_of_an_empty_site_scores_nothing() -> None:
    assert hot(Counts(0, 0, 0, 0), 0, 0.0, 0.0, RULES).score == 0


@pytest.mark.parametrize("name", ["vote_weight", "commenters", "outside_votes", "stars"])
def test_more_of_any_count_never_ranks_lower(name: str) -> None:
    @given(COUNTS, st.integers(0, 1000), AGES, MEANS, MEANS)
    def holds(counts: Counts, added: int, age: int, field_mean: float, overall_mean: float) -> None:
        more = replace(counts, **{name: getattr(counts, name) + added})
        before = hot(counts, age, field_mean, overall_mean, RULES)
        after = hot(more, age, field_mean, overall_mean, RULES)
        assert after.score >= before.score
        assert after.support.total >= before.support.total

    holds()


@given(COUNTS, AGES, st.integers(0, 100), MEANS, MEANS)
def test_age_takes_off_the_same_from_every_paper(
    counts: Counts, age: int, days: int, field_mean: float, overall_mean: float
) -> None:
    younger = hot(counts, age, field_mean, overall_mean, RULES).score
    older = hot(counts, age + days, field_mean, overall_mean, RULES).score
    assert younger - older == pytest.approx(days / 3)


@given(st.integers(0, 100_000), AGES)
def test_tenfold_support_makes_good_the_age_it_should(votes: int, age: int) -> None:
    older = hot(Counts(10 * votes + 9, 0, 0, 0), age + 3, 0, 0, PLAIN)
    assert older.score == pytest.approx(hot(Counts(votes, 0, 0, 0), age, 0, 0, PLAIN).score)


@given(COUNTS, MEANS, MEANS, MEANS)
def test_a_smaller_field_is_lifted_more(counts: Counts, one: float, other: float, overall: float) -> None:
    small, large = sorted((one, other))
    assert hot(counts, 0, small, overall, RULES).lift >= hot(counts, 0, large, overall, RULES).lift


def test_an_empty_field_is_not_lifted_without_bound() -> None:
    assert hot(Counts(1, 0, 0, 0), 0, 0.0, 8.0, RULES).lift == pytest.approx(3)


def test_a_single_vote_moves_a_paper_less_in_a_field_of_many() -> None:
    def gain(mean: float) -> float:
        return hot(Counts(1, 0, 0, 0), 0, mean, 10, RULES).score - hot(Counts(0, 0, 0, 0), 0, mean, 10, RULES).score

    assert gain(50) < gain(0)


def test_a_date_in_the_future_and_counts_below_nothing_gain_nothing() -> None:
    assert hot(Counts(-5, -1, -9, -3), -9, -2, -1, RULES) == hot(Counts(0, 0, 0, 0), 0, 0, 0, RULES)


def test_talk_lifts_no_paper_beyond_its_votes() -> None:
    assert support(Counts(2, 500, 0, 0), RULES).total == 3
    assert support(Counts(0, 500, 0, 0), RULES).total == 0


@pytest.mark.parametrize(
    ("total", "mean", "stepped"), [(2.1, 4, 2.0), (2.13, 4, 2.25), (0.021, 0.1, 0.02), (7.3, 0, 7.3)]
)
def test_support_is_counted_in_steps_that_suit_the_site(total: float, mean: float, stepped: float) -> None:
    assert in_steps(support(Counts(total, 0, 0, 0), RULES), mean, RULES) == pytest.approx(stepped)


def test_a_list_of_votes_counted_elsewhere_keeps_its_order() -> None:
    seven, eight = (support(Counts(0, 0, votes, 0), RULES) for votes in (7, 8))
    assert in_steps(seven, 20, RULES) < in_steps(eight, 20, RULES)


def test_papers_nearer_than_a_step_are_left_to_the_lot() -> None:
    two, hardly_more = Counts(2, 0, 0, 0), Counts(2.1, 0, 0, 0)
    assert hot(two, 1, 3, 5, RULES).score == hot(hardly_more, 1, 3, 5, RULES).score


def test_lots_differ_between_editions_and_stay_within_one() -> None:
    keys = [f"2611.{number:05}" for number in range(50)]
    monday = sorted(keys, key=lambda key: lot(key, "2026-11-16"))
    assert monday == sorted(keys, key=lambda key: lot(key, "2026-11-16"))
    assert monday != sorted(keys, key=lambda key: lot(key, "2026-11-17"))
