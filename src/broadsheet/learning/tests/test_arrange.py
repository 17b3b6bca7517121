"""A reader's list: what its knobs mean, what its terms add up to, and that it is the list that a slow search finds."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadsheet.learning.arrange import ARMS, TERMS, Candidates, Knobs, Pick, arrange
from broadsheet.lib.tests.quick import within

EVERY_ARM = dict.fromkeys(ARMS, 1.0)


def candidates(
    probability: Sequence[float],
    votes: Sequence[float] | None = None,
    age: Sequence[float] | None = None,
    story: Sequence[int] | None = None,
    vectors: np.ndarray | None = None,
    seen: Sequence[bool] | None = None,
) -> Candidates:
    count = len(probability)
    chance = np.array(probability, np.float64)
    return Candidates(
        numbers=np.arange(100, 100 + count),
        probability=chance,
        points=chance * 10,
        votes=np.array(votes if votes is not None else np.zeros(count), np.float64),
        age=np.array(age if age is not None else np.zeros(count), np.float64),
        story=np.array(story if story is not None else np.arange(count), np.int32),
        vectors=np.zeros((count, 0), np.float32) if vectors is None else vectors.astype(np.float32),
        seen=np.array(seen if seen is not None else np.zeros(count), np.bool_),
    )


def a_day(count: int, seed: int, dim: int = 12) -> Candidates:
    draw = np.random.default_rng(seed)
    vectors = draw.normal(size=(5, dim))[draw.integers(5, size=count)] + 0.7 * draw.normal(size=(count, dim))
    vectors[draw.random(count) < 0.1] = 0
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    day = candidates(
        draw.beta(1, 4, count).tolist(),
        draw.poisson(draw.gamma(0.5, 6, count)).tolist(),
        draw.integers(9, size=count).tolist(),
        np.where(draw.random(count) < 0.2, draw.integers(1 + count // 4, size=count), np.arange(count)).tolist(),
        vectors,
        (draw.random(count) < 0.1).tolist(),
    )
    return replace(day, points=np.round(day.points, 1))


def listed(day: Candidates, knobs: Knobs, arms: dict[str, float] | None = None, seed: int = 0) -> tuple[Pick, ...]:
    return arrange(day, knobs, arms=arms or {}, seed=seed)


def places(picks: Sequence[Pick]) -> list[int]:
    return [pick.place for pick in picks]


days = st.builds(a_day, st.integers(0, 90), st.integers(0, 10_000))
some_knobs = st.builds(
    Knobs,
    mine=st.floats(0, 1),
    width=st.floats(0, 1),
    days=st.integers(1, 12),
    length=st.integers(0, 40),
    explore=st.floats(0, 1),
)
some_arms = st.dictionaries(st.sampled_from(sorted(ARMS)), st.floats(0, 5))


@given(days, some_knobs, some_arms, st.integers(0, 2**32))
@settings(deadline=None, max_examples=60)
def test_every_list_keeps_its_promises(day: Candidates, knobs: Knobs, arms: dict[str, float], seed: int) -> None:
    picks = arrange(day, knobs, arms=arms, seed=seed)
    known = set(day.story[day.seen].tolist())
    able = [row for row in range(len(day)) if day.age[row] < knobs.days and day.story[row] not in known]
    assert len(picks) == min(knobs.length, len({int(day.story[row]) for row in able}))
    assert len({int(day.story[pick.place]) for pick in picks}) == len(picks)
    assert all(pick.place in able and pick.number == day.numbers[pick.place] for pick in picks)
    scores = [pick.score for pick in picks if not pick.arm]
    assert scores == sorted(scores, reverse=True)
    assert not any(pick.arm for pick in picks[:3])
    assert all(arms.get(pick.arm, 0) > 0 for pick in picks if pick.arm)
    for pick in picks:
        folded = {int(day.numbers[row]) for row in able if day.story[row] == day.story[pick.place]}
        assert {pick.number, *pick.also} == folded
        assert pick.terms["variety"] <= 0 and pick.terms["freshness"] <= 0
    assert picks == arrange(day, knobs, arms=arms, seed=seed)


@given(days, some_knobs, st.integers(0, 99))
@settings(deadline=None, max_examples=25)
def test_terms_add_up_to_the_score_exactly_in_any_order(day: Candidates, knobs: Knobs, seed: int) -> None:
    for pick in arrange(day, knobs, arms=EVERY_ARM, seed=seed)[:8]:
        assert tuple(pick.terms) == TERMS
        for order in permutations(pick.terms.values()):
            assert sum(order) == pick.score


@given(days, some_knobs, st.integers(0, 99))
@settings(deadline=None, max_examples=25)
def test_the_order_in_which_candidates_come_does_not_matter(day: Candidates, knobs: Knobs, seed: int) -> None:
    turned = np.random.default_rng(seed).permutation(len(day))
    fields = {name: getattr(day, name)[turned] for name in Candidates.__slots__}
    one, other = (arrange(given_day, knobs, arms=EVERY_ARM, seed=seed) for given_day in (day, Candidates(**fields)))
    assert [(pick.number, pick.arm, pick.also) for pick in one] == [
        (pick.number, pick.arm, pick.also) for pick in other
    ]
    assert [pick.score for pick in one] == pytest.approx([pick.score for pick in other], abs=1e-4)


@given(days, some_knobs, st.integers(0, 99))
@settings(deadline=None, max_examples=25)
def test_exploration_moves_papers_down_and_changes_neither_order_nor_score(
    day: Candidates, knobs: Knobs, seed: int
) -> None:
    plain = listed(day, knobs)
    scored = [pick for pick in arrange(day, knobs, arms={"chance": 1.0}, seed=seed) if not pick.arm]
    assert scored == list(plain[: len(scored)])


def oracle(day: Candidates, knobs: Knobs) -> list[tuple[int, float]]:
    """Compute the definition paper by paper, for lists without exploration and days no larger than the sample."""
    count = len(day)
    mean = sum(day.votes) / count
    variance = sum((votes - mean) ** 2 for votes in day.votes) / count
    shape = 100.0 if variance <= mean else min(max(mean * mean / (variance - mean), 1.0), 100.0)

    def base(row: int) -> float:
        odds = math.log(day.probability[row] / (1 - day.probability[row]))
        votes = math.log((day.votes[row] + shape) / (mean + shape))
        freshness = -math.log(2) * day.age[row] / max(1, knobs.days / 2)
        return float(knobs.mine * odds + (1 - knobs.mine) * votes + freshness)

    known = {day.story[row] for row in range(count) if day.seen[row]}
    best: dict[int, int] = {}
    for row in range(count):
        if day.age[row] < knobs.days and day.story[row] not in known:
            now = best.setdefault(day.story[row], row)
            best[day.story[row]] = max(now, row, key=lambda one: (round(base(one), 6), day.points[one], day.votes[one]))
    rows = list(best.values())

    def cosine(one: int, other: int) -> float:
        return float(day.vectors[one].astype(float) @ day.vectors[other].astype(float))

    real = [row for row in rows if day.vectors[row].any()]
    cosines = sorted(cosine(one, other) for place, one in enumerate(real) for other in real[:place])
    if len(real) >= 3:
        middle = cosines[len(cosines) // 2]
        span = max(cosines[int(0.99 * len(cosines))] - middle, 0.05)
    else:
        middle, span = 1.0, 1.0
    chosen: list[tuple[int, float]] = []
    while rows and len(chosen) < knobs.length:

        def score(row: int) -> float:
            near = sum(min(max((cosine(row, above) - middle) / span, 0), 1) for above, _ in chosen)
            return base(row) - 2 * knobs.width * math.log(1 + near)

        row = max(
            rows, key=lambda one: (round(score(one), 6), round(base(one), 6), day.points[one], day.votes[one], -one)
        )
        chosen.append((row, score(row)))
        rows.remove(row)
    return chosen


@pytest.mark.parametrize("seed", range(12))
def test_the_list_is_the_one_that_the_definition_gives_paper_by_paper(seed: int) -> None:
    day = a_day(60, seed)
    knobs = Knobs(mine=0.1 * seed % 1, width=0.3 * seed % 1, days=5 + seed % 4, length=25)
    picks, wanted = listed(day, knobs), oracle(day, knobs)
    assert [pick.score for pick in picks] == pytest.approx([score for _, score in wanted], abs=1e-4)
    assert places(picks) == [row for row, _ in wanted]


def test_at_one_end_the_list_is_by_votes_and_at_the_other_by_what_is_mine() -> None:
    day = candidates([0.1, 0.9, 0.5, 0.2], votes=[3, 0, 40, 7])
    assert places(listed(day, Knobs(mine=0, width=0))) == [2, 3, 0, 1]
    assert places(listed(day, Knobs(mine=1, width=0))) == [1, 2, 3, 0]
    assert all(pick.terms["relevance"] == 0 for pick in listed(day, Knobs(mine=0)))
    assert all(pick.terms["votes"] == 0 for pick in listed(day, Knobs(mine=1)))


def test_without_width_likeness_costs_nothing_and_with_it_the_second_interest_comes_up() -> None:
    strong, weak = np.eye(8)[0], np.eye(8)[1]
    draw = np.random.default_rng(3)
    rows = np.array([strong] * 10 + [weak] * 10 + list(np.eye(8)[2:])) + 0.05 * draw.normal(size=(26, 8))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    day = candidates([0.6 - 0.001 * place for place in range(10)] + [0.4] * 10 + [0.01] * 6, vectors=rows)
    narrow = listed(day, Knobs(mine=1, width=0, length=10))
    assert places(narrow) == list(range(10))
    assert all(pick.terms["variety"] == 0 for pick in narrow)
    wide = places(listed(day, Knobs(mine=1, width=0.5, length=10)))
    # d'Hondt: odds of 3:2 against 2:3 share ten places 7 to 3.
    assert sum(place < 10 for place in wide) in (6, 7)
    assert sum(10 <= place < 20 for place in wide) in (3, 4)


def test_odds_halve_with_every_half_of_the_window_and_what_is_older_than_it_stays_out() -> None:
    day = candidates([0.5] * 5, age=[0, 2, 4, 7.9, 8])
    picks = listed(day, Knobs(mine=1, width=0, days=8))
    assert [pick.place for pick in picks] == [0, 1, 2, 3]
    assert picks[2].score == pytest.approx(-math.log(2), abs=1e-5)


def test_votes_that_differ_by_chance_alone_weigh_less_than_votes_that_tell_papers_apart() -> None:
    by_chance = listed(candidates([0.5] * 6, votes=[0, 1, 0, 1, 0, 1]), Knobs(mine=0))
    telling = listed(candidates([0.5] * 6, votes=[0, 1, 0, 0, 0, 60]), Knobs(mine=0))

    def gap(picks: Sequence[Pick]) -> float:
        by_place = {pick.place: pick.score for pick in picks}
        return by_place[1] - by_place[0]

    assert 0 < gap(by_chance) < 0.02
    assert gap(telling) == pytest.approx(math.log(2), abs=1e-5)


def test_a_near_duplicate_of_something_seen_is_left_out_and_the_others_fold_under_the_best() -> None:
    day = candidates([0.2, 0.6, 0.4, 0.9, 0.3], story=[0, 0, 0, 3, 3], seen=[False, False, False, False, True])
    (pick,) = listed(day, Knobs())
    assert (pick.place, pick.also) == (1, (102, 100))


def test_points_decide_where_probabilities_are_equal() -> None:
    day = replace(candidates([1.0, 1.0, 0.0, 0.0]), points=np.array([5.0, 6.0, -3.0, -2.0]))
    assert places(listed(day, Knobs())) == [1, 0, 3, 2]


@pytest.mark.parametrize(
    ("length", "share", "count"), [(4, 0.1, 0), (5, 0.1, 1), (50, 0.1, 5), (50, 0.0, 0), (9, 1, 6)]
)
def test_about_every_tenth_place_is_exploration_and_never_one_of_the_first_three(
    length: int, share: float, count: int
) -> None:
    day = candidates([0.3] * 100)
    for seed in range(20):
        picks = listed(day, Knobs(length=length, explore=share), {"chance": 1.0}, seed)
        explored = [place for place, pick in enumerate(picks) if pick.arm]
        assert len(explored) == count and min(explored, default=3) >= 3


def test_each_arm_takes_what_it_is_named_for() -> None:
    # Ten papers of the reader's interest fill the list but for one place.
    vectors = np.vstack([np.tile(np.eye(4)[0], (10, 1)), np.eye(4)[1:2], -np.eye(4)[:1], np.tile(np.eye(4)[2], (8, 1))])
    probability = [0.9 + 0.001 * place for place in range(10)] + [0.45] + [0.01] * 9
    votes = [5] * 10 + [1, 20, 0, 0, 90, 0, 0, 0, 0, 0]
    day = candidates(probability, votes, vectors=vectors)
    knobs = Knobs(mine=1, width=0, length=10)

    def filled(arm: str, given_day: Candidates = day) -> list[int]:
        return [pick.place for pick in listed(given_day, knobs, {arm: 1.0}) if pick.arm == arm]

    assert filled("near") == [10]
    assert filled("loved") == [14]
    assert filled("far") == [11]
    assert len(filled("chance")) == 1
    # What cannot be told leaves its place to the next paper by score.
    silent = replace(day, votes=np.zeros(20), vectors=np.zeros((20, 0), np.float32))
    assert filled("loved", silent) == filled("far", silent) == []
    assert len(listed(silent, knobs, {"loved": 1.0})) == 10


def test_arms_are_drawn_by_their_weights() -> None:
    day = candidates([0.3] * 300, votes=[1] * 300)
    picks = [
        pick for seed in range(60) for pick in listed(day, Knobs(), {"chance": 3.0, "near": 1.0}, seed) if pick.arm
    ]
    share = sum(pick.arm == "chance" for pick in picks) / len(picks)
    assert len(picks) == 300 and 0.68 < share < 0.82


def test_chance_gives_every_paper_the_same_chance() -> None:
    day = candidates([0.9] * 4 + [0.1] * 10)
    knobs = Knobs(length=5)
    drawn = [pick.place for seed in range(500) for pick in listed(day, knobs, {"chance": 1.0}, seed) if pick.arm]
    assert np.bincount(drawn, minlength=14)[4:].min() > 25


def test_nonsense_is_refused() -> None:
    day = candidates([0.3, 0.4])
    with pytest.raises(ValueError, match="no such arm: far-off"):
        listed(day, Knobs(), {"far-off": 1.0})
    with pytest.raises(ValueError, match="weights"):
        listed(day, Knobs(), {"far": -1.0})
    with pytest.raises(ValueError, match="width"):
        Knobs(width=1.2)
    with pytest.raises(ValueError, match="days"):
        Knobs(days=0)
    with pytest.raises(ValueError, match="same number"):
        replace(day, votes=np.zeros(3))
    with pytest.raises(ValueError, match="not finite"):
        replace(day, points=np.array([1.0, np.nan]))
    with pytest.raises(ValueError, match="from 0 to 1"):
        replace(day, probability=np.array([1.0, 1.5]))


def test_a_day_of_a_thousand_papers_is_arranged_in_milliseconds() -> None:
    day = a_day(1000, 1, dim=384)
    # Measured 2.5 ms.
    with within(0.5):
        arrange(day, Knobs(), arms=EVERY_ARM, seed=1)
