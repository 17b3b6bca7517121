"""Two nodes of a real cluster on this machine, with homes of their own, for tests."""

import shutil
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from broadsheet.search.cluster import node
from broadsheet.search.cluster.actors import Layout, Standing
from broadsheet.search.cluster.gateway import Gateway
from broadsheet.search.cluster.node import ClusterError, Started
from broadsheet.search.cluster.remote import Cluster
from broadsheet.search.cluster.tests.made_log import MOST, MadeLog
from broadsheet.search.tests.test_divided import ENCODER

SHARDS, REPLICAS, PATIENCE = 4, 2, 5.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((node.LOOPBACK, 0))
        return int(probe.getsockname()[1])


@dataclass
class TwoNodes:
    """Two nodes with homes of their own, and a web's way in through each."""

    root: Path
    port: int = field(default_factory=free_port)
    nodes: dict[str, Started] = field(default_factory=dict)
    ways: dict[str, Gateway] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.log = MadeLog(self.root / "log")
        self.log.put(*range(1, MOST + 1))
        self.layout = Layout("shard", SHARDS, REPLICAS, ENCODER.id)
        self.opened = partial(MadeLog, self.log.path)

    def home(self, name: str) -> Path:
        path = self.root / name
        path.mkdir(exist_ok=True)
        return path

    @property
    def address(self) -> str:
        return f"{node.LOOPBACK}:{self.port}"

    def start(self, name: str) -> None:
        home = self.home(name)
        if name == "head":
            self.nodes[name] = node.start_head(home, port=self.port, cpus=1, memory_mb=100)
        else:
            shutil.copy2(node.token_file(self.home("head")), node.token_file(home))
            self.nodes[name] = node.start_member(home, self.address, cpus=1, memory_mb=100)

    def way(self, name: str) -> Gateway:
        return self.ways.setdefault(name, Gateway(self.address, self.home(name)))

    def web(self, name: str = "head") -> Cluster:
        return Cluster(self.layout, ENCODER, PATIENCE, self.way(name))

    def standings(self, name: str = "head") -> list[Standing]:
        return self.way(name).standings(10)

    def whole(self) -> bool:
        return sum(one.state == "following" for one in self.standings()) == SHARDS * REPLICAS

    def follow(self, name: str = "head") -> None:
        """Do what the worker does until all have followed."""
        until(lambda: not self.way(name).catch_up(self.layout, self.opened).busy)

    def close(self) -> None:
        for way in self.ways.values():
            way.close()
        for one in self.nodes.values():
            one.kill()


def until(done: Callable[[], bool], patience: float = 60.0) -> None:
    """Wait for something that takes its time in other processes."""
    end = time.monotonic() + patience
    while True:
        try:
            if done():
                return
        except ClusterError:
            pass
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.1)
