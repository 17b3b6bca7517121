"""The record, the editions and the pages on PostgreSQL: the same tests, the same answers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.postgres]
ROOMS = ("papers", "readers", "community", "editions", "web")
REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("room", ROOMS)
def test_the_tests_of_a_room_pass_on_postgresql(room: str, server: str) -> None:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", "not slow", f"src/broadsheet/{room}"]
    environment = {**os.environ, "BROADSHEET_DATABASE": server}
    environment.pop("PYTEST_XDIST_WORKER", None)
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:]
    assert " passed" in done.stdout
