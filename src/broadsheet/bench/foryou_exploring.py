"""What exploration costs and finds, in the simulator of `learning.explore`."""

from dataclasses import dataclass
from typing import Final

from broadsheet.bench.foryou_scores import interval
from broadsheet.bench.foryou_trials import Results, do_all
from broadsheet.bench.report import Measured
from broadsheet.learning import explore
from broadsheet.lib.progress import Progress

RUNS: Final = 12
POLICIES: Final = ("by_states", "waiting", "uniform", "greedy", "epsilon_greedy", "exp3")


def measure(progress: Progress) -> Measured:
    """Play each policy in each invented world; figures are the regret, in rewards that the best arm would have had."""
    played = [(world, policy) for world in explore.WORLDS for policy in POLICIES]
    results = do_all([Played(world, policy) for world, policy in played], progress)
    figures: dict[str, float] = {}
    for (world, policy), regrets in zip(played, results, strict=True):
        mean, low, high = interval(regrets)
        name = f"explore.regret_{policy}.{world.replace(',', '').replace(' ', '_')}"
        figures |= {name: mean, f"{name}_lo": low, f"{name}_hi": high}
    return Measured(figures, notes=[f"exploration: regret over {RUNS} runs of invented worlds, no readers"])


@dataclass(frozen=True, slots=True)
class Played:
    """A policy in a world."""

    world: str
    policy: str

    def done(self) -> Results:
        """Give the regret of each run."""
        return explore.regrets(getattr(explore, self.policy), self.world, range(RUNS))
