"""Servers of our own, for the tests that need one: PostgreSQL and Postfix."""

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import postfix as mail_servers
from tests.here import answer_of

__all__ = ["answer_of"]


def programs() -> Path:
    """The newest server installed; skips where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("no PostgreSQL server is installed; on Debian: apt-get install postgresql")
    return found[-1].parent


class _Cluster:
    """PostgreSQL's word for a folder with databases and the server that serves them, on a socket in that folder."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        # The server refuses to run as root, and pytest's own folders are closed to others.
        self.user = "postgres" if os.geteuid() == 0 else None
        if self.user:
            shutil.chown(folder, self.user)
        # What is written need not outlive the machine.
        self.ask("initdb", "-N", "-A", "trust", "-U", "broadsheet", "--locale=C.UTF-8", "-E", "UTF8")

    def ask(self, program: str, *options: str) -> None:
        command = [str(programs() / program), "-D", f"{self.folder}/data", *options]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, user=self.user, cwd=self.folder)

    def runs(self) -> bool:
        command = [str(programs() / "pg_ctl"), "-D", f"{self.folder}/data", "status"]
        return not subprocess.run(command, stdout=subprocess.DEVNULL, user=self.user, cwd=self.folder).returncode

    def start(self) -> None:
        options = f"-c listen_addresses='' -c unix_socket_directories={self.folder} -c fsync=off"
        self.ask("pg_ctl", "-w", "-o", options, "-l", f"{self.folder}/log", "start")


@pytest.fixture(scope="session")
def _cluster() -> Iterator[_Cluster]:
    with tempfile.TemporaryDirectory(prefix="broadsheet-pg-", ignore_cleanup_errors=True) as folder:
        made = _Cluster(folder)
        try:
            yield made
        finally:
            if made.runs():
                made.ask("pg_ctl", "-m", "immediate", "stop")


@pytest.fixture(scope="module")
def server(_cluster: _Cluster) -> str:
    """A server of our own, for as long as this process runs tests; gives the URL of its first database."""
    # The tests of a file may have stopped it.
    if not _cluster.runs():
        _cluster.start()
    return f"postgresql://broadsheet@/postgres?host={_cluster.folder}"


def new_database(server: str) -> str:
    """Make an empty database on that server; gives its URL."""
    name, folder = f"test_{uuid.uuid4().hex[:12]}", server.partition("?host=")[2]
    command = [str(programs() / "createdb"), "-h", folder, "-U", "broadsheet", "--maintenance-db=postgres", name]
    subprocess.run(command, check=True)
    return f"postgresql://broadsheet@/{name}?host={folder}"


@pytest.fixture
def empty_database(server: str) -> str:
    """A database of one test's own on that server; gives its URL."""
    return new_database(server)


@pytest.fixture(scope="module")
def postfix() -> Iterator[mail_servers.Postfix]:
    """A mail server of our own on loopback; `url`, `log` and `wait_for` tell all of it."""
    with mail_servers.postfix() as running:
        yield running
