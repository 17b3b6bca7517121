"""Steered votes among honest ones: what is found, what must not be, and with which evidence."""

import math
from collections.abc import Iterable, Mapping

import numpy as np
import pytest

from broadsheet.lib.tests.quick import within
from broadsheet.ranking.ballots import log_tail, table
from broadsheet.ranking.integrity import Ballot, Suspicion, suspicions
from broadsheet.ranking.rings import common_papers
from broadsheet.ranking.rules import Rules

RULES = Rules()
DAY = 86400.0
NOBODY: Mapping[int, frozenset[int]] = {}
RING = range(1000, 1020)
CLUB = range(2000, 2020)


def crowd(rng: np.random.Generator, voters: int = 200, days: int = 30, papers: int = 60) -> list[Ballot]:
    """Honest readers of standing who pick papers by their quality, a few each, over a month."""
    quality = rng.lognormal(0, 1.2, days * papers)
    found = []
    for voter in range(voters):
        many = min(int(rng.lognormal(3.2, 0.8)) + 1, days * papers // 3)
        for paper in rng.choice(days * papers, size=many, replace=False, p=quality / quality.sum()).tolist():
            at = (paper // papers + float(rng.random())) * DAY
            found.append(Ballot(voter, paper, at, f"net{rng.integers(20)}", 0.9))
    return found


def pushing(rng: np.random.Generator, voters: Iterable[int], papers: Iterable[int], turnout: float) -> list[Ballot]:
    """Each of the voters votes for each of the papers with that chance."""
    return [
        Ballot(voter, paper, float(rng.random()) * 30 * DAY, "", 0.9)
        for voter in voters
        for paper in papers
        if rng.random() < turnout
    ]


def covering(rng: np.random.Generator, voters: Iterable[int], honest: list[Ballot]) -> list[Ballot]:
    """The voters copy honest votes, 30 each."""
    copied = [(voter, honest[rng.integers(len(honest))]) for voter in voters for _ in range(30)]
    return [Ballot(voter, one.paper, one.cast, "", 0.9) for voter, one in copied]


def rings(found: list[Suspicion]) -> list[Suspicion]:
    return [one for one in found if one.kind == "ring"]


def test_nothing_is_found_in_no_votes_or_one() -> None:
    assert suspicions([], NOBODY, RULES) == []
    assert suspicions([Ballot(1, 1, 0.0, "net", 0.0)], {1: frozenset({1})}, RULES) == []


@pytest.mark.parametrize("seed", range(3))
def test_honest_readers_are_left_alone(seed: int) -> None:
    assert suspicions(crowd(np.random.default_rng(seed)), NOBODY, RULES) == []


@pytest.mark.parametrize("seed", range(3))
def test_a_ring_is_found_under_its_cover_with_evidence_a_moderator_understands(seed: int) -> None:
    rng = np.random.default_rng(seed)
    honest, papers = crowd(rng), range(5000, 5020)
    ballots = [*honest, *pushing(rng, RING, papers, 0.95), *covering(rng, RING, honest)]
    owners = {paper: frozenset({member}) for paper, member in zip(papers, RING, strict=True)}
    (one,) = rings(suspicions(ballots, owners, RULES))
    assert one.members == frozenset(RING)
    assert (one.paper, one.discount) == (None, RULES.ring_discount)
    assert one.evidence["papers"] == list(papers)
    assert one.evidence["pairs"] == 190
    assert one.evidence["common_papers"] > 15 > 5 > one.evidence["expected_common_papers"]
    assert one.evidence["turnout"] > 0.9
    assert one.evidence["votes_for_each_other"] > 300
    assert one.evidence["share_for_each_other"] > 5 * one.evidence["expected_share"]
    assert 0 <= one.evidence["first"] < one.evidence["last"] <= 30 * DAY


def test_a_ring_is_found_though_nobody_knows_whose_papers_they_are() -> None:
    rng = np.random.default_rng(5)
    honest = crowd(rng)
    ballots = [*honest, *pushing(rng, RING, range(5000, 5020), 0.95), *covering(rng, RING, honest)]
    assert [one.members for one in rings(suspicions(ballots, NOBODY, RULES))] == [frozenset(RING)]


def test_a_ring_that_spares_its_votes_is_found_by_whose_papers_they_are() -> None:
    rng = np.random.default_rng(6)
    honest, papers = crowd(rng), range(5000, 5020)
    ballots = [*honest, *pushing(rng, RING, papers, 0.4), *covering(rng, RING, honest)]
    owners = {paper: frozenset({member}) for paper, member in zip(papers, RING, strict=True)}
    (one,) = rings(suspicions(ballots, owners, RULES))
    assert one.members <= frozenset(RING)
    assert len(one.members) >= 16


@pytest.mark.parametrize("turnouts", [(0.5, 0.25, 0.1), (0.7, 0.4, 0.2, 0.1), (0.75, 0.35, 0.1), (0.8, 0.4, 0.2)])
@pytest.mark.parametrize("authors", [False, True])
@pytest.mark.parametrize("alone", [False, True])
def test_readers_of_one_small_field_who_agree_on_the_good_papers_are_no_ring(
    turnouts: tuple[float, ...], authors: bool, alone: bool
) -> None:
    rng = np.random.default_rng(len(turnouts))
    honest = crowd(rng)
    ballots = [] if alone else [*honest, *covering(rng, CLUB, honest)]
    owners = {}
    for day in range(30):
        for place, turnout in enumerate(turnouts):
            paper = 7000 + 10 * day + place
            ballots += pushing(rng, CLUB, [paper], turnout)
            if authors and rng.random() < 0.4:
                owners[paper] = frozenset({int(rng.choice(CLUB))})
    assert suspicions(ballots, owners, RULES) == []


def test_students_who_vote_for_their_professor_are_no_ring() -> None:
    rng = np.random.default_rng(8)
    honest, papers = crowd(rng), range(5000, 5012)
    ballots = [*honest, *pushing(rng, CLUB, papers, 0.5), *covering(rng, CLUB, honest)]
    assert suspicions(ballots, dict.fromkeys(papers, frozenset({2000})), RULES) == []


def test_what_everyone_else_likes_too_makes_no_ring() -> None:
    rng = np.random.default_rng(9)
    honest = crowd(rng)
    counted = np.bincount([one.paper for one in honest])
    best = np.argsort(-counted)[:12].tolist()
    assert suspicions([*honest, *pushing(rng, CLUB, best, 0.95)], NOBODY, RULES) == []


def test_a_mob_that_votes_for_everything_but_one_paper_is_found() -> None:
    rng = np.random.default_rng(10)
    honest, everything_else = crowd(rng), [paper for paper in range(1740, 1800) if paper != 1755]
    ballots = [*honest, *pushing(rng, RING, everything_else, 1.0), *covering(rng, RING, honest)]
    assert [one.members for one in rings(suspicions(ballots, NOBODY, RULES))] == [frozenset(RING)]


def puppets(number: int, hours: float, origin: str = "", paper: int = 1750) -> list[Ballot]:
    return [
        Ballot(3000 + n, paper, 29.3 * DAY + n * hours * 3600 / number, origin.format(n), 0.02) for n in range(number)
    ]


def test_a_bought_burst_is_found_on_its_paper_alone() -> None:
    honest = crowd(np.random.default_rng(11))
    (one,) = suspicions([*honest, *puppets(30, 2)], NOBODY, RULES)
    assert (one.kind, one.paper, one.members) == ("burst", 1750, frozenset(range(3000, 3030)))
    assert one.evidence["votes"] == one.evidence["peak_votes"] == 30
    assert one.evidence["peak_expected"] < 1
    assert one.evidence["last"] - one.evidence["first"] == pytest.approx(29 / 30 * 2 * 3600)


def test_readers_of_standing_who_come_at_once_are_no_burst() -> None:
    honest = crowd(np.random.default_rng(12))
    many = [Ballot(one.voter, one.paper, one.cast, "", 0.9) for one in puppets(30, 2)]
    assert suspicions([*honest, *many], NOBODY, RULES) == []


def test_a_day_on_which_many_new_readers_come_to_many_papers_is_no_burst() -> None:
    rng = np.random.default_rng(13)
    newcomers = [
        Ballot(3000 + n, int(paper), (29 + float(rng.random()) / 4) * DAY, "", 0.02)
        for n in range(150)
        for paper in rng.choice(range(1740, 1800), size=4, replace=False)
    ]
    assert suspicions([*crowd(rng), *newcomers], NOBODY, RULES) == []


def test_new_accounts_of_one_origin_on_one_paper_weigh_together_as_one() -> None:
    rng = np.random.default_rng(14)
    newcomers = [Ballot(4000 + n, int(rng.integers(1740, 1800)), n * 0.25 * DAY, f"n{n}", 0.02) for n in range(100)]
    (one,) = suspicions([*crowd(rng), *newcomers, *puppets(6, 100, "house")], NOBODY, RULES)
    assert (one.kind, one.paper, one.members) == ("origin", 1750, frozenset(range(3000, 3006)))
    assert 6 * (1 - one.discount) == pytest.approx(1)
    assert one.evidence["voters"] == 6
    assert one.evidence["expected"] < 1


def test_a_lab_whose_readers_all_come_from_one_address_is_left_alone() -> None:
    rng = np.random.default_rng(15)
    lab = [
        Ballot(n, int(paper), (float(rng.random()) * 30) * DAY, "lab", 0.1)
        for n in range(20)
        for paper in rng.choice(100, size=20, replace=False, p=np.arange(100, 0, -1) / 5050)
    ]
    assert suspicions(lab, NOBODY, RULES) == []


def test_the_order_of_the_votes_does_not_matter() -> None:
    rng = np.random.default_rng(16)
    ballots = [*crowd(rng), *pushing(rng, RING, range(5000, 5020), 0.95), *puppets(30, 2, "house")]
    found = suspicions(ballots, NOBODY, RULES)
    assert [one.kind for one in found] == ["ring", "burst", "origin"]
    shuffled = suspicions([ballots[n] for n in rng.permutation(len(ballots))], NOBODY, RULES)
    assert [(one, one.evidence) for one in shuffled] == [(one, one.evidence) for one in found]


def test_common_papers_are_counted_as_by_comparing_every_two_voters() -> None:
    rng = np.random.default_rng(17)
    ballots = crowd(rng, voters=40, days=2)
    by_voter = {voter: {one.paper for one in ballots if one.voter == voter} for voter in range(40)}
    pairs = common_papers(table(ballots), RULES)
    for one, other, common in zip(pairs.one.tolist(), pairs.other.tolist(), pairs.common.tolist(), strict=True):
        assert common == len(by_voter[one] & by_voter[other])
    meeting = sum(bool(by_voter[a] & by_voter[b]) for a in range(40) for b in range(a))
    assert len(pairs.one) == meeting


@pytest.mark.parametrize(("count", "expected"), [(5, 1.0), (8, 0.3), (30, 12.0), (3, 5.0), (1, 0.0)])
def test_the_bound_on_a_chance_is_never_below_the_chance(count: int, expected: float) -> None:
    exact = 1.0 - sum(np.exp(-expected) * expected**k / math.factorial(k) for k in range(count))
    assert np.exp(log_tail(count, expected)) >= exact - 1e-12


@pytest.mark.slow
def test_a_large_site_is_searched_in_seconds() -> None:
    rng = np.random.default_rng(18)
    voters = (5000 * rng.random(100_000) ** 2).astype(int)
    papers = (20_000 * rng.random(100_000) ** 3).astype(int)
    ballots = [
        Ballot(int(voter), int(paper), float(paper) * 130 + voter, f"net{voter % 300}", 0.1 + voter % 9 / 10)
        for voter, paper in zip(voters, papers, strict=True)
    ]
    ring = [Ballot(6000 + n % 20, 30_000 + n // 20, float(n), "", 0.9) for n in range(400)]
    with within(20):
        found = suspicions([*ballots, *ring], NOBODY, RULES)
    assert frozenset(range(6000, 6020)) in {one.members for one in found}
