"""How search grows with the papers: building, opening, asking and adding, at several sizes, kept between runs."""

import json
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from broadsheet.bench.corpus import built_encoder
from broadsheet.bench.processes import anonymous_mb, resident_mb
from broadsheet.bench.report import CannotMeasure, Measured
from broadsheet.bench.scale_papers import MadeLog, real_sample
from broadsheet.bench.search import made_queries
from broadsheet.lib.files import write_whole
from broadsheet.lib.progress import Progress, silent
from broadsheet.search.divided import Divided, Shards
from broadsheet.search.dividing import catch_up_all, places
from broadsheet.search.shard import READING, ShardReader
from broadsheet.search.snapshot import Snapshot, VectorHalf
from broadsheet.search.tables import STATE, read_state
from broadsheet.search.types import Filter, FloatArray, Mode
from broadsheet.search.vectors import scan

SIZES: Final = (10_000, 100_000)
K: Final = 50
QUERIES: Final = 200
RECALL_QUERIES: Final = 100
SHARES: Final = (1, 5, 10)
ADDED: Final = 1_000
_BLOCK: Final = 50_000


def measure(progress: Progress, size: Sequence[int] = SIZES, shards: int = 1) -> Measured:
    """Build, open, ask and extend an index at every size. Raises CannotMeasure.

    What is built stays under bench/ in the home, and a build that was stopped goes on. Each step runs in a process of
    its own, so that its memory is its own.
    """
    from django.conf import settings

    home = Path(settings.CONFIG.home)
    built_encoder(home)
    # Made here once: a process that asks must not hold the papers that queries are made of.
    _queries(home)
    figures: dict[str, float] = {}
    for n, papers in enumerate(size):
        for name, value in _measured(home, papers, shards).items():
            figures[f"{name}_{papers}"] = value
        progress(n + 1, len(size))
    return Measured(figures, notes=_notes(shards))


def _notes(shards: int) -> list[str]:
    return [
        f"{shards} shard{'s' if shards > 1 else ''}; papers are made of the 50,000 real ones: every sentence from any "
        "paper of the same category, titles of two halves, real authors, categories and days",
        "vectors lie 0.2 to 0.5 of the way between two real ones of a category, plus noise of length 0.15; queries are "
        "real, encoded by the encoder; recall is against all cosines in float32 of the vectors as kept",
        "hybrid times include encoding the query; open_s and first_query_ms are after the files were dropped from "
        "memory; the other searches are after what they touch was read, which read_s tells, as in a site at work",
    ]


def _measured(home: Path, papers: int, shards: int) -> dict[str, float]:
    figures = {"n_papers": float(papers)}
    for step in ("build", "ask", "add"):
        figures |= _step(home, papers, shards, step)
    return figures


def _step(home: Path, papers: int, shards: int, step: str) -> dict[str, float]:
    command = [sys.executable, "-m", "broadsheet.bench.scale", str(home), str(papers), str(shards), step]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, stdout=subprocess.PIPE, env=environment, check=False)
    if done.returncode:
        raise CannotMeasure(f"the step {step} at {papers:,} papers ended with {done.returncode}")
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


def folder(home: Path, papers: int, shards: int) -> Path:
    """Give the directory that keeps the index of a size."""
    return home / "bench" / f"scale-{papers}-{shards}"


class OpenLog:
    """Opens the log in another process."""

    def __init__(self, home: Path, papers: int) -> None:
        self.home, self.papers = home, papers

    def __call__(self) -> MadeLog:
        """Give the log."""
        return MadeLog(real_sample(self.home), self.papers)


def build(home: Path, papers: int, shards: int) -> dict[str, float]:
    """Build what is not built yet; the seconds of runs that were stopped count too.

    Figures: build_s, build_rss_mb (the most that one building process held), disk_mb.
    """
    path = folder(home, papers, shards)
    clock = _Clock(path / "build.json")
    opened = OpenLog(home, papers)
    if (_reached(path, shards)) < papers:
        log = opened()
        clock.start()
        catch_up_all(path, shards, log, built_encoder(home).id, clock, elsewhere=opened)
        clock(papers)
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return {**clock.said, "disk_mb": size / 1e6}


