"""What "For you" costs: learning, scoring, one vote more, and ten thousand readers of a day."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Final

import numpy as np

from broadsheet.bench import foryou_peers as peers
from broadsheet.bench.foryou_peers import Rows
from broadsheet.bench.foryou_product import Product
from broadsheet.bench.foryou_readers import Proxy
from broadsheet.bench.foryou_trials import Results, Stage, do_all
from broadsheet.bench.report import Measured
from broadsheet.learning.arrange import Candidates, Knobs, arrange
from broadsheet.learning.background import Prepared
from broadsheet.learning.explore import weights
from broadsheet.learning.profile import Example, Profile, learn
from broadsheet.lib.progress import Progress, silent

LIKES: Final = 200
DAY: Final = 1000
AGAIN: Final = 21
READERS: Final = 10_000
SAVED: Final = 200
LENGTH: Final = 50
BATCH: Final = 250


def measure(staged: Stage, proxies: Sequence[Proxy], progress: Progress) -> Measured:
    """Measure with the whole record of a stage known, on one thread; re-ranking with all cores."""
    part = staged.products[min(staged.products)]
    began = time.process_time()
    whole = Product.against(part.features, part.background.vocabulary, np.arange(len(staged.world)))
    fitted = time.process_time() - began
    likes = many_likes(proxies)
    day = whole.prepared.take(np.arange(len(staged.world) - DAY, len(staged.world)))
    with peers.part("threadpoolctl").threadpool_limits(1):
        figures = learning(whole, likes, day)
        svm_s = seconds(lambda: svm(staged, likes), 3)
    saved = saved_profiles(whole, proxies)
    wall = rerank(saved, day, progress)
    figures |= {
        "rerank_10000_readers_s": wall,
        "svm_fit_s": svm_s,
        "record": len(staged.world),
        "background_s_cpu": fitted,
    }
    ratios = {"svm_over_train": 1000 * svm_s / figures["train_ms_cpu"]}
    cores = len(os.sched_getaffinity(0))
    note = (
        f"a profile of {len(likes)} likes against {len(staged.world):,} papers; CPU times are medians of {AGAIN} on "
        f"one thread; {READERS:,} readers re-ranked are {len(saved)} different saved profiles read, scored against "
        f"{DAY:,} papers and arranged {READERS // len(saved)} times each, by {cores} processes"
    )
    return Measured(figures, ratios, [note])


def many_likes(proxies: Sequence[Proxy]) -> Rows:
    """Give the likes of a reader who has many: those of several readers of interests."""
    found = np.concatenate([reader.likes for reader in proxies[1].readers[:20]])
    return np.unique(found[np.sort(np.unique(found, return_index=True)[1])][:LIKES])


def seconds(work: Callable[[], object], times: int = AGAIN) -> float:
    """Give the CPU seconds of a piece of work, the median of several times."""
    found = []
    for _again in range(times):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return median(found)


def learning(whole: Product, likes: Rows, day: Prepared) -> dict[str, float]:
    """Measure learning, a vote more, and scoring a day."""
    examples = [Example(int(row), True) for row in likes]
    features = whole.prepared.take(likes)
    trained = learn(examples, features, whole.background)
    fewer = whole.prepared.take(likes[:-1])
    return {
        "train_ms_cpu": 1000 * seconds(lambda: learn(examples, features, whole.background)),
        "train_5_ms_cpu": 1000 * seconds(lambda: learn(examples[:5], features.take(range(5)), whole.background)),
        "update_ms_cpu": 1000 * seconds(lambda: learn(examples[:-1], fewer, whole.background)),
        "score_1000_ms_cpu": 1000 * seconds(lambda: trained.profile.score(day)),
        "profile_kib": len(trained.profile.to_bytes()) / 1024,
    }


def svm(staged: Stage, likes: Rows) -> object:
    """Fit the peer's SVM as it does it: against every other paper of the record."""
    others = np.setdiff1d(np.arange(len(staged.world)), likes)
    return peers.svm(staged.words, likes, others, staged.words[-DAY:])


def saved_profiles(whole: Product, proxies: Sequence[Proxy]) -> list[bytes]:
    """Learn and save profiles of different readers."""
    readers = [reader for proxy in proxies[:2] for reader in proxy.readers][:SAVED]
    return [
        learn(
            [Example(int(row), True) for row in reader.likes], whole.prepared.take(reader.likes), whole.background
        ).profile.to_bytes()
        for reader in readers
    ]


@dataclass(frozen=True, slots=True, eq=False)
class Readers:
    """Readers whose day is ranked: their profiles as saved, and the day's papers."""

    saved: Sequence[bytes]
    day: Prepared
    rest: Candidates

    def done(self) -> Results:
        """Read each profile, score the day and arrange it; give the numbers of the lists, (readers, LENGTH)."""
        arms = weights([], seed=1)
        found = []
        for seed, data in enumerate(self.saved):
            profile = Profile.from_bytes(data)
            points = profile.score(self.day)
            chance = profile.chance(points).astype(np.float64)
            candidates = replace(self.rest, points=points.astype(np.float64), probability=chance)
            found.append([pick.number for pick in arrange(candidates, Knobs(length=LENGTH), arms=arms, seed=seed)])
        return np.array(found, np.float64)


def rerank(saved: Sequence[bytes], day: Prepared, progress: Progress = silent) -> float:
    """Give the wall seconds in which a day is ranked for all READERS, as many processes as cores."""
    count = len(day)
    draw = np.random.default_rng(3)
    rest = Candidates(
        numbers=np.arange(count, dtype=np.int64),
        probability=np.zeros(count),
        points=np.zeros(count),
        votes=np.floor(draw.pareto(1.2, count)),
        age=draw.integers(0, 5, count).astype(np.float64),
        story=np.arange(count, dtype=np.int32),
        vectors=day.meaning,
        seen=np.zeros(count, np.bool_),
    )
    everyone = [saved[place % len(saved)] for place in range(READERS)]
    jobs = [Readers(everyone[start : start + BATCH], day, rest) for start in range(0, READERS, BATCH)]
    began = time.perf_counter()
    do_all(jobs, progress)
    return time.perf_counter() - began
