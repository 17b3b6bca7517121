"""Rings: readers who vote for the same papers more alike than shared taste makes anyone, or for each other's papers.

Two signs are looked for; either is enough.

Unanimity. Pairs of voters with far more papers in common than their activity and the papers' popularity explain are
neighbours. That alone holds for honest readers of one field too, so each voter's neighbourhood is refined, in turns,
into pushed papers (those most of the members vote for and few others) and members (those who vote for most pushed
papers), as long as it changes. Readers of one field agree wholly on some papers, by half on more of them, on most not
at all, and more of them agree by half than wholly; a ring agrees on its own and on little else. What has few papers
and few voters in the middle is a ring. Votes that a ring
casts elsewhere for cover change nothing in this.

Exchange. Members give each other's papers a share of their votes several times above what the papers they vote for
would get by their popularity among everyone else. That alone holds for the authors of a small field too, who vote for
papers of others beside those of their own, and for good ones more than for others. A ring does neither: few papers
that no member owns are pushed like theirs, and its votes spread over its own papers as by throwing dice.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from broadsheet.ranking.ballots import Floats, Ints, Table, log_tail
from broadsheet.ranking.rules import Rules

ROUNDS: Final = 12
# Of members who own papers that others of them vote for: fewer are fans of somebody, which is allowed.
LEAST_OWNERS: Final = 1 / 3


@dataclass(frozen=True, slots=True)
class Ring:
    """Members and pushed papers by their places in the table."""

    members: Ints
    papers: Ints


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of voters with papers in common, one < other: how many, and how many chance explains."""

    one: Ints
    other: Ints
    common: Ints
    expected: Floats


def common_papers(votes: Table, rules: Rules) -> Pairs:
    """Count what each two voters have in common, over papers with at most `crowd` voters.

    Expected are d_u d_v sum_p n_p (n_p - 1) / N^2: each voter picks papers by their popularity alone.
    """
    width = max(len(votes.voters), 1)
    codes = [np.zeros(0, dtype=np.int64)]
    weight = 0.0
    for column in votes.columns:
        if 2 <= len(column) <= rules.crowd:
            first, second = np.triu_indices(len(column), 1)
            codes.append(column[first] * width + column[second])
            weight += len(column) * (len(column) - 1)
    found, common = np.unique(np.concatenate(codes), return_counts=True)
    one, other = found // width, found % width
    active = np.array([len(row) for row in votes.rows], dtype=np.float64)
    return Pairs(one, other, common, active[one] * active[other] * weight / max(votes.size, 1) ** 2)


def alike(pairs: Pairs, voters: int, rules: Rules) -> Pairs:
    """Keep the pairs that chance does not explain, at `alpha` over all pairs of voters (Bonferroni)."""
    level = math.log(rules.alpha / max(voters * (voters - 1) / 2, 1))
    common, expected = pairs.common.astype(np.float64), np.maximum(pairs.expected, 1e-12)
    tails = np.where(common > expected, common - expected + common * np.log(expected / common), 0.0)
    kept = (common >= rules.ring_papers) & (tails < level)
    return Pairs(pairs.one[kept], pairs.other[kept], pairs.common[kept], pairs.expected[kept])


def unanimous(votes: Table, edges: Pairs, rules: Rules) -> list[Ring]:
    """Find the rings that agree on their own papers and little else."""
    rings: list[Ring] = []
    done: set[int] = set()
    for seed, around in _neighbourhoods(edges):
        if seed in done or len(around) < rules.ring_members:
            continue
        ring = _refine(votes, around, rules)
        if ring is not None and not done.issuperset(ring.members.tolist()):
            rings.append(ring)
            done.update(ring.members.tolist())
    return rings


def _neighbourhoods(edges: Pairs) -> Iterator[tuple[int, Ints]]:
    """Each voter that has neighbours, with them and itself."""
    ends = np.concatenate([edges.one, edges.other])
    others = np.concatenate([edges.other, edges.one])
    order = np.argsort(ends, kind="stable")
    voters, starts = np.unique(ends[order], return_index=True)
    for voter, around in zip(voters.tolist(), np.split(others[order], starts[1:]), strict=len(voters) > 0):
        yield voter, np.sort(np.append(around, voter))


def _refine(votes: Table, members: Ints, rules: Rules) -> Ring | None:
    for _ in range(ROUNDS):
        papers = _pushed(votes, members, rules)
        if len(papers) < rules.ring_papers:
            return None
        found = _supporters(votes, papers, rules)
        if len(found) < rules.ring_members:
            return None
        if np.array_equal(found, members):
            return _judged(votes, members, rules)
        members = found
    return _judged(votes, members, rules)


