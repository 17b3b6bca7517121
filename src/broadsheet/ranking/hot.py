"""The order of papers by support and age: pure functions, every term on show.

hot(paper) = log10(1 + W") - A / H

W   the paper's support in whole steps (`ranking.support`).
W'  W drawn towards the mean m of the paper's field: (W + a m) / (1 + a). The mean counts like a papers; small fields
    get a fair start and one vote is no landslide; a larger a puts papers that nobody has voted for yet above
    yesterday's favourites.
W"  W' as much larger as the field is smaller: W' ((M + k) / (m + k))^f, with M the mean over all fields.
A   the age in announcement days, not hours: from Thursday's papers to Monday's is one edition, not three days.
H   how many editions of age tenfold support makes good; with 3, one edition is worth a factor of 2.2.

Support counts by its logarithm: the step from 1 to 10 weighs as much as that from 10 to 100. The score of one paper
falls by the same amount each day, so an order inside one field and edition never changes by age alone.
"""

import math
from dataclasses import dataclass
from hashlib import sha256

from broadsheet.ranking.rules import Rules
from broadsheet.ranking.support import Counts, SupportTerms, in_steps, support


@dataclass(frozen=True, slots=True)
class HotTerms:
    """The terms of one paper's score; score = support_term + age_term, comparable between papers at one moment.

    support: its parts and their sum. counted: W, that sum in whole steps. field_mean, overall_mean: m and M.
    drawn: W'. lift: ((M + k) / (m + k))^f. lifted: W". support_term: log10(1 + W"). age: A, in announcement days.
    age_term: -A / H.
    """

    support: SupportTerms
    counted: float
    field_mean: float
    overall_mean: float
    drawn: float
    lift: float
    lifted: float
    support_term: float
    age: int
    age_term: float
    score: float

    def to_json(self) -> dict[str, object]:
        """The terms by name, those of the support among them, rounded for reading."""
        # `asdict` would copy the terms of the support only for them to be dropped.
        others = {name: round(getattr(self, name), 4) for name in self.__slots__ if name != "support"}
        return {**self.support.to_json(), **others}


def hot(counts: Counts, age: int, field_mean: float, overall_mean: float, rules: Rules) -> HotTerms:
    """Score a paper.

    age: in announcement days; a date in the future counts as today.
    field_mean, overall_mean: mean support of the papers of its field, and of all, over the span of the list.
    """
    terms = support(counts, rules)
    age, field_mean, overall_mean = max(age, 0), max(field_mean, 0.0), max(overall_mean, 0.0)
    counted = in_steps(terms, overall_mean, rules)
    drawn = (counted + rules.trending_prior * field_mean) / (1 + rules.trending_prior)
    lift = ((overall_mean + rules.field_damping) / (field_mean + rules.field_damping)) ** rules.field_fairness
    support_term, age_term = math.log10(1 + drawn * lift), -age / rules.trending_editions_per_tenfold
    return HotTerms(
        support=terms,
        counted=counted,
        field_mean=field_mean,
        overall_mean=overall_mean,
        drawn=drawn,
        lift=lift,
        lifted=drawn * lift,
        support_term=support_term,
        age=age,
        age_term=age_term,
        score=support_term + age_term,
    )


def lot(key: str, edition: str) -> int:
    """Draw a paper's lot in one edition, for ties: nobody is always first, and the order is the same each time."""
    return int.from_bytes(sha256(f"{key}\0{edition}".encode()).digest()[:8], "big")
