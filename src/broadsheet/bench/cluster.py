"""Search by actors on two simulated nodes: beside one process, and while processes and nodes are killed under load."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import numpy as np

from broadsheet.bench.cluster_judging import same_order, same_set
from broadsheet.bench.cluster_kills import ADDED, ASKERS, NODE_EVERY, under_kills
from broadsheet.bench.cluster_prepared import MODES, PAPERS, QUERIES, SHARDS, Bench, K, prepared
from broadsheet.bench.cluster_site import Spending
from broadsheet.bench.corpus import built_encoder
from broadsheet.bench.report import CannotMeasure, Measured
from broadsheet.lib.processes import end_with_parent
from broadsheet.lib.progress import Progress
from broadsheet.search.cluster.encoding import Bulk, Job
from broadsheet.search.divided import Divided
from broadsheet.search.executor import Searcher
from broadsheet.search.shard import ShardReader
from broadsheet.search.types import Mode, Results

KILLS: Final = 50
BULK: Final = 768


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


def in_bulk(bench: Bench) -> None:
    """Encode some texts by both nodes, and by two threads of this process.

    Figures: bulk_docs_s and local_docs_s, papers a second once under way; the same by CPU second, of the nodes' every
    process; bulk_start_s until the first vectors.
    """
    texts = [(paper.title, paper.abstract) for paper in bench.papers(range(1, BULK + 1))]
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
