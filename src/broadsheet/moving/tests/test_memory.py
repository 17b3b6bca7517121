"""What a backup and a restore hold in memory does not grow with the record."""

import os
import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the most that a process had"),
]
# In a process of its own, which tells the most that it had at any moment, in kB.
RUN = """
import pathlib
from broadsheet.cli import main
assert main() == 0
# Not ru_maxrss, which begins with what the process had that started this one.
print(pathlib.Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
"""
MIGRATE = "from broadsheet.cli import prepare; prepare(); from broadsheet.papers import database; database.migrate()"
ROW_BYTES = 4096
# The cache of the file that is filled, and what one process needs more than another by chance.
MOST_GROWN = 14


def ask(home: Path, program: str, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BROADSHEET_")}
    environment |= {"BROADSHEET_HOME": str(home), "BROADSHEET_ENCODER": "none"}
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


def grow(home: Path, rows: int, chance: random.Random) -> None:
    """Let a record have so many rows more, of things that were put aside."""
    given = ((f"{chance.random()}", "arxiv", "s", "r", chance.randbytes(64) * (ROW_BYTES // 64)) for _ in range(rows))
    with closing(sqlite3.connect(home / "record.sqlite3")) as record:
        columns = "digest, source, subject, reason, raw, at"
        sql = f"INSERT INTO papers_quarantined ({columns}) VALUES (?, ?, ?, ?, ?, '2026-11-20 12:00:00')"
        record.executemany(sql, given)
        record.commit()


def test_three_times_the_rows_need_no_more_memory(tmp_path: Path) -> None:
    home, chance, peaks = tmp_path / "home", random.Random(7), []
    home.mkdir()
    ask(home, MIGRATE)
    for rows in (8_000, 16_000):
        grow(home, rows, chance)
        file, other = str(tmp_path / "one.backup"), tmp_path / f"after-{rows}"
        backup = ask(home, RUN, "backup", file)
        other.mkdir()
        restore = ask(other, RUN, "restore", file)
        peaks.append([int(said.splitlines()[-1]) // 1024 for said in (backup, restore)])
    grown = [after - before for before, after in zip(*peaks, strict=True)]
    assert max(grown) <= MOST_GROWN, peaks
