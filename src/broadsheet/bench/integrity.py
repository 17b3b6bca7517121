"""How far attackers move a paper, and how many honest readers are hurt, with the defence on, off, and at peers.

Each attack is tried on several invented sites (`lab_world`). A key names the worst of them; with `_median` the middle.
The order is that of the day's edition; with `_trending` that of the trending list, with `_unseen` as long as nobody
has searched for steered votes, with `_off` every vote weighs 1 and nothing is discounted; with a peer's name its
formula orders the same votes.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import fmean, median
from typing import Final

import numpy as np

from broadsheet.bench import peer_formulas
from broadsheet.bench.lab_world import (
    DAY,
    DAYS,
    PAPERS,
    READERS,
    TODAY,
    Cast,
    Floats,
    World,
    ballots,
    build,
    shares,
    today,
)
from broadsheet.bench.report import Measured
from broadsheet.lib.progress import Progress, silent
from broadsheet.ranking.hot import hot, lot
from broadsheet.ranking.integrity import Suspicion, suspicions
from broadsheet.ranking.rules import Rules
from broadsheet.ranking.standing import VoterFacts
from broadsheet.ranking.support import Counts, SupportTerms, in_steps, support

# The constants were chosen on other sites than these.
SEEDS: Final = range(100, 116)
ATTACKER: Final = 1000  # numbers from here on are attackers
NOON: Final = TODAY * DAY + DAY / 2
MIDNIGHT: Final = DAYS * DAY
# Any moment serves: all papers of an edition are of one age.
EPOCH: Final = datetime(2026, 1, 5, tzinfo=UTC).timestamp()

Places = dict[int, int]
Order = Callable[[World], Places]
Attack = Callable[[World, int, np.random.Generator], World]


def rank(scores: Mapping[int, float]) -> Places:
    """Give each paper of today its place, from 1; ties by lot."""
    order = sorted(scores, key=lambda paper: (-scores[paper], lot(str(paper), "today")))
    return {paper: place for place, paper in enumerate(order, 1)}


def judge(world: World, rules: Rules) -> list[Suspicion]:
    """Search the site's votes as they stand at midnight."""
    return suspicions(ballots(world, rules), world.owners, rules)


def totals(world: World, found: Sequence[Suspicion], rules: Rules) -> Floats:
    """Give every paper's support as Broadsheet counts it: standing, daily cap, findings."""
    taken: dict[tuple[int, int | None], float] = {}
    for one in found:
        for voter in one.members:
            taken[voter, one.paper] = max(one.discount, taken.get((voter, one.paper), 0.0))
    weights, worth = [0.0] * (DAYS * PAPERS), {}
    for vote, share in zip(ballots(world, rules), shares(world, rules), strict=True):
        discount = max(taken.get((vote.voter, paper), 0.0) for paper in (None, vote.paper))
        worth[vote.voter] = vote.standing * (1 - taken.get((vote.voter, None), 0.0))
        weights[vote.paper] += vote.standing * share * (1 - discount)
    return _supported(world, weights, worth, rules)


def plain_totals(world: World, rules: Rules) -> Floats:
    """Give every paper's support with every vote worth 1."""
    return _supported(world, votes(world), dict.fromkeys(world.facts, 1.0), rules)


def _supported(world: World, weights: Sequence[float], worth: Mapping[int, float], rules: Rules) -> Floats:
    talk = [sum(worth.get(reader, 0.0) for reader in world.commenters.get(paper, ())) for paper in range(len(weights))]
    return np.array([support(Counts(*pair, 0, 0), rules).total for pair in zip(weights, talk, strict=True)])


def in_edition(totals: Floats, rules: Rules) -> Places:
    """Order today's papers as their edition does: by support in whole steps."""
    mean = float(totals[today().start :].mean())
    return rank({paper: in_steps(_of_votes(float(totals[paper])), mean, rules) for paper in today()})


def _of_votes(total: float) -> SupportTerms:
    return SupportTerms(own=total, talk=0.0, outside=0.0, code=0.0, total=total)


def in_trending(world: World, totals: Floats, rules: Rules) -> Places:
    """Order today's papers as they stand to each other in the trending list, which lifts small fields."""
    means = {field: float(totals[world.fields == field].mean()) for field in np.unique(world.fields).tolist()}
    overall = float(totals.mean())
    return rank(
        {
            paper: hot(Counts(float(totals[paper]), 0, 0, 0), 0, means[world.fields[paper]], overall, rules).score
            for paper in today()
        }
    )


def orders(rules: Rules) -> dict[str, Order]:
    """Every order under test by the suffix of its keys."""
    ours: dict[str, Order] = {
        "": lambda site: in_edition(totals(site, judge(site, rules), rules), rules),
        "_trending": lambda site: in_trending(site, totals(site, judge(site, rules), rules), rules),
        "_unseen": lambda site: in_edition(totals(site, (), rules), rules),
        "_off": lambda site: in_edition(plain_totals(site, rules), rules),
    }
    return ours | {f"_{name}": order for name, order in PEERS.items()}


