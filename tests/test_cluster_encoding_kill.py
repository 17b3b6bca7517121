"""SIGKILL in the middle of encoding through a cluster: what was kept stays, and every text is encoded exactly once."""

import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from broadsheet.search import encoder as encoders
from broadsheet.search.choice import FIRST
from broadsheet.search.cluster import node
from broadsheet.search.tests import encoder_tiny as tiny

pytest.importorskip("ray", reason="ray is not installed; it is in requirements/ray.in")
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ray")]
# So many that the cluster is worth it until it was killed twice.
PAPERS = 7000
KILLS = 2
WORDS = ("rivers", "snow", "graph", "loss", "soft", "losses")


def line(number: int) -> str:
    paper = {
        "id": f"{2401 + number // 5000}.{number % 5000:05}",
        "title": f"Number {number} of {WORDS[number % 6]}",
        "abstract": f"A {WORDS[number % 5]} of {WORDS[number % 3]} and snow. " * 30 + f"q{number}",
        "authors": "Ada Example",
        "categories": "cs.LG",
        "versions": [{"version": "v1", "created": "Mon, 27 May 2024 12:00:00 GMT"}],
        "update_date": "2024-05-28",
    }
    return json.dumps(paper) + "\n"


def started(home: Path, *arguments: str, **settings: str) -> "subprocess.Popen[bytes]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BROADSHEET_", "PYTEST_"))}
    return subprocess.Popen(
        [sys.executable, "-m", "broadsheet.cli", *arguments],
        env={**kept, "BROADSHEET_HOME": str(home), "BROADSHEET_SOURCES": "", **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def done(home: Path, *arguments: str, **settings: str) -> str:
    process = started(home, *arguments, **settings)
    told = process.communicate()[0].decode()
    assert process.returncode == 0, told[-2000:]
    return told


@pytest.fixture
def home() -> Iterator[Path]:
    # Not pytest's own folder: its name is too long for Ray's sockets.
    with tempfile.TemporaryDirectory(prefix="bs-ray-", ignore_cleanup_errors=True) as folder:
        root = Path(folder) / "home"
        tiny.give(root)
        papers = Path(folder) / "papers.jsonl"
        papers.write_text("".join(map(line, range(PAPERS))))
        done(root, "import", str(papers))
        yield root


@pytest.fixture
def address(home: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind((node.LOOPBACK, 0))
        port = probe.getsockname()[1]
    head = node.start_head(home, port=port, cpus=2, memory_mb=100)
    try:
        yield head.address
    finally:
        head.stop()


def rows(home: Path, question: str) -> list[tuple[object, ...]]:
    with contextlib.closing(sqlite3.connect(f"file:{home}/record.sqlite3?mode=ro", uri=True, timeout=30)) as base:
        return base.execute(question).fetchall()


def kept(home: Path) -> int:
    return int(str(rows(home, "SELECT count(*) FROM papers_vector")[0][0]))


def drivers(home: Path) -> list[int]:
    """The processes that speak to the cluster for an encoding process of this home."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            of_home = str(home).encode() in (place / "environ").read_bytes()
            if of_home and b"spawn_main" in (place / "cmdline").read_bytes():
                found.append(int(place.name))
    return found


def killed_in_the_middle(home: Path, **settings: str) -> int:
    """Kill once some vectors of this run are kept; give how many there are."""
    before = kept(home)
    process = started(home, "index", **settings)
    until = time.monotonic() + 120
    while kept(home) == before and process.poll() is None:
        assert time.monotonic() < until, "no vector came"
        time.sleep(0.01)
    assert process.poll() is None, process.communicate()[0][-2000:]
    # The process alone: the one that speaks to the cluster must see for itself that it has ended.
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert before < kept(home) < PAPERS
    return kept(home)


def test_every_text_is_encoded_exactly_once_however_often_it_is_killed(home: Path, address: str) -> None:
    cluster = {"BROADSHEET_CLUSTER": address}
    counts = [killed_in_the_middle(home, **cluster) for _ in range(KILLS)]
    assert counts == sorted(set(counts))
    told = done(home, "index", **cluster)
    assert f"{PAPERS - counts[-1]:,} papers encoded" in told and "alone" not in told
    assert kept(home) == PAPERS
    assert rows(home, "SELECT count(*), count(DISTINCT paper_id) FROM papers_change WHERE kind = 'vector'") == [
        (PAPERS, PAPERS)
    ]
    assert drivers(home) == []
    here = encoders.OnnxEncoder.load(encoders.place(home, FIRST))
    found = rows(
        home,
        "SELECT title, abstract, data FROM papers_paper JOIN papers_vector USING (text_hash) ORDER BY papers_paper.id",
    )[:: PAPERS // 20]
    for title, abstract, data in found:
        assert here.encode_papers([(str(title), str(abstract))]).astype("<f2").tobytes() == data
