"""A PostgreSQL server for as long as a bench needs one, with the settings that it has where it is installed."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from broadsheet.bench.report import CannotMeasure

INSTALLED: Final = Path("/usr/lib/postgresql")


@dataclass(frozen=True, slots=True)
class Server:
    """A running server. process: the one that all others of it come from."""

    folder: Path
    process: int

    def database(self, name: str) -> str:
        """Make a database; give its URL."""
        _ask(self.folder, "createdb", "-h", str(self.folder), "-U", "broadsheet", "--maintenance-db=postgres", name)
        return f"postgresql://broadsheet@/{name}?host={self.folder}"

    def settle(self, name: str) -> None:
        """Gather statistics and clean up, as its own background work would some minutes later."""
        _ask(self.folder, "vacuumdb", "-h", str(self.folder), "-U", "broadsheet", "--analyze", "-q", name)

    def drop(self, name: str) -> None:
        """Delete a database."""
        _ask(self.folder, "dropdb", "-h", str(self.folder), "-U", "broadsheet", "--maintenance-db=postgres", name)


def programs() -> Path:
    """Give the folder of the newest server installed. Raises CannotMeasure."""
    found = sorted(INSTALLED.glob("*/bin/initdb"), key=lambda place: float(place.parts[-3]))
    if not found:
        raise CannotMeasure("no PostgreSQL server is installed; on Debian: apt-get install postgresql")
    return found[-1].parent


@contextmanager
def server() -> Iterator[Server]:
    """Start a server on a socket in a folder of its own; it ends with the block. Raises CannotMeasure."""
    programs()
    with tempfile.TemporaryDirectory(prefix="broadsheet-pg-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        if user := _user():
            shutil.chown(folder, user)
        _ask(folder, "initdb", "-D", f"{folder}/data", "-A", "trust", "-U", "broadsheet", "--locale=C.UTF-8", "-EUTF8")
        options = f"-c listen_addresses='' -c unix_socket_directories={folder}"
        _ask(folder, "pg_ctl", "-D", f"{folder}/data", "-w", "-o", options, "-l", f"{folder}/log", "start")
        try:
            yield Server(folder, int((folder / "data" / "postmaster.pid").read_text().split()[0]))
        finally:
            _ask(folder, "pg_ctl", "-D", f"{folder}/data", "-m", "immediate", "stop")


def _user() -> str | None:
    # The server refuses to run as root.
    return "postgres" if os.geteuid() == 0 else None


def _ask(folder: Path, program: str, *options: str) -> None:
    command = [str(programs() / program), *options]
    try:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, user=_user(), cwd=folder)
    except (OSError, subprocess.CalledProcessError) as problem:
        raise CannotMeasure(f"PostgreSQL does not do as it should: {problem}") from problem