def votes(world: World) -> list[int]:
    """Count the votes of every paper."""
    counted: list[int] = np.bincount([vote.paper for vote in world.cast], minlength=DAYS * PAPERS).tolist()
    return counted


def by_peer(formula: Callable[[int, int], float]) -> Order:
    """Order today's papers by a formula of score (votes, and one of the submitter's) and comments."""

    def order(world: World) -> Places:
        counted = votes(world)
        return rank({paper: formula(counted[paper] + 1, len(world.commenters.get(paper, ()))) for paper in today()})

    return order


PEERS: Final[Mapping[str, Order]] = {
    "hn": by_peer(lambda score, comments: peer_formulas.hacker_news(score, 24.0, comments)),
    "reddit": by_peer(lambda score, comments: peer_formulas.reddit(score, 0, EPOCH)),
    "lobsters": by_peer(lambda score, comments: peer_formulas.lobsters(score, [1] * comments, EPOCH)),
    "lemmy": by_peer(lambda score, comments: peer_formulas.lemmy(score, 24.0)),
}


def puppets(world: World, target: int, rng: np.random.Generator, hidden: bool = False) -> World:
    """50 accounts made today vote for one paper: within three hours from three networks, or hidden all over the day."""
    facts, cast = {}, []
    for number in range(50):
        voter = ATTACKER + number
        facts[voter] = VoterFacts(0.5, "reader", True, 0.0, 1, 0, 0, 0.0)
        at = rng.uniform(TODAY * DAY, MIDNIGHT) if hidden else rng.uniform(NOON, NOON + DAY / 8)
        cast.append(Cast(voter, target, float(at), f"own{number}" if hidden else f"shared{number % 3}"))
    return world.joined_by(facts, cast, {})


def hidden_puppets(world: World, target: int, rng: np.random.Generator) -> World:
    """The same with an address each and no hurry."""
    return puppets(world, target, rng, hidden=True)


def bought(world: World, target: int, rng: np.random.Generator) -> World:
    """30 accounts a year old, of three active days each, are bought and vote for one paper within three hours."""
    facts, cast = {}, []
    for number in range(30):
        facts[ATTACKER + number] = VoterFacts(400.0, "reader", True, 0.0, 4, 0, 0, 0.0)
        cast.append(Cast(ATTACKER + number, target, float(rng.uniform(NOON, NOON + DAY / 8)), f"own{number}"))
    return world.joined_by(facts, cast, {})


