"""The shards of a cluster: each an actor that Ray starts anew when its process dies, found by name from any host.

Names tell all: which division of which shard, by which encoder, which shard of it, which replica. A replica keeps its
files in the home of the node it runs on, as `dividing` lays them out, and follows the change log by itself.
"""

import hashlib
import logging
import os
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable

from broadsheet.lib.progress import Progress, silent
from broadsheet.search.catch_up import CaughtUp
from broadsheet.search.catch_up import catch_up as catch_up_shard
from broadsheet.search.cluster.node import NAMESPACE, ClusterError
from broadsheet.search.dividing import OpenLog, Share, place
from broadsheet.search.executor import Part, Question
from broadsheet.search.shard import ShardReader
from broadsheet.search.tables import STATE
from broadsheet.search.types import ChangeLog

# Searches that one actor answers at once; those above wait.
AT_ONCE: Final = 8
# Between two looks at a log that another replica on this host is following, or that could not be read.
PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 30.0
LOOK: Final = 5.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Layout:
    """How papers are divided. path: the directory of the shards, from a node's home. encoder: its id."""

    path: str
    shards: int
    replicas: int
    encoder: str

    @property
    def prefix(self) -> str:
        """What the names of all its actors begin with."""
        encoder = hashlib.sha256(self.encoder.encode()).hexdigest()[:8]
        return f"shard|{self.path}|{self.shards}|{encoder}|"

    def name(self, shard: int, replica: int) -> str:
        """Name an actor."""
        return f"{self.prefix}{shard}|{replica}"

    def parse(self, name: str) -> tuple[int, int] | None:
        """Give shard and replica of an actor's name; None where it is of another layout."""
        shard, _, replica = name.removeprefix(self.prefix).partition("|")
        if not name.startswith(self.prefix) or not shard.isdigit() or not replica.isdigit():
            return None
        return (int(shard), int(replica)) if int(shard) < self.shards else None


@runtime_checkable
class HasCopies(Protocol):
    """An `OpenLog` that also knows where copies of shards are kept."""

    def __call__(self) -> ChangeLog:
        """Open the log."""

    def begin(self, path: Path, index: str, count: int, number: int) -> None:
        """Put the files of shard `number` of `count` into `path`, where a copy is kept; index: `Layout.path`."""


class NotFollowing(Exception):
    """A replica that has only just started: it has not yet seen what was told to others before."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How an actor stands. state: following, starting, or silent (it does not answer). idle: seconds since a search."""

    name: str
    shard: int
    replica: int
    state: str = "silent"
    node: str = ""
    host: str = ""
    pid: int = 0
    seq: int = 0
    papers: int = 0
    idle: float = 0.0


class ShardActor:
    """A shard that answers and follows the log. Lives in a process of a node; every method may be called at once."""

    def __init__(self, layout: Layout, shard: int, replica: int, opened: OpenLog) -> None:
        self.layout, self.shard, self.replica = layout, shard, replica
        self.opened = opened
        self.path = place(Path(os.environ["BROADSHEET_HOME"]) / layout.path, layout.shards, shard)
        self.path.mkdir(parents=True, exist_ok=True)
        self.reader = ShardReader(self.path)
        self.asked = time.monotonic()
        self.following = threading.Event()
        self.at_it = threading.Lock()
        threading.Thread(target=self._begin, name="begin", daemon=True).start()

    def _begin(self) -> None:
        """Catch up for the first time; until then others may know more than this replica, so that they answer.

        A log that cannot be read does not keep it from answering with what it has.
        """
        pause = PAUSE
        while not self.following.is_set():
            try:
                if not self.catch_up().busy:
                    return
            except Exception:  # noqa: BLE001 - the outermost loop of a thread
                _log.exception("shard %d could not follow the record; it is tried again", self.shard)
                self.following.set()
                return
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def catch_up(self, rebuild: bool = False) -> CaughtUp:
        """Bring the files up to the newest change."""
        with self.at_it:
            if isinstance(self.opened, HasCopies) and not (self.path / STATE).exists():
                self.opened.begin(self.path, self.layout.path, self.layout.shards, self.shard)
            log = Share(self.opened(), self.shard, self.layout.shards) if self.layout.shards > 1 else self.opened()
            done = catch_up_shard(self.path, log, self.layout.encoder, rebuild=rebuild)
        if not done.busy:
            self.following.set()
        return done

    def part(self, question: Question) -> Part:
        """Answer as one part. Raises NotFollowing before it has caught up for the first time."""
        self.asked = time.monotonic()
        if not self.following.is_set():
            raise NotFollowing
        return self.reader.part(question, self.shard)

    def standing(self) -> Standing:
        """Tell how it stands."""
        import ray

        state = self.reader.state
        return Standing(
            name=self.layout.name(self.shard, self.replica),
            shard=self.shard,
            replica=self.replica,
            state="following" if self.following.is_set() else "starting",
            node=ray.get_runtime_context().get_node_id(),
            host=str(ray.util.get_node_ip_address()),  # type: ignore[no-untyped-call]
            pid=os.getpid(),
            seq=state.seq if state else 0,
            papers=state.papers if state else 0,
            idle=time.monotonic() - self.asked,
        )


