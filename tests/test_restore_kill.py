"""A restore that is killed at any moment leaves the site as it was, or as the backup has it, and never a half."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

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


def ask(home: Path, program: str, *arguments: str) -> "subprocess.Popen[bytes]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BROADSHEET_")}
    environment |= {"BROADSHEET_HOME": str(home), "BROADSHEET_ENCODER": "none"}
    quiet = subprocess.DEVNULL
    return subprocess.Popen([sys.executable, "-c", program, *arguments], env=environment, stdout=quiet, stderr=quiet)


def done(process: "subprocess.Popen[bytes]") -> None:
    assert process.wait(60) == 0


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
