"""Every method before every reader: what each learns from the same likes, and how well it orders the same papers."""

import multiprocessing
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from broadsheet.bench import foryou_peers as peers
from broadsheet.bench.foryou_peers import FloatArray, Matrix, Rows
from broadsheet.bench.foryou_product import Product
from broadsheet.bench.foryou_readers import Proxy, Reader, World, refuse_leaks, trials
from broadsheet.bench.foryou_scores import METRICS, measures
from broadsheet.learning.background import Prepared
from broadsheet.lib.progress import Progress, silent

Results = NDArray[np.float64]
Done = TypeVar("Done")
Done_co = TypeVar("Done_co", covariant=True)

METHODS: Final = ("broadsheet", *peers.PEERS)
# What papers are told by: vectors and words together; words alone.
RUNS: Final = ("", "words_")
# Popularity asks so many other readers, drawn once, for so many of their latest likes each.
ASKED: Final = 200
ASKED_LIKES: Final = 10


class Work(Protocol[Done_co]):
    """A piece of work that another process can do."""

    def done(self) -> Done_co:
        """Do it."""


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """A world to be read, for the peers or for the product."""

    world: World
    peers: bool

    def done(self) -> Any:  # noqa: ANN401
        """Give the peers' words, or the product."""
        return peers.words_of(self.world.contents, self.world.known) if self.peers else Product.of(self.world)


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """A world made ready for all methods. words: the SVM's, and everybody's in a run of words alone.

    products: by place in RUNS; without vectors only the second.
    """

    world: World
    words: Matrix
    products: Mapping[int, Product]

    def matrix(self, run: int) -> Matrix:
        """Give what the peers besides the SVM read in a run."""
        return self.world.vectors if RUNS[run] == "" else self.words


def stage(world: World, both: bool = True) -> Stage:
    """Read a world for all methods; vocabularies, weights and backgrounds come from its known papers alone.

    both: a world with vectors is also read by words alone.
    """
    words, product = do_all([Reading(world, peers=True), Reading(world, peers=False)])
    has_vectors = world.vectors.shape[1] > 0
    products = {RUNS.index("") if has_vectors else RUNS.index("words_"): product}
    if has_vectors and both:
        products[RUNS.index("words_")] = product.words_alone()
    return Stage(world, words, products)


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """A reader of a proxy, the runs that are asked for, and whether also with likes flipped."""

    stage: Stage
    proxy: Proxy
    reader: Reader
    runs: tuple[int, ...]
    noisy: bool
    asked: tuple[Reader, ...]

    def done(self) -> Results:
        """Give the measures, (levels, clean and noisy, runs, methods, metrics); NaN for what was not measured."""
        refuse_leaks(self.stage.world, self.reader)
        shape = (len(self.proxy.levels), 2, len(RUNS), len(METHODS), len(METRICS))
        found = np.full(shape, np.nan)
        tables = {run: _Table.of(self.stage, run, self.reader, self.asked) for run in self.runs}
        for level, trial in trials(self.proxy, self.reader):
            for noise in (0, 1) if self.noisy else (0,):
                self.fill(found[level, noise], trial.flipped() if noise else trial, tables)
        return found

    def fill(self, found: Results, trial: Reader, tables: Mapping[int, "_Table"]) -> None:
        """Measure one trial in all runs; the SVM reads words in all of them and is fitted once."""
        unmarked = np.concatenate([trial.others, trial.dislikes])
        apart = peers.svm(self.stage.words, trial.likes, unmarked, self.stage.words[trial.tested])
        for run, table in tables.items():
            matrix = self.stage.matrix(run)
            scores = {
                "broadsheet": table.product.scores(trial, table.papers),
                "svm": apart,
                "cosine": peers.cosine(matrix, trial.likes, table.matrix),
                "popularity": table.popularity,
                "centroid": peers.centroid(matrix, trial.likes, table.matrix),
            }
            found[run] = [measures(scores[method].astype(np.float64), trial.grades) for method in METHODS]


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """What all trials of one reader share in a run."""

    product: Product
    papers: Prepared
    matrix: Matrix
    popularity: FloatArray

    @classmethod
    def of(cls, stage: Stage, run: int, reader: Reader, asked: Sequence[Reader]) -> "_Table":
        matrix = stage.matrix(run)
        tested = matrix[reader.tested]
        likes = [known_likes(other, reader, stage.world) for other in asked if other is not reader]
        product = stage.products[run]
        if stage.world.sample is not None:
            product = product.without(reader)
        popular = peers.popularity(matrix, likes, reader.tested, tested)
        return cls(product, product.prepared.take(reader.tested), tested, popular)


def known_likes(other: Reader, reader: Reader, world: World) -> Rows:
    """Give the latest likes of another reader that were given before this reader's test."""
    likes = other.likes
    if world.days is not None:
        likes = likes[world.days[likes] < world.days[reader.tested].min()]
    return likes[-ASKED_LIKES:]


def single_thread() -> None:
    """Let this process do its sums on one core, as two processes share two."""
    peers.part("threadpoolctl").threadpool_limits(1)


_JOBS: list[Work[Any]] = []


def _done(place: int) -> Any:  # noqa: ANN401
    return _JOBS[place].done()


def do_all(jobs: Sequence[Work[Done]], progress: Progress = silent, processes: int | None = None) -> list[Done]:
    """Do all jobs, in as many processes as there are cores, and give their results in order."""
    processes = processes or len(os.sched_getaffinity(0))
    if processes == 1:
        return list(_told((job.done() for job in jobs), len(jobs), progress))
    # The processes are copies of this one, so that the papers are in memory once.
    _JOBS[:] = jobs
    try:
        fork = multiprocessing.get_context("fork")
        with ProcessPoolExecutor(processes, fork, initializer=single_thread) as pool:
            return list(_told(pool.map(_done, range(len(jobs))), len(jobs), progress))
    finally:
        _JOBS.clear()


def _told(results: Iterator[Done], total: int, progress: Progress) -> Iterator[Done]:
    for done, result in enumerate(results, 1):
        progress(done, total)
        yield result
