"""Whether questions that are chosen teach faster than questions at random.

A proxy answers truly: "yes" to its likes, "no" to papers of no interest, which are most of what it can be asked about.
Nothing is known of it at first. Both ways learn after each round; what counts is how well the papers of later days are
then ordered.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from broadsheet.bench.foryou_product import Product
from broadsheet.bench.foryou_readers import Proxy, Reader
from broadsheet.bench.foryou_scores import auc
from broadsheet.bench.foryou_trials import Results, Stage, do_all
from broadsheet.bench.report import Measured
from broadsheet.learning.ask import next_questions
from broadsheet.learning.background import Prepared
from broadsheet.learning.features import Features
from broadsheet.learning.profile import Example, Trained, learn
from broadsheet.lib.progress import Progress

# What is known so far, and the places asked about, to the next places.
Way = Callable[[Trained | None, list[int]], list[int]]

READERS: Final = 40
ROUND: Final = 5
ROUNDS: Final = 12
RESAMPLES: Final = 500
ANSWERS: Final = ROUND * np.arange(ROUNDS + 1)


def measure(staged: Stage, proxies: Sequence[Proxy], progress: Progress) -> Measured:
    """Ask readers of the proxies at random and by choice; compare the answers that the same quality took."""
    readers = [reader for proxy in proxies for reader in proxy.readers[:READERS]]
    product = staged.products[min(staged.products)]
    results = np.stack(do_all([Asked(product, reader) for reader in readers], progress))
    mean = results.mean(axis=0)
    figures = answers(mean)
    draw = np.random.default_rng(9)
    drawn = [answers(results[draw.integers(0, len(results), len(results))].mean(axis=0)) for _again in range(RESAMPLES)]
    low, high = np.quantile([one["asking.ratio"] for one in drawn], [0.025, 0.975])
    figures |= {"asking.ratio_lo": float(low), "asking.ratio_hi": float(high), "asking.readers": len(readers)}
    for place, count in enumerate(ANSWERS):
        figures |= {f"asking.auc_random.{count}": mean[0, place], f"asking.auc_asked.{count}": mean[1, place]}
    note = (
        f"questions: {figures['asking.answers_asked']:.1f} that are chosen teach as much as "
        f"{figures['asking.answers_random']:.0f} at random (AUC {mean[0, -1]:.3f}, {len(readers)} proxy readers)"
    )
    return Measured(figures, notes=[note])


def answers(curves: Results) -> dict[str, float]:
    """Give the answers after which each way is as good as random questions are at the end; curves (2, rounds + 1)."""
    wanted = curves[0, -1]
    random, asked = reached(curves[0], wanted), reached(curves[1], wanted)
    return {"asking.answers_random": random, "asking.answers_asked": asked, "asking.ratio": asked / random}


def reached(curve: Results, wanted: float) -> float:
    """Give the answers after which a curve first reaches a height, in straight lines; twice all where it never does."""
    if curve[0] >= wanted:
        return float(ROUND)
    for place, (one, other) in enumerate(pairwise(curve)):
        if other >= wanted:
            return float(ANSWERS[place] + ROUND * (wanted - one) / (other - one))
    return float(2 * ANSWERS[-1])


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A reader of whom nothing is known, to be asked in both ways."""

    product: Product
    reader: Reader

    def done(self) -> Results:
        """Give the AUC after each round, (random and chosen, rounds + 1)."""
        rows = np.concatenate([self.reader.likes, self.reader.unwanted])
        order = np.random.default_rng([8, len(rows), int(rows[0])]).permutation(len(rows))
        # In a drawn order: a way that took the first ones would find the likes.
        rows, liked = rows[order], order < len(self.reader.likes)
        pool, papers = self.product.features.take(rows), self.product.prepared.take(rows)
        tested = self.product.prepared.take(self.reader.tested)
        asked = (self.random(pool), self.chosen(pool))
        return np.array([self.curve(way, papers, liked, tested) for way in asked])

    def random(self, pool: Features) -> Way:
        """Ask at random."""
        draw = np.random.default_rng([7, len(pool)])
        everything = np.arange(len(pool))
        return lambda _trained, asked: draw.choice(np.setdiff1d(everything, asked), ROUND, replace=False).tolist()

    def chosen(self, pool: Features) -> Way:
        """Ask what the site would ask."""
        return lambda trained, asked: next_questions(trained, pool, self.product.background, ROUND, set(asked))

    def curve(self, way: Way, papers: Prepared, liked: NDArray[np.bool_], tested: Prepared) -> list[float]:
        """Give the AUC over what is tested after each round of one way."""
        asked: list[int] = []
        trained: Trained | None = None
        found = [0.5]
        for _round in range(ROUNDS):
            asked += way(trained, asked)
            trained = self.learned(asked, liked, papers)
            # Without a like there is nothing to rank by.
            found.append(auc(trained.profile.score(tested).astype(np.float64), self.reader.grades) if trained else 0.5)
        return found

    def learned(self, asked: Sequence[int], liked: NDArray[np.bool_], papers: Prepared) -> Trained | None:
        """Learn from the answers."""
        if not liked[asked].any():
            return None
        examples = [Example(place, bool(liked[place])) for place in asked]
        return learn(examples, papers.take(asked), self.product.background)
