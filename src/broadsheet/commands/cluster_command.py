"""`broadsheet cluster`: shards on several hosts. `up` runs this host's node as long as it runs itself."""

import argparse
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Final

from django.conf import settings

from broadsheet.cli import DONE, FAILED, CommandFailed
from broadsheet.commands import output
from broadsheet.lib.files import lock, write_whole
from broadsheet.papers import finding
from broadsheet.papers.database import migrate
from broadsheet.papers.record_elsewhere import Elsewhere
from broadsheet.search.choice import Choice, shard_place
from broadsheet.search.cluster import node
from broadsheet.search.cluster.actors import Layout, Standing
from broadsheet.search.cluster.node import ClusterError, Started

HELP = "Search on several hosts: start a cluster, join one, say how it stands."
EXAMPLE = "broadsheet cluster up --host 192.0.2.1"
LOCK: Final = "cluster.lock"
PID: Final = "cluster.pid"
# Seconds between two looks of `up` at what is missing.
LOOK: Final = 5.0
# A node that has just joined is not known to all of Ray at once: for so long nothing is moved to it.
SETTLED: Final = 20.0
RETIRE_EVERY: Final = 600.0
PATIENCE: Final = 15.0


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take what to do."""
    what = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    one = what.add_parser("up", help="start a cluster on this host, or join one; runs until it is told to end")
    one.add_argument("--join", metavar="HOST:PORT", help="the head of the cluster to join (default: start one)")
    one.add_argument("--host", metavar="H", help="this host's address, as the others reach it (default: loopback)")
    one.add_argument("--port", type=int, metavar="P", help=f"port of the head (default: {node.PORT})")
    one.add_argument("--cpus", type=output.at_least_one, metavar="N", help="processors for encoding (default: all)")
    one.add_argument("--memory", type=output.at_least_one, default=200, metavar="MB", help="for Ray (default: 200)")
    one.set_defaults(act=up)
    one = what.add_parser("status", help="say which hosts and shards there are, and how they stand")
    output.json_option(one)
    one.set_defaults(act=status)
    what.add_parser("down", help="end this host's node").set_defaults(act=down)


def run(options: argparse.Namespace) -> int:
    """Do it."""
    try:
        return int(options.act(options))
    except ClusterError as problem:
        raise CommandFailed(str(problem)) from problem


def up(options: argparse.Namespace) -> int:
    """Run this host's node, and on the head's host see to it that every shard has its actors."""
    node.require_ray()
    start = _joining(options) if options.join else _leading(options)
    home: Path = settings.CONFIG.home
    home.mkdir(parents=True, exist_ok=True)
    with lock(home / LOCK, wait=False) as mine:
        if not mine:
            raise CommandFailed("this host's node is up already; `broadsheet cluster down` ends it")
        write_whole(home / PID, str(os.getpid()).encode())
        migrate()
        keeper = Keeper(start, None if options.join else _bring_up)
        for ending in (signal.SIGTERM, signal.SIGINT):
            signal.signal(ending, keeper.stop)
        keeper.run()
    return DONE


def _leading(options: argparse.Namespace) -> Callable[[], Started]:
    there = node.split(settings.CONFIG.cluster) if settings.CONFIG.cluster else (node.LOOPBACK, node.PORT)
    host, port = options.host or there[0], options.port or there[1]
    if host != node.LOOPBACK and not settings.CONFIG.database:
        raise CommandFailed("hosts of a cluster share a record in PostgreSQL: set `database` (docs/hosts.md)")
    address = node.address(host, port)
    if settings.CONFIG.cluster not in ("", address):
        raise CommandFailed(f"the setting `cluster` names another head: {settings.CONFIG.cluster}")
    if host != node.LOOPBACK:
        _say("whoever reaches its ports and has its token runs code on its hosts: let no others reach them")
    _set(address)
    return partial(
        node.start_head, settings.CONFIG.home, host=host, port=port, cpus=options.cpus, memory_mb=options.memory
    )


def _joining(options: argparse.Namespace) -> Callable[[], Started]:
    if not settings.CONFIG.database:
        raise CommandFailed("hosts of a cluster share a record in PostgreSQL: set `database` (docs/hosts.md)")
    if options.port:
        raise CommandFailed("--port is the head's; give it with --join HOST:PORT")
    host, port = node.split(options.join)
    address = node.address(host, port)
    if settings.CONFIG.cluster not in ("", address):
        raise CommandFailed(f"the setting `cluster` names another head: {settings.CONFIG.cluster}")
    _set(address)
    return partial(
        node.start_member,
        settings.CONFIG.home,
        address,
        host=options.host,
        cpus=options.cpus,
        memory_mb=options.memory,
    )


def _set(address: str) -> None:
    if settings.CONFIG.cluster == address:
        return
    # For this process and for those of the node, where the settings do not name it yet.
    os.environ["BROADSHEET_CLUSTER"] = address
    settings.CONFIG = replace(settings.CONFIG, values={**settings.CONFIG.values, "cluster": address})
    _say(f"for searches to go there, set on each host: cluster = {address!r}")


class Keeper:
    """Keeps a node up until it is told to end; `see` is called every few seconds while it is."""

    def __init__(
        self, start: Callable[[], Started], see: "Callable[[Keeper], None] | None", pause: float = LOOK
    ) -> None:
        self.start, self.see, self.pause = start, see, pause
        self.stopping = threading.Event()
        self.node: Started | None = None
        self.nodes: set[str] = set()
        self.settled = self.retired = time.monotonic()

    def stop(self, number: int = 0, frame: FrameType | None = None) -> None:
        """End soon."""
        self.stopping.set()

    def run(self) -> None:
        """Start the node; whatever ends it later, start it again. Raises ClusterError where the first start fails."""
        self.node = self.start()
        _say(f"up; the token is in {node.token_file(settings.CONFIG.home)}")
        try:
            while not self.stopping.is_set():
                self.look()
                self.stopping.wait(self.pause)
        finally:
            finding.forget()
            self.node.stop()
        _say("down")

    def look(self) -> None:
        """Do what is due; what fails is told and tried again."""
        try:
            if not (self.node and self.node.alive()):
                _say("the node has ended; it is started again")
                if self.node:
                    self.node.kill()
                self.node = self.start()
            if self.see:
                self.see(self)
        except ClusterError as problem:
            _say(str(problem))


def _bring_up(keeper: Keeper) -> None:
    """Make the actors that are missing, even out where they are, and end those that nobody wants any more."""
    way, now = finding.gateway(), time.monotonic()
    nodes = {str(one["id"]) for one in way.nodes(PATIENCE) if one["alive"]}
    if nodes != keeper.nodes:
        keeper.nodes, keeper.settled = nodes, now + SETTLED
    wanted = finding.layout()
    if did := way.bring_up(wanted, Elsewhere(wanted.encoder), move=now > keeper.settled):
        _say(f"{did} of its shards brought up or moved, on {len(nodes)} hosts")
    if now > keeper.retired + RETIRE_EVERY:
        keeper.retired = now
        for name in way.retire([wanted, *_coming()]):
            _say(f"ended {name}, which nobody has asked for an hour")


def _coming() -> list[Layout]:
    """The layouts of encoders that are being brought in."""
    home = settings.CONFIG.home
    return [finding.layout_at(shard_place(home, name), finding.id_on_card(name)) for name in Choice.read(home).coming]


def status(options: argparse.Namespace) -> int:
    """Print nodes and actors; the exit status is 1 where a shard does not answer."""
    node.require_ray()
    way, wanted = finding.gateway(), finding.layout()
    try:
        nodes, seen = way.nodes(PATIENCE), way.standings(PATIENCE)
    finally:
        way.close()
    there = {one.shard for one in seen if wanted.parse(one.name) and one.state == "following"}
    missing = sorted(set(range(wanted.shards)) - there)
    if options.json:
        output.print_json({"ok": not missing, "nodes": nodes, "actors": [_told(one) for one in seen]})
        return FAILED if missing else DONE
    count = Counter(one.node for one in seen)
    rows = [("node", one["host"], _state(one), f"{count[str(one['id'])]} actors", str(one["id"])[:8]) for one in nodes]
    rows += [("shard", one.name.partition("|")[2], one.state, _of(one), one.node[:8]) for one in seen]
    output.print_table(rows)
    if missing:
        output.print_lines([f"missing: shard {', '.join(map(str, missing))} of {wanted.shards}"])
    return FAILED if missing else DONE


def _state(one: dict[str, object]) -> str:
    return "dead" if not one["alive"] else "head" if one["head"] else "member"


def _of(one: Standing) -> str:
    return f"{one.papers:,} papers, change {one.seq:,}"


def _told(one: Standing) -> dict[str, object]:
    known = {"shard": one.shard, "replica": one.replica, "state": one.state, "node": one.node, "host": one.host}
    return {"name": one.name, **known, "pid": one.pid, "seq": one.seq, "papers": one.papers}


def down(options: argparse.Namespace) -> int:
    """End this host's node, and wait until it has."""
    home: Path = settings.CONFIG.home
    until = time.monotonic() + 2 * node.END
    asked = False
    while time.monotonic() < until:
        with lock(home / LOCK, wait=False) as free:
            if free:
                output.print_lines(["this host's node is down" if asked else "no node is up on this host"])
                return DONE
        if not asked:
            # The lock is held, so that the number is of the process that holds it.
            with suppress(ProcessLookupError, FileNotFoundError, ValueError):
                os.kill(int((home / PID).read_bytes()), signal.SIGTERM)
                asked = True
        time.sleep(0.2)
    raise CommandFailed("this host's node does not end; see cluster.log in the home")


def _say(line: str) -> None:
    output.print_lines([line])
    sys.stdout.flush()