def _reached(path: Path, shards: int) -> int:
    states = [read_state(one / STATE) for one in places(path, shards)]
    return min(state.seq if state else 0 for state in states)


class _Clock:
    """Seconds and memory of a build, kept on disk while it runs."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.said: dict[str, float] = json.loads(path.read_text()) if path.exists() else {}
        self.last = time.monotonic()

    def start(self) -> None:
        self.last = time.monotonic()

    def __call__(self, done: int, total: int | None = None) -> None:
        moment = time.monotonic()
        most = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        self.said = {
            "build_s": self.said.get("build_s", 0.0) + moment - self.last,
            "build_rss_mb": max(self.said.get("build_rss_mb", 0.0), most / 1024),
        }
        self.last = moment
        write_whole(self.path, json.dumps(self.said).encode())


def ask(home: Path, papers: int, shards: int) -> dict[str, float]:
    """Open the index cold and search it.

    Figures: open_s, first_query_ms, read_s (until what searches touch all over is read), hybrid_cpu_ms_p50,
    hybrid_cpu_ms_p99, hybrid_wall_ms_p50, hybrid_wall_ms_p99, page_cpu_ms_p50, rss_mb and rss_anonymous_mb after
    them, recall_at_50 and recall_at_50_filter_1, _5, _10, scan_share_of_copy.
    """
    path, encoder = folder(home, papers, shards), built_encoder(home)
    encoder.encode(["warm"])
    queries = _queries(home)
    forget_files(path)
    began = time.perf_counter()
    reader = Shards(path, encoder)
    reader.warm()
    figures = {"open_s": time.perf_counter() - began}
    began = time.perf_counter()
    reader.search(queries[-1], "hybrid", limit=K)
    figures["first_query_ms"] = 1000 * (time.perf_counter() - began)
    # What is measured from here on is a site at work, not one that starts.
    for thread in threading.enumerate():
        if thread.name == READING:
            thread.join()
    figures["read_s"] = time.perf_counter() - began
    modes: tuple[Mode, ...] = ("hybrid", "page")
    for mode in modes:
        wall, cpu = [], []
        for text in [*queries[:20], *queries]:
            moment, spent = time.perf_counter(), time.process_time()
            reader.search(text, mode, limit=K)
            cpu.append(1000 * (time.process_time() - spent))
            wall.append(1000 * (time.perf_counter() - moment))
        for name, times in (("cpu", cpu[20:]), ("wall", wall[20:])):
            figures[f"{mode}_{name}_ms_p50"] = float(np.median(times))
            figures[f"{mode}_{name}_ms_p99"] = float(np.percentile(times, 99))
        if mode == "hybrid":
            figures |= memory()
    snapshots = _snapshots(reader)
    figures |= recalls(reader, snapshots, encoder.encode(queries[:RECALL_QUERIES]))
    return {**figures, "scan_share_of_copy": scan_share(snapshots)}


def _queries(home: Path) -> list[str]:
    place = home / "bench" / "scale-queries.json"
    if not place.exists():
        papers = MadeLog(real_sample(home), 5_000).papers(range(1, 5_001))
        write_whole(place, json.dumps(made_queries(list(papers.values()), QUERIES)).encode())
    queries: list[str] = json.loads(place.read_bytes())
    return queries


def forget_files(path: Path) -> None:
    """Ask the kernel to drop what it keeps of the files in memory."""
    os.sync()
    for file in path.rglob("*"):
        if file.is_file():
            handle = os.open(file, os.O_RDONLY)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(handle)


def memory() -> dict[str, float]:
    """Tell this process's memory: rss_mb, and what of it is no file (rss_anonymous_mb)."""
    return {"rss_mb": resident_mb(), "rss_anonymous_mb": anonymous_mb()}


def _snapshots(reader: Shards) -> list[Snapshot]:
    now = reader.now()
    readers = now.readers if isinstance(now, Divided) else [now]
    return [snapshot for one in readers if isinstance(one, ShardReader) and (snapshot := one.snapshot())]


