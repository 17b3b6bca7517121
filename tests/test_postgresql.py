"""The record, the editions and the pages on PostgreSQL: the same tests, the same answers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.postgres]
# The pages take as long as all the others together.
ROOMS = {
    "rooms": ("papers", "readers", "community", "editions", "foryou", "groups", "export", "delivery", "digest"),
    "pages": ("web", "api"),
}
PARTS = [
    pytest.param(rooms, id=part, marks=pytest.mark.xdist_group(f"{part} on PostgreSQL"))
    for part, rooms in ROOMS.items()
]
REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("rooms", PARTS)
def test_the_tests_of_rooms_pass_on_postgresql(rooms: tuple[str, ...], server: str) -> None:
    folders = [f"src/broadsheet/{room}" for room in rooms]
    # What does not ask the record is no other on another database.
    chosen = ["--record-only", "-m", "not slow or thorough"]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *chosen, *folders]
    environment = {**os.environ, "BROADSHEET_DATABASE": server}
    environment.pop("PYTEST_XDIST_WORKER", None)
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:]
    assert " passed" in done.stdout
