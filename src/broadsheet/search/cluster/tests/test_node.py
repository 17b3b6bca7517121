"""The token and the places of a node, and what stops its start; nothing is started."""

import socket
import stat
from pathlib import Path

import pytest

from broadsheet.search.cluster import node
from broadsheet.search.cluster.node import ClusterError
from broadsheet.search.cluster.tests.two_nodes import free_port


def test_a_token_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = node.make_token(tmp_path)
    first = path.read_text()
    assert len(first) == 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert node.make_token(tmp_path).read_text() == first


@pytest.mark.parametrize(
    ("content", "mode", "told"), [(None, 0, "is missing"), ("abc", 0o644, "by others"), ("a b\n\n", 0o600, "no token")]
)
def test_a_token_that_is_none_is_refused_without_being_told(
    tmp_path: Path, content: str | None, mode: int, told: str
) -> None:
    path = node.token_file(tmp_path)
    if content is not None:
        path.write_text(content)
        path.chmod(mode)
    with pytest.raises(ClusterError, match=told) as refused:
        node.checked_token(tmp_path)
    assert not content or content.strip() not in str(refused.value).replace(str(tmp_path), "")


def test_rays_processes_are_told_of_the_token_but_not_the_token(tmp_path: Path) -> None:
    token = node.make_token(tmp_path).read_text()
    told = node.environment(tmp_path)
    assert told["RAY_AUTH_MODE"] == "token"
    assert told["RAY_USAGE_STATS_ENABLED"] == "0"
    assert token not in told.values()


def test_sockets_lie_in_a_folder_of_the_owners_alone(tmp_path: Path) -> None:
    place = node.place(tmp_path)
    try:
        assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700
        assert len(str(place)) < 107 - 70
        place.parent.chmod(0o755)
        with pytest.raises(ClusterError, match="someone else"):
            node.place(tmp_path)
    finally:
        place.parent.rmdir()


@pytest.mark.parametrize("address", ["", "host", ":6379", "host:", "host:0", "host:70000", "host:x"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ClusterError, match="is no address"):
        node.split(address)


def test_an_address_is_taken_apart_and_put_together() -> None:
    assert node.split("192.0.2.1:6379") == ("192.0.2.1", 6379)
    assert node.split(node.address("2001:db8::1", 6379)) == ("2001:db8::1", 6379)


def test_where_nothing_answers_nothing_is_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "require_ray", lambda: None)
    with pytest.raises(ClusterError, match="nothing answers at"):
        node.start_member(tmp_path, f"127.0.0.1:{free_port()}")


def test_a_port_that_is_taken_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "require_ray", lambda: None)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ClusterError, match="cannot listen on"):
            node.start_head(tmp_path, port=taken.getsockname()[1])


def test_without_ray_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "find_spec", lambda name: None)
    with pytest.raises(ClusterError, match="pip install"):
        node.start_head(tmp_path)
    with pytest.raises(ClusterError, match="pip install"):
        node.start_member(tmp_path, "127.0.0.1:1")


def test_a_driver_does_not_wait_for_a_node_that_is_not_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "require_ray", lambda: None)
    with socket.socket() as head:
        head.bind(("127.0.0.1", 0))
        head.listen()
        try:
            with pytest.raises(ClusterError, match="this host's node is not up"):
                node.connect(f"127.0.0.1:{head.getsockname()[1]}", tmp_path)
        finally:
            node.place(tmp_path).parent.rmdir()


def test_between_machines_a_node_takes_ports_that_a_firewall_can_know() -> None:
    options = node._own_ports("192.0.2.2", port := free_port())
    assert f"--node-manager-port={port + 1}" in options
    assert f"--object-manager-port={port + 2}" in options
    assert node._own_ports(None, port) == options
    assert "--max-worker-port=0" in node._own_ports(node.LOOPBACK, port)


def test_a_port_of_a_nodes_own_that_is_taken_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ClusterError, match=f"cannot listen on 0.0.0.0 port {port}"):
            node._own_ports("192.0.2.2", port - 1)
