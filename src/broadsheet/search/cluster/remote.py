"""Shards elsewhere that answer as one: replicas by turns, another at once for one that fails, or beside a slow one."""

import itertools
import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Protocol

from broadsheet.search.cluster import actors
from broadsheet.search.cluster.actors import Layout
from broadsheet.search.divided import PATIENCE, summed
from broadsheet.search.executor import Deadline, Part, Question
from broadsheet.search.gather import Gathered
from broadsheet.search.tables import State
from broadsheet.search.types import Encoder

# A replica that has not answered after so many seconds is slow: another is asked beside it.
HEDGE: Final = 0.25
# For so many seconds one that was slow is asked after the others, and one that failed or said nothing is not asked.
REST: Final = 2.0
REFRESH: Final = 1.0
# Seconds that a process may take to become part of the cluster.
BEGINNING: Final = 30.0
_log = logging.getLogger(__name__)


class Replica(Protocol):
    """One copy of a shard."""

    @property
    def name(self) -> str:
        """What it is called."""

    def ask(self, question: Question) -> "Future[Part]":
        """Ask, and do not wait."""


class Asker(Protocol):
    """Whoever asks all shards of a layout, here or in another process."""

    def ask(self, layout: Layout, question: Question, deadline: Deadline, without: Collection[int]) -> Sequence[Part]:
        """Ask all shards but those `without`; give the answers that came in time. Never raises."""

    def ready(self, patience: float) -> None:
        """Wait, at most so many seconds, until the cluster can be asked. Never raises."""


@dataclass
class _Open:
    """A shard that has not answered yet. asked: by which replicas, and until when they are not slow."""

    shard: int
    left: list[Replica]
    asked: "dict[Future[Part], Replica]" = field(default_factory=dict)
    slow_at: float = 0.0


class Asking:
    """Asks replicas: which of them, when another, and when no longer. Safe to share between threads.

    replicas: gives those of a shard that are known now.
    """

    def __init__(
        self,
        replicas: Callable[[int], Sequence[Replica]],
        tick: Callable[[], float] = time.monotonic,
        hedge: float = HEDGE,
    ) -> None:
        self.replicas, self.tick, self.hedge = replicas, tick, hedge
        self._turn = itertools.count()
        self._slow: dict[str, float] = {}
        self._failed: dict[str, float] = {}

    def ask(self, shards: Sequence[int], question: Question, deadline: Deadline) -> list[Part]:
        """Ask some shards; give the answers of those that answered in time, in their order."""
        turn = next(self._turn)
        parts: dict[int, Part] = {}
        waiting = [_Open(shard, self._in_turn(shard, turn)) for shard in shards]
        for one in waiting:
            self._next(one, question)
        while waiting := [one for one in waiting if one.asked]:
            left = deadline.left()
            if left == 0:
                break
            self._wait(waiting, left)
            for one in waiting:
                self._look(one, question, parts)
            waiting = [one for one in waiting if one.shard not in parts]
        for one in waiting:
            self._late(one)
        return [parts[shard] for shard in sorted(parts)]

    def _in_turn(self, shard: int, turn: int) -> list[Replica]:
        """Give the replicas of a shard in the order in which to ask them.

        One that has just failed is left alone for a while: it would keep every search waiting until it is back.
        """
        now = self.tick()
        known = [one for one in self.replicas(shard) if self._failed.get(one.name, 0.0) <= now]
        if not known:
            return []
        # Each shard begins at another one, so that a query does not go to one host alone.
        at = (turn + shard) % len(known)
        return sorted(known[at:] + known[:at], key=lambda one: self._slow.get(one.name, 0.0) > now)

    def _wait(self, waiting: Sequence[_Open], left: float | None) -> None:
        pauses = [one.slow_at - self.tick() for one in waiting if one.left]
        pauses += [] if left is None else [left]
        futures = [future for one in waiting for future in one.asked]
        wait(futures, timeout=max(0.0, min(pauses)) if pauses else None, return_when=FIRST_COMPLETED)

    def _look(self, one: _Open, question: Question, parts: dict[int, Part]) -> None:
        for future in [future for future in one.asked if future.done()]:
            replica = one.asked.pop(future)
            problem = future.exception()
            if problem is None:
                parts.setdefault(one.shard, future.result())
            else:
                _log.warning("%s could not answer: %s", replica.name, type(problem).__name__)
                self._failed[replica.name] = self.tick() + REST
                self._next(one, question)
        if one.shard not in parts and one.left and self.tick() >= one.slow_at:
            for replica in one.asked.values():
                self._slow[replica.name] = self.tick() + REST
            self._next(one, question)

    def _next(self, one: _Open, question: Question) -> None:
        if one.left:
            replica = one.left.pop(0)
            one.asked[replica.ask(question)] = replica
            one.slow_at = self.tick() + self.hedge

    def _late(self, one: _Open) -> None:
        for future, replica in one.asked.items():
            future.cancel()
            self._failed[replica.name] = self.tick() + REST
            _log.warning("%s did not answer in time", replica.name)


