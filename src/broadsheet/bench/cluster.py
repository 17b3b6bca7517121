"""Search by actors on two simulated nodes: beside one process, and while processes and nodes are killed under load."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from broadsheet.bench.cluster_judging import Asked, Book, Stillness, Verdict, as_good, judged, same_order, same_set
from broadsheet.bench.cluster_log import StoredLog
from broadsheet.bench.cluster_site import Spending, TwoNodes, settle, standings
from broadsheet.bench.corpus import built_encoder
from broadsheet.bench.report import CannotMeasure, Measured
from broadsheet.bench.scale_papers import MadeLog, real_sample
from broadsheet.bench.search import made_queries
from broadsheet.lib.processes import end_with_parent
from broadsheet.lib.progress import Progress
from broadsheet.search.catch_up import catch_up
from broadsheet.search.cluster import node
from broadsheet.search.cluster.actors import Layout
from broadsheet.search.cluster.encoding import Bulk, Job
from broadsheet.search.cluster.gateway import Gateway
from broadsheet.search.cluster.remote import Cluster
from broadsheet.search.divided import Divided
from broadsheet.search.dividing import catch_up_all
from broadsheet.search.executor import Searcher
from broadsheet.search.shard import ShardReader
from broadsheet.search.types import Encoder, Filter, Hit, Mode, PaperToIndex, Results

PAPERS: Final = 20_000
SHARDS: Final = 4
K: Final = 20
QUERIES: Final = 120
KILLS: Final = 50
# Every so manyth kill is one of a whole node.
NODE_EVERY: Final = 5
# Papers that are acknowledged together.
ADDED: Final = 20
ASKERS: Final = 2
SETTLED: Final = 3
# Seconds between two looks of whoever sees to it that all actors are there; and until a kill counts as not survived.
LOOK: Final = 5.0
PATIENCE: Final = 300.0
BULK: Final = 768
SEED: Final = 20240527
MODES: Final[tuple[Mode, ...]] = ("hybrid", "page")


def measure(progress: Progress, kills: int = KILLS) -> Measured:
    """Compare answers, time them, kill, and encode in bulk. Raises CannotMeasure.

    The cluster is spoken to in a process of its own, which Ray may end.
    """
    from django.conf import settings

    home = Path(settings.CONFIG.home)
    built_encoder(home)
    command = [sys.executable, "-m", "broadsheet.bench.cluster", str(home), str(kills)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    log = home / "bench" / "cluster.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    # Ray tells of everything that is killed.
    with (
        log.open("w") as told_of_kills,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=told_of_kills, env=environment, text=True) as working,
    ):
        assert working.stdout
        last = ""
        for last in working.stdout:
            if last.startswith("done "):
                done, total = last.split()[1:]
                progress(int(done), int(total))
    if working.returncode:
        raise CannotMeasure(f"the measuring process ended with {working.returncode}; {log} tells why")
    told: dict[str, Any] = json.loads(last)
    return Measured(told["figures"], told["ratios"], [*_notes(kills), *told["notes"]])


def _notes(kills: int) -> list[str]:
    return [
        f"{PAPERS:,} papers made of real ones (as in `scale`), {QUERIES} queries, the first {K}; two nodes on this "
        "machine with homes and Ray processes of their own; 4 actors, and 8 where there are two replicas",
        "cpu_ms of actors counts every process of both nodes, Ray's own too, divided by the searches; of the others "
        "this process",
        f"{kills} kills by SIGKILL under {ASKERS} searching threads, every {NODE_EVERY}th of all processes of a node, "
        f"half of them while {ADDED} papers come in; a node is started anew at once",
        "wrong: an unmarked answer that four shards in one process over the same papers would not give; hybrid and "
        "page are judged while no papers come in, search by identifier and by meaning among the first papers always",
    ]


@dataclass
class Bench:
    """What all parts share."""

    home: Path
    encoder: Encoder
    nodes: TwoNodes
    log: StoredLog
    made: MadeLog
    way: Gateway
    queries: Sequence[str]
    layout: Layout
    figures: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def opened(self) -> Callable[[], StoredLog]:
        """What opens the log in another process."""
        return partial(StoredLog, self.log.path)

    @property
    def one(self) -> Path:
        """Where the one shard of one process is."""
        return self.nodes.folder / "one"

    @property
    def four(self) -> Path:
        """Where the four shards of one process are."""
        return self.nodes.folder / "four"

    def cluster(self, layout: Layout) -> Cluster:
        """Give what searches by actors, as a web process does."""
        return Cluster(layout, self.encoder, asker=self.way)

    def follow(self) -> None:
        """Let the shards in process have every paper."""
        catch_up_all(self.four, SHARDS, self.log, self.encoder.id)


@contextmanager
def prepared(home: Path) -> Iterator[Bench]:
    """Make the log, the indexes in process and the two nodes; nothing is left running after the block."""
    sample = real_sample(home)
    made = MadeLog(sample, PAPERS)
    nodes = TwoNodes(home / "bench" / "cluster")
    shutil.rmtree(nodes.folder, ignore_errors=True)
    nodes.prepare(home / "encoders")
    log = StoredLog(nodes.folder / "log.sqlite3")
    first = [_first(paper) for paper in made.papers(range(1, PAPERS + 1)).values()]
    log.append(sorted(first, key=lambda paper: paper.id))
    encoder = built_encoder(home)
    layout = Layout("shard", SHARDS, 1, encoder.id)
    way = Gateway(nodes.address, nodes.home("a"))
    bench = Bench(home, encoder, nodes, log, made, way, made_queries(first, QUERIES), layout)
    catch_up(bench.one, log, encoder.id)
    bench.follow()
    try:
        nodes.start("a")
        nodes.start("b")
        way.bring_up(layout, bench.opened)
        settle(way, layout, bench.opened, log.head())
        yield bench
    finally:
        way.close()
        nodes.stop()
        shutil.rmtree(nodes.folder, ignore_errors=True)


LAST_OLD: Final = date(2024, 12, 31)
OLD: Final = Filter(until=LAST_OLD)


def _first(paper: PaperToIndex) -> PaperToIndex:
    return replace(paper, day=min(paper.day or LAST_OLD, LAST_OLD))


def _later(paper: PaperToIndex) -> PaperToIndex:
    return replace(paper, day=LAST_OLD + timedelta(days=365))


def same_answers(bench: Bench) -> None:
    """Ask one process, four shards in process and four actors the same.

    Figures: same_top20_order_* and _set_*, shares of the queries, against one process; cpu and wall milliseconds.
    """
    with closing(Divided(bench.four, SHARDS, bench.encoder)) as divided:
        for mode in MODES:
            one = _timed(bench, mode, "1_process", ShardReader(bench.one, bench.encoder))
            four = _timed(bench, mode, "4_shards", divided)
            actors = _timed(bench, mode, "4_actors", bench.cluster(bench.layout))
            _compared(bench, f"{mode}_4_shards", one, four)
            _compared(bench, f"{mode}_4_actors", one, actors)
            _compared(bench, f"{mode}_4_actors_to_4_shards", four, actors)
            bench.notes += _differing(bench.queries, mode, one, four)


def _differing(queries: Sequence[str], mode: Mode, one: list[Results], four: list[Results]) -> list[str]:
    """Say which queries four shards answer otherwise, and how many papers hold their words."""
    pairs = zip(queries, one, four, strict=True)
    told = [f"{text!r} ({a.total:,} papers)" for text, a, b in pairs if not same_order(a.hits, b.hits)]
    return [f"{mode}, otherwise by four shards than by one: {', '.join(told)}"] if told else []


def _timed(bench: Bench, mode: Mode, name: str, searcher: Searcher) -> list[Results]:
    searcher.warm()
    for text in bench.queries[:K]:
        searcher.search(text, mode, K)
    answers, wall, cpu = [], [], []
    elsewhere = bench.nodes.cpu_seconds()
    for text in bench.queries:
        began, spent = time.perf_counter(), time.process_time()
        answers.append(searcher.search(text, mode, K))
        cpu.append(1000 * (time.process_time() - spent))
        wall.append(1000 * (time.perf_counter() - began))
    elsewhere = 1000 * (bench.nodes.cpu_seconds() - elsewhere) / len(wall) if name == "4_actors" else 0.0
    if any(answer.partial for answer in answers):
        raise CannotMeasure("an answer is partial while nothing is killed")
    bench.figures[f"{mode}_cpu_ms_mean_{name}"] = float(np.mean(cpu)) + elsewhere
    if name != "4_actors":
        bench.figures[f"{mode}_cpu_ms_p50_{name}"] = float(np.median(cpu))
    bench.figures[f"{mode}_wall_ms_p50_{name}"] = float(np.median(wall))
    bench.figures[f"{mode}_wall_ms_p99_{name}"] = float(np.percentile(wall, 99))
    return answers


def _compared(bench: Bench, name: str, expected: list[Results], given: list[Results]) -> None:
    pairs = [(one.hits, other.hits) for one, other in zip(expected, given, strict=True)]
    bench.figures[f"same_top20_order_{name}"] = float(np.mean([same_order(*pair) for pair in pairs]))
    bench.figures[f"same_top20_set_{name}"] = float(np.mean([same_set(*pair) for pair in pairs]))


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
    bench.log.append([_later(paper) for paper in _made(bench, range(head + 1, head + ADDED + 1))])


def _made(bench: Bench, ids: range) -> list[PaperToIndex]:
    return sorted(bench.made.papers(ids).values(), key=lambda paper: paper.id)


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


def in_bulk(bench: Bench) -> None:
    """Encode some texts by both nodes, and by two threads of this process.

    Figures: bulk_docs_s and local_docs_s, papers a second once under way; the same by CPU second, of the nodes' every
    process; bulk_start_s until the first vectors.
    """
    texts = [(paper.title, paper.abstract) for paper in _made(bench, range(1, BULK + 1))]
    here = built_encoder(bench.home, threads=2)
    began, spent = time.monotonic(), time.process_time()
    here.encode_papers(texts)
    bench.figures["local_docs_s"] = len(texts) / (time.monotonic() - began)
    bench.figures["local_docs_per_cpu_s"] = len(texts) / (time.process_time() - spent)
    job = Job(bench.nodes.address, bench.nodes.home("a"), "minilm-int8", bench.encoder.id)
    arrived: list[tuple[float, int]] = []
    spending = Spending(bench.nodes)
    began = time.monotonic()
    with Bulk(job) as bulk:
        for rows in bulk.encode([(str(n), *text) for n, text in enumerate(texts)]):
            if not arrived:
                spending.begin()
            arrived.append((time.monotonic(), len(rows)))
        spent = spending.end()
    # What came with the first was made while the encoders were being started.
    first, last, count = arrived[0][0], arrived[-1][0], sum(rows for _at, rows in arrived[1:])
    bench.figures["bulk_start_s"] = first - began
    bench.figures["bulk_docs_s"] = count / (last - first)
    bench.figures["bulk_docs_per_cpu_s"] = count / spent


def main() -> None:
    """Measure in this process and print the figures."""
    end_with_parent()
    home, kills = Path(sys.argv[1]), int(sys.argv[2])
    total, done = kills + max(1, kills // 2) + 2, 0

    def told() -> None:
        nonlocal done
        done += 1
        print("done", done, total, flush=True)  # noqa: T201

    with prepared(home) as bench:
        same_answers(bench)
        told()
        in_bulk(bench)
        told()
        under_kills(bench, kills, told)
    figures = bench.figures
    ratios = {"bulk_vs_local": figures["bulk_docs_s"] / figures["local_docs_s"]}
    ratios["bulk_vs_local_by_cpu"] = figures["bulk_docs_per_cpu_s"] / figures["local_docs_per_cpu_s"]
    for mode in MODES:
        one = figures[f"{mode}_cpu_ms_mean_1_process"]
        ratios[f"{mode}_cpu_4_shards_vs_1"] = figures[f"{mode}_cpu_ms_mean_4_shards"] / one
        ratios[f"{mode}_cpu_4_actors_vs_1"] = figures[f"{mode}_cpu_ms_mean_4_actors"] / one
    print(json.dumps({"figures": figures, "ratios": ratios, "notes": bench.notes}))  # noqa: T201


if __name__ == "__main__":
    main()
