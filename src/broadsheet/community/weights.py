"""What each vote weighs, derived from its reader's standing and from what is known of the vote.

weight = standing x share of the day (`ranking.standing.vote_share`) x (1 - discount of findings on that paper),
and 0 for a confirmed author of the paper and for those who come after the first few of one network.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from broadsheet.community.models import Claim, Finding, Vote
from broadsheet.community.origins import is_crowded
from broadsheet.community.rules import rules
from broadsheet.ranking.rules import Rules
from broadsheet.ranking.standing import vote_share

IN_FORCE: Final = ("new", "confirmed")
# Weights nearer than this are the same: what is stored has gone through a database.
CLOSE: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Exceptions:
    """What lowers single votes, by (reader, paper): authorship, and the discounts of findings on one paper."""

    authors: frozenset[tuple[int, int]]
    discounts: dict[tuple[int, int], float]

    def weigh(self, reader: int, paper: int, standing: float, nth: int, rules: Rules) -> float:
        """Weigh a vote, but for its origin."""
        if (reader, paper) in self.authors:
            return 0.0
        return standing * vote_share(nth, rules) * (1 - self.discounts.get((reader, paper), 0.0))


def exceptions(*, readers: Iterable[int] | None = None, papers: Iterable[int] | None = None) -> Exceptions:
    """Read the exceptions that concern these readers, or these papers; at most some hundreds."""
    claims = Claim.objects.filter(state="confirmed")
    findings = Finding.objects.filter(state__in=IN_FORCE, paper__isnull=False)
    if readers is not None:
        chosen = list(readers)
        claims, findings = claims.filter(reader__in=chosen), findings.filter(members__in=chosen)
    if papers is not None:
        chosen = list(papers)
        claims, findings = claims.filter(paper__in=chosen), findings.filter(paper__in=chosen)
    discounts: dict[tuple[int, int], float] = {}
    for reader, paper, discount in findings.values_list("members", "paper_id", "discount"):
        # A finding all of whose members were erased has none.
        if reader:
            discounts[reader, paper] = max(discounts.get((reader, paper), 0.0), discount)
    return Exceptions(frozenset(claims.values_list("reader_id", "paper_id")), discounts)


def of_new(reader: int, paper: int, standing: float, nth: int, origin: str) -> float:
    """Weigh a vote that is about to be the last one for its paper; the caller holds `store.lock_paper`."""
    in_force = rules()
    if origin and standing < in_force.low_standing:
        same = Vote.objects.filter(paper=paper, origin=origin, reader__standing__lt=in_force.low_standing)
        if is_crowded(origin, same.count(), standing, in_force):
            return 0.0
    return exceptions(readers=[reader], papers=[paper]).weigh(reader, paper, standing, nth, in_force)


def weigh(paper: int) -> int:
    """Derive the weights of a paper's votes anew; the caller holds `store.lock_paper`. Say how many were other."""
    in_force, lowered = rules(), exceptions(papers=[paper])
    before: Counter[str] = Counter()
    changed = []
    # Numbers were given while the paper was held: they are the order of the votes.
    votes = Vote.objects.filter(paper=paper).order_by("id")
    for number, reader, standing, nth, origin, kept in votes.values_list(
        "id", "reader_id", "reader__standing", "nth", "origin", "weight"
    ):
        crowded = is_crowded(origin, before[origin], standing, in_force)
        before[origin] += standing < in_force.low_standing
        weight = 0.0 if crowded else lowered.weigh(reader, paper, standing, nth, in_force)
        if abs(weight - kept) > CLOSE:
            changed.append((number, weight))
    for number, weight in changed:
        Vote.objects.filter(id=number).update(weight=weight)
    return len(changed)


def stale(readers: Iterable[int]) -> set[int]:
    """Give the papers on which a vote of these readers (at most some hundreds) weighs other than it should."""
    chosen, in_force = list(readers), rules()
    lowered = exceptions(readers=chosen)
    papers = set()
    for reader, paper, standing, nth, origin, kept in Vote.objects.filter(reader__in=chosen).values_list(
        "reader_id", "paper_id", "reader__standing", "nth", "origin", "weight"
    ):
        # By its origin a vote may weigh nothing; that is found out where the paper is weighed as a whole.
        may_be_crowded = kept == 0 and origin != "" and standing < in_force.low_standing
        if not may_be_crowded and abs(lowered.weigh(reader, paper, standing, nth, in_force) - kept) > CLOSE:
            papers.add(paper)
    return papers
