"""How much speaks for a paper: votes here, talk, votes elsewhere and stars of its code, each a named term."""

import math
from dataclasses import dataclass

from broadsheet.ranking.rules import Rules


@dataclass(frozen=True, slots=True)
class Counts:
    """What is counted of a paper; below 0 counts as 0.

    vote_weight: its votes here, each by its voter's standing. commenters: those who comment, but its authors, each by
    standing. outside_votes: upvotes counted elsewhere. stars: of its code.
    """

    vote_weight: float
    commenters: float
    outside_votes: int
    stars: int


@dataclass(frozen=True, slots=True)
class SupportTerms:
    """The terms of one paper's support; `total` is their sum, in votes of full standing."""

    own: float
    talk: float
    outside: float
    code: float
    total: float

    def to_json(self) -> dict[str, object]:
        """The terms by name, their sum as `support`, rounded for reading."""
        # By hand: `asdict` takes several times as long, and a list of daily papers asks this of hundreds.
        told = {"own": self.own, "talk": self.talk, "outside": self.outside, "code": self.code, "support": self.total}
        return {name: round(value, 4) for name, value in told.items()}


def support(counts: Counts, rules: Rules) -> SupportTerms:
    """Add up what speaks for a paper.

    total = votes + c min(commenters, votes) + u outside votes + s log10(1 + stars)
    """
    own = max(counts.vote_weight, 0.0)
    talk = rules.commenter_weight * min(max(counts.commenters, 0.0), own)
    outside = rules.outside_vote_weight * max(counts.outside_votes, 0)
    code = rules.star_weight * math.log10(1 + max(counts.stars, 0))
    return SupportTerms(own, talk, outside, code, own + talk + outside + code)


def in_steps(terms: SupportTerms, mean: float, rules: Rules) -> float:
    """Give support with what readers here gave rounded to whole steps; papers nearer than a step stand equal.

    Many papers have the support of exactly two readers; without steps a hundredth of a vote would pass them all. What
    is counted elsewhere is not rounded: nobody here steers it, and a list of another site keeps its order.
    mean: mean support of the papers in the list; a step is min(support_step, support_step_part mean).
    """
    step = min(rules.support_step, rules.support_step_part * max(mean, 0.0))
    here = terms.own + terms.talk
    # A step of next to nothing would be counted in numbers too large to round.
    stepped = step * math.floor(here / step + 0.5) if step > 1e-9 else here
    return stepped + terms.outside + terms.code
