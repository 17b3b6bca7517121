"""Votes for one paper by accounts without standing: many at once, or many from one place."""

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from broadsheet.ranking.ballots import Ballot, Suspicion, log_tail
from broadsheet.ranking.rules import Rules


@dataclass(frozen=True, slots=True)
class Window:
    """A window of one paper: its last moment, votes by new accounts in it, and how many were to be expected."""

    end: float
    votes: int
    expected: float


def by_paper(ballots: Sequence[Ballot]) -> dict[int, list[Ballot]]:
    """Group votes by paper, each group by time."""
    grouped: dict[int, list[Ballot]] = defaultdict(list)
    for ballot in sorted(ballots, key=lambda ballot: (ballot.paper, ballot.cast, ballot.voter)):
        grouped[ballot.paper].append(ballot)
    return dict(grouped)


class Site:
    """When votes were cast over the whole site, for what a paper may expect."""

    def __init__(self, ballots: Sequence[Ballot], rules: Rules) -> None:
        self.span = rules.burst_hours * 3600
        self.fresh = sorted(ballot.cast for ballot in ballots if ballot.standing < rules.low_standing)
        self.settled = sorted(ballot.cast for ballot in ballots if ballot.standing >= rules.low_standing)
        ordered = sorted(ballots, key=lambda ballot: ballot.cast)
        self.times = [ballot.cast for ballot in ordered]
        self.papers = [ballot.paper for ballot in ordered]

    def expected(self, end: float, fresh: int, settled: int) -> float:
        """How many votes by new accounts one paper may expect in the window that ends then.

        fresh, settled: votes for this paper in the window. As many as other papers get on average; as much more as
        readers of standing like it more than those. One vote and one paper are added, so that a quiet site has a mean.
        """
        start, stop = bisect_right(self.times, end - self.span), bisect_right(self.times, end)
        papers = len(set(self.papers[start:stop]))
        elsewhere = within(self.fresh, end, self.span) - fresh
        settled_mean = (within(self.settled, end, self.span) - settled + 1) / max(papers, 1)
        return (elsewhere + 1) / max(papers, 1) * max(1.0, settled / settled_mean)


def within(times: Sequence[float], end: float, span: float) -> int:
    """Count the moments in (end - span, end]."""
    return bisect_right(times, end) - bisect_right(times, end - span)


def bursts(ballots: Sequence[Ballot], rules: Rules) -> Iterator[Suspicion]:
    """Find papers that new accounts came to vote for in one stretch, far above what the site saw at that time."""
    site = Site(ballots, rules)
    level = math.log(rules.alpha / max(len(site.fresh), 1))
    for paper, cast in by_paper(ballots).items():
        fresh = [ballot for ballot in cast if ballot.standing < rules.low_standing]
        if len(fresh) >= rules.burst_votes:
            windows = list(_windows(fresh, cast, site, level, rules))
            if windows:
                yield _burst(paper, fresh, windows, rules)


def _windows(
    fresh: Sequence[Ballot], cast: Sequence[Ballot], site: Site, level: float, rules: Rules
) -> Iterator[Window]:
    times = [ballot.cast for ballot in fresh]
    settled_times = [ballot.cast for ballot in cast if ballot.standing >= rules.low_standing]
    for end in sorted(set(times)):
        votes = within(times, end, site.span)
        if votes >= rules.burst_votes:
            expected = site.expected(end, votes, within(settled_times, end, site.span))
            if votes >= rules.burst_lift * expected and log_tail(votes, expected) < level:
                yield Window(end, votes, expected)


def _burst(paper: int, fresh: Sequence[Ballot], windows: Sequence[Window], rules: Rules) -> Suspicion:
    span = rules.burst_hours * 3600
    ends = [window.end for window in windows]
    inside = [ballot for ballot in fresh if any(end - span < ballot.cast <= end for end in ends)]
    peak = max(windows, key=lambda window: (window.votes, -window.end))
    evidence = {
        "votes": len(inside),
        "peak_votes": peak.votes,
        "peak_expected": round(peak.expected, 3),
        "window_hours": rules.burst_hours,
        "first": min(ballot.cast for ballot in inside),
        "last": max(ballot.cast for ballot in inside),
        "highest_standing": round(max(ballot.standing for ballot in inside), 3),
    }
    return Suspicion("burst", frozenset(ballot.voter for ballot in inside), paper, rules.burst_discount, evidence)


def origins(ballots: Sequence[Ballot], rules: Rules) -> Iterator[Suspicion]:
    """Find papers that more new accounts of one origin voted for than its share of all voters explains."""
    fresh = [ballot for ballot in ballots if ballot.standing < rules.low_standing]
    newcomers: dict[int, set[int]] = defaultdict(set)
    together: dict[tuple[int, str], list[Ballot]] = defaultdict(list)
    for ballot in fresh:
        newcomers[ballot.paper].add(ballot.voter)
        if ballot.origin:
            together[ballot.paper, ballot.origin].append(ballot)
    suspects = {key: cast for key, cast in together.items() if _voters(cast) >= rules.origin_voters}
    level = math.log(rules.alpha / max(len(suspects), 1))
    usual = _Usual(ballots)
    for (paper, origin), cast in sorted(suspects.items()):
        share = usual.share(origin, paper)
        expected = len(newcomers[paper]) * share
        if _voters(cast) >= rules.origin_lift * expected and log_tail(_voters(cast), expected) < level:
            yield _shared(paper, cast, len(newcomers[paper]), share)


def _voters(cast: Sequence[Ballot]) -> int:
    return len({ballot.voter for ballot in cast})


class _Usual:
    """How common each origin is among all voters."""

    def __init__(self, ballots: Sequence[Ballot]) -> None:
        self.papers: dict[int, set[int]] = defaultdict(set)
        self.of_origin: dict[str, set[int]] = defaultdict(set)
        self.only: dict[int, set[int]] = defaultdict(set)
        for ballot in ballots:
            self.papers[ballot.voter].add(ballot.paper)
            self.of_origin[ballot.origin].add(ballot.voter)
        for voter, papers in self.papers.items():
            if len(papers) == 1:
                self.only[next(iter(papers))].add(voter)

    def share(self, origin: str, paper: int) -> float:
        """Give the origin's share of the voters; one who voted for this paper alone says nothing of what is usual."""
        only = self.only.get(paper, set())
        return (len(self.of_origin[origin] - only) + 1) / (len(self.papers) - len(only) + 1)


def _shared(paper: int, cast: Sequence[Ballot], fresh: int, share: float) -> Suspicion:
    members = frozenset(ballot.voter for ballot in cast)
    evidence = {
        "voters": len(members),
        "new_voters": fresh,
        "usual_share": round(share, 4),
        "expected": round(fresh * share, 3),
        "first": min(ballot.cast for ballot in cast),
        "last": max(ballot.cast for ballot in cast),
    }
    return Suspicion("origin", members, paper, 1 - 1 / len(members), evidence)
