"""How often each arm of exploration should fill a place, learned from outcomes that come days late.

Whether an unusual paper was worth its place shows when it is voted for or saved, and a share is known to have failed
only after days. What is known at once is a state: passed by, opened, voted for. Esposito, Masoudian, Qiu, van der
Hoeven, Cesa-Bianchi and Seldin ("Delayed Bandits: When Do Intermediate Observations Help?", ICML 2023) show that states
help where what follows from a state does not depend on when and by whom it was reached, and there are fewer of them
than rounds of delay; else they do not.

So each arm is taken for a mixture of states. How often it leads to each is counted over all its outcomes; what follows
from a state over those whose delay is over, an arm's own and, as a prior, those of the other arms. How much the others
count (`POOLED`) is weighed by the evidence, the likelihood of an arm's own rewards given the others' (beta-binomial):
where a state means another thing for every arm, each arm soon speaks for itself. An outcome that is still open counts
by its state alone. Arms are drawn by their chance to be the best (Thompson 1933), for what is not known by now has its
width in the draws: shares of states by Dirichlet, rewards by beta distributions.

Older outcomes weigh less, by half every `MEMORY` days, for readers and papers change.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from broadsheet.learning.arrange import ARMS

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

# Edition days after which an outcome is closed: who has not voted by then is taken not to.
HORIZON: Final = 7
# Edition days in which an outcome loses half its weight.
MEMORY: Final = 60.0
# So many outcomes may those of other arms count for, at the most; one of these, drawn by its evidence.
POOLED: Final = np.array([2.0, 8.0, 32.0])
# The prior of a state's reward, and of an arm's states, counts for so many outcomes.
PRIOR: Final = 2.0
# This share of the places goes to all arms alike, so that one that has grown better is found.
FLOOR: Final = 0.01
# Draws keep this share of their distance from the mean. Narrower ones than the posterior lower regret in short runs
# (Chapelle and Li, "An Empirical Evaluation of Thompson Sampling", 2011).
REACH: Final = 0.2
DRAWS: Final = 2000
TINY: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one place of exploration.

    arm: that filled it (`Shown.arm`). state: what was known by the end of the day it was shown, in a word of the
    caller's own ("passed", "opened", "voted" …); it must not change later, or it would say what only old outcomes can
    know. days_since: it was shown, in edition days. rewarded: voted for or saved by now; it counts when its delay is
    over, and not before, since those that will never be rewarded cannot say so earlier.
    """

    arm: str
    state: str
    days_since: float
    rewarded: bool


@dataclass(frozen=True, slots=True)
class Rows:
    """Outcomes as arrays (n,). arm, state: places in the names. days: since shown. rewarded: 0 or 1, 0 while open."""

    arms: tuple[str, ...]
    states: tuple[str, ...]
    arm: Ints
    state: Ints
    days: Floats
    rewarded: Floats

    @classmethod
    def of(cls, outcomes: Iterable[Outcome], arms: Sequence[str], horizon: float) -> "Rows":
        """Leave out arms of other names."""
        # Sorted, so that sums do not depend on the order in which they come.
        kept = sorted(
            (row.arm, row.state, row.days_since, row.rewarded and row.days_since >= horizon)
            for row in outcomes
            if row.arm in arms
        )
        states = tuple(sorted({state for _, state, _, _ in kept})) or ("",)
        return cls(
            tuple(arms),
            states,
            np.array([arms.index(arm) for arm, _, _, _ in kept], np.intp),
            np.array([states.index(state) for _, state, _, _ in kept], np.intp),
            np.array([days for _, _, days, _ in kept], np.float64),
            np.array([rewarded for _, _, _, rewarded in kept], np.float64),
        )

    def counts(self, weights: Floats) -> Floats:
        """Add weights up by arm and state, (arms, states)."""
        size = len(self.arms), len(self.states)
        sums: Floats = np.bincount(self.arm * size[1] + self.state, weights, size[0] * size[1]).astype(np.float64)
        return sums.reshape(size)


Policy = Callable[[Rows, float, int], Floats]


def weights(
    outcomes: Iterable[Outcome], *, arms: Sequence[str] = tuple(ARMS), horizon: float = HORIZON, seed: int
) -> dict[str, float]:
    """Give the weight of every arm, adding up to 1; the same for the same outcomes (in any order) and seed.

    Without an outcome all arms weigh about the same. horizon: edition days after which an outcome is closed. Raises
    ValueError without arms.
    """
    if not arms:
        raise ValueError("there is no arm to weigh")
    found = by_states(Rows.of(outcomes, arms, horizon), horizon, seed)
    return dict(zip(arms, found.tolist(), strict=True))


