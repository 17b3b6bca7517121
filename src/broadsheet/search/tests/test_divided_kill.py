"""Several shards killed while they are built and followed, and while another number of them takes over."""

import os
import random
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from broadsheet.search import dividing
from broadsheet.search.divided import Divided, Shards
from broadsheet.search.dividing import arrangement, catch_up_all, places, shard_of
from broadsheet.search.shard import ShardReader, catch_up
from broadsheet.search.tests.file_log import FileLog

pytestmark = pytest.mark.slow
KILLS = 12
PAPERS = 400
CHILD = """
import sys
from functools import partial
from pathlib import Path
from broadsheet.search import catch_up as small
from broadsheet.search.dividing import catch_up_all
from broadsheet.search.tests.file_log import FileLog
small.BATCH, small.COMMIT = 50, 50
print("begin", flush=True)
catch_up_all(Path(sys.argv[1]), int(sys.argv[3]), FileLog(Path(sys.argv[2])), "fake")
"""


def start(path: Path, log: Path, shards: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", CHILD, str(path), str(log), str(shards)], stdout=subprocess.PIPE)


def check(path: Path, log: FileLog) -> None:
    """Hold what is found against the record: one live row per paper in its own shard, both halves agree."""
    live = {paper: revision for paper, revision in log.revisions().items() if revision >= 0}
    shards, found = arrangement(path), []
    for n, one in enumerate(places(path, shards)):
        snapshot = ShardReader(one).snapshot()
        assert snapshot
        rows = snapshot.lexicon.newest([], [], 10 * PAPERS).rows
        papers = snapshot.papers(rows)
        found += papers
        for row, paper in zip(rows, papers, strict=True):
            assert f"revision{live[paper]}x" in snapshot.text(row).split()
        assert snapshot.vectors
        alive = snapshot.vectors.alive
        assert sorted(snapshot.vectors.ids[alive if alive is not None else slice(None)].tolist()) == sorted(papers)
        if shards > 1:
            assert set(shard_of(snapshot.word_ids, shards).tolist()) <= {n}
    assert sorted(found) == sorted(live)


def test_killed_anywhere_the_next_call_goes_on_and_no_paper_is_lost(tmp_path: Path) -> None:
    draw, killed = random.Random(20240527), 0
    path, log = tmp_path / "shard", FileLog(tmp_path / "log")
    log.put(range(1, PAPERS + 1), 0)
    began = time.monotonic()
    start(path, tmp_path / "log", 3).communicate()
    usual = time.monotonic() - began
    check(path, log)
    shards = 3
    for round_ in range(1, KILLS + 1):
        log.put(draw.sample(range(1, PAPERS + 1), 150), round_)
        log.withdraw(draw.sample(range(1, PAPERS + 1), 3))
        if draw.random() < 0.4:
            shards = draw.choice([1, 2, 3, 4])
        child = start(path, tmp_path / "log", shards)
        assert child.stdout
        child.stdout.readline()
        try:
            child.wait(timeout=draw.random() * usual * 0.6)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
            child.wait()
            killed += 1
        child.stdout.close()
        # Whatever is in use answers, if perhaps with what was before.
        assert not Shards(path).search("revision", "lexical", PAPERS).partial
        if draw.random() < 0.4:
            catch_up_all(path, shards, log, "fake")
            assert arrangement(path) == shards
            check(path, log)
    catch_up_all(path, shards, log, "fake")
    check(path, log)
    assert killed >= KILLS // 2


def test_shards_built_in_several_processes_are_as_those_built_in_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dividing, "WORTH_PROCESSES", 1)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    log = FileLog(tmp_path / "log")
    log.put(range(1, 301), 0)
    told: list[int] = []
    opened = partial(FileLog, tmp_path / "log")
    done = catch_up_all(tmp_path / "a", 2, log, "fake", lambda n, total=None: told.append(n), elsewhere=opened)
    assert (done.seq, done.busy) == (log.head(), False)
    catch_up_all(tmp_path / "b", 2, log, "fake")
    catch_up(tmp_path / "one", log, "fake")
    check(tmp_path / "a", log)
    query = "paper revision0x"
    answers = [Divided(tmp_path / name, 2).search(query) for name in ("a", "b")]
    assert answers[0] == answers[1]
    assert [hit.paper for hit in answers[0].hits] == [
        hit.paper for hit in ShardReader(tmp_path / "one").search(query).hits
    ]
