"""Votes that look steered: rings, bought bursts and accounts of one origin, each with its evidence."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from broadsheet.ranking.ballots import Ballot, Suspicion, Table, table
from broadsheet.ranking.bursts import bursts, origins
from broadsheet.ranking.rings import (
    Owned,
    Pairs,
    Ring,
    alike,
    common_papers,
    exchange,
    exchanging,
    joined,
    owned,
    unanimous,
)
from broadsheet.ranking.rules import Rules

__all__ = ["Ballot", "Suspicion", "suspicions"]


def suspicions(ballots: Sequence[Ballot], owners: Mapping[int, frozenset[int]], rules: Rules) -> list[Suspicion]:
    """Look through the votes of some weeks for such as are steered.

    owners: the readers to whom a paper belongs, by confirmed claims. The same votes give the same list, whatever
    their order: rings first, then bursts, then origins; within a kind by paper and members.
    """
    found = [*_rings(ballots, owners, rules), *bursts(ballots, rules), *origins(ballots, rules)]
    kinds = ("ring", "burst", "origin")
    return sorted(found, key=lambda one: (kinds.index(one.kind), one.paper or 0, sorted(one.members)))


def _rings(ballots: Sequence[Ballot], owners: Mapping[int, frozenset[int]], rules: Rules) -> list[Suspicion]:
    votes = table(ballots)
    held = owned(votes, owners)
    pairs = common_papers(votes, rules)
    alone = unanimous(votes, alike(pairs, len(votes.voters), rules), rules)
    rings = joined([*alone, *exchanging(votes, held, rules)])
    return [_suspicion(ring, votes, held, pairs, ballots, rules) for ring in rings]


def _suspicion(
    ring: Ring, votes: Table, held: Owned, pairs: Pairs, ballots: Sequence[Ballot], rules: Rules
) -> Suspicion:
    members = frozenset(votes.voters[ring.members].tolist())
    papers = set(votes.papers[ring.papers].tolist())
    cast = [ballot.cast for ballot in ballots if ballot.voter in members and ballot.paper in papers]
    evidence = {
        **_overlap(ring, pairs),
        **_turnout(ring, votes, rules),
        **_exchange(ring, votes, held),
        "papers": sorted(papers),
        "first": min(cast),
        "last": max(cast),
    }
    return Suspicion("ring", members, None, rules.ring_discount, evidence)


def _overlap(ring: Ring, pairs: Pairs) -> dict[str, Any]:
    """How many papers two members have in common, and how many chance explains, on average over all pairs."""
    inside = np.isin(pairs.one, ring.members) & np.isin(pairs.other, ring.members)
    number = len(ring.members) * (len(ring.members) - 1) // 2
    return {
        "pairs": number,
        "common_papers": round(float(pairs.common[inside].sum()) / number, 2),
        "expected_common_papers": round(float(pairs.expected[inside].sum()) / number, 2),
    }


def _turnout(ring: Ring, votes: Table, rules: Rules) -> dict[str, Any]:
    inside = votes.turnout(ring.members)[ring.papers]
    everyone = np.array([len(votes.columns[paper]) for paper in ring.papers])
    return {
        "turnout": round(float(inside.mean()) / len(ring.members), 3),
        "votes_by_others": round(float((everyone - inside).mean()), 2),
    }


def _exchange(ring: Ring, votes: Table, held: Owned) -> dict[str, Any]:
    """Which share of their votes the members give to papers of other members, and which taste explains."""
    found = exchange(votes, held, ring.members, ring.members)
    total = sum(len(votes.rows[member]) for member in ring.members)
    return {
        "votes_for_each_other": int(found.given.sum()),
        "share_for_each_other": round(float(found.given.sum()) / total, 3),
        "expected_share": round(float(found.expected.sum()) / total, 3),
    }
