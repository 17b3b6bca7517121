"""What is said of a cluster that answers in part, or not at all."""

from dataclasses import dataclass, replace
from typing import Any

import pytest
from pytest_django import Settings

from broadsheet.papers import encoder_setup, finding, health
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Change
from broadsheet.papers.tests.factory import NOON, paper
from broadsheet.search.cluster.actors import Standing
from broadsheet.search.cluster.node import ClusterError
from broadsheet.search.tables import State

pytestmark = pytest.mark.django_db
SHARDS = 2


@dataclass
class FakeCluster:
    """A cluster of two shards. head: whether it tells of its nodes. seqs: how far each shard is that answers."""

    head: bool = True
    seqs: tuple[int, ...] = ()

    def nodes(self, patience: float) -> list[dict[str, Any]]:
        if not self.head:
            raise ClusterError("nothing answers at 192.0.2.1:6379")
        return [{"alive": True}]

    def standings(self, patience: float) -> list[Standing]:
        prefix = finding.layout().prefix
        return [
            Standing(f"{prefix}{shard}|0", shard, 0, state="following", seq=seq) for shard, seq in enumerate(self.seqs)
        ]

    @property
    def state(self) -> State | None:
        if not self.seqs:
            return None
        return State("g1", seq=min(self.seqs) if len(self.seqs) == SHARDS else 0)


@pytest.fixture
def cluster(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    values = {**settings.CONFIG.values, "cluster": "192.0.2.1:6379", "shards": SHARDS, "encoder": "minilm-int8"}
    settings.CONFIG = replace(settings.CONFIG, values=values)
    fake = FakeCluster()
    monkeypatch.setattr(finding, "gateway", lambda: fake)
    monkeypatch.setattr(finding, "reader", lambda: fake)
    monkeypatch.setattr(encoder_setup, "is_built", lambda: True)
    return fake


def head() -> int:
    ingest([paper(1)], now=NOON)
    return Change.objects.order_by("seq").values_list("seq", flat=True).last() or 0


def by_name() -> dict[str, health.Check]:
    return {one.name: one for one in (health.encoder_check(), health.index_check(), *health.cluster_checks())}


def test_all_is_well_where_every_shard_has_the_newest_change(cluster: FakeCluster) -> None:
    cluster.seqs = (head(), head())
    assert all(one.ok for one in by_name().values())


def test_shards_that_cannot_be_asked_are_not_said_to_be_empty(cluster: FakeCluster) -> None:
    head()
    cluster.head = False
    told = by_name()
    assert health.UNTOLD in told["encoder"].says
    assert (told["index"].ok, told["index"].says, told["index"].vital) == (False, health.UNTOLD, True)
    assert told["cluster"].vital and told["cluster"].says == "nothing answers at 192.0.2.1:6379"
    assert not any("broadsheet index" in one.do for one in told.values())


def test_a_shard_that_is_missing_is_not_said_to_be_behind(cluster: FakeCluster) -> None:
    cluster.seqs = (head(),)
    told = by_name()
    assert (told["index"].ok, told["index"].says) == (False, health.UNTOLD)
    assert not told["cluster"].ok and told["cluster"].vital


def test_a_head_that_is_away_does_not_matter_to_readers_while_all_shards_answer(cluster: FakeCluster) -> None:
    cluster.seqs, cluster.head = (head(), head()), False
    told = by_name()
    assert told["index"].ok
    assert (told["cluster"].ok, told["cluster"].vital) == (False, False)
    assert told["cluster"].says.endswith("; searches go on")