def excess(votes: Table, members: Ints) -> Floats:
    """Per paper, the share of the members that votes for it less the share of everyone else."""
    inside = votes.turnout(members)
    everyone = np.array([len(column) for column in votes.columns])
    shares: Floats = inside / len(members) - (everyone - inside) / max(len(votes.voters) - len(members), 1)
    return shares


def _pushed(votes: Table, members: Ints, rules: Rules) -> Ints:
    # Relative to the best, as a first neighbourhood holds honest readers too, whom the ring's cover votes drew in.
    shares = excess(votes, members)
    if len(shares) < rules.ring_papers:
        return np.zeros(0, dtype=np.int64)
    least = np.partition(shares, -rules.ring_papers)[-rules.ring_papers] * rules.ring_turnout
    return np.flatnonzero(shares >= max(least, rules.ring_turnout / 3))


def _supporters(votes: Table, papers: Ints, rules: Rules) -> Ints:
    given = np.bincount(np.concatenate([votes.columns[paper] for paper in papers]), minlength=len(votes.voters))
    return np.flatnonzero(given >= rules.ring_turnout * len(papers))


def _judged(votes: Table, members: Ints, rules: Rules) -> Ring | None:
    shares = excess(votes, members)
    papers = np.flatnonzero(shares >= rules.ring_turnout)
    ring = Ring(members, papers)
    if not _is_one(votes, ring, rules):
        return None
    # Who votes for half as many of the pushed papers stands between members and others.
    around = _supporters(votes, papers, replace(rules, ring_turnout=rules.ring_turnout / 2))
    between = int(np.count_nonzero(shares >= rules.ring_turnout / 2)) - len(papers)
    apart = between <= rules.ring_middle * len(papers) and len(around) <= (1 + rules.ring_middle) * len(members)
    return Ring(np.union1d(members, around), papers) if apart else None


def _is_one(votes: Table, ring: Ring, rules: Rules) -> bool:
    """Whether there are members and papers enough, yet not half of all voters, and others like the papers no better."""
    if len(ring.members) < rules.ring_members or len(ring.papers) < rules.ring_papers:
        return False
    everyone = np.array([len(column) for column in votes.columns])
    others = everyone - votes.turnout(ring.members)
    liked = others[ring.papers].mean() > rules.ring_liked * others.mean()
    return bool(2 * len(ring.members) <= len(votes.voters) and not liked)


@dataclass(frozen=True, slots=True)
class Owned:
    """Who owns which papers, by places in the table; owners who do not vote and papers without votes are left out.

    of_paper: owners of a paper. of_voter: papers of a voter.
    """

    of_paper: Mapping[int, frozenset[int]]
    of_voter: Mapping[int, frozenset[int]]


def owned(votes: Table, owners: Mapping[int, frozenset[int]]) -> Owned:
    """Arrange who owns what."""
    voters = {name: place for place, name in enumerate(votes.voters.tolist())}
    papers = {name: place for place, name in enumerate(votes.papers.tolist())}
    of_paper: dict[int, frozenset[int]] = {}
    of_voter: dict[int, set[int]] = {}
    for paper in sorted(owners.keys() & papers.keys()):
        of_paper[papers[paper]] = frozenset(voters[reader] for reader in owners[paper] if reader in voters)
        for voter in of_paper[papers[paper]]:
            of_voter.setdefault(voter, set()).add(papers[paper])
    return Owned(of_paper, {voter: frozenset(held) for voter, held in of_voter.items()})


@dataclass(frozen=True, slots=True)
class Exchange:
    """Per member, the votes for papers of other members and how many its taste explains; shares of all votes given."""

    given: Floats
    expected: Floats

    @property
    def tail(self) -> float:
        """The logarithm of the chance of that many."""
        return log_tail(float(self.given.sum()), float(self.expected.sum()))


