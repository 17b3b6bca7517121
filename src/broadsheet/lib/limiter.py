"""Turns at a remote service: one request at a time and a wait between two, over all processes of this machine."""

import fcntl
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from broadsheet.lib.clock import Clock

POLL = 0.1
LONGEST_HOLD = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Turn:
    """The right to send one request now; ends with the `with` block that gave it."""

    handle: int
    clock: Clock

    def hold(self, seconds: float) -> None:
        """Let nobody have the next turn before `seconds` from now; at most a day, whatever a server asks."""
        text = f"{self.clock().timestamp():.3f} {min(max(seconds, 0.0), LONGEST_HOLD):.3f}\n"
        os.pwrite(self.handle, text.encode(), 0)
        os.ftruncate(self.handle, len(text))

    def wait(self, seconds: float) -> float:
        """Tell how long, in seconds, the file asks us to wait; a damaged file counts as a request just sent."""
        text = os.pread(self.handle, 100, 0).decode("ascii", "replace")
        if not text:
            return 0.0
        match = re.fullmatch(r"(\d+\.\d+) (\d+\.\d+)\n", text)
        if not match:
            self.hold(seconds)
            return seconds
        passed, wait = self.clock().timestamp() - float(match[1]), float(match[2])
        if passed < 0:
            # The clock was set back: the wait begins anew, or it would last as long as the clock jumped.
            self.hold(wait)
            return min(wait, LONGEST_HOLD)
        return wait - passed


@dataclass(frozen=True, slots=True)
class Limiter:
    """Gives turns. `folder` holds one small file per group: the moment of the last request and the wait after it.

    The file is locked (flock) as long as a turn lasts, so the kernel ends the turn of a process that was killed.
    """

    folder: Path
    clock: Clock
    sleep: Callable[[float], None]

    @contextmanager
    def turn(self, group: str, seconds: float, patience: float) -> Iterator[Turn]:
        """Wait for a turn at `group`, `seconds` after the turn before it began.

        Raises TimeoutError when that would take longer than `patience` seconds, at once where that is known.
        """
        turn = self._take(group, seconds, patience)
        try:
            turn.hold(seconds)
            yield turn
        finally:
            os.close(turn.handle)

    def _take(self, group: str, seconds: float, patience: float) -> Turn:
        self.folder.mkdir(parents=True, exist_ok=True)
        waited = 0.0
        while True:
            turn = Turn(os.open(self._path(group), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), self.clock)
            try:
                wait = turn.wait(seconds) if _locked(turn.handle) else POLL
            except BaseException:
                os.close(turn.handle)
                raise
            if wait <= 0:
                return turn
            # Not slept with the lock held: who waits for long must not keep others from seeing for how long.
            os.close(turn.handle)
            if waited + wait > patience:
                raise TimeoutError(f"the next request to {group} may be sent in {wait:.0f} s, not earlier")
            self.sleep(wait)
            waited += wait

    def _path(self, group: str) -> Path:
        return self.folder / f"{re.sub(r'[^a-z0-9.-]', '_', group.lower())[:100]}.turn"


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
