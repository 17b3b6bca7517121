"""An invented site to try attacks on: 200 readers of several fields, 60 papers a day, a month of votes.

Readers differ in interests, activity (heavy-tailed), age and how they joined. They vote for what they find good, and
more often for what stands high on the page. Everything follows from the seed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from broadsheet.ranking.integrity import Ballot
from broadsheet.ranking.rules import Rules
from broadsheet.ranking.standing import VoterFacts, standing, vote_share

READERS: Final = 200
PAPERS: Final = 60
DAYS: Final = 31  # a month, and today
TODAY: Final = DAYS - 1
FIELD_SIZES: Final = (0.3, 0.2, 0.15, 0.12, 0.1, 0.06, 0.04, 0.03)
DAY: Final = 86400.0

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Cast:
    """A vote that was cast; what it weighs is found later."""

    voter: int
    paper: int
    at: float
    origin: str = ""


@dataclass(frozen=True, slots=True)
class World:
    """The site after a month: paper p appeared on day p // 60.

    facts: of every voter by number; honest readers are those below READERS. owners: of papers, by confirmed claims.
    commenters: honest readers who comment on a paper. fields: of the papers.
    """

    fields: Ints
    facts: dict[int, VoterFacts]
    cast: tuple[Cast, ...]
    owners: dict[int, frozenset[int]]
    commenters: dict[int, frozenset[int]]

    def joined_by(
        self, facts: dict[int, VoterFacts], cast: Sequence[Cast], owners: dict[int, frozenset[int]]
    ) -> "World":
        """The same site with more voters, votes and claims."""
        return replace(self, facts=self.facts | facts, cast=(*self.cast, *cast), owners=self.owners | owners)


def today() -> range:
    """The papers of today's edition."""
    return range(TODAY * PAPERS, DAYS * PAPERS)


def build(seed: int) -> World:
    """Make the site and let its honest readers live for a month."""
    rng = np.random.default_rng(seed)
    fields = rng.choice(len(FIELD_SIZES), size=DAYS * PAPERS, p=FIELD_SIZES)
    quality = rng.normal(size=DAYS * PAPERS)
    interests = _interests(rng)
    activity = np.clip(rng.lognormal(0.0, 0.9, READERS), 0.1, 12.0)
    age = np.where(rng.random(READERS) < 0.15, rng.uniform(0, 30, READERS), rng.uniform(30, 300, READERS))
    networks = rng.integers(0, 25, READERS)
    cast = _votes(rng, fields, quality, interests, activity, age, networks)
    owners = _owners(rng, fields, interests)
    commenters = _commenters(rng, cast)
    return World(fields, _facts(rng, age, cast), tuple(cast), owners, commenters)


def _interests(rng: np.random.Generator) -> Floats:
    """How much each reader cares for each field: one to three of them, and a little for the rest."""
    found = np.full((READERS, len(FIELD_SIZES)), 0.02)
    for reader in range(READERS):
        own = rng.choice(len(FIELD_SIZES), size=rng.integers(1, 4), replace=False, p=FIELD_SIZES)
        found[reader, own] += rng.dirichlet(np.ones(len(own)))
    return found


def _votes(
    rng: np.random.Generator,
    fields: Ints,
    quality: Floats,
    interests: Floats,
    activity: Floats,
    age: Floats,
    networks: Ints,
) -> list[Cast]:
    cast = []
    for day in range(DAYS):
        papers = np.arange(day * PAPERS, (day + 1) * PAPERS)
        counted = rng.random(PAPERS) * 0.5  # ties by lot
        hours = np.sort(rng.uniform(0, DAY, READERS))
        for hour, reader in zip(hours, rng.permutation(READERS), strict=True):
            if age[reader] < DAYS - day - 1:
                continue
            place = np.argsort(np.argsort(-counted))
            appeal = 1.2 * quality[papers] + np.log(interests[reader, fields[papers]]) - 0.5 * np.log1p(place)
            wanted = min(rng.poisson(activity[reader]), PAPERS)
            # The Gumbel trick draws without replacement, each in proportion to the exponential of its appeal.
            chosen = np.argsort(-(appeal + rng.gumbel(size=PAPERS)))[:wanted]
            counted[chosen] += 1
            origin = f"net{networks[reader]}"
            cast += [
                Cast(int(reader), int(paper), day * DAY + hour + 20 * n, origin)
                for n, paper in enumerate(papers[chosen])
            ]
    return cast


def _owners(rng: np.random.Generator, fields: Ints, interests: Floats) -> dict[int, frozenset[int]]:
    """A quarter of the readers wrote up to three of the papers, in their own fields, and proved it."""
    owners: dict[int, frozenset[int]] = {}
    for reader in rng.choice(READERS, size=READERS // 4, replace=False):
        weights = interests[reader, fields] / interests[reader, fields].sum()
        for paper in rng.choice(len(fields), size=rng.integers(1, 4), replace=False, p=weights):
            owners[int(paper)] = owners.get(int(paper), frozenset()) | {int(reader)}
    return owners


def _commenters(rng: np.random.Generator, cast: Sequence[Cast]) -> dict[int, frozenset[int]]:
    found: dict[int, set[int]] = {}
    for vote, talks in zip(cast, rng.random(len(cast)) < 0.08, strict=True):
        if talks:
            found.setdefault(vote.paper, set()).add(vote.voter)
    return {paper: frozenset(readers) for paper, readers in found.items()}


def _facts(rng: np.random.Generator, age: Floats, cast: Sequence[Cast]) -> dict[int, VoterFacts]:
    """Six of ten were invited; the active days before this month are as many as in it, day for day."""
    seen: dict[int, set[int]] = {}
    for vote in cast:
        seen.setdefault(vote.voter, set()).add(int(vote.at // DAY))
    facts = {}
    for reader in range(READERS):
        days = len(seen.get(reader, ()))
        facts[reader] = VoterFacts(
            age_days=float(age[reader]),
            role="curator" if reader < 3 else "reader",
            verified=True,
            voucher=float(rng.choice([1.0, 0.8, 0.5])) if rng.random() < 0.6 else 0.0,
            active_days=days + int(days / DAYS * max(age[reader] - DAYS, 0)),
            accepted=int(rng.random() < 0.1),
            upheld=0,
            discount=0.0,
        )
    return facts


def ballots(world: World, rules: Rules) -> list[Ballot]:
    """Give the votes with their voters' standing."""
    worth = {voter: standing(facts, rules).value for voter, facts in world.facts.items()}
    return [Ballot(vote.voter, vote.paper, vote.at, vote.origin, worth[vote.voter]) for vote in world.cast]


def shares(world: World, rules: Rules) -> list[float]:
    """What part of its weight each vote keeps for being one of many on its day."""
    counted: dict[tuple[int, int], int] = {}
    found: dict[int, float] = {}
    for place, vote in sorted(enumerate(world.cast), key=lambda item: item[1].at):
        key = vote.voter, int(vote.at // DAY)
        counted[key] = counted.get(key, 0) + 1
        found[place] = vote_share(counted[key], rules)
    return [found[place] for place in range(len(world.cast))]
