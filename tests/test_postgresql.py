"""The record, the editions and the pages on PostgreSQL: the same tests, the same answers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.postgres]
# The pages take as long as all the others together.
ROOMS = (
    ("papers", "readers", "community", "editions", "foryou", "groups", "export", "delivery", "digest"),
    ("web", "api"),
)
REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("rooms", ROOMS, ids=" ".join)
def test_the_tests_of_rooms_pass_on_postgresql(rooms: tuple[str, ...], server: str) -> None:
    folders = [f"src/broadsheet/{room}" for room in rooms]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", "not slow", *folders]
    environment = {**os.environ, "BROADSHEET_DATABASE": server}
    environment.pop("PYTEST_XDIST_WORKER", None)
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:]
    assert " passed" in done.stdout
