"""Sixteen processes vote on the same hundred papers: nothing fails, nothing is lost, nothing counts twice."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
VOTERS = Path(__file__).with_name("voters.py")
# How often each process votes: by the functions less often, where there is less that could go wrong.
DIRECT_TIMES, HTTP_TIMES = 16, 25
START_SECONDS = 300

Environment = dict[str, str]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Environment:
    """A home and an empty database of their own."""
    environment = {**os.environ, "BROADSHEET_HOME": str(tmp_path), "BROADSHEET_SIGN_IN": "always"}
    environment |= {"BROADSHEET_ENCODER": "none", "BROADSHEET_WEB_PROCESSES": "2", "BROADSHEET_DATABASE": ""}
    if request.param == "postgresql":
        environment["BROADSHEET_DATABASE"] = request.getfixturevalue("empty_database")
    return environment


def voters(place: Environment, *words: str, given: object = None) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(VOTERS), *words], env=place, input=json.dumps(given), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(done.stdout))


@contextmanager
def site(place: Environment) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "broadsheet.cli", "run", "--no-worker", "--port", str(port)]
    log = Path(place["BROADSHEET_HOME"]) / "site.log"
    with log.open("wb") as out, subprocess.Popen(command, env=place, stdout=out, stderr=out) as server:
        try:
            wait_for(f"http://127.0.0.1:{port}/about", log)
            yield port
        finally:
            server.terminate()
            server.wait(60)
    assert "Traceback" not in log.read_text()


def wait_for(address: str, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except urllib.error.HTTPError as answer:
            answer.close()
            return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"the site did not start: {log.read_text()[-3000:]}")


def must_agree(told: dict[str, Any], kept: dict[str, Any], each: int) -> None:
    assert told["wrong"] == []
    assert kept["twice"] == 0
    assert kept["differ"] == []
    rows = {(reader, paper) for reader, paper in kept["pairs"]}
    assert rows == {(reader, paper) for reader, paper, voted in told["last"] if voted}
    assert told["acts"] + told["waits"] == 16 * each
    assert told["acts"] > 8 * each
    sys.stderr.write(f"\n{told['acts']} votes, the slowest {told['slowest']:.2f} s, {told['waits']} waits\n")


def test_sixteen_processes_vote_by_the_functions(place: Environment) -> None:
    made = voters(place, "prepare")
    told = voters(place, "vote", "--each", str(DIRECT_TIMES), given=made)
    must_agree(told, voters(place, "look"), DIRECT_TIMES)


def test_sixteen_browsers_vote_by_the_page(place: Environment) -> None:
    made = voters(place, "prepare")
    with site(place) as port:
        told = voters(place, "vote", "--each", str(HTTP_TIMES), "--port", str(port), given=made)
    must_agree(told, voters(place, "look"), HTTP_TIMES)
