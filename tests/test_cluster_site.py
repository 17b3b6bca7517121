"""A site on one machine whose searches go through `broadsheet cluster up`, over a record in SQLite."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from broadsheet.search.cluster import node
from broadsheet.search.cluster.tests.two_nodes import free_port, until

pytest.importorskip("ray", reason="ray is not installed; it is in requirements/ray.in")
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ray")]


@dataclass
class Site:
    """A home, its settings, and the `cluster up` that runs in it."""

    home: Path
    environment: dict[str, str]

    def command(self, *given: str) -> list[str]:
        return [sys.executable, "-m", "broadsheet.cli", *given]

    def run(self, *given: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self.command(*given), env=self.environment, capture_output=True, text=True, timeout=60, check=False
        )

    def told(self, *given: str) -> Any:  # noqa: ANN401 - JSON
        done = self.run(*given, "--json")
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    def up(self) -> "subprocess.Popen[bytes]":
        with (self.home / "up.log").open("ab") as log:
            return subprocess.Popen(
                self.command("cluster", "up", "--cpus", "1", "--memory", "100"),
                env=self.environment,
                stdout=log,
                stderr=log,
            )

    def log(self) -> str:
        return (self.home / "up.log").read_text()

    def papers(self, *numbers: int) -> None:
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
        path = self.home / "papers.jsonl"
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        done = self.run("import", str(path), "--format", "arxiv-jsonl")
        assert done.returncode == 0, done.stderr


@pytest.fixture
def site() -> Iterator[Site]:
    with tempfile.TemporaryDirectory(prefix="bs-site-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        settings = {
            "BROADSHEET_HOME": folder,
            "BROADSHEET_ENCODER": "none",
            "BROADSHEET_SHARDS": "2",
            "BROADSHEET_CLUSTER": f"{node.LOOPBACK}:{free_port()}",
            "BROADSHEET_DATABASE": "",
        }
        yield Site(home, {**os.environ, **settings})
        shutil.rmtree(node.place(home).parent, ignore_errors=True)


def found(site: Site) -> tuple[int, bool]:
    told = site.told("search", "zeppelin", "--mode", "lexical")
    return told["total"], told["partial"]


def test_a_site_searches_through_its_cluster_and_outlives_it(site: Site) -> None:
    up = site.up()
    try:
        site.papers(*range(1, 41))
        assert found(site) == (0, True), "before it is up, an answer says that the index is missing"
        until(lambda: "brought up" in site.log(), 60)
        assert site.told("index")["changes"] >= 0
        assert found(site) == (40, False)
        status = site.told("cluster", "status")
        assert (status["ok"], len(status["nodes"]), len(status["actors"])) == (True, 1, 2)
        check = next(one for one in site.told("doctor", "--offline")["checks"] if one["name"] == "cluster")
        assert check["ok"], check

        kill_raylet(site)
        until(lambda: site.log().count("brought up") == 2, 60)
        site.papers(41)
        assert site.run("index").returncode == 0
        assert found(site) == (41, False)

        token = node.token_file(site.home).read_text()
        for log in site.home.glob("*.log"):
            assert token not in log.read_text(errors="replace")
        assert site.run("cluster", "up").stderr.strip().endswith("`broadsheet cluster down` ends it")
        assert site.run("cluster", "down").stdout == "this host's node is down\n"
        assert up.wait(10) == 0
        assert "is the cluster's head up there?" in site.run("cluster", "status").stderr
    finally:
        up.terminate()
        up.wait(30)


def kill_raylet(site: Site) -> None:
    """End the node's main process as the kernel does where memory runs out."""
    sockets = str(node.place(site.home))
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            program, *given = path.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if program.endswith("raylet/raylet") and any(sockets in one for one in given):
            os.kill(int(path.parent.name), signal.SIGKILL)
            # It is noticed within a second.
            time.sleep(1.5)
            return
    raise AssertionError("no raylet was found")