def recalls(reader: Shards, snapshots: Sequence[Snapshot], queries: FloatArray) -> dict[str, float]:
    """Tell what share of the true 50 nearest is found, without a filter and with the newest 1, 5 and 10 %."""
    halves = [snapshot.vectors for snapshot in snapshots if snapshot.vectors]
    days = np.concatenate([half.days for half in halves])
    figures = {"recall_at_50": _recall(reader, halves, queries, Filter())}
    for share in SHARES:
        since = int(np.partition(days, len(days) - len(days) * share // 100)[len(days) - len(days) * share // 100])
        from_day = Filter(since=date.fromordinal(since))
        figures[f"recall_at_50_filter_{share}"] = _recall(reader, halves, queries, from_day)
    return figures


def _recall(reader: Shards, halves: Sequence[VectorHalf], queries: FloatArray, one: Filter) -> float:
    best = [_nearest(half, queries, one) for half in halves]
    shares = []
    for n, query in enumerate(queries):
        pairs = sorted((pair for found in best for pair in found[n]), key=lambda pair: -pair[0])[:K]
        found = reader.nearest(query, len(pairs), one).hits
        # Equal vectors are equally right, whatever their numbers.
        shares.append(sum(hit.score >= pairs[-1][0] - 1e-6 for hit in found) / len(pairs))
    return float(np.mean(shares))


def _nearest(half: VectorHalf, queries: FloatArray, one: Filter) -> list[list[tuple[float, int]]]:
    mask = half.mask([one])
    rows = np.arange(len(half.ids)) if mask is None else np.flatnonzero(mask)
    best: list[list[tuple[float, int]]] = [[] for _ in queries]
    for start in range(0, len(rows), _BLOCK):
        part = rows[start : start + _BLOCK]
        scores = queries @ half.table.exact[part].astype(np.float32).T
        top = np.argpartition(-scores, min(K, len(part) - 1), axis=1)[:, :K]
        for n, these in enumerate(top):
            found = zip(scores[n, these].tolist(), part[these].tolist(), strict=True)
            best[n] = sorted([*best[n], *found], reverse=True)[:K]
    return best


def scan_share(snapshots: Sequence[Snapshot]) -> float:
    """Tell how near the scan of the sign bits comes to a plain copy: seconds of the copy by those of the scan."""
    scanned = copied = 0.0
    for table in [snapshot.vectors.table for snapshot in snapshots if snapshot.vectors]:
        query = table.exact[0].astype(np.float32) @ table.rotation
        scanned += _cpu_seconds(partial(scan, table, query))
        copied += _cpu_seconds(partial(np.copyto, np.empty_like(table.bits), table.bits))
    return copied / scanned if scanned else 0.0


def _cpu_seconds(work: Callable[[], object]) -> float:
    times = []
    for _ in range(7):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return min(times)


def add(home: Path, papers: int, shards: int) -> dict[str, float]:
    """Add 1,000 papers to the index.

    Figures: add_1000_s (until one of them is found), add_1000_done_s (until everything is at rest).
    """
    path, encoder = folder(home, papers, shards), built_encoder(home)
    reader = Shards(path, encoder)
    reader.warm()
    target = _reached(path, shards) + ADDED
    log = MadeLog(real_sample(home), target)
    log.papers([target])
    began = time.perf_counter()
    working = threading.Thread(target=catch_up_all, args=(path, shards, log, encoder.id, silent))
    working.start()
    while _reached(path, shards) < target and working.is_alive():
        time.sleep(0.01)
    hits = reader.search(f"id:made:{target}", "lexical", limit=1).hits
    figures = {"add_1000_s": time.perf_counter() - began}
    working.join()
    if [hit.paper for hit in hits] != [target]:
        raise CannotMeasure("the papers that were added are not found")
    return {**figures, "add_1000_done_s": time.perf_counter() - began}


def main() -> None:
    """Run one step in this process and print its figures."""
    home, papers, shards, step = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    steps = {"build": build, "ask": ask, "add": add}
    print(json.dumps(steps[step](home, papers, shards)))  # noqa: T201


if __name__ == "__main__":
    main()