def by_states(rows: Rows, horizon: float, seed: int, draws: int = DRAWS) -> Floats:
    """Give the weights (arms,) by chances to be the best, open outcomes counted by their states."""
    draw = np.random.default_rng(seed)
    worth = 0.5 ** (rows.days / MEMORY)
    closed = worth * (rows.days >= horizon)
    reached = rows.counts(worth)
    won = rows.counts(closed * rows.rewarded)
    values = (_shares(reached, draws, draw) * _rewards(won, rows.counts(closed) - won, draws, draw)).sum(axis=2)
    values = values.mean(axis=0) + REACH * (values - values.mean(axis=0))
    best = np.bincount(values.argmax(axis=1), minlength=len(rows.arms)) / draws
    return (1 - FLOOR) * best + FLOOR / len(rows.arms)


def _shares(reached: Floats, draws: int, draw: np.random.Generator) -> Floats:
    """Draw how often each arm leads to each state, (draws, arms, states), adding up to 1 over the states."""
    pooled = (reached.sum(axis=0) + 1) / (reached.sum() + reached.shape[1])
    parts = draw.standard_gamma(reached + PRIOR * pooled, (draws, *reached.shape)) + TINY
    shares: Floats = parts / parts.sum(axis=2, keepdims=True)
    return shares


def _rewards(won: Floats, lost: Floats, draws: int, draw: np.random.Generator) -> Floats:
    """Draw the chance of a reward after each state of each arm, (draws, arms, states)."""
    rate = (won.sum() + 1) / (won.sum() + lost.sum() + 2)
    # Of the other arms, and of all states a little.
    prior_won = won.sum(axis=0) - won + PRIOR * rate
    prior_lost = lost.sum(axis=0) - lost + PRIOR * (1 - rate)
    others = np.clip(draw.beta(prior_won, prior_lost, (draws, *won.shape)), TINY, 1 - TINY)
    evidence = _evidence(won, lost, prior_won / (prior_won + prior_lost))
    pooled = draw.choice(POOLED, draws, p=evidence)[:, None, None]
    return draw.beta(won + pooled * others, lost + pooled * (1 - others))


def _evidence(won: Floats, lost: Floats, others: Floats) -> Floats:
    """Give the chance of each of POOLED by the beta-binomial likelihood of every arm's own closed outcomes."""
    first, second = POOLED[:, None, None] * others, POOLED[:, None, None] * (1 - others)
    logs = (_log_beta(won + first, lost + second) - _log_beta(first, second)).sum(axis=(1, 2))
    likelihood = np.exp(logs - logs.max())
    chances: Floats = likelihood / likelihood.sum()
    return chances


def _log_beta(first: Floats, second: Floats) -> Floats:
    return _log_gamma(first) + _log_gamma(second) - _log_gamma(first + second)


def _log_gamma(values: Floats) -> Floats:
    found: Floats = np.array([math.lgamma(value) for value in values.ravel().tolist()])
    return found.reshape(values.shape)


def waiting(rows: Rows, horizon: float, seed: int, draws: int = DRAWS) -> Floats:
    """Thompson's draws of closed outcomes alone: what `by_states` is without states."""
    closed = rows.days >= horizon
    kept = replace(
        rows, states=("",), arm=rows.arm[closed], state=rows.state[closed] * 0, days=rows.days[closed],
        rewarded=rows.rewarded[closed],
    )  # fmt: skip
    return by_states(kept, horizon, seed, draws)


def uniform(rows: Rows, horizon: float, seed: int) -> Floats:
    """Every arm alike."""
    return np.full(len(rows.arms), 1 / len(rows.arms))


def greedy(rows: Rows, horizon: float, seed: int) -> Floats:
    """The arm of the best mean over closed outcomes; one without any counts as the best."""
    closed = (rows.days >= horizon).astype(np.float64)
    tried = np.bincount(rows.arm, closed, len(rows.arms))
    means = np.bincount(rows.arm, closed * rows.rewarded, len(rows.arms)) / np.maximum(tried, TINY)
    means[tried == 0] = np.inf
    best = (means == means.max()).astype(np.float64)
    chances: Floats = best / best.sum()
    return chances


def epsilon_greedy(rows: Rows, horizon: float, seed: int, epsilon: float = 0.1) -> Floats:
    """Nine times of ten the greedy arm, else any."""
    return (1 - epsilon) * greedy(rows, horizon, seed) + epsilon * uniform(rows, horizon, seed)


