"""How well "For you" ranks for a reader, beside the recommenders of its peers, and what it costs.

Readers are proxies made from papers (`foryou_readers`), or come from files (`foryou_files`). docs/foryou_bench.md says
what each key means.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from broadsheet.bench import foryou_asking, foryou_exploring, foryou_files, foryou_speed
from broadsheet.bench import foryou_peers as peers
from broadsheet.bench.foryou_readers import COUNT, Proxy, Reader, proxies, usable
from broadsheet.bench.foryou_scores import METRICS, figures_of, interval, measures
from broadsheet.bench.foryou_trials import ASKED, METHODS, RUNS, Job, Results, Stage, do_all, stage
from broadsheet.bench.report import CannotMeasure, Measured
from broadsheet.lib.progress import Progress

PROXIES: Final = (
    "these readers are proxies made from papers, not people: an author's later papers, a mix of narrow categories, a "
    "judged question; what helps them need not help a reader"
)
TEXTS: Final = "every method reads titles and abstracts only: with authors' names the author proxy would be given away"
# The peer's own rule takes every other paper of the record; these few readers show what its sample costs.
WHOLE: Final = 8
WHOLE_LIKES: Final = 10


def measure(progress: Progress, readers: Path | None = None, papers: Path | None = None) -> Measured:
    """Measure all proxies, costs, questions and exploration; with files only their readers. Raises CannotMeasure."""
    from django.conf import settings

    peers.part("sklearn.svm")
    home = Path(settings.CONFIG.home)
    if readers and papers:
        return from_files(readers, papers, home, progress)
    if readers or papers:
        raise CannotMeasure("readers and papers from files go together: give both --readers and --papers")
    return from_proxies(home, progress)


def from_files(readers: Path, papers: Path, home: Path, progress: Progress) -> Measured:
    """Measure readers from files: keys are METHOD.LIKES.METRIC."""
    proxy, notes = foryou_files.read(readers, papers, home, progress)
    staged = stage(proxy.world, both=False)
    (chosen,) = staged.products
    board = Board(proxy, (chosen,), noisy=False)
    results = np.stack(do_all(list(board.jobs(staged)), progress))
    told = "words and vectors" if chosen == 0 else "words alone"
    notes.append(
        f"{len(proxy.readers):,} readers, {len(proxy.world):,} papers, {told}; the latest like is the last named"
    )
    return Measured(board.figures(results), notes=notes + board.table(results))


def from_proxies(home: Path, progress: Progress, count: int = COUNT) -> Measured:
    """Measure the proxies, then what "For you" costs."""
    made = proxies(home, progress, count)
    worlds = {id(proxy.world): proxy.world for proxy in made}
    stages = {key: stage(world) for key, world in worlds.items()}
    boards: dict[str, list[tuple[Board, Stage]]] = {}
    for proxy in made:
        board = Board(proxy, tuple(range(len(RUNS))), noisy=True)
        boards.setdefault(proxy.name, []).append((board, stages[id(proxy.world)]))
    jobs = [job for parts in boards.values() for board, staged in parts for job in board.jobs(staged)]
    results = iter(do_all(jobs, progress))
    figures: dict[str, float] = {}
    ratios: dict[str, float] = {}
    notes = [PROXIES, TEXTS, f"scikit-learn {peers.part('sklearn').__version__}"]
    for parts in boards.values():
        found = np.stack([next(results) for board, _staged in parts for _reader in board.readers])
        board = parts[0][0]
        figures |= board.figures(found)
        ratios |= board.losses(found)
        notes += board.table(found)
    staged = stages[id(made[0].world)]
    for part in (
        whole_rule(staged, made[0]),
        foryou_speed.measure(staged, made, progress),
        foryou_asking.measure(staged, made[:2], progress),
        foryou_exploring.measure(progress),
    ):
        figures, ratios, notes = figures | part.figures, ratios | part.ratios, notes + part.notes
    return Measured(figures, ratios, notes)


@dataclass(frozen=True, slots=True, eq=False)
class Board:
    """The figures of a proxy. Results are (readers, levels, clean and noisy, runs, methods, metrics)."""

    proxy: Proxy
    runs: tuple[int, ...]
    noisy: bool

    @property
    def readers(self) -> tuple[Reader, ...]:
        """Those that reach the lowest level."""
        if self.proxy.levels[-1] is None:
            return self.proxy.readers
        return tuple(reader for reader in self.proxy.readers if usable(reader))

    def jobs(self, staged: Stage) -> Iterator[Job]:
        """Give the work: one job a reader."""
        asked = np.random.default_rng(1).permutation(len(self.proxy.readers))[:ASKED]
        others = tuple(self.proxy.readers[place] for place in asked)
        for reader in self.readers:
            yield Job(staged, self.proxy, reader, self.runs, self.noisy, others)

    def name(self, run: int, *parts: object) -> str:
        """Write a key's beginning."""
        prefix = RUNS[run] if self.proxy.name else ""
        return ".".join(str(part) for part in (f"{prefix}{self.proxy.name}", *parts) if part != "")

    def levels(self, results: Results) -> Iterator[tuple[int, str, int]]:
        """Give each level that a reader reached: its place, its name, and how many readers did."""
        for place, level in enumerate(self.proxy.levels):
            count = int((~np.isnan(results[:, place, 0]).all(axis=(1, 2, 3))).sum())
            if count:
                yield place, "all" if level is None else str(level), count

    def figures(self, results: Results) -> dict[str, float]:
        """Give means, paired differences and losses by noise, each with its interval."""
        found: dict[str, float] = {}
        for place, level, count in self.levels(results):
            found[self.name(self.runs[0], "readers", level)] = count
            for run in self.runs:
                found |= self.of_run(results[:, place, :, run], run, level)
        return found

    def of_run(self, results: Results, run: int, level: str) -> dict[str, float]:
        """Do it for one run and level: results (readers, clean and noisy, methods, metrics)."""
        found: dict[str, float] = {}
        for noise in (0, 1) if self.noisy else (0,):
            name = self.name(run) + ("_noisy" if noise else "")
            begin = f"{name}." if name else ""
            for place, method in enumerate(METHODS):
                found |= figures_of(f"{begin}{method}.{level}", results[:, noise, place])
                if place:
                    better = results[:, noise, 0] - results[:, noise, place]
                    found |= figures_of(f"{begin}over_{method}.{level}", better)
                if noise:
                    loss = results[:, 0, place] - results[:, 1, place]
                    found |= figures_of(self.name(run, "noise_loss", method, level), loss)
        return found

    def losses(self, results: Results) -> dict[str, float]:
        """Give what flipped likes cost the product as a share of what they cost the SVM."""
        svm = METHODS.index("svm")
        found = {}
        for place, level, _count in self.levels(results):
            for run in self.runs:
                lost = np.nanmean(results[:, place, 0, run] - results[:, place, 1, run], axis=0)
                for number, metric in enumerate(METRICS):
                    if metric != "pair_loss" and lost[svm, number] > 0:
                        key = self.name(run, "noise_loss_to_svm", level, metric)
                        found[key] = float(lost[0, number] / lost[svm, number])
        return found

    def table(self, results: Results) -> list[str]:
        """Write the means of AUC and nDCG@20 as lines; after each peer the interval of what the product is above it."""
        lines = []
        for run in self.runs:
            for noise in (0, 1) if self.noisy else (0,):
                for place, level, count in self.levels(results):
                    cells = [self.cell(results[:, place, noise, run], metric) for metric in ("auc", "ndcg20")]
                    name = (self.name(run) + ("_noisy" if noise else "")) or "readers"
                    lines += [f"{name}, {level} likes, {count} readers: {cell}" for cell in cells]
        return lines

    def cell(self, results: Results, metric: str) -> str:
        """Write one metric of all methods: results (readers, methods, metrics)."""
        values = results[:, :, METRICS.index(metric)]
        if np.isnan(values).all():
            return f"{metric} has no value"
        told = [f"{metric} {METHODS[0]} {np.nanmean(values[:, 0]):.3f}"]
        for place, method in enumerate(METHODS[1:], 1):
            _mean, low, high = interval(values[:, 0] - values[:, place])
            told.append(f"{method} {np.nanmean(values[:, place]):.3f} ({low:+.3f} to {high:+.3f})")
        return ", ".join(told)