@dataclass(frozen=True, slots=True)
class ActorReplica:
    """A copy of a shard that is an actor."""

    name: str
    actor: Any

    def ask(self, question: Question) -> "Future[Part]":
        """Ask it."""
        asked: Future[Part] = self.actor.part.remote(question).future()
        return asked


class Driver:
    """Asks actors from a process that is a driver of the cluster. Safe to share between threads.

    Names are looked up beside the searches: while the head is away, those known so far answer on.
    """

    def __init__(self) -> None:
        self._known: dict[str, Any] = {}
        self._askers: dict[Layout, Asking] = {}
        self._looked = threading.Event()
        self._lock = threading.Lock()
        self.over = False
        threading.Thread(target=self._look, name="actors", daemon=True).start()

    def _look(self) -> None:
        import ray

        while not self.over:
            try:
                there = actors.names()
                self._known = {name: self._known.get(name) or _reached(name) for name in there}
                self._looked.set()
            except (ray.exceptions.RayError, ValueError, RuntimeError, TimeoutError) as problem:
                _log.warning("the head of the cluster does not tell of its actors: %s", type(problem).__name__)
            time.sleep(REFRESH)
            self.over = not ray.is_initialized()

    def _replicas(self, layout: Layout, shard: int) -> list[Replica]:
        known: Mapping[str, Any] = self._known
        mine = ((name, actor) for name, actor in known.items() if (layout.parse(name) or (-1,))[0] == shard)
        return [ActorReplica(name, actor) for name, actor in sorted(mine, key=lambda pair: pair[0])]

    def ready(self, patience: float) -> None:
        """Wait, at most so many seconds, until the actors are known."""
        self._looked.wait(patience)

    def ask(self, layout: Layout, question: Question, deadline: Deadline, without: Collection[int]) -> Sequence[Part]:
        """Ask all shards but those `without`; give the answers that came in time."""
        self._looked.wait(deadline.left())
        with self._lock:
            asking = self._askers.setdefault(layout, Asking(partial(self._replicas, layout)))
        return asking.ask([shard for shard in range(layout.shards) if shard not in without], question, deadline)


def _reached(name: str) -> Any:  # noqa: ANN401 - an actor of Ray's
    """Give an actor by its name, and call it once: Ray asks the head where it is at the first call, and not later."""
    import ray

    actor: Any = ray.get_actor(name)
    actor.standing.options(concurrency_group="look").remote()
    return actor


_driver: list[Driver] = []
_making = threading.Lock()


def driver() -> Driver:
    """Give the one of this process, which `node.connect` has made a driver."""
    with _making:
        if not _driver or _driver[-1].over:
            _driver[:] = [Driver()]
        return _driver[0]


class Cluster(Gathered):
    """The shards of a cluster, for reading. Safe to share between threads.

    patience: seconds that a search may take; a shard that no replica has answered for by then is left out, and the
    answer is marked as partial. asker: who asks; the driver of this process where none is given.
    """

    def __init__(
        self, layout: Layout, encoder: Encoder | None = None, patience: float = PATIENCE, asker: Asker | None = None
    ) -> None:
        super().__init__(encoder, patience)
        self.layout = layout
        self._asker: Asker = asker or driver()

    def count(self) -> int:
        """Tell how many shards there are."""
        return self.layout.shards

    def ask(self, question: Question, deadline: Deadline, without: Collection[int] = ()) -> Sequence[Part]:
        """Ask all shards but those `without`; give the answers of those that answered in time, in their order."""
        return self._asker.ask(self.layout, question, deadline, frozenset(without))

    def __len__(self) -> int:
        state = self.state
        return state.papers if state else 0

    @property
    def state(self) -> State | None:
        """What all shards hold together; `seq` is that of the one furthest behind, 0 where one does not answer."""
        parts = {part.shard: part.state for part in self.ask(Question(frozenset()), Deadline.within(self.patience))}
        return summed([parts.get(shard) for shard in range(self.layout.shards)])

    def warm(self) -> None:
        """Find the actors now, which takes seconds, and let them open their shards."""
        self._asker.ready(BEGINNING)
        self.ask(Question(frozenset()), Deadline.within(self.patience))
