"""Weights of arms from late outcomes: what counts when, and who plays better in simulations."""

import math
import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadsheet.learning import explore
from broadsheet.learning.arrange import ARMS
from broadsheet.learning.explore import (
    FLOOR,
    POOLED,
    WORLDS,
    Outcome,
    Rows,
    World,
    by_states,
    epsilon_greedy,
    exp3,
    greedy,
    simulate,
    uniform,
    waiting,
    weights,
)

TWO = ("far", "near")
outcomes = st.lists(
    st.builds(
        Outcome,
        st.sampled_from([*ARMS, "gone"]),
        st.sampled_from(["passed", "opened", "voted"]),
        st.floats(0, 400),
        st.booleans(),
    ),
    max_size=40,
)


def some(arm: str, state: str, days: float, rewarded: int, count: int) -> list[Outcome]:
    return [Outcome(arm, state, days, place < rewarded) for place in range(count)]


@given(outcomes, st.integers(0, 2**32), st.randoms())
@settings(deadline=None, max_examples=25)
def test_weights_add_up_leave_no_arm_out_and_do_not_depend_on_the_order_of_outcomes(
    given_outcomes: list[Outcome], seed: int, shuffler: random.Random
) -> None:
    found = weights(given_outcomes, seed=seed)
    assert tuple(found) == tuple(ARMS)
    assert math.isclose(sum(found.values()), 1)
    assert min(found.values()) >= FLOOR / len(ARMS) - 1e-12
    turned = list(given_outcomes)
    shuffler.shuffle(turned)
    assert weights(turned, seed=seed) == found


def test_without_outcomes_all_arms_weigh_about_the_same() -> None:
    assert all(0.15 < weight < 0.35 for weight in weights([], seed=1).values())


def test_the_arm_that_was_rewarded_more_gets_the_places() -> None:
    past = some("far", "opened", 10, 40, 100) + some("near", "opened", 10, 5, 100)
    found = weights(past, arms=TWO, seed=1)
    assert found["far"] == pytest.approx(1 - FLOOR / 2)


def test_one_failure_does_not_rule_an_arm_out() -> None:
    past = some("far", "opened", 10, 1, 4) + some("near", "opened", 10, 0, 1)
    assert weights(past, arms=TWO, seed=1)["near"] > 0.1


def test_a_reward_counts_when_its_delay_is_over_and_not_before() -> None:
    past = some("far", "opened", 10, 3, 30) + some("near", "opened", 10, 3, 30)
    early, late = (some("near", "opened", 6.9, rewarded, 20) for rewarded in (20, 0))
    assert weights(past + early, arms=TWO, seed=1) == weights(past + late, arms=TWO, seed=1)
    closed = [replace(outcome, days_since=7) for outcome in early]
    assert weights(past + closed, arms=TWO, seed=1)["near"] > 0.9


def test_an_open_outcome_counts_by_what_followed_from_its_state_elsewhere() -> None:
    told = [*some("far", "voted", 20, 18, 20), *some("far", "passed", 20, 2, 100)]
    told += [*some("near", "voted", 20, 18, 20), *some("near", "passed", 20, 2, 100)]
    opened = some("near", "voted", 1, 0, 30) + some("far", "passed", 1, 0, 30)
    assert weights(told + opened, arms=TWO, seed=1)["near"] > 0.95
    # The same where the state says nothing of the reward.
    silent = [replace(outcome, rewarded=place % 5 == 0) for place, outcome in enumerate(told)]
    assert weights(silent + opened, arms=TWO, seed=1)["near"] < 0.9


def test_what_is_long_past_is_outweighed() -> None:
    past = some("far", "opened", 400, 50, 100) + some("near", "opened", 400, 5, 100)
    now = some("far", "opened", 10, 3, 60) + some("near", "opened", 10, 15, 60)
    assert weights(past + now, arms=TWO, seed=1)["near"] > 0.9


def test_arms_are_needed() -> None:
    with pytest.raises(ValueError, match="no arm"):
        weights([], arms=(), seed=0)


def test_the_evidence_for_pooling_is_the_likelihood_reward_by_reward() -> None:
    won, lost = np.array([[3.0, 1.0], [0.0, 4.0]]), np.array([[2.0, 6.0], [5.0, 0.0]])
    others = np.array([[0.3, 0.2], [0.6, 0.5]])
    logs = np.zeros(len(POOLED))
    for place, row, column in product(range(len(POOLED)), range(2), range(2)):
        good, bad = POOLED[place] * others[row, column], POOLED[place] * (1 - others[row, column])
        for happened in [True] * int(won[row, column]) + [False] * int(lost[row, column]):
            logs[place] += math.log((good if happened else bad) / (good + bad))
            good, bad = good + happened, bad + (not happened)
    wanted = np.exp(logs) / np.exp(logs).sum()
    assert explore._evidence(won, lost, others) == pytest.approx(wanted)


