"""SIGKILL at random moments of import, index and run: nothing lost, nothing doubled, no hand needed."""

import contextlib
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.here import Command

pytestmark = pytest.mark.slow
PAPERS = 9000
WORDS = ("river", "glass", "clock", "salt", "snow", "bees", "light", "stone", "wind", "paper", "field", "signal")


def rows(revision: int = 0) -> Iterator[dict[str, object]]:
    """Invented papers; a later revision changes the abstract of every third."""
    for number in range(PAPERS):
        chance = random.Random(number if number % 3 else number + 7 * revision)
        text = " ".join(chance.choices(WORDS, k=60))
        yield {
            "id": f"2405.{number:05}",
            "title": f"Unique{number} studies of {WORDS[number % len(WORDS)]}",
            "abstract": f"{text}. Marker r{revision if number % 3 == 0 else 0}q{number}.",
            "authors": "Ada Example and Bo Sample",
            "categories": "cs.LG cs.CL",
            "versions": [{"version": "v1", "created": "Mon, 27 May 2024 12:00:00 GMT"}],
            "update_date": "2024-05-28",
        }


def write(path: Path, revision: int) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows(revision)))
    return path


def environment(home: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BROADSHEET_", "PYTEST_"))}
    return {**kept, "BROADSHEET_HOME": str(home), "BROADSHEET_ENCODER": "none", "BROADSHEET_SOURCES": "", **more}


def broadsheet(home: Path, *arguments: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "broadsheet.cli", *arguments]
    return subprocess.Popen(
        command, env=environment(home), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )


def finish(process: "subprocess.Popen[bytes]") -> None:
    _out, said = process.communicate()
    assert process.returncode == 0, said.decode()[-2000:]


def kill_group(process: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def ask(home: Path, sql: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(home / "record.sqlite3") as database:
        return database.execute(sql).fetchall()


def has_begun(home: Path, command: str) -> bool:
    """Seen at work: an import has written papers, an index has made its folder."""
    if command == "index":
        return (home / "shard" / "lock").exists()
    try:
        return bool(ask(home, "SELECT count(*) FROM papers_paper")[0][0])
    except sqlite3.OperationalError:
        return False


def kill_at_work(home: Path, chance: random.Random, *arguments: str) -> bool:
    """Start a command and kill it at a random moment once it is seen at work; false if it was done before."""
    process = broadsheet(home, *arguments)
    until = time.monotonic() + 30
    while process.poll() is None and not has_begun(home, arguments[0]) and time.monotonic() < until:
        time.sleep(0.005)
    time.sleep(chance.uniform(0, 0.4))
    at_work = process.poll() is None
    kill_group(process)
    return at_work


def found(answer_of: Command, home: Path, query: str) -> list[str]:
    told = answer_of(home, "search", query, "--mode", "lexical", "--limit", "50", encoder="none")
    return [hit["id"] for hit in told["hits"]]


def assert_whole(answer_of: Command, home: Path, revision: int) -> None:
    """Every paper once, with all that hangs on it, and the index finds the texts of now and not those of before."""
    assert ask(home, "SELECT count(*), count(DISTINCT key) FROM papers_paper") == [(PAPERS, PAPERS)]
    assert ask(home, "SELECT count(*) FROM papers_authorship") == [(2 * PAPERS,)]
    assert ask(home, "SELECT count(*) FROM papers_identifier") == [(PAPERS,)]
    assert ask(home, "SELECT count(*) FROM papers_version") == [(PAPERS,)]
    assert ask(home, "SELECT max(seq) - count(*) FROM papers_change") == [(0,)]
    assert ask(home, "SELECT count(*) FROM papers_change WHERE kind = 'insert'") == [(PAPERS,)]
    assert ask(home, "PRAGMA integrity_check") == [("ok",)]
    for number in (0, 3, 4500, PAPERS - 1):
        assert found(answer_of, home, f'"unique{number} studies"') == [f"2405.{number:05}"]
        now = revision if number % 3 == 0 else 0
        assert found(answer_of, home, f'"marker r{now}q{number}"') == [f"2405.{number:05}"]
    if revision:
        assert found(answer_of, home, '"marker r0q0"') == []


def test_import_and_index_survive_being_killed_at_any_moment(tmp_path: Path, answer_of: Command) -> None:
    chance, kills = random.Random(20261121), 0
    home = tmp_path / "home"
    home.mkdir()
    for revision in range(4):
        papers = write(tmp_path / f"papers{revision}.jsonl", revision)
        for _ in range(4):
            kills += kill_at_work(home, chance, "import", str(papers))
        finish(broadsheet(home, "import", str(papers)))
        for _ in range(3):
            kills += kill_at_work(home, chance, "index")
        finish(broadsheet(home, "index"))
        assert_whole(answer_of, home, revision)
    assert kills >= 18, "the machine is too fast for this test: most commands were done before they were killed"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.05)
    return False


def test_run_starts_again_by_itself_however_it_was_killed(tmp_path: Path, answer_of: Command) -> None:
    chance, port = random.Random(7), free_port()
    for number in range(12):
        process = broadsheet(tmp_path, "run", "--port", str(port))
        if number % 2:
            assert answers(port, 60)
        time.sleep(chance.uniform(0, 1.0))
        if number % 3 == 0:
            # Only the first process: what it started must not outlive it.
            process.kill()
            process.communicate()
        else:
            kill_group(process)
    process = broadsheet(tmp_path, "run", "--port", str(port))
    try:
        assert answers(port, 60)
        sample = ask(tmp_path, "SELECT count(*), count(DISTINCT key) FROM papers_paper")
        assert sample == [(141, 141)]
    finally:
        process.terminate()
        process.communicate()
    assert found(answer_of, tmp_path, "id:2410.05954") == ["2410.05954"]
