"""Kills senders at random moments while they are seen sending, and tells what became of the mails."""

import os
import random
import signal
import sqlite3
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from broadsheet.digest.tests.senders import Zygote

# Between two rounds the clock goes on by more than a lease, in minutes.
ROUND: Final = 20


@dataclass
class Killing:
    """A run of senders that are killed. log: of the sink, with a line for each mail it took."""

    home: Path
    log: Path
    senders: Zygote
    chance: random.Random
    kills: int = 0
    minutes: int = 0

    def accepted(self) -> Counter[str]:
        return Counter(line.partition("\t")[0] for line in self.log.read_text().splitlines())

    def states(self) -> Counter[str]:
        with closing(sqlite3.connect(self.home / "record.sqlite3", timeout=20)) as database:
            return Counter(dict(database.execute("SELECT state, count(*) FROM digest_mail GROUP BY state").fetchall()))

    def message_ids(self, *states: str) -> set[str]:
        marks = ", ".join("?" * len(states))
        with closing(sqlite3.connect(self.home / "record.sqlite3", timeout=20)) as database:
            asked = f"SELECT message_id FROM digest_mail WHERE state IN ({marks})"
            return {row[0] for row in database.execute(asked, states)}

    def kill_round(self, senders: int) -> None:
        """Begin senders, wait until a random number of mails was taken, then kill them at a random moment."""
        self.minutes += ROUND
        before, wanted = self.size(), self.chance.randint(1, 25)
        pids = [self.senders.fork(self.minutes) for _ in range(senders)]
        until = time.monotonic() + 20
        # A line of the sink's log has about 60 bytes.
        while self.size() < before + 60 * wanted and time.monotonic() < until and alive(pids[-1]):
            time.sleep(0.0005)
        time.sleep(self.chance.uniform(0, 0.008))
        for pid in pids:
            self.kills += alive(pid)
            os.kill(pid, signal.SIGKILL)
        for pid in pids:
            wait_for(pid)

    def size(self) -> int:
        return self.log.stat().st_size if self.log.exists() else 0

    def finish(self) -> None:
        """Let senders do the rest: the second one takes up what the first could only ask after."""
        for _ in range(2):
            self.minutes += ROUND
            wait_for(self.senders.fork(self.minutes))


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def wait_for(pid: int) -> None:
    until = time.monotonic() + 300
    while alive(pid):
        assert time.monotonic() < until, "a sender does not end"
        time.sleep(0.002)
