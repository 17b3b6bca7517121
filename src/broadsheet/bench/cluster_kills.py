"""Search while processes and nodes are killed: what was lost, what was wrong, and how long answers were partial."""

import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np

from broadsheet.bench.cluster_judging import Asked, Book, Stillness, Verdict, as_good, judged, same_set
from broadsheet.bench.cluster_prepared import MODES, OLD, PAPERS, SHARDS, Bench, K, later
from broadsheet.bench.cluster_site import settle, standings
from broadsheet.bench.report import CannotMeasure
from broadsheet.search.cluster import node
from broadsheet.search.cluster.actors import Layout
from broadsheet.search.divided import Divided
from broadsheet.search.types import Hit, Mode, Results

# Every so manyth kill is one of a whole node.
NODE_EVERY: Final = 5
# Papers that are acknowledged together.
ADDED: Final = 20
ASKERS: Final = 2
SETTLED: Final = 3
# Seconds between two looks of whoever sees to it that all actors are there; and until a kill counts as not survived.
LOOK: Final = 5.0
PATIENCE: Final = 300.0
SEED: Final = 20240527


class Load:
    """Threads that search all the time, and judge what they get."""

    def __init__(self, bench: Bench, layout: Layout) -> None:
        self.bench = bench
        self.book, self.still = Book(), Stillness()
        self.known = bench.log.head()
        self.cluster = bench.cluster(layout)
        self.here = Divided(bench.four, SHARDS, bench.encoder)
        self._meaning = {text: self.here.search(text, "semantic", K, OLD).hits for text in bench.queries}
        ranked = [partial(self._ranked, mode) for mode in MODES]
        self._kinds: tuple[Callable[[str, np.random.Generator], Asked], ...] = (
            self._by_identifier,
            self._by_meaning,
            *ranked,
        )
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._search, args=(n,), daemon=True) for n in range(ASKERS)]
        self._threads.append(threading.Thread(target=self._keep, args=(layout,), daemon=True))

    def __enter__(self) -> "Load":
        self.still.begins()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self.here.close()

    def _keep(self, layout: Layout) -> None:
        """Make the actors that are missing, as `broadsheet cluster up` does on the head's host."""
        while not self._stop.wait(LOOK):
            with suppress(node.ClusterError):
                self.bench.way.bring_up(layout, self.bench.opened)

    def _search(self, n: int) -> None:
        draw = np.random.default_rng([SEED, n])
        while not self._stop.is_set():
            text = self.bench.queries[int(draw.integers(len(self.bench.queries)))]
            self.book.note(self._kinds[int(draw.integers(len(self._kinds)))](text, draw))

    def _by_identifier(self, _text: str, draw: np.random.Generator) -> Asked:
        # What was indexed when the last papers began to come in must be found whatever happens.
        paper = int(draw.integers(1, self.known + 1))
        began = time.monotonic()
        given = self.cluster.search(f"id:made:{paper}", "lexical", 1)
        found = [hit.paper for hit in given.hits] == [paper]
        return _asked("identifier", began, judged(given, found), not found, f"id:made:{paper}: {given}")

    def _by_meaning(self, text: str, _draw: np.random.Generator) -> Asked:
        began = time.monotonic()
        given = self.cluster.search(text, "semantic", K, OLD)
        return _against("meaning", began, text, given, self._meaning[text], True)

    def _ranked(self, mode: Mode, text: str, _draw: np.random.Generator) -> Asked:
        before, began = self.still.moment(), time.monotonic()
        given = self.cluster.search(text, mode, K)
        expected = self.here.search(text, mode, K).hits
        still = before is not None and self.still.moment() == before
        return _against(mode, began, text, given, expected, still)


def _against(kind: str, began: float, text: str, given: Results, expected: Sequence[Hit], fixed: bool) -> Asked:
    right = as_good(expected, given.hits) if fixed else None
    missing = right is False and not same_set(expected, given.hits)
    return _asked(
        kind, began, judged(given, right), missing, f"{text!r}: {_places(expected)} not {_places(given.hits)}"
    )


def _places(hits: Sequence[Hit]) -> list[tuple[int, float]]:
    return [(hit.paper, round(hit.score, 5)) for hit in hits]


def _asked(kind: str, began: float, verdict: Verdict, missing: bool, about: str) -> Asked:
    wrong = verdict == "wrong"
    return Asked(kind, began, time.monotonic(), verdict, wrong and missing, f"{kind} {about}" if wrong else "")


def killed(bench: Bench, layout: Layout, kills: int, told: Callable[[], None]) -> tuple[Book, list[float], list[float]]:
    """Kill by turns; give the searches, and the seconds until the last partial answer: after actors, after nodes."""
    draw = np.random.default_rng([SEED, kills, layout.replicas])
    by_actor: list[float] = []
    by_node: list[float] = []
    with Load(bench, layout) as load:
        for number in range(1, kills + 1):
            whole_node = number % NODE_EVERY == 0
            seconds = _one_kill(bench, load, layout, whole_node, growing=number % 2 == 0, draw=draw)
            (by_node if whole_node else by_actor).append(seconds)
            told()
    return load.book, by_actor, by_node


