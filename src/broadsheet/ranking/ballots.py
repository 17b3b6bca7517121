"""Votes as the search for steered ones reads them, and what it finds."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ballot:
    """A vote. cast: seconds since any one moment. origin: "" when not known. standing: its voter's, 0 to 1."""

    voter: int
    paper: int
    cast: float
    origin: str
    standing: float


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A finding: votes of `members` should lose the share `discount` of their weight.

    kind: ring, burst or origin. paper: None for a ring, whose members lose weight everywhere; else on that paper alone.
    evidence: numbers and lists for moderators, ready for JSON.
    """

    kind: str
    members: frozenset[int]
    paper: int | None
    discount: float
    evidence: dict[str, Any] = field(compare=False)


@dataclass(frozen=True, slots=True)
class Table:
    """Who voted for what: voters and papers by place in their sorted names, each pair once.

    voters, papers: the names. rows: per voter the places of the papers, ascending; columns: per paper the voters.
    """

    voters: Ints
    papers: Ints
    rows: list[Ints]
    columns: list[Ints]

    @property
    def size(self) -> int:
        """How many votes there are."""
        return sum(len(row) for row in self.rows)

    def turnout(self, members: Ints) -> Ints:
        """Count the members' votes for each paper."""
        if not len(members):
            return np.zeros(len(self.papers), dtype=np.int64)
        return np.bincount(np.concatenate([self.rows[member] for member in members]), minlength=len(self.papers))


def table(ballots: Sequence[Ballot]) -> Table:
    """Arrange votes for counting."""
    voters, rows = np.unique(np.array([ballot.voter for ballot in ballots], dtype=np.int64), return_inverse=True)
    papers, columns = np.unique(np.array([ballot.paper for ballot in ballots], dtype=np.int64), return_inverse=True)
    width = max(len(papers), 1)
    cells = np.unique(rows * width + columns)
    row, column = cells // width, cells % width
    by_paper = np.argsort(column, kind="stable")
    return Table(
        voters,
        papers,
        list(_split(column, row, len(voters))),
        list(_split(row[by_paper], column[by_paper], len(papers))),
    )


def _split(values: Ints, keys: Ints, groups: int) -> Iterator[Ints]:
    bounds = np.searchsorted(keys, np.arange(groups + 1))
    return (values[start:end] for start, end in pairwise(bounds.tolist()))


def log_tail(count: float, expected: float) -> float:
    """Bound the logarithm of the chance that a Poisson count reaches `count` (Chernoff); 0 up to the expected count."""
    if count <= expected:
        return 0.0
    if expected <= 0:
        return -math.inf
    return count - expected + count * math.log(expected / count)
