"""When papers are encoded through the cluster, and what becomes of those that were when it fails."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site

from broadsheet.lib.files import lock
from broadsheet.papers import bulk, encoder_setup, finding
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Change, Vector
from broadsheet.papers.tests.factory import NOON, paper
from broadsheet.papers.vectors import unencoded
from broadsheet.search.cluster.encoding import Encoded, Job, Text
from broadsheet.search.cluster.node import ClusterError
from broadsheet.search.tests import encoder_tiny as tiny

pytestmark = pytest.mark.django_db
PAPERS = 50
HEAD = "127.0.0.1:6379"


@dataclass
class FakeCluster:
    """Encodes here, seven texts at a time and the last first; `dies_after` so many lists."""

    job: Job
    at_once: int = 30
    dies_after: int | None = None
    asked: list[int] = field(default_factory=list)
    closed: bool = False

    def encode(self, texts: Sequence[Text]) -> Iterator[list[Encoded]]:
        self.asked.append(len(texts))
        here = encoder_setup.bulk_encoder()
        assert here is not None
        for number, start in enumerate(reversed(range(0, len(texts), 7))):
            if number == self.dies_after:
                raise ClusterError("a node has another encoder")
            part = texts[start : start + 7]
            rows = here.encode_papers([text[1:] for text in part]).astype("<f2")
            yield [(text[0], row) for text, row in zip(part, rows, strict=True)]

    def close(self) -> None:
        self.closed = True


@dataclass
class Clusters:
    """Those that were opened."""

    opened: list[FakeCluster] = field(default_factory=list)
    dies_after: int | None = None
    answers: bool = True

    def open(self, job: Job) -> FakeCluster:
        if not self.answers:
            raise ClusterError(f"nothing answers at {job.address}")
        self.opened.append(FakeCluster(job, dies_after=self.dies_after))
        return self.opened[-1]

    @property
    def asked(self) -> list[int]:
        return [texts for one in self.opened for texts in one.asked]


@pytest.fixture(autouse=True)
def clusters(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Clusters]:  # noqa: ANN401
    settings.CONFIG = replace(site.CONFIG, home=tmp_path, values={**site.CONFIG.values, "cluster": HEAD})
    found = Clusters()
    monkeypatch.setattr(bulk, "opened", found.open)
    monkeypatch.setattr(bulk, "WORTH_IT", 20)
    monkeypatch.setattr(bulk, "_rests_until", {})
    tiny.give(tmp_path)
    ingest([paper(number) for number in range(PAPERS)], now=NOON)
    yield found
    bulk.let_go()


def encode(most: int | None = None) -> int:
    encoder = encoder_setup.bulk_encoder()
    assert encoder is not None
    return encoder_setup.encode(encoder, most=most)


def assert_each_once() -> None:
    encoder = encoder_setup.bulk_encoder()
    assert encoder is not None
    assert not unencoded(encoder.id).exists()
    assert Vector.objects.count() == Change.objects.filter(kind="vector").count() == PAPERS


def test_many_papers_are_encoded_through_the_cluster(clusters: Clusters) -> None:
    assert encode() == PAPERS
    assert clusters.asked == [30, 20]
    assert_each_once()


def test_their_vectors_are_those_of_this_host(clusters: Clusters) -> None:
    encode()
    there = {vector.text_hash: bytes(vector.data) for vector in Vector.objects.all()}
    Vector.objects.all().delete()
    clusters.answers = False
    encode()
    assert there == {vector.text_hash: bytes(vector.data) for vector in Vector.objects.all()}


def test_few_papers_stay_on_this_host(clusters: Clusters, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "WORTH_IT", PAPERS + 1)
    assert encode() == PAPERS
    assert clusters.opened == []


def test_without_a_cluster_nothing_is_different(clusters: Clusters, settings: Any) -> None:  # noqa: ANN401
    settings.CONFIG = replace(settings.CONFIG, values={**settings.CONFIG.values, "cluster": ""})
    assert encode(most=15) == 15
    assert clusters.opened == []


def test_a_worker_takes_a_round_and_keeps_the_cluster_until_little_is_left(clusters: Clusters) -> None:
    assert encoder_setup.encode_some(5) == 30
    assert [one.closed for one in clusters.opened] == [False]
    assert encoder_setup.encode_some(5) == 20
    assert encoder_setup.encode_some(5) == 0
    assert [one.closed for one in clusters.opened] == [True]
    assert_each_once()


def test_where_the_cluster_does_not_answer_this_host_encodes_alone(
    clusters: Clusters, caplog: pytest.LogCaptureFixture
) -> None:
    clusters.answers = False
    assert encode() == PAPERS
    assert f"nothing answers at {HEAD}; this host encodes alone" in caplog.text
    assert_each_once()


def test_what_came_before_the_cluster_failed_stays_kept(clusters: Clusters, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("broadsheet.papers.vectors.BATCH", 7)
    clusters.dies_after = 2
    assert encode() == PAPERS
    assert clusters.asked == [30] and clusters.opened[0].closed
    assert_each_once()


def test_a_cluster_that_failed_is_left_alone_for_a_while(clusters: Clusters) -> None:
    clusters.answers = False
    encode(most=10)
    clusters.answers = True
    assert encode(most=10) == 10
    assert clusters.opened == []


def test_while_another_process_encodes_in_bulk_this_one_leaves_it_to_that(clusters: Clusters) -> None:
    with lock(site.CONFIG.home / "encoding.lock"):
        assert encode() == 0
    assert clusters.opened == []
    assert encode() == PAPERS


def test_papers_that_share_a_text_are_encoded_once(clusters: Clusters) -> None:
    twin = replace(paper(1), identifiers=paper(PAPERS + 1).identifiers, raw_hash="twin")
    ingest([twin], now=NOON)
    texts = {row.text_hash for row in Vector.objects.all()}
    encode()
    assert sum(clusters.asked) == Vector.objects.count() - len(texts)


def test_what_search_needs_after_it_is_there(clusters: Clusters, settings: Any) -> None:  # noqa: ANN401
    encode()
    settings.CONFIG = replace(settings.CONFIG, values={**settings.CONFIG.values, "cluster": ""})
    finding.forget()
    finding.index()
    found = finding.find("slow rivers", mode="semantic", limit=5)
    assert len(found.hits) == 5
    finding.forget()