def _one_kill(
    bench: Bench, load: Load, layout: Layout, whole_node: bool, growing: bool, draw: np.random.Generator
) -> float:
    """Add papers and kill, before or after they are indexed; give the seconds until the last partial answer."""
    load.still.ends()
    _acknowledge(bench)
    if growing:
        following = threading.Thread(target=_follow_once, args=(bench, layout))
        following.start()
        time.sleep(float(draw.uniform(0.0, 0.3)))
        began = _kill(bench, layout, whole_node, draw)
        _whole_again(load, bench, began)
        following.join()
        _settled(bench, load, layout)
    else:
        _settled(bench, load, layout)
        time.sleep(float(draw.uniform(0.0, 0.3)))
        began = _kill(bench, layout, whole_node, draw)
        _whole_again(load, bench, began)
    return load.book.last_partial(began) - began


def _acknowledge(bench: Bench) -> None:
    head = bench.log.head()
    bench.log.append([later(paper) for paper in bench.papers(range(head + 1, head + ADDED + 1))])


def _follow_once(bench: Bench, layout: Layout) -> None:
    # The one that was to follow may be the one that is killed.
    with suppress(node.ClusterError):
        bench.way.catch_up(layout, bench.opened)


def _settled(bench: Bench, load: Load, layout: Layout) -> None:
    bench.follow()
    settle(bench.way, layout, bench.opened, bench.log.head())
    _even_out(bench, layout)
    load.known = bench.log.head()
    load.still.begins()


def _even_out(bench: Bench, layout: Layout) -> None:
    """Move actors back to the node that was killed, as `broadsheet cluster up` does after a while."""
    steps = 1
    while steps:
        with suppress(node.ClusterError):
            steps = bench.way.bring_up(layout, bench.opened, move=True)
        settle(bench.way, layout, bench.opened, bench.log.head())


def _kill(bench: Bench, layout: Layout, whole_node: bool, draw: np.random.Generator) -> float:
    """Kill, and give when. A node comes back with all its processes, as if by the system's own means."""
    if whole_node:
        began = time.monotonic()
        bench.nodes.kill("b")
        bench.nodes.start("b")
        return began
    there = [one for one in standings(bench.way, layout) if one.pid]
    began = time.monotonic()
    os.kill(there[int(draw.integers(len(there)))].pid, 9)
    return began


def _whole_again(load: Load, bench: Bench, began: float) -> None:
    """Wait until several answers in a row are whole."""
    whole = 0
    while whole < SETTLED:
        whole += 1
        if not load.cluster.search(bench.queries[0], "hybrid", K).partial:
            continue
        whole = 0
        if time.monotonic() > began + PATIENCE:
            raise CannotMeasure(f"answers were still partial {PATIENCE:.0f} s after a kill: {bench.way.standings()}")
        time.sleep(0.02)


def lost(bench: Bench, layout: Layout) -> int:
    """Count the acknowledged papers that are not found: all that came in, and every tenth of the first."""
    cluster = bench.cluster(layout)
    ids = [*range(1, PAPERS + 1, 10), *range(PAPERS + 1, bench.log.head() + 1)]
    missing = 0
    for paper in ids:
        found = cluster.search(f"id:made:{paper}", "lexical", 1)
        missing += [hit.paper for hit in found.hits] != [paper]
    return missing


def under_kills(bench: Bench, kills: int, told: Callable[[], None]) -> None:
    """Kill with one replica and, half as often, with two.

    Figures: kills, lost, wrong_answers, unmarked_partial, partial_marked, recovered_s_p50, _max and the like.
    """
    two = replace(bench.layout, replicas=2)
    for layout, times in ((bench.layout, kills), (two, max(1, kills // 2))):
        bench.way.bring_up(layout, bench.opened)
        settle(bench.way, layout, bench.opened, bench.log.head())
        book, by_actor, by_node = killed(bench, layout, times, told)
        _told(bench, layout, book, by_actor, by_node)


def _told(bench: Bench, layout: Layout, book: Book, by_actor: list[float], by_node: list[float]) -> None:
    after = "" if layout.replicas == 1 else f"_{layout.replicas}_replicas"
    wrong = [one for one in book.asked if one.verdict == "wrong"]
    found = {
        "kills": float(len(by_actor) + len(by_node)),
        "lost": float(lost(bench, layout)),
        "acknowledged": float(bench.log.head()),
        "answers": float(len(book.asked)),
        "answers_judged": float(book.count("right") + len(wrong)),
        "wrong_answers": float(len(wrong)),
        "unmarked_partial": float(sum(one.missing for one in wrong)),
        "partial_marked": float(book.count("partial")),
        "partial_share": book.partial_share(),
    }
    for name, seconds in (("actor", by_actor), ("node", by_node)):
        if seconds:
            found[f"recovered_{name}_s_p50"] = float(np.median(seconds))
            found[f"recovered_{name}_s_max"] = max(seconds)
    both = [*by_actor, *by_node]
    found |= {"recovered_s_p50": float(np.median(both)), "recovered_s_max": max(both)}
    bench.figures |= {f"{name}{after}": value for name, value in found.items()}
    bench.notes += [f"wrong: {one.about}" for one in wrong[:3]]