@dataclass(frozen=True, slots=True)
class Make:
    """An actor to be made, on a node."""

    shard: int
    replica: int
    node: str


@dataclass(frozen=True, slots=True)
class End:
    """An actor to be ended."""

    name: str


def plan(layout: Layout, seen: Sequence[Standing], nodes: Sequence[str], *, move: bool = True) -> list[Make | End]:
    """Decide which actors to make and which to end, so that each shard has its replicas, apart and evenly spread.

    1. What is missing is made, where the fewest actors are and none of its shard is.
    2. A replica too many is ended once all of its shard follow the log: one beside another, else on the fullest node.
    3. Else, with `move`, one replica goes elsewhere: another is made there, and step 2 ends the old one in time.
    """
    if not nodes:
        return []
    load = {node: sum(one.node == node for one in seen) for node in sorted(nodes)}
    steps: list[Make | End] = []
    for shard in range(layout.shards):
        mine = [one for one in seen if one.shard == shard]
        steps += _missing(shard, mine, layout.replicas, load)
        if len(mine) > layout.replicas and all(one.state == "following" for one in mine):
            steps.append(_surplus(mine, load))
    quiet = not steps and all(one.state == "following" for one in seen)
    return _moves(layout, seen, load) if move and quiet else steps


def _missing(shard: int, mine: Sequence[Standing], wanted: int, load: dict[str, int]) -> list[Make | End]:
    made: list[Make | End] = []
    taken, used = {one.replica for one in mine}, [one.node for one in mine]
    for _ in range(wanted - len(mine)):
        replica = next(n for n in range(len(taken) + 1) if n not in taken)
        node = min(load, key=lambda node: (used.count(node), load[node], node))
        taken.add(replica)
        used.append(node)
        load[node] += 1
        made.append(Make(shard, replica, node))
    return made


def _surplus(mine: Sequence[Standing], load: Mapping[str, int]) -> End:
    used = [one.node for one in mine]
    return End(max(mine, key=lambda one: (used.count(one.node), load.get(one.node, 0), -one.replica)).name)


def _moves(layout: Layout, seen: Sequence[Standing], load: Mapping[str, int]) -> list[Make | End]:
    emptiest = min(load, key=lambda node: (load[node], node))
    for one in sorted(seen, key=lambda one: (-load.get(one.node, 0), one.shard, one.replica)):
        used = [other.node for other in seen if other.shard == one.shard]
        apart = emptiest not in used
        crowded = used.count(one.node) > 1 or load.get(one.node, 0) - load[emptiest] > 1
        if apart and crowded:
            taken = {other.replica for other in seen if other.shard == one.shard}
            return [Make(one.shard, next(n for n in range(len(taken) + 1) if n not in taken), emptiest)]
    return []


def names() -> list[str]:
    """Name the actors of all layouts that the cluster has. Asks the head."""
    import ray

    return [name for name in ray.util.list_named_actors() if name.startswith("shard|")]


def nodes() -> list[dict[str, Any]]:
    """Tell of the nodes of the cluster: id, address, whether alive, whether the head. Asks the head."""
    import ray

    return [
        {
            "id": node["NodeID"],
            "host": node["NodeManagerAddress"],
            "alive": node["Alive"],
            "head": "node:__internal_head__" in node["Resources"],
        }
        for node in ray.nodes()  # type: ignore[no-untyped-call]
    ]


def standings(prefix: str = "shard|", patience: float = LOOK) -> list[Standing]:
    """Ask all actors how they stand; one that does not answer in time is told as silent."""
    import ray

    found = sorted(name for name in names() if name.startswith(prefix))
    asked: dict[str, Any] = {}
    for name in found:
        try:
            actor = ray.get_actor(name)
        except ValueError:
            continue
        asked[name] = actor.standing.options(concurrency_group="look").remote()
    if asked:
        ray.wait(list(asked.values()), num_returns=len(asked), timeout=patience)
    return [_standing(name, answer) for name, answer in asked.items()]