def exchange(votes: Table, held: Owned, members: Ints, voters: Ints) -> Exchange:
    """Weigh the votes of `voters` for the members' papers against the members' taste.

    Expected is each voter's number of votes times the part that the members' papers have in everything members vote
    for, each paper counting one more than the votes it has from others.
    """
    papers = np.array(sorted({paper for member in members.tolist() for paper in held.of_voter.get(member, ())}), int)
    inside = votes.turnout(members)
    appeal = np.array([len(column) for column in votes.columns]) - inside + 1
    part = appeal[papers].sum() / max(appeal[inside > 0].sum() + appeal[papers][inside[papers] == 0].sum(), 1)
    pushed = np.zeros(len(votes.papers), dtype=bool)
    pushed[papers] = True
    given, expected = np.zeros(len(voters)), np.zeros(len(voters))
    for place, voter in enumerate(voters.tolist()):
        own = held.of_voter.get(voter, frozenset())
        others = np.array([paper for paper in votes.rows[voter].tolist() if paper not in own], dtype=np.int64)
        given[place], expected[place] = np.count_nonzero(pushed[others]), len(others) * part
    return Exchange(given, expected)


def exchanging(votes: Table, held: Owned, rules: Rules) -> list[Ring]:
    """Find the rings whose members vote for each other's papers."""
    rings: list[Ring] = []
    done: set[int] = set()
    level = math.log(rules.alpha / max(len(held.of_voter), 1))
    for seed in sorted(held.of_voter):
        if seed in done:
            continue
        members = _exchangers(votes, held, seed, rules)
        ring = _exchange_judged(votes, held, members, level, rules)
        if ring is not None:
            rings.append(ring)
            done.update(ring.members.tolist())
    return rings


def _exchangers(votes: Table, held: Owned, seed: int, rules: Rules) -> Ints:
    members = np.array(sorted(_circle(votes, held, seed)), dtype=np.int64)
    for _ in range(ROUNDS):
        papers = {paper for member in members.tolist() for paper in held.of_voter.get(member, ())}
        candidates = np.unique(np.concatenate([np.zeros(0, np.int64), *(votes.columns[p] for p in sorted(papers))]))
        found = exchange(votes, held, members, candidates)
        chosen = candidates[(found.given >= rules.ring_exchange) & (found.given >= rules.ring_lift * found.expected)]
        if len(chosen) < rules.ring_members or np.array_equal(chosen, members):
            return chosen
        members = chosen
    return members


def _circle(votes: Table, held: Owned, seed: int) -> set[int]:
    """The seed, those who vote for its papers and those whose papers it votes for."""
    around = {seed}
    for paper in held.of_voter[seed]:
        around.update(votes.columns[paper].tolist())
    for paper in votes.rows[seed].tolist():
        around.update(held.of_paper.get(paper, ()))
    return around


def _exchange_judged(votes: Table, held: Owned, members: Ints, level: float, rules: Rules) -> Ring | None:
    given_to = [member for member in members.tolist() if held.of_voter.get(member)]
    papers = np.array(sorted({paper for member in given_to for paper in held.of_voter[member]}), dtype=np.int64)
    if not _is_one(votes, Ring(members, papers), rules) or len(given_to) < LEAST_OWNERS * len(members):
        return None
    if not _cares_for_own(votes, members, papers, rules) or _picks(votes, members, papers) > rules.ring_picks:
        return None
    return Ring(members, papers) if exchange(votes, held, members, members).tail < level else None


def _cares_for_own(votes: Table, members: Ints, papers: Ints, rules: Rules) -> bool:
    """Whether few papers beside the members' own are pushed at least half as much as these are on average."""
    shares = excess(votes, members)
    least = shares[papers].mean() / 2
    others = np.count_nonzero(shares >= least) - np.count_nonzero(shares[papers] >= least)
    return bool(others <= rules.ring_middle * len(papers))


def _picks(votes: Table, members: Ints, papers: Ints) -> float:
    """How much more the members' votes vary from paper to paper than thrown dice: about 1 if they do not choose."""
    given = votes.turnout(members)[papers]
    even = given.mean() * (1 - given.mean() / len(members))
    return float(given.var(ddof=1) / even) if len(papers) > 1 and even > 0 else 0.0


def joined(rings: list[Ring]) -> list[Ring]:
    """Make one ring of those that share half of the smaller one's members; the result does not depend on the order."""
    left = sorted(rings, key=lambda ring: (-len(ring.members), ring.members.tolist()))
    found: list[Ring] = []
    for ring in left:
        for place, other in enumerate(found):
            shared = len(np.intersect1d(ring.members, other.members))
            if 2 * shared >= min(len(ring.members), len(other.members)):
                found[place] = Ring(np.union1d(ring.members, other.members), np.union1d(ring.papers, other.papers))
                break
        else:
            found.append(ring)
    return found