def exp3(rows: Rows, horizon: float, seed: int, share: float = 0.3) -> Floats:
    """Exp3 (Auer, Cesa-Bianchi, Freund and Schapire 2002) that takes an outcome, when it comes, for one of that day.

    Played anew from the first day: it weighs what comes by the chances of the day it comes on, blind to the delay.
    """
    arms = len(rows.arms)
    logs, chances = np.zeros(arms), np.full(arms, 1 / arms)
    due = np.floor(rows.days - horizon)
    for day in range(int(due.max(initial=-1.0)), -1, -1):
        came = due == day
        logs += share / arms * np.bincount(rows.arm[came], rows.rewarded[came], arms) / chances
        powers = np.exp(logs - logs.max())
        chances = (1 - share) * powers / powers.sum() + share / arms
    return chances


@dataclass(frozen=True, slots=True)
class World:
    """What a simulation plays against.

    first, last: (arms, states), how often each arm leads to each state on the first and on the last day; in between it
    moves by equal steps. rewards: (arms, states), the chance of a reward. delay: days until an outcome is closed.
    days, plays: of exploration, and places a day.
    """

    first: Floats
    last: Floats
    rewards: Floats
    delay: int = 14
    days: int = 120
    plays: int = 20

    def shares(self, day: int) -> Floats:
        """How often each arm leads to each state on that day."""
        part = day / max(1, self.days - 1)
        return (1 - part) * self.first + part * self.last


def simulate(policy: Policy, world: World, seed: int) -> float:
    """Give the regret of one run: rewards expected from the best arm of each day less those from the arms played."""
    draw = np.random.default_rng(seed)
    arms, states = world.rewards.shape
    total = world.days * world.plays
    arm, state = np.zeros(total, np.intp), np.zeros(total, np.intp)
    rewarded, day_of = np.zeros(total), np.repeat(np.arange(world.days), world.plays)
    regret = 0.0
    for day in range(world.days):
        past, now = slice(0, day * world.plays), slice(day * world.plays, (day + 1) * world.plays)
        days = (day - day_of[past]).astype(np.float64)
        known = rewarded[past] * (days >= world.delay)
        names = tuple(map(str, range(arms))), tuple(map(str, range(states)))
        chances = policy(Rows(*names, arm[past], state[past], days, known), world.delay, seed * world.days + day)
        shares = world.shares(day)
        arm[now] = draw.choice(arms, world.plays, p=chances)
        cuts = shares.cumsum(axis=1)[arm[now], :-1]
        state[now] = (draw.random((world.plays, 1)) >= cuts).sum(axis=1)
        rewarded[now] = draw.random(world.plays) < world.rewards[arm[now], state[now]]
        means = (shares * world.rewards).sum(axis=1)
        regret += float((means.max() - means[arm[now]]).sum())
    return regret


def _predict(draw: np.random.Generator) -> World:
    return World(*_shares_of_arms(draw), np.tile(_MEANT, (_ARMS, 1)))


def _drift(draw: np.random.Generator) -> World:
    first, _ = _shares_of_arms(draw)
    last, _ = _shares_of_arms(draw)
    return World(first, last, np.tile(_MEANT, (_ARMS, 1)))


def _say_nothing(draw: np.random.Generator) -> World:
    same = np.tile(_BASE, (_ARMS, 1))
    return World(same, same, np.repeat(_rates(draw)[:, None], len(_BASE), axis=1))


def _mislead(draw: np.random.Generator) -> World:
    """The arm that is opened and voted for most at once is rewarded least in the end."""
    shares, _ = _shares_of_arms(draw)
    rates = np.empty(_ARMS)
    rates[np.argsort(shares @ _MEANT)] = np.sort(_rates(draw))[::-1]
    return World(shares, shares, np.repeat(rates[:, None], len(_BASE), axis=1))


def _shares_of_arms(draw: np.random.Generator) -> tuple[Floats, Floats]:
    shares = draw.dirichlet(_SPREAD * _BASE, _ARMS)
    return shares, shares


def _rates(draw: np.random.Generator) -> Floats:
    rate = float(_BASE @ _MEANT)
    return draw.beta(_SPREAD * rate, _SPREAD * (1 - rate), _ARMS)


_ARMS: Final = 4
# Shares of papers passed by, opened and voted for at once, what becomes of them where states predict it, and how far
# arms differ: as shares of so many papers would.
_BASE: Final = np.array([0.88, 0.09, 0.03])
_MEANT: Final = np.array([0.01, 0.10, 0.90])
_SPREAD: Final = 50.0

WORLDS: Final[dict[str, Callable[[np.random.Generator], World]]] = {
    "states predict": _predict,
    "states predict, arms drift": _drift,
    "states say nothing": _say_nothing,
    "states mislead": _mislead,
}


def regrets(policy: Policy, world: str, seeds: Iterable[int]) -> Floats:
    """Give the regret of one run per seed, each against arms of its own."""
    made = WORLDS[world]
    return np.array([simulate(policy, made(np.random.default_rng(seed)), seed) for seed in seeds])