def _standing(name: str, answer: Any) -> Standing:  # noqa: ANN401 - a reference of Ray's
    import ray

    try:
        told: Standing = ray.get(answer, timeout=0)
    except (ray.exceptions.RayError, TimeoutError):
        *_rest, shard, replica = name.split("|")
        return Standing(name, int(shard), int(replica))
    return told


def bring_up(layout: Layout, opened: OpenLog, *, move: bool = False) -> int:
    """Make the actors that are not there; give how many were made or ended.

    move: also end those too many and even out where they are, one step a call. Idempotent; several may call at once.
    """
    alive = [str(node["id"]) for node in nodes() if node["alive"]]
    steps = plan(layout, standings(layout.prefix), alive, move=move)
    for step in steps:
        if isinstance(step, Make):
            _make(layout, step, opened)
        elif move:
            _end(step.name)
    return len(steps)


def _make(layout: Layout, step: Make, opened: OpenLog) -> None:
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    # What must go on while all threads search: following the log, and telling how it stands.
    kind: Any = ray.remote(**{"concurrency_groups": {"follow": 1, "look": 1}})(ShardActor)  # type: ignore[call-overload]
    kind.options(
        name=layout.name(step.shard, step.replica),
        namespace=NAMESPACE,
        lifetime="detached",
        get_if_exists=True,
        max_restarts=-1,
        num_cpus=0,
        max_concurrency=AT_ONCE,
        # There or nowhere: left to choose, Ray puts replicas beside each other. When the node dies, so does the actor,
        # and is missing in the next plan.
        scheduling_strategy=NodeAffinitySchedulingStrategy(step.node, soft=False),
    ).remote(layout, step.shard, step.replica, opened)


def _end(name: str) -> None:
    import ray

    try:
        ray.kill(ray.get_actor(name), no_restart=True)
    except ValueError:
        _log.info("%s is gone already", name)


def retire(kept: Iterable[Layout], after: float = 3600.0) -> list[str]:
    """End the actors of other layouts that nobody asked for so many seconds; name them."""
    prefixes = tuple(layout.prefix for layout in kept)
    old = [one.name for one in standings() if not one.name.startswith(prefixes) and one.idle > after]
    for name in old:
        _end(name)
    return old


def catch_up(
    layout: Layout, opened: OpenLog, progress: Progress = silent, rebuild: bool = False, patience: float | None = None
) -> CaughtUp:
    """Let every actor follow the log to its newest change, all at once; makes those that are missing.

    busy: one of them did not, as it does not answer or is at it already. Raises ClusterError where none does.
    patience: seconds to wait for them; None for as long as it takes.
    """
    import ray

    bring_up(layout, opened)
    asked: dict[str, Any] = {}
    for name in names():
        if layout.parse(name):
            actor = ray.get_actor(name)
            asked[name] = actor.catch_up.options(concurrency_group="follow").remote(rebuild)
    _watch(list(asked.values()), progress, patience)
    done = {name: found for name, answer in asked.items() if (found := _caught_up(name, answer))}
    if not done:
        raise ClusterError("no shard of the cluster could follow the record; `broadsheet cluster status` tells more")
    return CaughtUp(
        min(one.seq for one in done.values()),
        max(one.changes for one in done.values()),
        busy=len(done) < max(len(asked), layout.shards) or _waits(layout, done),
        rebuilt=any(one.rebuilt for one in done.values()),
    )


def _waits(layout: Layout, done: Mapping[str, CaughtUp]) -> bool:
    # Replicas on one host share their files: one of them is at it, and the other has nothing to do.
    by_shard: dict[int, list[bool]] = {}
    for name, one in done.items():
        by_shard.setdefault((layout.parse(name) or (0, 0))[0], []).append(one.busy)
    return any(all(busy) for busy in by_shard.values())


def _watch(answers: list[Any], progress: Progress, patience: float | None) -> None:
    import ray

    until = None if patience is None else time.monotonic() + patience
    left = answers
    while left and (until is None or time.monotonic() < until):
        _ready, left = ray.wait(left, num_returns=len(left), timeout=0.5)
        progress(len(answers) - len(left), len(answers))


def _caught_up(name: str, answer: Any) -> CaughtUp | None:  # noqa: ANN401 - a reference of Ray's
    import ray

    try:
        done: CaughtUp = ray.get(answer, timeout=0)
    except (ray.exceptions.RayError, TimeoutError) as problem:
        _log.warning("%s could not follow the record: %s", name, str(problem).strip().splitlines()[-1:])
        return None
    return done
