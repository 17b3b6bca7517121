"""The cluster asked through a process of its own, so that whoever asks outlives Ray.

Ray ends a process that is a driver when its node dies, and keeps it waiting when the head does not answer. So the
driver is a child: when it dies, or says nothing for long, another is started at the next question; until it is there,
answers are partial. Questions and answers go over a pair of sockets that only these two processes hold.
"""

import itertools
import logging
import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from broadsheet.search.catch_up import CaughtUp
from broadsheet.search.cluster import actors, node, remote
from broadsheet.search.cluster.actors import Layout, Standing
from broadsheet.search.cluster.node import ClusterError
from broadsheet.search.dividing import OpenLog
from broadsheet.search.executor import Deadline, Part, Question

PROGRAM: Final = "broadsheet.search.cluster.gateway"
# Seconds between two starts: a cluster that is away for hours must not cost a processor.
AGAIN: Final = 3.0
# Seconds without a word, while it is asked, after which a child is given up.
SILENT: Final = 20.0
# Seconds between two lines in the log that say so.
QUIET: Final = 30.0
# What an answer may take from the child to here.
SLACK: Final = 0.1
ANSWERS_AT_ONCE: Final = 32
# Seconds between two looks at the node.
LOOK: Final = 1.0
LOG: Final = "cluster-driver.log"
LONGEST_LOG: Final = 2**20
ENDED: Final = "the process that speaks to the cluster has ended; it is started anew"

_log = logging.getLogger(__name__)


class _Child:
    """One child and what it was asked."""

    def __init__(self, address: str, home: Path, program: str) -> None:
        self._conn, theirs = Pipe()
        log = home / LOG
        # What Ray says of nodes that ended; nobody needs it but who looks for the reason of something.
        new = not log.exists() or log.stat().st_size > LONGEST_LOG
        command = [sys.executable, "-m", program, str(theirs.fileno()), address, str(home)]
        with log.open("wb" if new else "ab") as stream:
            self.process = subprocess.Popen(
                command,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
                env={**os.environ, "BROADSHEET_CHILD": "1"},
            )
        theirs.close()
        self.owner = os.getpid()
        self.born = self.heard = time.monotonic()
        self.problem = ENDED
        self.over = threading.Event()
        self._numbers = itertools.count()
        self._sending = threading.Lock()
        self._asked: dict[int, Future[Any]] = {}
        threading.Thread(target=self._listen, name="cluster", daemon=True).start()

    def alive(self) -> bool:
        return not self.over.is_set() and self.owner == os.getpid()

    def call(self, name: str, *given: object) -> "Future[Any]":
        number, answer = next(self._numbers), Future[Any]()
        self._asked[number] = answer
        data = pickle.dumps((number, name, given), pickle.HIGHEST_PROTOCOL)
        try:
            with self._sending:
                self._conn.send_bytes(data)
        except (OSError, ValueError):
            self.end()
        if self.over.is_set():
            self._forget()
        return answer

    def _listen(self) -> None:
        try:
            while True:
                number, done, value = pickle.loads(self._conn.recv_bytes())
                self.heard = time.monotonic()
                if number is None:
                    self.problem = str(value)
                elif answer := self._asked.pop(number, None):
                    _settle(answer, done, value)
        except (EOFError, OSError, pickle.UnpicklingError):
            self.end()

    def end(self) -> None:
        """End it; whatever it was asked fails."""
        self.over.set()
        if self.owner == os.getpid():
            self.process.kill()
            self.process.wait()
            self._forget()

    def _forget(self) -> None:
        for number in list(self._asked):
            # Another thread may be at it too.
            if answer := self._asked.pop(number, None):
                _settle(answer, False, self.problem)


def _settle(answer: "Future[Any]", done: bool, value: object) -> None:
    if not answer.set_running_or_notify_cancel():
        return
    if done:
        answer.set_result(value)
    else:
        answer.set_exception(ClusterError(str(value)))


