"""Asking engines by turns: query 1 of every engine, then query 2 of every engine, in every way."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from broadsheet.bench.engines_data import FILTER_SHARE, K
from broadsheet.bench.engines_peer import Ended, EngineProcess
from broadsheet.lib.progress import Progress

# name of the figures: what is asked
WAYS: Final[Mapping[str, Mapping[str, object]]] = {
    "lexical": {"mode": "lexical"},
    "vector": {"mode": "vector"},
    "hybrid": {"mode": "hybrid"},
    f"vector_filter_{FILTER_SHARE}": {"mode": "vector", "filtered": True},
    f"hybrid_filter_{FILTER_SHARE}": {"mode": "hybrid", "filtered": True},
}
QUERY_LIMIT_S: Final = 60
WARM_UP: Final = 3
# An engine is asked until it has spent its share of seconds, but so many queries at least.
SHARE_S: Final = 60
LEAST: Final = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """One answer: to which query, its CPU and wall milliseconds, and the papers in order."""

    query: int
    cpu_ms: float
    wall_ms: float
    papers: Sequence[int]


@dataclass(slots=True)
class Answers:
    """What one engine answered, by way; ended: why it stopped before its time, or nothing."""

    ways: dict[str, list[Asked]] = field(default_factory=lambda: {way: [] for way in WAYS})
    spent_s: float = 0.0
    ended: str = ""

    def median(self, way: str, queries: frozenset[int] | None = None) -> float | None:
        """Give the median CPU milliseconds, of all queries or of some; None where there is none."""
        times = [one.cpu_ms for one in self.ways[way] if queries is None or one.query in queries]
        return float(np.median(times)) if times else None

    def queries(self, way: str) -> frozenset[int]:
        """Tell which queries were answered."""
        return frozenset(one.query for one in self.ways[way])


def by_turns(engines: Mapping[str, EngineProcess], queries: int, progress: Progress) -> dict[str, Answers]:
    """Ask every engine every query in every way, the engines by turns, a way after the other."""
    answers = {name: Answers() for name in engines}
    for name, engine in engines.items():
        _warm_up(engine, answers[name], queries)
    for turn in range(queries):
        for n, way in enumerate(WAYS):
            # Another query in every way: the second of two alike would find what the first has read.
            query = (turn + n * queries // len(WAYS)) % queries
            for name, engine in engines.items():
                if not _done(answers[name], turn):
                    _ask(engine, answers[name], way, query)
        progress(turn + 1, queries)
    return answers


def _warm_up(engine: EngineProcess, answers: Answers, queries: int) -> None:
    try:
        for n in range(WARM_UP):
            for asked in WAYS.values():
                engine.ask(QUERY_LIMIT_S, do="ask", query=(queries - 1 - n) % queries, k=K, **asked)
    except Ended as problem:
        answers.ended = str(problem)


def _done(answers: Answers, turn: int) -> bool:
    return bool(answers.ended) or (turn >= LEAST and answers.spent_s > SHARE_S)


def _ask(engine: EngineProcess, answers: Answers, way: str, query: int) -> None:
    began = time.monotonic()
    try:
        answer: dict[str, Any] = engine.ask(QUERY_LIMIT_S, do="ask", query=query, k=K, **WAYS[way])
        answers.ways[way].append(Asked(query, answer["cpu_ms"], answer["wall_ms"], answer["papers"]))
    except Ended as problem:
        answers.ended = str(problem)
    answers.spent_s += time.monotonic() - began


def figures(answers: Answers, truth: NDArray[np.int64], truth_filtered: NDArray[np.int64]) -> dict[str, float]:
    """Sum up; truth (q, 50): the nearest papers of each query, and those under the filter."""
    filtered_way = f"hybrid_filter_{FILTER_SHARE}"
    medians = {f"{way}_cpu_ms_p50": answers.median(way) for way in ("lexical", "vector", "hybrid", filtered_way)}
    found = {name: value for name, value in medians.items() if value is not None}
    if walls := [one.wall_ms for one in answers.ways["hybrid"]]:
        found["hybrid_wall_ms_p99"] = float(np.percentile(walls, 99))
    for name, way, best in (
        (f"recall_at_{K}", "vector", truth),
        (f"recall_at_{K}_filter_{FILTER_SHARE}", f"vector_filter_{FILTER_SHARE}", truth_filtered),
    ):
        if shares := [_recall(one, best[one.query]) for one in answers.ways[way]]:
            found[name] = float(np.mean(shares))
    return {**found, "n_queries": float(len(walls))}


def _recall(asked: Asked, best: NDArray[np.int64]) -> float:
    there = {int(paper) for paper in best if paper}
    return len(there & set(asked.papers)) / len(there) if there else 1.0


def ratios(answers: Mapping[str, Answers], ours: str) -> dict[str, float]:
    """Tell how many times our CPU per hybrid query each engine takes, over the queries that both answered."""
    found = {}
    for name, theirs in answers.items():
        both = theirs.queries("hybrid") & answers[ours].queries("hybrid")
        mine, its = answers[ours].median("hybrid", both), theirs.median("hybrid", both)
        if name != ours and mine and its is not None:
            found[f"hybrid_cpu_vs_{name}"] = its / mine
    return found
