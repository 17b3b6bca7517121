"""What a reader's vote weighs: nothing for a stranger at the door, 1 for those who have been at work here a while."""

import math
from dataclasses import asdict, dataclass
from typing import Final

from broadsheet.ranking.rules import Rules

TRUSTED_ROLES: Final = frozenset({"curator", "moderator", "owner"})


@dataclass(frozen=True, slots=True)
class VoterFacts:
    """What standing rests on.

    age_days: since joining. role: as in readers.models. verified: whether the mail address is proved.
    voucher: the standing, 0 to 1, of the reader who invited or approved this one; 0 without.
    active_days: different days with a vote or comment. accepted: contributions that curators accepted.
    upheld: reports against the reader that were upheld. discount: what findings take away, 0 to 1.
    """

    age_days: float
    role: str
    verified: bool
    voucher: float
    active_days: int
    accepted: int
    upheld: int
    discount: float


@dataclass(frozen=True, slots=True)
class StandingTerms:
    """How a standing came about: value = (start + (1 - start) earned) upheld_factor (1 - discount).

    start: what the account began with. age_part, active_part: the shares of the age and of the active days that full
    standing asks for. accepted_part: what contributions add. earned: the lesser of the two parts and that, at most 1.
    by_role: the role alone gives 1 before the discount.
    """

    start: float
    age_part: float
    active_part: float
    accepted_part: float
    earned: float
    upheld_factor: float
    discount: float
    by_role: bool
    value: float

    def to_json(self) -> dict[str, object]:
        """The terms by name, rounded for reading."""
        return {name: round(value, 4) for name, value in asdict(self).items()} | {"by_role": self.by_role}


def standing(facts: VoterFacts, rules: Rules) -> StandingTerms:
    """Weigh a reader; counts and shares outside their range are moved to its nearest end."""
    age_part = _share(facts.age_days / rules.full_age_days)
    active_part = _share(facts.active_days / rules.full_active_days)
    accepted_part = min(max(facts.accepted, 0) * rules.accepted_worth, rules.accepted_most)
    by_role = facts.role in TRUSTED_ROLES
    known = facts.verified or facts.voucher > 0
    start = _start(facts, rules)
    earned = _share(min(age_part, active_part) + accepted_part) if known else 0.0
    upheld_factor = math.pow(rules.upheld_factor, max(facts.upheld, 0))
    discount = _share(facts.discount)
    reached = 1.0 if by_role else _share((start + (1 - start) * earned) * upheld_factor)
    return StandingTerms(
        start=start,
        age_part=age_part,
        active_part=active_part,
        accepted_part=accepted_part,
        earned=earned,
        upheld_factor=upheld_factor,
        discount=discount,
        by_role=by_role,
        value=reached * (1 - discount),
    )


def _start(facts: VoterFacts, rules: Rules) -> float:
    vouched = rules.vouched_share * math.pow(_share(facts.voucher), rules.vouched_power)
    return max(vouched, rules.newcomer) if facts.verified else vouched


def _share(value: float) -> float:
    return min(max(value, 0.0), 1.0)


def vote_share(nth: int, rules: Rules) -> float:
    """Say what part of its weight a reader's nth vote of a day keeps (from 1): all up to votes_per_day, then less.

    The shares of a whole day add up to less than 2 votes_per_day, however many votes it has.
    """
    part = rules.votes_per_day / max(nth, 1)
    return min(1.0, part * part)
