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


@pytest.fixture
def empty_database(server: str) -> str:
    """A database of one test's own on that server; gives its URL."""
    name, folder = f"test_{uuid.uuid4().hex[:12]}", server.partition("?host=")[2]
    command = [str(programs() / "createdb"), "-h", folder, "-U", "broadsheet", "--maintenance-db=postgres", name]
    subprocess.run(command, check=True)
    return f"postgresql://broadsheet@/{name}?host={folder}"


@pytest.fixture(scope="module")
def postfix() -> Iterator[mail_servers.Postfix]:
    """A mail server of our own on loopback; `url`, `log` and `wait_for` tell all of it."""
    with mail_servers.postfix() as running:
        yield running
