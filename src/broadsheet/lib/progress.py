"""Progress of long work: a bar where a terminal watches, silence elsewhere."""

import sys
import time
from collections.abc import Callable
from typing import Protocol, TextIO


class Progress(Protocol):
    """Told how much of a piece of work is done."""

    def __call__(self, done: int, total: int | None = None) -> None:
        """Say that `done` of `total` items are ready; `total` is None where it cannot be known."""


def silent(done: int, total: int | None = None) -> None:
    """Show nothing."""


class Bar:
    """A progress bar on one terminal line, drawn at most ten times a second."""

    def __init__(self, label: str, stream: TextIO | None = None, tick: Callable[[], float] = time.monotonic) -> None:
        self.label = label
        self.stream = stream or sys.stderr
        self.tick = tick
        self.started = tick()
        self.drawn = 0.0

    def __call__(self, done: int, total: int | None = None) -> None:
        """Draw the bar for `done` of `total`."""
        moment = self.tick()
        if moment - self.drawn < 0.1 and done != total:
            return
        self.drawn = moment
        rate = done / max(moment - self.started, 1e-9)
        if total:
            filled = 30 * done // total
            line = f"{self.label} [{'=' * filled}{' ' * (30 - filled)}] {done:,}/{total:,}  {rate:,.0f}/s"
        else:
            line = f"{self.label} {done:,}  {rate:,.0f}/s"
        self.stream.write(f"\r{line}\x1b[K")
        if done == total:
            self.stream.write("\n")
        self.stream.flush()


def watched(label: str, stream: TextIO | None = None) -> Progress:
    """Give a bar where a person watches the stream, else silence."""
    stream = stream or sys.stderr
    return Bar(label, stream) if stream.isatty() else silent
