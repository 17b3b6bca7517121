"""Whoever asks through a gateway gets an answer or one clear error, soon, whatever becomes of the child."""

import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from broadsheet.search.cluster import gateway, node
from broadsheet.search.cluster.actors import Layout
from broadsheet.search.cluster.gateway import Gateway
from broadsheet.search.cluster.node import ClusterError
from broadsheet.search.cluster.remote import Cluster
from broadsheet.search.cluster.tests.made_log import MadeLog
from broadsheet.search.cluster.tests.two_nodes import free_port
from broadsheet.search.executor import Deadline, Question
from broadsheet.search.gather import LATE

CHILD = "broadsheet.search.cluster.tests.child"
LAYOUT = Layout("shard", 2, 1, "")
QUESTION = Question(frozenset())


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(node, "require_ray", lambda: None)
    monkeypatch.setattr(gateway, "AGAIN", 0.0)
    node.make_token(tmp_path)
    return tmp_path


@pytest.fixture
def way(home: Path) -> Iterator[Gateway]:
    made = Gateway("127.0.0.1:1", home, CHILD)
    yield made
    made.close()


def _pid(way: Gateway) -> int:
    return int(way.nodes(30)[0]["pid"])


def test_one_child_answers_many_threads(way: Gateway) -> None:
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(_pid(way))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_what_the_child_cannot_do_is_one_line(way: Gateway, home: Path) -> None:
    with pytest.raises(ClusterError, match="^it could not$"):
        way.bring_up(LAYOUT, partial(MadeLog, home / "log"))


def test_a_child_that_dies_fails_what_it_was_asked_and_is_replaced(way: Gateway) -> None:
    before = _pid(way)
    with pytest.raises(ClusterError, match="has ended"):
        way.retire([])
    assert _pid(way) != before


def test_a_silent_child_costs_no_more_than_the_deadline_and_is_replaced_in_time(
    way: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _pid(way)
    assert way.ask(LAYOUT, QUESTION, Deadline.within(0.05), ()) == []
    assert _pid(way) == before
    monkeypatch.setattr(gateway, "SILENT", -1.0)
    assert way.ask(LAYOUT, QUESTION, Deadline.within(0.05), ()) == []
    assert _pid(way) != before


def test_without_a_cluster_a_search_says_so_and_does_not_wait(home: Path) -> None:
    way = Gateway(f"127.0.0.1:{free_port()}", home)
    try:
        found = Cluster(LAYOUT, patience=30.0, asker=way).search("whale")
        assert (found.hits, found.partial, found.notes) == ((), True, (LATE,))
        assert Cluster(LAYOUT, patience=30.0, asker=way).state is None
        with pytest.raises(ClusterError, match="nothing answers at"):
            way.nodes()
    finally:
        way.close()


def test_without_a_token_nothing_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "require_ray", lambda: None)
    way = Gateway("127.0.0.1:1", tmp_path, CHILD)
    with pytest.raises(ClusterError, match="is missing"):
        way.nodes()
    assert way.ask(LAYOUT, QUESTION, Deadline.within(1), ()) == []
    assert way._child is None
