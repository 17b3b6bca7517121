"""A real cluster of two nodes on this machine: the same answers, and what dies comes back without one wrong answer."""

import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from broadsheet.search.cluster import node
from broadsheet.search.cluster.actors import Standing
from broadsheet.search.cluster.node import ClusterError
from broadsheet.search.cluster.tests.made_log import MOST
from broadsheet.search.cluster.tests.two_nodes import PATIENCE, REPLICAS, SHARDS, TwoNodes, until
from broadsheet.search.divided import Divided
from broadsheet.search.dividing import catch_up_all
from broadsheet.search.executor import Searcher
from broadsheet.search.shard import ShardReader, catch_up
from broadsheet.search.tests.test_divided import ENCODER, MODES, QUERIES
from broadsheet.search.types import Results

pytest.importorskip("ray", reason="ray is not installed; it is in requirements/ray.in")
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ray")]

TOP = 20


@pytest.fixture(scope="module")
def nodes() -> Iterator[TwoNodes]:
    # Not pytest's own folder: its name is too long for Ray's sockets, which Broadsheet then puts elsewhere.
    with tempfile.TemporaryDirectory(prefix="bs-ray-", ignore_cleanup_errors=True) as folder:
        both = TwoNodes(Path(folder))
        try:
            both.start("head")
            both.start("member")
            both.follow()
            # Becoming part of the cluster takes seconds, and a search does not wait for so long.
            for name in ("head", "member"):
                both.web(name).warm()
            yield both
        finally:
            both.close()
            for name in ("head", "member"):
                shutil.rmtree(node.place(both.home(name)).parent, ignore_errors=True)


@pytest.fixture(scope="module")
def one(nodes: TwoNodes) -> ShardReader:
    """The oracle: one shard in this process, with the made papers."""
    catch_up(nodes.root / "one", nodes.log, ENCODER.id)
    return ShardReader(nodes.root / "one", ENCODER)


def told(found: Results) -> list[tuple[int, str]]:
    return [(hit.paper, hit.block) for hit in found.hits]


def whole(ask: Callable[[], Results]) -> Results:
    """Give the first answer that says it is whole: a busy machine may leave a shard out of one, marked as such."""
    end = time.monotonic() + 60
    while (found := ask()).partial and time.monotonic() < end:
        time.sleep(0.1)
    assert not found.partial
    return found


def all_answers(searcher: Searcher) -> dict[tuple[str, str], list[tuple[int, str]]]:
    found: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for query in QUERIES:
        for mode in MODES:
            found[query, mode] = told(whole(partial(searcher.search, query, mode=mode, limit=TOP)))
    found["similar", ""] = told(whole(partial(searcher.similar, 42, limit=TOP)))
    found["nearest", ""] = told(whole(partial(searcher.nearest, ENCODER.encode(["whale song"])[0], limit=TOP)))
    return found


def test_it_answers_as_one_shard_and_as_four_in_one_process(nodes: TwoNodes, one: ShardReader) -> None:
    catch_up_all(nodes.root / "four", SHARDS, nodes.log, ENCODER.id)
    expected = all_answers(one)
    assert all_answers(Divided(nodes.root / "four", SHARDS, ENCODER)) == expected
    assert all_answers(nodes.web("head")) == expected
    assert all_answers(nodes.web("member")) == expected
    assert len(nodes.web()) == len(one)
    state = nodes.web().state
    assert state and state.seq == MOST


def test_replicas_of_a_shard_are_on_different_nodes(nodes: TwoNodes) -> None:
    seen = nodes.standings()
    assert sorted(one.shard for one in seen) == [0, 0, 1, 1, 2, 2, 3, 3]
    assert len({(one.shard, one.node) for one in seen}) == SHARDS * REPLICAS


def test_nobody_listens_to_the_network(nodes: TwoNodes) -> None:
    inodes = {
        os.readlink(handle).removeprefix("socket:[").removesuffix("]")
        for started in nodes.nodes.values()
        for pid in started.processes()
        for handle in Path(f"/proc/{pid}/fd").iterdir()
        if os.readlink(handle).startswith("socket:[")
    }
    for table, loopback in (
        ("tcp", {"0100007F"}),
        ("tcp6", {"0" * 24 + "01000000", "0000000000000000FFFF00000100007F"}),
    ):
        rows = [line.split() for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]]
        heard = {row[1].partition(":")[0] for row in rows if row[3] == "0A" and row[9] in inodes}
        assert heard <= loopback


def test_a_wrong_token_is_refused_in_one_line(nodes: TwoNodes) -> None:
    stranger = nodes.home("stranger")
    node.make_token(stranger)
    with pytest.raises(ClusterError, match="token"):
        node.start_member(stranger, nodes.address, cpus=1, memory_mb=100)
    assert node.token_file(stranger).read_text() not in (stranger / node.LOG).read_text()