@dataclass(frozen=True, slots=True, eq=False)
class Whole:
    """A reader to whom the SVM is fitted twice: against the sample of other papers, and against all earlier ones."""

    stage: Stage
    reader: Reader

    def done(self) -> Results:
        """Give the measures, (sample and all, metrics)."""
        words, reader, days = self.stage.words, self.reader, self.stage.world.days
        if days is None:
            raise ValueError("there is no earlier without time")
        earlier = np.flatnonzero(days < days[reader.tested].min())
        tested = words[reader.tested]
        ways = (reader.others, np.setdiff1d(earlier, reader.likes))
        scores = [peers.svm(words, reader.likes, others, tested) for others in ways]
        return np.array([measures(found.astype(np.float64), reader.grades) for found in scores])


def whole_rule(staged: Stage, proxy: Proxy) -> Measured:
    """Compare the SVM against a sample of the other papers with the peer's own rule, against all of them."""
    days = staged.world.days
    chosen = [reader for reader in proxy.readers if len(reader.likes) >= WHOLE_LIKES][:WHOLE]
    if days is None or not chosen:
        return Measured({})
    jobs = [Whole(staged, reader.learning_from(WHOLE_LIKES, staged.world)) for reader in chosen]
    results = np.stack(do_all(jobs))
    figures = {
        f"svm_whole.{name}.{metric}": float(np.nanmean(results[:, place, number]))
        for place, name in enumerate(("sample", "all"))
        for number, metric in enumerate(METRICS)
    }
    gap = results[:, 1] - results[:, 0]
    figures |= figures_of("svm_whole.gain", gap) | {"svm_whole.readers": len(chosen)}
    note = f"the SVM against all earlier papers instead of {len(chosen[0].others):,}: AUC {np.nanmean(gap[:, 0]):+.4f}"
    return Measured(figures, notes=[f"{note}, nDCG@20 {np.nanmean(gap[:, 2]):+.4f} ({len(chosen)} readers)"])
