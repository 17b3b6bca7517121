"""Encoding through a real cluster of one node, and what is refused before."""

import contextlib
import os
import signal
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from broadsheet.search import encoder as encoders
from broadsheet.search.choice import FIRST
from broadsheet.search.cluster import node
from broadsheet.search.cluster.encoding import BLOCK, LOG, Bulk, Job, node_encoder, sentence
from broadsheet.search.cluster.node import ClusterError
from broadsheet.search.tests import encoder_tiny as tiny

TEXTS = [(f"key{n}", f"Soft losses, part {n}", f"A graph of rivers and {n} snow. " * (n % 5)) for n in range(3 * BLOCK)]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    tiny.give(tmp_path)
    return tmp_path


def test_a_node_encodes_by_its_own_encoder(home: Path) -> None:
    here = encoders.OnnxEncoder.load(encoders.place(home, FIRST))
    assert node_encoder(home, FIRST, here.id).id == here.id


def test_a_node_without_the_encoder_is_refused_by_name(home: Path) -> None:
    with pytest.raises(ClusterError, match=f"has no encoder called other .*home {home}.*: bring it in there"):
        node_encoder(home, "other", "whatever")


def test_a_node_with_another_encoder_under_that_name_is_refused(home: Path) -> None:
    with pytest.raises(ClusterError, match=r"has another encoder under the name minilm-int8 .*not meant:id"):
        node_encoder(home, FIRST, "meant:id")


def test_what_a_node_refuses_is_told_in_one_sentence() -> None:
    wrapped = (
        "ray::Map() (pid=7)\n  File x\n    raise\nbroadsheet.search.cluster.node.ClusterError: a node has another\n"
    )
    assert sentence(RuntimeError(wrapped)) == "a node has another"
    assert sentence(ClusterError("nothing answers")) == "nothing answers"
    assert sentence(KeyError()) == "KeyError"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((node.LOOPBACK, 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Site:
    """A cluster of one node with two cores."""

    home: Path
    address: str

    @property
    def encoder(self) -> encoders.OnnxEncoder:
        return encoders.OnnxEncoder.load(encoders.place(self.home, FIRST))

    @property
    def job(self) -> Job:
        return Job(self.address, self.home, FIRST, self.encoder.id)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    pytest.importorskip("ray", reason="ray is not installed; it is in requirements/ray.in")
    with tempfile.TemporaryDirectory(prefix="bs-ray-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        tiny.give(home)
        head = node.start_head(home, port=free_port(), cpus=2, memory_mb=100)
        try:
            yield Site(home, head.address)
        finally:
            head.stop()


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_the_cluster_gives_the_vectors_that_this_host_would(site: Site) -> None:
    expected = site.encoder.encode_papers([text[1:] for text in TEXTS]).astype("<f2")
    with Bulk(site.job) as bulk:
        assert bulk.at_once == 4096
        for texts in (TEXTS, TEXTS[:5]):
            lists = list(bulk.encode(texts))
            found = [pair for rows in lists for pair in rows]
            assert len(found) == len(texts) and len(lists) == -(-len(texts) // BLOCK)
            by_key = dict(found)
            assert all(np.array_equal(by_key[text[0]], expected[n]) for n, text in enumerate(texts))


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_a_text_that_is_none_is_encoded_as_this_host_would(site: Site) -> None:
    odd = [("lone", "snow \ud800 rivers", ""), ("empty", "", ""), ("nul", "a\0graph", "of soft \U0001f40d")]
    with Bulk(site.job) as bulk:
        found = dict(pair for rows in bulk.encode(odd) for pair in rows)
    expected = site.encoder.encode_papers([text[1:] for text in odd]).astype("<f2")
    assert all(np.array_equal(found[text[0]], expected[n]) for n, text in enumerate(odd))


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_a_node_with_another_encoder_ends_it_with_a_clear_word(site: Site) -> None:
    with (
        Bulk(replace(site.job, id="meant:id")) as bulk,
        pytest.raises(ClusterError, match=r"^a node has another encoder under the name minilm-int8 .*, not meant:id$"),
    ):
        list(bulk.encode(TEXTS[:3]))


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_it_says_nothing_and_touches_nothing_of_the_process_that_asks(site: Site, capfd: pytest.CaptureFixture) -> None:  # type: ignore[type-arg]
    before = dict(os.environ)
    with Bulk(site.job) as bulk:
        list(bulk.encode(TEXTS[:3]))
    assert capfd.readouterr() == ("", "")
    assert dict(os.environ) == before
    assert (site.home / LOG).exists()


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_where_no_cluster_answers_it_says_so(tmp_path: Path) -> None:
    node.make_token(tmp_path)
    nobody = Job(f"127.0.0.1:{free_port()}", tmp_path, FIRST, "id")
    with pytest.raises(ClusterError, match="nothing answers at 127.0.0.1"):
        Bulk(nobody)


def encoding(home: Path) -> list[int]:
    """The processes of a node that encode."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            of_home = f"BROADSHEET_HOME={home}\0".encode() in (place / "environ").read_bytes()
            if of_home and b"_Encoding" in (place / "cmdline").read_bytes():
                found.append(int(place.name))
    return found


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_when_a_process_that_encodes_is_killed_every_text_comes_all_the_same(site: Site) -> None:
    texts = [(f"key{n}", f"Soft losses, part {n}", "A graph of rivers and snow. " * 40) for n in range(60 * BLOCK)]
    found: list[str] = []
    with Bulk(site.job) as bulk:
        killed = 0
        for number, rows in enumerate(bulk.encode(texts)):
            if number in (2, 12):
                for process in encoding(site.home)[:1]:
                    os.kill(process, signal.SIGKILL)
                    killed += 1
            found += [key for key, _vector in rows]
    assert killed == 2
    assert sorted(found) == sorted(key for key, *_text in texts)
