"""The record, the editions and the pages on PostgreSQL: the same tests, the same answers."""

import os
import pwd
import shutil
import subprocess
import sys
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
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of our own on a socket in a temporary folder; gives its database's URL."""
    bin_folder, place = programs(), tmp_path_factory.mktemp("pg")
    # The server refuses to run as root.
    user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    data, sockets = place / "data", place / "sockets"
    sockets.mkdir()
    if os.geteuid() == 0:
        for folder in (place, *place.parents[:3]):
            folder.chmod(0o755)
        shutil.chown(place, user)
        shutil.chown(sockets, user)

    def ask(*command: str) -> None:
        subprocess.run(command, check=True, capture_output=True, user=user if os.geteuid() == 0 else None, cwd=place)

    ask(f"{bin_folder}/initdb", "-D", str(data), "-A", "trust", "-U", "broadsheet", "--locale=C.UTF-8", "-E", "UTF8")
    options = f"-c listen_addresses='' -c unix_socket_directories={sockets} -c fsync=off"
    ask(f"{bin_folder}/pg_ctl", "-D", str(data), "-w", "-o", options, "-l", str(place / "log"), "start")
    try:
        yield f"postgresql://broadsheet@/postgres?host={sockets}"
    finally:
        ask(f"{bin_folder}/pg_ctl", "-D", str(data), "-m", "immediate", "stop")


@pytest.mark.parametrize("room", ROOMS)
def test_the_tests_of_a_room_pass_on_postgresql(room: str, server: str) -> None:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", "not slow", f"src/broadsheet/{room}"]
    environment = {**os.environ, "BROADSHEET_DATABASE": server}
    environment.pop("PYTEST_XDIST_WORKER", None)
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:]
    assert " passed" in done.stdout