@dataclass
class Load:
    """Searches going on beside what a test does; notes each answer."""

    web: Searcher
    answers: list[tuple[Results, float]] = field(default_factory=list)
    problems: list[BaseException] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Load":
        self.threads = [threading.Thread(target=self._search) for _ in range(2)]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_problem: object) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join()

    def _search(self) -> None:
        try:
            while not self.over.wait(0.02):
                begun = time.monotonic()
                found = self.web.search("whale song", mode="lexical", limit=TOP)
                self.answers.append((found, time.monotonic() - begun))
        except BaseException as problem:
            self.problems.append(problem)
            raise

    def check(self, expected: Results) -> None:
        """Every whole answer is the right one, what is missing is said, and nobody waited too long."""
        assert not self.problems
        assert self.answers
        every = {hit.paper: hit.score for hit in expected.hits}
        for found, seconds in self.answers:
            assert seconds < PATIENCE + 1
            if not found.partial:
                assert told(found) == told(expected)[:TOP]
            assert {hit.paper for hit in found.hits} <= set(every)


def zeppelins(web: Searcher) -> set[int]:
    """Give the papers that were put in late."""
    return {hit.paper for hit in whole(partial(web.search, "zeppelin", mode="lexical")).hits}


def kill(one: Standing) -> None:
    os.kill(one.pid, signal.SIGKILL)


def test_a_killed_actor_costs_no_wrong_answer_and_comes_back_by_itself(nodes: TwoNodes, one: ShardReader) -> None:
    web = nodes.web()
    with Load(web) as load:
        for number in range(2):
            seen = [standing for standing in nodes.standings() if standing.replica == number]
            kill(seen[number])
            until(nodes.whole)
    load.check(one.search("whale song", mode="lexical", limit=MOST))
    assert sum(found.partial for found, _ in load.answers) < len(load.answers) / 2
    whole(partial(web.search, "whale song"))


def test_a_shard_without_any_replica_is_missing_and_said_to_be(nodes: TwoNodes, one: ShardReader) -> None:
    web = nodes.web()
    with Load(web) as load:
        for standing in nodes.standings():
            if standing.shard == 1:
                kill(standing)
        until(lambda: any(found.partial for found, _ in load.answers))
        until(lambda: not load.answers[-1][0].partial)
    load.check(one.search("whale song", mode="lexical", limit=MOST))


def test_the_process_that_speaks_to_the_cluster_may_die(nodes: TwoNodes, one: ShardReader) -> None:
    way = nodes.way("head")
    assert way._child
    way._child.process.kill()
    found = whole(partial(nodes.web().search, "whale song", limit=TOP))
    assert told(found) == told(one.search("whale song", limit=TOP))


def test_shards_of_a_dead_node_come_back_on_the_other_with_all_that_was_acknowledged(
    nodes: TwoNodes, one: ShardReader
) -> None:
    web = nodes.web()
    with Load(web) as load:
        nodes.log.put(1001)
        nodes.follow()
        nodes.nodes["member"].kill()
        nodes.log.put(1002)
        # What dies is found dead after some seconds; the worker asks again until all have followed.
        until(lambda: sum(standing.state == "following" for standing in nodes.standings()) == SHARDS)
        until(lambda: nodes.way("head").bring_up(nodes.layout, nodes.opened) > 0)
        nodes.follow()
        assert zeppelins(web) == {1001, 1002}
    load.check(one.search("whale song", mode="lexical", limit=MOST))
    until(nodes.whole)
    assert len({standing.node for standing in nodes.standings()}) == 1


def test_a_node_that_joins_again_takes_its_replicas_back(nodes: TwoNodes) -> None:
    nodes.start("member")
    way = nodes.way("head")

    def apart() -> bool:
        way.bring_up(nodes.layout, nodes.opened, move=True)
        return len({(one.shard, one.node) for one in nodes.standings() if one.node}) == SHARDS * REPLICAS

    until(apart, 60)
    whole(partial(nodes.web("member").search, "whale song"))


def test_without_the_head_searches_go_on_and_after_it_all_is_whole_again(nodes: TwoNodes, one: ShardReader) -> None:
    here, there = nodes.web("head"), nodes.web("member")
    with Load(there) as load:
        nodes.nodes["head"].kill()
        begun = time.monotonic()
        found = here.search("whale song")
        assert time.monotonic() - begun < PATIENCE + 1
        # Until it sees that its own node is gone it may still reach the other one's replicas, which hold everything.
        expected = told(one.search("whale song"))
        assert told(found) == expected or found.partial
        whole(partial(there.search, "whale song"))
    load.check(one.search("whale song", mode="lexical", limit=MOST))

    nodes.start("head")
    # The member knows another head; its supervisor starts it again when it ends.
    until(lambda: not nodes.nodes["member"].alive(), 60)
    nodes.nodes["member"].kill()
    nodes.start("member")
    nodes.follow()
    assert zeppelins(here) == zeppelins(there) == {1001, 1002}
