"""The record, the editions and the pages on PostgreSQL: the same tests, the same answers."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.postgres]
ROOMS = ("papers", "editions", "web")
REPOSITORY = Path(__file__).resolve().parents[1]


def programs() -> Path:
    """The newest server installed; skips where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("no PostgreSQL server is installed; on Debian: apt-get install postgresql")
    return found[-1].parent


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A server of our own on a socket in a temporary folder; gives its database's URL."""
    # The server refuses to run as root, and pytest's own folders are closed to others.
    user = "postgres" if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="broadsheet-pg-", ignore_cleanup_errors=True) as folder:
        if user:
            shutil.chown(folder, user)

        def ask(program: str, *options: str) -> None:
            command = [str(programs() / program), "-D", f"{folder}/data", *options]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, user=user, cwd=folder)

        ask("initdb", "-A", "trust", "-U", "broadsheet", "--locale=C.UTF-8", "-E", "UTF8")
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
        ask("pg_ctl", "-w", "-o", options, "-l", f"{folder}/log", "start")
        try:
            yield f"postgresql://broadsheet@/postgres?host={folder}"
        finally:
            ask("pg_ctl", "-m", "immediate", "stop")


@pytest.mark.parametrize("room", ROOMS)
def test_the_tests_of_a_room_pass_on_postgresql(room: str, server: str) -> None:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", "not slow", f"src/broadsheet/{room}"]
    environment = {**os.environ, "BROADSHEET_DATABASE": server}
    environment.pop("PYTEST_XDIST_WORKER", None)
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:]
    assert " passed" in done.stdout
