"""What `broadsheet cluster` refuses in one line, and how it keeps a node up."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from django.conf import settings

from broadsheet.cli import CommandFailed
from broadsheet.commands import cluster_command, snapshot_command
from broadsheet.commands.cluster_command import Keeper
from broadsheet.lib.files import lock
from broadsheet.search.cluster import node
from broadsheet.search.cluster.node import ClusterError


def _run(*given: str) -> int:
    parser = argparse.ArgumentParser()
    cluster_command.arguments(parser)
    return cluster_command.run(parser.parse_args(given))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(settings, "CONFIG", replace(settings.CONFIG, home=tmp_path))
    monkeypatch.setattr(node, "require_ray", lambda: None)
    monkeypatch.setenv("BROADSHEET_CLUSTER", "")
    return tmp_path


def _set(monkeypatch: pytest.MonkeyPatch, **values: object) -> None:
    changed = {**settings.CONFIG.values, **values}
    monkeypatch.setattr(settings, "CONFIG", replace(settings.CONFIG, values=changed))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["up", "--join", "192.0.2.1:6379"], "share a record in PostgreSQL"),
        (["up", "--host", "192.0.2.1"], "share a record in PostgreSQL"),
        (["status"], "no cluster is set"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(home: Path, given: list[str], told: str) -> None:
    with pytest.raises(CommandFailed, match=told):
        _run(*given)


def test_a_host_cannot_join_what_is_no_address(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, database="postgresql:///x")
    with pytest.raises(CommandFailed, match="is no address such as"):
        _run("up", "--join", "somewhere")


def test_the_setting_and_the_command_must_name_one_head(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, database="postgresql:///x", cluster="192.0.2.1:6379")
    for given in (["up", "--join", "192.0.2.9:6379"], ["up", "--port", "7000"]):
        with pytest.raises(CommandFailed, match="names another head: 192.0.2.1:6379"):
            _run(*given)


def test_a_host_has_one_node(home: Path) -> None:
    with lock(home / cluster_command.LOCK), pytest.raises(CommandFailed, match="is up already"):
        _run("up")


def test_down_says_so_where_there_is_no_node(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("down") == 0
    assert capsys.readouterr().out == "no node is up on this host\n"


def test_without_ray_it_says_how_to_get_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(node, "find_spec", lambda name: None)
    for given in (["up"], ["status"]):
        with pytest.raises(CommandFailed, match="pip install"):
            _run(*given)


@dataclass
class FakeNode:
    up: bool = True
    ended: list[str] = field(default_factory=list)

    def alive(self) -> bool:
        return self.up

    def stop(self) -> None:
        self.ended.append("stopped")

    def kill(self) -> None:
        self.ended.append("killed")


def _keeper(start: Callable[[], FakeNode], see: Callable[[Keeper], None] | None = None) -> Keeper:
    return Keeper(start, see, pause=0)  # type: ignore[arg-type]


def test_a_node_that_ends_is_started_again_and_stopped_at_the_end(home: Path) -> None:
    started: list[FakeNode] = []

    def start() -> FakeNode:
        started.append(FakeNode())
        return started[-1]

    def see(keeper: Keeper) -> None:
        started[-1].up = False
        if len(started) == 3:
            keeper.stop()

    _keeper(start, see).run()
    assert [one.ended for one in started] == [["killed"], ["killed"], ["stopped"]]


def test_a_head_that_is_away_is_tried_again(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tries: list[FakeNode] = []

    def start() -> FakeNode:
        if 0 < len(tries) < 3:
            tries.append(FakeNode())
            raise ClusterError("nothing answers at 192.0.2.1:6379")
        tries.append(FakeNode(up=len(tries) > 2))
        return tries[-1]

    def see(keeper: Keeper) -> None:
        keeper.stop()

    _keeper(start, see).run()
    assert len(tries) == 4
    assert capsys.readouterr().out.count("nothing answers") == 2


def test_a_first_start_that_fails_is_an_error(home: Path) -> None:
    def start() -> FakeNode:
        raise ClusterError("cannot listen")

    with pytest.raises(ClusterError, match="cannot listen"):
        _keeper(start).run()


def test_a_shard_of_a_cluster_is_not_taken_from_a_copy_by_hand(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, cluster="192.0.2.1:6379", snapshot_address=str(home / "copies"))
    monkeypatch.setattr(snapshot_command, "migrate", lambda: None)
    parser = argparse.ArgumentParser()
    snapshot_command.arguments(parser)
    with pytest.raises(CommandFailed, match="begins from its newest copy by itself"):
        snapshot_command.run(parser.parse_args(["get"]))
