"""One engine of the bench of engines: a process that is asked by lines of JSON, and ended when it takes too long."""

import json
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import broadsheet

# Appended, so that a peer's own packages come first.
_RUN: Final = (
    "import sys; sys.path.append(sys.argv[1]); from broadsheet.bench.peer_engines.run import run; run(*sys.argv[2:])"
)
START_S: Final = 60
_END_S: Final = 10


class Ended(Exception):
    """An engine took too long or failed; the message says how far it came."""


def command(python: Path, name: str, data: Path, folder: Path) -> list[str]:
    """Give the command that starts an engine of `peer_engines` on a folder of papers, with a folder of its own."""
    return [str(python), "-c", _RUN, str(Path(broadsheet.__file__).parents[1]), name, str(data), str(folder)]


class EngineProcess:
    """An engine running and ready. `versions` of its packages; `at`: how far it last said it was."""

    def __init__(self, command: Sequence[str], log: Path) -> None:
        # One thread for matrices, for everyone: a second makes a product no cheaper, and spins while it waits.
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self.log = log
        with log.open("wb") as errors:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment,
                start_new_session=True,
            )
        self.at = "the start"
        self._rest = b""
        self.versions: Mapping[str, str] = self._answer(time.monotonic() + START_S)["ready"]

    def ask(self, limit_s: float, **request: object) -> dict[str, Any]:
        """Send a request and give the answer. Raises Ended, and the engine is no more."""
        assert self.process.stdin
        try:
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            self._fail("ended by itself")
        return self._answer(time.monotonic() + limit_s)

    def _answer(self, until: float) -> dict[str, Any]:
        while True:
            answer: dict[str, Any] = json.loads(self._line(until))
            if "at" not in answer:
                return answer
            self.at = answer["at"]

    def _line(self, until: float) -> bytes:
        assert self.process.stdout
        with selectors.DefaultSelector() as waiting:
            waiting.register(self.process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._rest:
                if not waiting.select(max(0.0, until - time.monotonic())):
                    self._fail("passed its time")
                part = os.read(self.process.stdout.fileno(), 1 << 16)
                if not part:
                    self._fail("ended by itself")
                self._rest += part
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def _fail(self, why: str) -> None:
        self.end()
        said = self.log.read_text(errors="replace").strip().splitlines()[-1:]
        more = f" ({said[0][:160]})" if said and why != "passed its time" else ""
        raise Ended(f"{why} at: {self.at}{more}")

    def end(self) -> None:
        """End it and whatever it started."""
        assert self.process.stdin
        assert self.process.stdout
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(_END_S)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        self.process.stdout.close()
        with suppress(BrokenPipeError):
            self.process.stdin.close()
