"""The order of papers by votes and age: pure functions, every term on show.

hot(paper) = log10(1 + W') - A / H

W'  the votes W, drawn towards the mean m of the paper's category: (W + a m) / (1 + a). The mean counts like a papers;
    a = 0.5 by default. Small fields get a fair start and one vote is no landslide; a larger a puts papers that nobody
    has voted for yet above yesterday's favourites.
A   the age in announcement days, not hours: from Thursday's papers to Monday's is one edition, not three days.
H   how many editions of age tenfold votes make good; 3 by default, so that one edition is worth a factor of 2.2.

Votes count by their logarithm: the step from 1 to 10 weighs as much as that from 10 to 100. The score of one paper
falls by the same amount each day, so an order inside one edition never changes by age alone.
"""

import math
from dataclasses import asdict, dataclass
from hashlib import sha256


@dataclass(frozen=True, slots=True)
class HotTerms:
    """The terms of one paper's score; `score` is their sum, comparable between papers at one moment."""

    votes: int
    category_mean: float
    drawn_votes: float
    vote_term: float
    age: int
    age_term: float
    score: float

    def to_json(self) -> dict[str, object]:
        """The terms by name, rounded for reading."""
        return {name: round(value, 4) for name, value in asdict(self).items()}


def hot(votes: int, age: int, category_mean: float, prior: float, editions_per_tenfold: float) -> HotTerms:
    """Score a paper.

    votes: at least 0; fewer count as 0. age: in announcement days; a date in the future counts as today.
    category_mean: mean votes of the paper's category over the span of the list.
    prior: a, in papers. editions_per_tenfold: H, in editions, above 0.
    """
    votes, age = max(votes, 0), max(age, 0)
    drawn = (votes + prior * category_mean) / (1 + prior)
    vote_term, age_term = math.log10(1 + drawn), -age / editions_per_tenfold
    return HotTerms(votes, category_mean, drawn, vote_term, age, age_term, vote_term + age_term)


def lot(key: str, edition: str) -> int:
    """Draw a paper's lot in one edition, for ties: nobody is always first, and the order is the same each time."""
    return int.from_bytes(sha256(f"{key}\0{edition}".encode()).digest()[:8], "big")
