"""A shard's actor, without Ray: what it begins from."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from broadsheet.search.cluster.actors import Layout, ShardActor
from broadsheet.search.cluster.tests.made_log import MadeLog
from broadsheet.search.tables import STATE
from broadsheet.search.tests.test_divided import ENCODER


@dataclass
class Copies:
    """Opens a log, and notes which shards asked for a copy."""

    log: MadeLog
    asked: list[tuple[Path, str, int, int]] = field(default_factory=list)

    def __call__(self) -> MadeLog:
        return self.log

    def begin(self, path: Path, index: str, count: int, number: int) -> None:
        assert not (path / STATE).exists()
        self.asked.append((path, index, count, number))


def test_a_shard_asks_for_a_copy_until_it_has_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROADSHEET_HOME", str(tmp_path))
    copies = Copies(MadeLog(tmp_path / "log"))
    copies.log.put(1, 2, 3)
    actor = ShardActor(Layout("shard", 2, 1, ENCODER.id), 1, 0, copies)
    assert actor.following.wait(30)
    assert copies.asked == [(tmp_path / "shard" / "of2" / "1", "shard", 2, 1)]
    actor.catch_up()
    assert len(copies.asked) == 1


def test_a_log_that_knows_of_no_copies_is_followed_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROADSHEET_HOME", str(tmp_path))
    log = MadeLog(tmp_path / "log")
    log.put(1)
    actor = ShardActor(Layout("shard", 1, 1, ENCODER.id), 0, 0, lambda: log)
    assert actor.following.wait(30)
    assert actor.catch_up().seq == 1
