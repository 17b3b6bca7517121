"""Two hosts of one cluster over one record in PostgreSQL: each finds all, whatever dies comes back, nothing is left."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from broadsheet.search.cluster import node
from tests.conftest import programs
from tests.hosts import Host, Process, free_port, wait_until

pytest.importorskip("ray", reason="ray is not installed; it is in requirements/ray.in")
pytestmark = [pytest.mark.slow, pytest.mark.postgres, pytest.mark.xdist_group("ray")]
MISSING = "A part of the index did not answer"
PATIENCE = 60.0


class Member(Host):
    """A host with a node of the cluster beside its web and its worker."""

    up: Process | None = None

    def command(self, *given: str) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end."""
        command = [sys.executable, "-m", "broadsheet.cli", *given]
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=PATIENCE, check=False
        )

    def join(self, *given: str) -> None:
        """Bring its node up."""
        self.up = self._begin("up", "-m", "broadsheet.cli", "cluster", "up", "--cpus", "1", "--memory", "100", *given)

    def told(self, line: str) -> bool:
        """Whether `cluster up` has said something; fails where it has ended."""
        assert self.up and self.up.poll() is None, self.log("up")[-3000:]
        return line in self.log("up")

    def whole(self, count: int) -> bool:
        """Whether a search finds so many papers, and says that it is whole."""
        status, text = self.get("/search?q=zeppelin")
        return status == 200 and MISSING not in text and len(set(re.findall(r"2406\.\d{5}", text))) == count

    def health(self) -> str:
        """What the health page says of the cluster."""
        text = re.sub(r"<[^>]*>", " ", self.get("/health")[1])
        found = re.search(r"cluster\s*\((.*)", text)
        return found[1] if found else text

    def raylet(self) -> int:
        """The main process of its node."""
        sockets = str(node.place(self.home))
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                program, *given = path.read_bytes().decode(errors="replace").split("\0")
                if program.endswith("raylet/raylet") and any(sockets in one for one in given):
                    return int(path.parent.name)
        raise AssertionError("no raylet was found")

    def processes(self) -> list[str]:
        """The commands of all processes that have its home."""
        found = []
        for place in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if f"BROADSHEET_HOME={self.home}".encode() in (place / "environ").read_bytes().split(b"\0"):
                    found.append((place / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:200])
        return found


def papers(*numbers: int) -> str:
    rows = [
        {
            "id": f"2406.{number:05d}",
            "title": f"A zeppelin numbered {number}",
            "abstract": "It flies over the lattice.",
            "authors": "Ada Berg",
            "categories": "cs.LG",
            "versions": [{"version": "v1", "created": "Mon, 27 May 2024 10:00:00 GMT"}],
            "update_date": "2024-05-28",
        }
        for number in numbers
    ]
    return "".join(f"{json.dumps(row)}\n" for row in rows)


def take(host: Member, *numbers: int) -> None:
    path = host.home / "papers.jsonl"
    path.write_text(papers(*numbers))
    done = host.command("import", str(path), "--format", "arxiv-jsonl")
    assert done.returncode == 0, done.stderr


def postgresql(database: str, *what: str) -> None:
    """Stop the tests' server, or start it again as it was started."""
    folder = database.partition("?host=")[2]
    user = "postgres" if os.geteuid() == 0 else None
    command = [str(programs() / "pg_ctl"), "-D", f"{folder}/data", "-l", f"{folder}/log", "-w", *what]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, user=user, cwd=folder)


@pytest.fixture
def pair(empty_database: str) -> Iterator[tuple[Member, Member]]:
    # Not pytest's own folder: its name is too long for Ray's sockets.
    with tempfile.TemporaryDirectory(prefix="bs-pg-", ignore_cleanup_errors=True) as folder:
        settings = {
            "BROADSHEET_DATABASE": empty_database,
            "BROADSHEET_CLUSTER": f"{node.LOOPBACK}:{free_port()}",
            "BROADSHEET_SHARDS": "2",
            "BROADSHEET_ENCODER": "none",
            "BROADSHEET_SOURCES": "",
            "BROADSHEET_SECRET_KEY": "hosts of one site share the key that signs their links",
        }
        both = Member(Path(folder) / "one", dict(settings)), Member(Path(folder) / "two", dict(settings))
        try:
            yield both
        finally:
            for host in both:
                host.stop()
                if host.up and host.up.poll() is None:
                    host.up.terminate()
            for host in both:
                if host.up:
                    host.up.wait(30)
                shutil.rmtree(node.place(host.home).parent, ignore_errors=True)


def test_a_cluster_of_two_hosts_over_postgresql(pair: tuple[Member, Member], empty_database: str) -> None:
    head, member = pair
    take(head, *range(1, 31))
    head.join()
    for host in pair:
        host.serve()
    wait_until(lambda: head.told("brought up"), "the head's node is up", PATIENCE)
    shutil.copy2(node.token_file(head.home), node.token_file(member.home))
    member.join("--join", member.environment["BROADSHEET_CLUSTER"])
    for host in pair:
        wait_until(host.serves, f"{host.name} serves", PATIENCE)
        host.work()
    wait_until(lambda: member.told("up; "), "the member's node is up", PATIENCE)
    for host in pair:
        wait_until(lambda host=host: host.whole(30), f"{host.name} finds all", PATIENCE)  # type: ignore[misc]
        assert host.health().startswith("well)")

    # A node: its own web says that it cannot ask, and why; the other goes on.
    os.kill(member.raylet(), signal.SIGKILL)
    wait_until(lambda: MISSING in member.get("/search?q=zeppelin")[1], "it says that it cannot ask", PATIENCE)
    assert head.whole(30)
    wait_until(lambda: "node is not up" in member.health() or member.whole(30), "it says why", PATIENCE)
    wait_until(lambda: member.whole(30), "it asks again", PATIENCE)

    # A web process, a worker and the record at once. Everyone says so, the cluster stays; what comes in later is found
    # on both, as actors and webs connect to the record again and the other worker lets all follow.
    assert head.web
    child = next(pid for pid in children(head.web.pid) if "cluster.gateway" not in command_of(pid))
    os.kill(child, signal.SIGKILL)
    member.kill_worker()
    postgresql(empty_database, "-m", "immediate", "stop")
    try:
        assert member.get("/search?q=zeppelin")[0] == 500
        assert json.loads(member.command("cluster", "status", "--json").stdout)["ok"]
        told = member.command("doctor", "--offline")
        assert (told.returncode, told.stderr.count("\n")) == (1, 1) and "the record cannot be reached" in told.stderr
    finally:
        postgresql(empty_database, "restart")
    take(member, 31)
    for host in pair:
        wait_until(lambda host=host: host.whole(31), f"{host.name} finds the new one", PATIENCE)  # type: ignore[misc]

    for host in pair:
        host.stop()
    for host in reversed(pair):
        assert host.command("cluster", "down").stdout == "this host's node is down\n"
        assert host.up and host.up.wait(10) == 0
        assert host.processes() == []


def children(parent: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(stat.parent.name))
    return found


def command_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
