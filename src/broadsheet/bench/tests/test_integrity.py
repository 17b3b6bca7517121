"""The simulator: a site that follows from its seed, attacks that are what they say, figures that mean what they say."""

from collections import Counter

import numpy as np
import pytest

from broadsheet.bench import integrity
from broadsheet.bench.lab_world import DAY, DAYS, PAPERS, READERS, World, ballots, build, today
from broadsheet.ranking.integrity import Suspicion
from broadsheet.ranking.rules import Rules

RULES = Rules()


@pytest.fixture(scope="module")
def world() -> World:
    return build(3)


def attackers(after: World) -> set[int]:
    return {voter for voter in after.facts if voter >= integrity.ATTACKER}


def test_the_same_seed_makes_the_same_site_and_another_makes_another(world: World) -> None:
    again = build(3)
    assert (again.cast, again.facts, again.owners) == (world.cast, world.facts, world.owners)
    assert build(4).cast != world.cast


def test_the_site_is_as_promised(world: World) -> None:
    counted = Counter(vote.paper for vote in world.cast)
    activity = sorted(Counter(vote.voter for vote in world.cast).values())
    assert set(world.facts) == set(range(READERS))
    assert max(counted) < DAYS * PAPERS
    assert max(vote.at for vote in world.cast) <= DAYS * DAY + 3600
    assert activity[-1] > 5 * activity[len(activity) // 2]
    assert len({(vote.voter, vote.paper) for vote in world.cast}) == len(world.cast)
    standings = sorted({one.voter: one.standing for one in ballots(world, RULES)}.values())
    assert standings[0] < 0.2 < 0.9 < standings[-1]


@pytest.mark.parametrize(
    ("name", "number"), [("puppets", 50), ("bought", 30), ("ring", 20), ("slow_ring", 20), ("mob", 40)]
)
def test_attackers_come_in_the_numbers_named_and_vote_once_per_paper(world: World, name: str, number: int) -> None:
    target = today()[7]
    after = integrity.ATTACKS[name](world, target, np.random.default_rng(1))
    added = [vote for vote in after.cast if vote.voter >= integrity.ATTACKER]
    assert len(attackers(after)) == number
    assert len({(vote.voter, vote.paper) for vote in added}) == len(added)
    assert any(vote.paper == target for vote in added) is (name != "mob")


def test_places_go_by_score_and_ties_by_lot() -> None:
    assert integrity.rank({7: 1.0, 8: 3.0, 9: 2.0}) == {8: 1, 9: 2, 7: 3}
    tied = integrity.rank(dict.fromkeys(range(40), 1.0))
    assert list(tied) != sorted(tied)


def test_precision_and_recall_by_hand() -> None:
    found = [Suspicion("ring", frozenset({1, 2, 3, 9}), None, 1.0, {}), Suspicion("burst", frozenset({8}), 1, 1.0, {})]
    assert integrity.found_members(found, frozenset({1, 2, 3, 4})) == integrity.Found(0.75, 0.75)
    assert integrity.found_members([], frozenset({1})) == integrity.Found(0.0, 0.0)
    assert integrity.hurt_share(found) == 5 / READERS


def test_a_discount_takes_the_votes_away_and_nothing_else(world: World) -> None:
    paper, other = today()[0], today()[1]
    before = integrity.totals(world, (), RULES)
    voters = frozenset(vote.voter for vote in world.cast if vote.paper == paper)
    there = integrity.totals(world, [Suspicion("burst", voters, paper, 1.0, {})], RULES)
    assert there[paper] == 0
    assert there[other] == before[other]
    everywhere = integrity.totals(world, [Suspicion("ring", frozenset(range(READERS)), None, 1.0, {})], RULES)
    assert everywhere.sum() == 0


def test_figures_are_the_worst_of_all_sites_and_the_middle() -> None:
    samples = [
        {"a_places": places, "a_recall": recall, "a_honest_hurt_share": hurt}
        for places, recall, hurt in ((1.0, 1.0, 0.0), (-4.0, 0.9, 0.005), (2.0, 1.0, 0.01))
    ]
    figures = integrity.summary(samples)
    assert figures["a_places"] == -4
    assert figures["a_places_median"] == 1
    assert figures["a_recall"] == 0.9
    assert figures["honest_hurt_share"] == pytest.approx(0.005)
    assert figures["honest_hurt_share_worst"] == 0.01


@pytest.mark.slow
def test_the_defence_holds_where_the_public_formulas_do_not() -> None:
    sample = integrity.try_out(1, RULES)
    assert sample["puppets_places"] <= 3
    assert sample["mob_places"] >= -3
    assert all(sample[f"puppets_places_{peer}"] > 20 for peer in ("off", *integrity.PEERS))
    assert sample["ring_precision"] >= 0.95
    assert sample["ring_recall"] >= 0.9