def test_draws_have_the_means_of_their_distributions() -> None:
    draw = np.random.default_rng(5)
    reached = np.array([[30.0, 8.0, 2.0], [0.0, 0.0, 0.0]])
    pooled = (reached.sum(axis=0) + 1) / 43
    wanted = (reached + 2 * pooled) / (reached + 2 * pooled).sum(axis=1, keepdims=True)
    assert explore._shares(reached, 20_000, draw).mean(axis=0) == pytest.approx(wanted, abs=0.01)
    # With so many rewards of its own an arm's mean is its own.
    drawn = explore._rewards(np.array([[900.0], [10.0]]), np.array([[100.0], [990.0]]), 4000, draw).mean(axis=0)
    assert drawn.ravel() == pytest.approx([0.9, 0.01], abs=0.02)


def rows(arm: list[int], days: list[float], rewarded: list[int]) -> Rows:
    state = np.zeros(len(arm), np.intp)
    return Rows(TWO, ("",), np.array(arm, np.intp), state, np.array(days), np.array(rewarded, np.float64))


def test_baselines_play_as_they_are_named() -> None:
    past = rows([0, 0, 1, 1, 1], [9, 9, 9, 8, 1], [1, 0, 0, 1, 0])
    assert greedy(past, 7, 0).tolist() == [0.5, 0.5]
    assert greedy(past, 8.5, 0).tolist() == [1, 0]
    assert greedy(rows([0], [9], [0]), 7, 0).tolist() == [0, 1]
    assert epsilon_greedy(past, 8.5, 0).tolist() == pytest.approx([0.95, 0.05])
    assert uniform(past, 7, 0).tolist() == [0.5, 0.5]
    assert waiting(past, 100, 0)[0] == pytest.approx(0.5, abs=0.15)


def test_exp3_replayed_is_exp3_played_day_by_day() -> None:
    draw = np.random.default_rng(2)
    arm, played, won = draw.integers(2, size=60), np.repeat(np.arange(20), 3), draw.integers(2, size=60)
    logs, chances = [0.0, 0.0], [0.5, 0.5]
    for day in range(4, 20):
        came = [place for place in range(60) if played[place] == day - 4]
        before = list(chances)
        for place in came:
            logs[arm[place]] += 0.1 / 2 * won[place] / before[arm[place]]
        powers = [math.exp(log) for log in logs]
        chances = [0.9 * power / sum(powers) + 0.05 for power in powers]
    past = rows(arm.tolist(), (19.0 - played).tolist(), won.tolist())
    assert exp3(past, 4, 0, share=0.1).tolist() == pytest.approx(chances)


@pytest.mark.parametrize("name", WORLDS)
def test_a_simulation_counts_the_regret_that_can_be_computed(name: str) -> None:
    world = WORLDS[name](np.random.default_rng(3))
    wanted = 0.0
    for day in range(world.days):
        means = (world.shares(day) * world.rewards).sum(axis=1).tolist()
        wanted += world.plays * (max(means) - sum(means) / len(means))
    assert np.mean([simulate(uniform, world, seed) for seed in range(10)]) == pytest.approx(wanted, rel=0.03)
    assert simulate(uniform, world, 1) == simulate(uniform, world, 1)


def test_a_policy_sees_no_reward_before_its_day() -> None:
    world = WORLDS["states predict"](np.random.default_rng(3))

    def looking(past: Rows, horizon: float, seed: int) -> np.ndarray:
        assert not past.rewarded[past.days < world.delay].any()
        return uniform(past, horizon, seed)

    assert simulate(looking, world, 0) > 0


PLAYED: dict[str, Callable[[Rows, float, int], np.ndarray]] = {
    "states": partial(by_states, draws=50),
    "waiting": partial(waiting, draws=50),
    "greedy": greedy,
    "epsilon": epsilon_greedy,
    "exp3": exp3,
    "uniform": uniform,
}
SHARES = np.array([[0.94, 0.05, 0.01], [0.90, 0.08, 0.02], [0.80, 0.15, 0.05], [0.92, 0.07, 0.01]])
MEANT = np.tile(np.array([0.01, 0.10, 0.90]), (4, 1))
OWN = np.repeat(np.array([[0.02], [0.035], [0.07], [0.025]]), 3, axis=1)


def regret(world: World, runs: int) -> dict[str, float]:
    """Mean regrets; fewer runs of the two that are far behind."""
    found = {}
    for name, policy in PLAYED.items():
        seeds = range(2 if name in ("exp3", "uniform") else runs)
        found[name] = float(np.mean([simulate(policy, world, seed) for seed in seeds]))
    return found


@pytest.mark.slow
def test_where_states_predict_the_vote_regret_is_lower_than_without_them() -> None:
    found = regret(World(SHARES, SHARES, MEANT), 12)
    assert found["states"] < 0.9 * min(found["waiting"], found["epsilon"])
    assert found["states"] < 0.5 * found["exp3"] < found["uniform"]
    drifting = regret(World(SHARES, SHARES[[2, 3, 0, 1]], MEANT), 16)
    assert min(drifting, key=drifting.__getitem__) == "states"


@pytest.mark.slow
def test_where_states_do_not_predict_the_vote_they_cost_little() -> None:
    same = np.tile(SHARES.mean(axis=0), (4, 1))
    for shares, rewards in ((same, OWN), (SHARES, OWN[[2, 1, 0, 3]])):
        found = regret(World(shares, shares, rewards), 6)
        assert found["states"] < 1.2 * found["waiting"]
        assert found["states"] < 0.6 * found["exp3"]
