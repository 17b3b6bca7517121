"""A restore or a copy that is killed at any moment leaves the site as it was, or as it should be, and never a half."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.hosts import wait_until

pytestmark = pytest.mark.slow
RUN = "import sys; from broadsheet.cli import main; sys.exit(main())"
SAMPLE = """
from broadsheet.cli import prepare
prepare()
from broadsheet.papers import database, sample
database.migrate()
sample.load_if_empty()
"""
# Whoever opens the site next.
OPEN = "from broadsheet import config; config.load()"
KILLS = 12
# What a process that fills a PostgreSQL database is seen at, one after the other.
PHASES = ("DROP TABLE", "CREATE TABLE", "COPY", "CREATE INDEX", "COMMIT")
# Under that name PostgreSQL sees it.
ASKED = "asked by a test"


def ask(home: Path, program: str, *arguments: str, database: str = "") -> "subprocess.Popen[bytes]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BROADSHEET_")}
    environment |= {"BROADSHEET_HOME": str(home), "BROADSHEET_ENCODER": "none", "BROADSHEET_DATABASE": database}
    environment["PGAPPNAME"] = ASKED
    quiet = subprocess.DEVNULL
    return subprocess.Popen([sys.executable, "-c", program, *arguments], env=environment, stdout=quiet, stderr=quiet)


def done(process: "subprocess.Popen[bytes]") -> None:
    assert process.wait(300) == 0


def state(home: Path) -> tuple[str, str, int]:
    done(ask(home, OPEN))
    with closing(sqlite3.connect(home / "record.sqlite3")) as record:
        papers = record.execute("SELECT count(*) FROM papers_paper WHERE title = 'changed since'").fetchone()[0]
    return (home / "secret").read_text(), (home / "broadsheet.toml").read_text(), papers


def change(home: Path) -> None:
    with closing(sqlite3.connect(home / "record.sqlite3")) as record:
        record.execute("UPDATE papers_paper SET title = 'changed since', source = 'arxiv'")
        record.commit()
    (home / "secret").write_text("another")
    (home / "broadsheet.toml").write_text('site_name = "Another"\n')


def test_killed_at_any_moment_the_old_site_is_there_or_the_new_one(tmp_path: Path) -> None:
    home, file = tmp_path / "home", str(tmp_path / "one.backup")
    home.mkdir()
    (home / "broadsheet.toml").write_text('site_name = "The lab"\n')
    done(ask(home, SAMPLE))
    done(ask(home, RUN, "backup", file))
    new = state(home)
    change(home)
    old = state(home)
    assert old[2] == 141 and new[2] == 0
    begun = time.monotonic()
    done(ask(home, RUN, "restore", file, "--replace"))
    whole = time.monotonic() - begun
    assert state(home) == new
    seen = set()
    for turn in range(KILLS):
        change(home)
        process = ask(home, RUN, "restore", file, "--replace")
        try:
            # The last tenth is where files change places.
            process.wait(whole * (0.2 + 0.8 * turn / KILLS))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
        seen.add(found := state(home))
        assert found in (old, new)
    assert old in seen
    done(ask(home, RUN, "restore", file, "--replace"))
    assert state(home) == new
    assert not [path.name for path in home.iterdir() if path.name.startswith((".restor", ".replaced"))]


class Watched:
    """A database of the tests' PostgreSQL, watched from another one: nobody may be in it beside a restore."""

    def __init__(self, address: str) -> None:
        import psycopg

        self.address = address
        self.name = urlsplit(address).path.lstrip("/")
        self.outside = psycopg.connect(address.replace(f"/{self.name}?", "/postgres?"), autocommit=True)

    def doing(self) -> str | None:
        """The statement that a process of ours is at, or was the last at; None where there is none."""
        asked = "SELECT query FROM pg_stat_activity WHERE datname = %s AND application_name = %s"
        found = self.outside.execute(asked, [self.name, ASKED]).fetchone()
        return str(found[0]) if found else None

    def gone(self) -> None:
        """Wait until the server has noticed that nobody is there any more."""
        wait_until(lambda: self.doing() is None, "the server ends what was killed")

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Ask inside."""
        import psycopg

        with psycopg.connect(self.address, autocommit=True) as connection:
            found = connection.execute(statement)
            return found.fetchall() if found.description else []

    def tables(self) -> int:
        """Count the tables."""
        return int(self.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")[0][0])

    def kill_at(self, process: "subprocess.Popen[bytes]", phase: str, wait: float) -> bool:
        """Kill a process a moment after it is seen at a phase; false if it was done before."""
        while process.poll() is None:
            if phase in (self.doing() or ""):
                time.sleep(wait)
                at_work = process.poll() is None
                process.kill()
                process.wait()
                self.gone()
                return at_work
            time.sleep(0.001)
        return False


@pytest.fixture
def watched(empty_database: str) -> Any:  # noqa: ANN401
    found = Watched(empty_database)
    yield found
    found.outside.close()


@pytest.mark.postgres
def test_on_postgresql_a_restore_that_is_killed_leaves_one_record_or_the_other(
    tmp_path: Path, watched: Watched
) -> None:
    home, file, chance = tmp_path / "home", str(tmp_path / "one.backup"), random.Random(20261121)
    home.mkdir()
    done(ask(home, SAMPLE, database=watched.address))
    done(ask(home, RUN, "backup", file, database=watched.address))
    key, changed = (home / "secret").read_text(), "SELECT count(*) FROM papers_paper WHERE title = 'changed since'"
    tables, seen, kills = watched.tables(), set(), 0
    for phase in PHASES:
        watched.sql("UPDATE papers_paper SET title = 'changed since', source = 'arxiv'")
        (home / "secret").write_text("another")
        process = ask(home, RUN, "restore", file, "--replace", database=watched.address)
        kills += watched.kill_at(process, phase, chance.uniform(0, 0.02))
        done(ask(home, OPEN, database=watched.address))
        assert watched.tables() == tables
        record, secret = watched.sql(changed)[0][0], (home / "secret").read_text()
        assert (record, secret) in ((141, "another"), (0, "another"), (0, key))
        seen.add(record)
        if (record, secret) == (0, "another"):
            # Between the two: the same restore again.
            done(ask(home, RUN, "restore", file, "--replace", database=watched.address))
            assert (home / "secret").read_text() == key
    assert kills >= 3 and 141 in seen
    done(ask(home, RUN, "restore", file, "--replace", database=watched.address))
    assert watched.sql(changed) == [(0,)] and (home / "secret").read_text() == key
    assert not [path.name for path in home.iterdir() if path.name.startswith((".restor", ".replaced"))]


@pytest.mark.postgres
def test_a_copy_that_is_killed_leaves_its_target_empty_and_is_begun_again(tmp_path: Path, watched: Watched) -> None:
    home, chance = tmp_path / "home", random.Random(7)
    home.mkdir()
    done(ask(home, SAMPLE))
    kills = 0
    for phase in ("CREATE TABLE", "COPY", "CREATE INDEX"):
        process = ask(home, RUN, "record", "copy", "--to", watched.address)
        if watched.kill_at(process, phase, chance.uniform(0, 0.02)):
            kills += 1
            assert watched.tables() == 0
    assert kills >= 2
    done(ask(home, RUN, "record", "copy", "--to", watched.address))
    assert watched.sql("SELECT count(*) FROM papers_paper") == [(141,)]
    # And back, into a file.
    back = tmp_path / "back" / "record.sqlite3"
    for _kill in range(2):
        process = ask(home, RUN, "record", "copy", "--from", watched.address, "--to", str(back))
        wait_until(lambda: back.parent.exists() and [*back.parent.iterdir()], "a copy is under way")
        time.sleep(chance.uniform(0, 0.3))
        process.kill()
        process.wait()
        assert not back.exists()
        # What a killed one left does not pile up.
        assert len([*back.parent.iterdir()]) == 1
    done(ask(home, RUN, "record", "copy", "--from", watched.address, "--to", str(back)))
    assert [path.name for path in back.parent.iterdir()] == ["record.sqlite3"]
    with closing(sqlite3.connect(back)) as record:
        assert record.execute("SELECT count(*) FROM papers_paper").fetchone() == (141,)
        assert record.execute("PRAGMA integrity_check").fetchone() == ("ok",)