def ring(world: World, target: int, rng: np.random.Generator, part: float = 0.9, claimed: float = 0.5) -> World:
    """20 readers of full standing vote for each other's papers, and for cover for popular ones.

    part: of the papers of the others that each votes for. claimed: of their papers, how many are known to be theirs.
    One of their papers, besides those of the month, is the target.
    """
    counted = np.array(votes(world))
    quiet = np.flatnonzero((counted >= 1) & (counted <= 3) & (np.arange(len(counted)) < today().start))
    papers = [*rng.choice(quiet, size=19, replace=False).tolist(), target]
    members = [ATTACKER + number for number in range(20)]
    cast = []
    for voter in members:
        pushed = [paper for paper in papers if rng.random() < part]
        cover = rng.choice(DAYS * PAPERS, size=rng.integers(15, 40), replace=False, p=counted / counted.sum())
        for paper in dict.fromkeys([*pushed, *cover.tolist()]):
            at = (paper // PAPERS + rng.random()) * DAY
            cast.append(Cast(voter, int(paper), float(at), f"net{rng.integers(25)}"))
    facts = {voter: VoterFacts(120.0, "reader", True, 0.5, 60, 0, 0, 0.0) for voter in members}
    owners = {paper: frozenset({voter}) for paper, voter in zip(papers, members, strict=True) if rng.random() < claimed}
    return world.joined_by(facts, cast, owners)


def unclaimed_ring(world: World, target: int, rng: np.random.Generator) -> World:
    """The same, and nobody knows whose papers they are."""
    return ring(world, target, rng, claimed=0.0)


def slow_ring(world: World, target: int, rng: np.random.Generator) -> World:
    """Each member votes for a third of the others' papers; claims are known for half of these."""
    return ring(world, target, rng, part=1 / 3)


def claimed_slow_ring(world: World, target: int, rng: np.random.Generator) -> World:
    """A slow ring whose papers are all claimed."""
    return ring(world, target, rng, part=1 / 3, claimed=1.0)


def mob(world: World, target: int, rng: np.random.Generator) -> World:
    """40 readers of full standing, with honest votes of a month, vote today for every paper but one."""
    counted = np.array(votes(world)[: today().start])
    facts, cast = {}, []
    for voter in range(ATTACKER, ATTACKER + 40):
        facts[voter] = VoterFacts(200.0, "reader", True, 0.5, 100, 0, 0, 0.0)
        for paper in rng.choice(len(counted), size=30, replace=False, p=counted / counted.sum()).tolist():
            cast.append(Cast(voter, paper, (paper // PAPERS + float(rng.random())) * DAY))
        start = rng.uniform(TODAY * DAY, MIDNIGHT - DAY / 8)
        for number, paper in enumerate(rng.permutation(today()).tolist()):
            if paper != target:
                cast.append(Cast(voter, paper, float(start + 15 * number)))
    return world.joined_by(facts, cast, {})


@dataclass(frozen=True, slots=True)
class Found:
    """How well a search told the members of a ring from everyone else; without any finding its precision is 0."""

    precision: float
    recall: float


def found_members(found: Iterable[Suspicion], members: frozenset[int]) -> Found:
    """Compare those found in rings with the true members."""
    flagged = frozenset(voter for one in found if one.kind == "ring" for voter in one.members)
    right = len(flagged & members)
    return Found(right / len(flagged) if flagged else 0.0, right / len(members))


def hurt_share(found: Iterable[Suspicion]) -> float:
    """The share of honest readers that lose weight by findings, wherever."""
    hurt = {voter for one in found for voter in one.members if voter < READERS}
    return len(hurt) / READERS


def in_the_middle(places: Places) -> int:
    """The paper on place 30."""
    return next(paper for paper, place in places.items() if place == PAPERS // 2)


ATTACKS: Final[Mapping[str, Attack]] = {
    "puppets": puppets,
    "hidden_puppets": hidden_puppets,
    "bought": bought,
    "ring": ring,
    "unclaimed_ring": unclaimed_ring,
    "slow_ring": slow_ring,
    "claimed_slow_ring": claimed_slow_ring,
    "mob": mob,
}
RINGS: Final = ("ring", "unclaimed_ring", "slow_ring", "claimed_slow_ring")
Sample = dict[str, float]


def try_out(seed: int, rules: Rules) -> Sample:
    """Try every attack on one site."""
    world = build(seed)
    sample = {"peace_honest_hurt_share": hurt_share(judge(world, rules))}
    for suffix, order in orders(rules).items():
        before = order(world)
        # Under each order the attacked paper is the one in the middle, so that none has less to gain.
        target = in_the_middle(before)
        for name, attack in ATTACKS.items():
            after = attack(world, target, np.random.default_rng([seed, 1]))
            sample[f"{name}_places{suffix}"] = before[target] - order(after)[target]
            if not suffix:
                sample |= _findings(name, after, rules)
    return sample


def _findings(name: str, after: World, rules: Rules) -> Sample:
    found = judge(after, rules)
    sample = {f"{name}_honest_hurt_share": hurt_share(found)}
    if name in RINGS:
        told = found_members(found, frozenset(voter for voter in after.facts if voter >= ATTACKER))
        sample |= {f"{name}_precision": told.precision, f"{name}_recall": told.recall}
    return sample


def summary(samples: Sequence[Sample]) -> dict[str, float]:
    """Give the worst of each figure over the sites and beside it the middle; shares of honest readers as means too."""
    figures: dict[str, float] = {}
    for key in samples[0]:
        found = [sample[key] for sample in samples]
        if key.endswith("_honest_hurt_share"):
            figures |= {key: fmean(found), f"{key}_worst": max(found)}
        else:
            worst = min if key.endswith(("_precision", "_recall")) else _farthest
            figures |= {key: worst(found), f"{key}_median": median(found)}
    for end in ("honest_hurt_share", "honest_hurt_share_worst"):
        figures[end] = max(value for key, value in figures.items() if key.endswith(f"_{end}"))
    return figures


def _farthest(found: Iterable[float]) -> float:
    return max(found, key=abs)


def measure(progress: Progress = silent) -> Measured:
    """Try the attacks on all sites."""
    rules, samples = Rules(), []
    for number, seed in enumerate(SEEDS, 1):
        samples.append(try_out(seed, rules))
        progress(number, len(SEEDS))
    return Measured(summary(samples), notes=list(NOTES))


NOTES: Final = (
    f"{len(SEEDS)} invented sites of {READERS} honest readers, {PAPERS} papers a day and a month of votes; a key names "
    "the worst of them, with _median the middle. Places: how far the paper in the middle moves up; down is negative.",
    "_trending: in the trending list. _unseen: before the first search for steered votes. _off: every vote worth 1, no "
    "findings. hn, reddit, lobsters, lemmy: their published formulas on the same votes, without what those sites do "
    "beside them.",
    "honest_hurt_share: of the attack with most, the honest readers that lose weight anywhere, mean over the sites.",
    "Honest readers do not react to the moved paper. A single vote of full standing moves one from the middle by "
    "several places. A slow ring whose papers nobody claimed is not found.",
    "Reports enter no formula unless a moderator upholds them, so a mob's reports move nothing.",
)
