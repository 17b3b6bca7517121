"""A cluster of two simulated nodes: each with a home and processes of its own, on this machine."""

import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Listener
from pathlib import Path
from typing import Final

from broadsheet.bench.report import CannotMeasure
from broadsheet.search.cluster import node
from broadsheet.search.cluster.actors import Layout, Standing
from broadsheet.search.cluster.gateway import Gateway
from broadsheet.search.dividing import OpenLog

CPUS: Final = 1
MEMORY_MB: Final = 200
_TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass
class TwoNodes:
    """The head in home `a`, a member in home `b`."""

    folder: Path
    port: int = field(default_factory=lambda: free_port())
    started: dict[str, node.Started] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """host:port of the head."""
        return f"{node.LOOPBACK}:{self.port}"

    def home(self, name: str) -> Path:
        """Give the home of a node."""
        return self.folder / name

    def prepare(self, encoders: Path) -> None:
        """Make both homes, with the encoders of another home."""
        for name in ("a", "b"):
            shutil.rmtree(self.home(name), ignore_errors=True)
            self.home(name).mkdir(parents=True)
            (self.home(name) / "encoders").symlink_to(encoders)
        shutil.copy(node.make_token(self.home("a")), node.token_file(self.home("b")))

    def start(self, name: str) -> None:
        """Start a node. Raises CannotMeasure where it does not come up."""
        home = self.home(name)
        try:
            if name == "a":
                started = node.start_head(home, port=self.port, cpus=CPUS, memory_mb=MEMORY_MB)
            else:
                started = node.start_member(home, self.address, cpus=CPUS, memory_mb=MEMORY_MB)
        except node.ClusterError as problem:
            raise CannotMeasure(str(problem)) from problem
        self.started[name] = started

    def kill(self, name: str) -> None:
        """End all processes of a node at once, as a power cut would."""
        for process in self.processes(name):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.started.pop(name).kill()
        while self.processes(name):
            time.sleep(0.01)

    def stop(self) -> None:
        """End both nodes, and whatever is left of them."""
        for name in ("b", "a"):
            if name in self.started:
                self.started.pop(name).stop()
            for process in self.processes(name):
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)

    def processes(self, *names: str) -> list[int]:
        """Give the processes of nodes: Ray's own, its workers, and those that have lost their parents."""
        homes = {f"BROADSHEET_HOME={self.home(name)}".encode() for name in names}
        return [number for number, environment in _environments() if homes & set(environment.split(b"\0"))]

    def cpu_seconds(self) -> float:
        """Tell what the processes of both nodes have spent so far; in steps of a hundredth of a second each."""
        return sum(self.cpu_by_process().values())

    def cpu_by_process(self) -> dict[int, float]:
        """The same by process."""
        spent = {}
        for process in self.processes("a", "b"):
            with suppress(OSError):
                fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
                spent[process] = (int(fields[11]) + int(fields[12])) / _TICKS
        return spent


class Spending:
    """Looks all the time at what the processes of both nodes spend: some end before they can be asked."""

    def __init__(self, nodes: TwoNodes) -> None:
        self.nodes = nodes
        self.before: dict[int, float] = {}
        self.seen: dict[int, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def begin(self) -> None:
        """Count from now on."""
        self.before = self.nodes.cpu_by_process()
        self._thread.start()

    def end(self) -> float:
        """Give the seconds spent since the beginning."""
        self._stop.set()
        self._thread.join()
        return sum(spent - self.before.get(process, 0.0) for process, spent in self.seen.items())

    def _look(self) -> None:
        while not self._stop.wait(0.1):
            self.seen |= self.nodes.cpu_by_process()


def _environments() -> Iterator[tuple[int, bytes]]:
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if int(place.name) != os.getpid() and b"\0State:\tZ" not in (place / "status").read_bytes():
                yield int(place.name), (place / "environ").read_bytes()


def free_port() -> int:
    """Give a port on loopback that nobody listens on."""
    with Listener((node.LOOPBACK, 0)) as probe:
        return int(probe.address[1])


def settle(way: Gateway, layout: Layout, opened: OpenLog, head: int, patience: float = 180.0) -> None:
    """Wait until every replica has every change up to `head`. Raises CannotMeasure where that does not come."""
    until = time.monotonic() + patience
    while True:
        # The one that was to follow may be the one that was killed.
        with suppress(node.ClusterError):
            way.catch_up(layout, opened)
            seen = standings(way, layout)
            ready = [one for one in seen if one.state == "following" and one.seq >= head]
            if len(ready) == len(seen) >= layout.shards * layout.replicas:
                return
        if time.monotonic() > until:
            raise CannotMeasure(f"the cluster has not caught up in {patience:.0f} s")
        time.sleep(0.1)


def standings(way: Gateway, layout: Layout) -> list[Standing]:
    """Ask the actors of a layout how they stand. Raises ClusterError."""
    return [one for one in way.standings() if layout.parse(one.name)]
