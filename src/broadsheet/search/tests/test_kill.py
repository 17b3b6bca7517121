"""`catch_up()` killed at random moments, while papers are added, revised, encoded and withdrawn."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from broadsheet.search.shard import ShardReader, catch_up
from broadsheet.search.tests.file_log import FileLog, vector_of

pytestmark = pytest.mark.slow
KILLS = 24
PAPERS = 1_000
CHILD = "from broadsheet.search.tests.file_log import main; main()"


def start(shard: Path, log: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", CHILD, str(shard), str(log)], stdout=subprocess.PIPE)


def check(shard: Path, log: FileLog) -> None:
    """Hold the shard against the record: one live row per paper, both halves agree, no old text found."""
    reader = ShardReader(shard)
    snapshot = reader.snapshot()
    assert snapshot is not None
    assert snapshot.vectors is not None
    revisions = log.revisions()
    live = {paper: revision for paper, revision in revisions.items() if revision >= 0}
    rows = snapshot.lexicon.newest([], [], 10 * PAPERS).rows
    assert sorted(snapshot.papers(rows)) == sorted(live)
    alive = snapshot.vectors.alive
    kept = np.flatnonzero(alive) if alive is not None else np.arange(len(snapshot.vectors.ids))
    assert sorted(snapshot.vectors.ids[kept].tolist()) == sorted(live)
    for row, paper in zip(rows, snapshot.papers(rows), strict=True):
        assert f"revision{live[paper]}x" in snapshot.text(row).split()
    for row in kept.tolist():
        paper = int(snapshot.vectors.ids[row])
        assert np.array_equal(snapshot.vectors.table.exact[row], vector_of(paper, live[paper]))
    for revision in range(max(live.values()) + 1):
        found = reader.search(f"revision{revision}x ", mode="lexical", limit=2 * PAPERS)
        exact = {hit.paper for hit in found.hits if hit.why["typos"] == 0}
        assert exact == {paper for paper, at in live.items() if at == revision}


def test_killed_anywhere_the_next_call_repairs_it(tmp_path: Path) -> None:
    draw = random.Random(20240527)
    shard, log = tmp_path / "shard", FileLog(tmp_path / "log")
    log.put(range(1, PAPERS + 1), 0)
    catch_up(shard, log, "fake")
    began = time.monotonic()
    log.put(range(1, 501), 1)
    catch_up(shard, log, "fake")
    usual = time.monotonic() - began
    killed = 0
    for round_ in range(2, KILLS + 2):
        log.put(sorted(draw.sample(range(1, PAPERS + 1), 500)), round_)
        log.withdraw(draw.sample(range(1, PAPERS + 1), 5))
        child = start(shard, tmp_path / "log")
        assert child.stdout
        child.stdout.readline()
        try:
            child.wait(timeout=draw.random() * usual)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
            child.wait()
            killed += 1
        child.stdout.close()
        if draw.random() < 0.5:
            catch_up(shard, log, "fake")
            check(shard, log)
    catch_up(shard, log, "fake")
    check(shard, log)
    assert killed >= 20