class Gateway:
    """The cluster at an address, asked through the node of this home. Safe to share between threads, and to fork.

    program: the module that is the child.
    """

    def __init__(self, address: str, home: Path, program: str = PROGRAM) -> None:
        self.address, self.home, self.program = address, home, program
        self._lock = threading.Lock()
        self._child: _Child | None = None
        self._told = -QUIET

    def _running(self) -> _Child:
        node.require_ray()
        node.checked_token(self.home)
        with self._lock:
            child = self._child
            if child and child.alive():
                return child
            if child and child.owner == os.getpid() and time.monotonic() < child.born + AGAIN:
                raise ClusterError(child.problem)
            self._child = _Child(self.address, self.home, self.program)
            return self._child

    def call(self, name: str, *given: object, patience: float | None = None) -> Any:  # noqa: ANN401 - of any question
        """Let the child do one thing of `CALLS`. Raises ClusterError where it cannot, or not in time."""
        child = self._running()
        answer = child.call(name, *given)
        try:
            return answer.result(patience)
        except TimeoutError:
            answer.cancel()
            self._doubt(child)
            raise ClusterError("the cluster did not answer in time") from None
        except CancelledError:
            raise ClusterError(ENDED) from None

    def _doubt(self, child: _Child) -> None:
        if time.monotonic() > max(child.heard, child.born) + SILENT:
            _log.error("the process that speaks to the cluster is silent: another is started")
            child.end()

    def ready(self, patience: float) -> None:
        """Wait, at most so many seconds, until the child can ask. Never raises."""
        try:
            self.call("ready", patience, patience=patience)
        except ClusterError as problem:
            _log.warning("%s", problem)

    def ask(self, layout: Layout, question: Question, deadline: Deadline, without: Collection[int]) -> Sequence[Part]:
        """Ask all shards but those `without`; give the answers that came in time. Never raises."""
        left = deadline.left()
        try:
            parts: Sequence[Part] = self.call(
                "ask", layout, question, left, frozenset(without), patience=None if left is None else left + SLACK
            )
        except ClusterError as problem:
            # Once in a while: while the cluster is away each search comes here.
            if time.monotonic() > self._told + QUIET:
                self._told = time.monotonic()
                _log.warning("%s", problem)
            return []
        return parts

    def bring_up(self, layout: Layout, opened: OpenLog, *, move: bool = False) -> int:
        """As `actors.bring_up`."""
        return int(self.call("bring_up", layout, opened, move))

    def catch_up(self, layout: Layout, opened: OpenLog, rebuild: bool = False) -> CaughtUp:
        """As `actors.catch_up`."""
        done: CaughtUp = self.call("catch_up", layout, opened, rebuild)
        return done

    def standings(self, patience: float | None = None) -> list[Standing]:
        """As `actors.standings`."""
        found: list[Standing] = self.call("standings", patience=patience)
        return found

    def nodes(self, patience: float | None = None) -> list[dict[str, Any]]:
        """As `actors.nodes`."""
        found: list[dict[str, Any]] = self.call("nodes", patience=patience)
        return found

    def retire(self, kept: Sequence[Layout]) -> list[str]:
        """As `actors.retire`."""
        gone: list[str] = self.call("retire", list(kept))
        return gone

    def close(self) -> None:
        """End the child."""
        with self._lock:
            child, self._child = self._child, None
        if child:
            child.end()


def _ask(layout: Layout, question: Question, left: float | None, without: Collection[int]) -> list[Part]:
    return list(remote.driver().ask(layout, question, Deadline.within(left), without))


def _ready(patience: float) -> None:
    remote.driver().ready(patience)


def _bring_up(layout: Layout, opened: OpenLog, move: bool) -> int:
    return actors.bring_up(layout, opened, move=move)


def _catch_up(layout: Layout, opened: OpenLog, rebuild: bool) -> CaughtUp:
    return actors.catch_up(layout, opened, rebuild=rebuild)


CALLS: Final[dict[str, Callable[..., object]]] = {
    "ask": _ask,
    "ready": _ready,
    "bring_up": _bring_up,
    "catch_up": _catch_up,
    "standings": actors.standings,
    "nodes": actors.nodes,
    "retire": actors.retire,
}


def serve(conn: Connection, address: str, home: Path) -> None:
    """Be the child: answer until whoever asks is gone."""
    sending = threading.Lock()

    def tell(number: int | None, done: bool, value: object) -> None:
        data = pickle.dumps((number, done, value), pickle.HIGHEST_PROTOCOL)
        with sending:
            conn.send_bytes(data)

    def answer(number: int, name: str, given: Sequence[object]) -> None:
        try:
            told = (number, True, CALLS[name](*given))
        except Exception as problem:  # noqa: BLE001 - the outermost loop: one question must not end the others
            _log.warning("%s failed", name, exc_info=not isinstance(problem, ClusterError))
            told = (number, False, (str(problem).strip().splitlines() or [type(problem).__name__])[0])
        tell(*told)

    try:
        node.connect(address, home)
    except ClusterError as problem:
        tell(None, False, str(problem))
        return
    threading.Thread(target=_end_with_node, name="node", daemon=True).start()
    with ThreadPoolExecutor(ANSWERS_AT_ONCE, thread_name_prefix="answer") as pool:
        while True:
            pool.submit(answer, *pickle.loads(conn.recv_bytes()))


def _end_with_node() -> None:
    """End this process soon after its node does: Ray itself may take minutes to see that nothing works any more."""
    while node.alive_here():
        time.sleep(LOOK)
    os._exit(1)


def main(arguments: Sequence[str]) -> None:
    """Start as a child; the first argument is the socket."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s: %(message)s")
    try:
        serve(Connection(int(arguments[0])), arguments[1], Path(arguments[2]))
    except (EOFError, OSError):
        pass
    finally:
        # Nothing here is to be kept, and leaving Ray in good order may take its time.
        os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
