"""Copies of a cluster's shards, each by itself: what a host puts there, and what a shard without files begins from."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings

from broadsheet.lib.files import lock
from broadsheet.lib.storage import Storage
from broadsheet.moving import cluster_copies, shards, snapshots
from broadsheet.moving.refused import Refused
from broadsheet.moving.tests.conftest import NOON, Inside
from broadsheet.papers import finding
from broadsheet.papers.changes import RecordLog
from broadsheet.papers.models import Change
from broadsheet.papers.record_elsewhere import Elsewhere
from broadsheet.search import dividing
from broadsheet.search.catch_up import catch_up
from broadsheet.search.dividing import Share
from broadsheet.search.tables import STATE, read_state

pytestmark = pytest.mark.slow
SHARDS = 3


def index(home: Path) -> Path:
    return home / "shard"


def part(home: Path, number: int) -> Path:
    return dividing.place(index(home), SHARDS, number)


def follow(home: Path, *numbers: int) -> None:
    """Do what the actors of a host do."""
    for number in numbers:
        catch_up(part(home, number), Share(RecordLog(""), number, SHARDS), "")


def words(home: Path, number: int) -> set[str]:
    """The names of tantivy's files, which are drawn by lot: a shard that was built anew has others."""
    return {path.name for path in part(home, number).rglob("*.store")}


@pytest.fixture
def place(tmp_path: Path) -> Storage:
    return Storage(str(tmp_path / "copies"))


@pytest.fixture
def member(site: Path, place: Storage) -> Iterator[Path]:
    """A host of a cluster of three shards."""
    here = {"cluster": "192.0.2.1:6379", "shards": SHARDS, "snapshot_address": place.address, "encoder": "none"}
    before = settings.CONFIG
    settings.CONFIG = replace(before, values={**before.values, **here})
    yield site
    settings.CONFIG = before


@pytest.fixture
def new(member: Path, elsewhere: Inside, tmp_path: Path) -> Iterator[Path]:
    """A second host of the same record."""
    (home := tmp_path / "new").mkdir()
    shutil.copy(member / "record.sqlite3", home)
    with elsewhere(home):
        yield home


def test_a_host_puts_the_shards_that_it_has_and_none_twice(member: Path, place: Storage) -> None:
    follow(member, 0, 2)
    made = cluster_copies.put(place, now=NOON, keep=2)
    assert [number for number, _one in made] == [0, 2]
    assert {one.change for _number, one in made} == {Change.objects.count()}
    assert cluster_copies.put(place, now=NOON + timedelta(days=1), keep=2) == []
    assert cluster_copies.listed(place) == made
    follow(member, 1)
    assert [number for number, _one in cluster_copies.put(place, now=NOON, keep=2)] == [1]


def test_what_is_left_of_a_shard_that_went_elsewhere_does_not_replace_its_copy(member: Path, place: Storage) -> None:
    follow(member, 0)
    shutil.copytree(part(member, 0), left := member / "left")
    last = Change.objects.order_by("-seq")[0]
    Change.objects.create(seq=last.seq + 1, paper=last.paper, kind="revise", at=NOON)
    follow(member, 0)
    [(_number, made)] = cluster_copies.put(place, now=NOON, keep=2)
    shutil.rmtree(part(member, 0))
    shutil.move(left, part(member, 0))
    assert cluster_copies.put(place, now=NOON + timedelta(days=1), keep=2) == []
    assert cluster_copies.listed(place) == [(0, made)]


def test_without_a_shard_there_is_nothing_to_copy(member: Path, place: Storage) -> None:
    with pytest.raises(Refused, match="no shard of the cluster"):
        cluster_copies.put(place, now=NOON, keep=2)


def test_a_shard_without_files_begins_from_its_newest_copy_and_follows_from_there(
    member: Path, place: Storage, elsewhere: Inside, new: Path
) -> None:
    with elsewhere(member):
        follow(member, 0, 1)
        cluster_copies.put(place, now=NOON, keep=2)
    last = Change.objects.order_by("-seq")[0]
    Change.objects.create(seq=last.seq + 1, paper=last.paper, kind="revise", at=NOON)
    part(new, 0).mkdir(parents=True)
    # As an actor does it, in a process that has nothing set up.
    Elsewhere("").begin(part(new, 0), "shard", SHARDS, 0)
    assert words(new, 0) == words(member, 0) != set()
    state = read_state(part(new, 0) / STATE)
    assert state and state.seq == last.seq
    done = catch_up(part(new, 0), Share(RecordLog(""), 0, SHARDS), "")
    assert (done.seq, done.changes, done.rebuilt) == (last.seq + 1, 1, False)
    assert not list(index(new).rglob(".copy-*"))


def test_a_shard_that_has_files_or_is_being_filled_is_left_alone(
    member: Path, place: Storage, elsewhere: Inside, new: Path
) -> None:
    with elsewhere(member):
        follow(member, 0, 1)
        cluster_copies.put(place, now=NOON, keep=2)
    follow(new, 0)
    before = words(new, 0)
    assert not cluster_copies.begin(part(new, 0), "shard", SHARDS, 0) and words(new, 0) == before
    part(new, 1).mkdir()
    with lock(part(new, 1) / shards.LOCK):
        assert not cluster_copies.begin(part(new, 1), "shard", SHARDS, 1)


def test_what_was_left_of_a_build_gives_way_to_the_copy(
    member: Path, place: Storage, elsewhere: Inside, new: Path
) -> None:
    with elsewhere(member):
        follow(member, 0)
        cluster_copies.put(place, now=NOON, keep=2)
    (part(new, 0) / "g1" / "lex").mkdir(parents=True)
    (part(new, 0) / "g1" / "lex" / "torn.store").write_text("by somebody who was killed")
    assert cluster_copies.begin(part(new, 0), "shard", SHARDS, 0)
    assert words(new, 0) == words(member, 0)


def test_a_copy_that_cannot_be_used_is_said_and_the_shard_is_built_from_the_record(
    member: Path, place: Storage, elsewhere: Inside, new: Path, caplog: pytest.LogCaptureFixture
) -> None:
    part(new, 0).mkdir(parents=True)
    assert not cluster_copies.begin(part(new, 0), "shard", SHARDS, 0)
    assert "shard 0 of 3 is built from the record: there is no snapshot" in caplog.text
    with elsewhere(member):
        follow(member, 0)
        [(_number, made)] = cluster_copies.put(place, now=NOON, keep=2)
    assert not cluster_copies.begin(part(new, 0), "shard-other", SHARDS, 0)
    assert "is of shard, not of shard-other" in caplog.text
    with cluster_copies.of(place, SHARDS, 0).below(made.name, "files", STATE).writing() as stream:
        stream.write(b"other bytes")
    assert not cluster_copies.begin(part(new, 0), "shard", SHARDS, 0)
    assert "is damaged" in caplog.text and not (part(new, 0) / STATE).exists()
    Change.objects.update(at=NOON - timedelta(days=900))
    assert not cluster_copies.begin(part(new, 0), "shard", SHARDS, 0)
    assert "there is no snapshot of this record" in caplog.text or "another record" in caplog.text
    follow(new, 0)
    assert (part(new, 0) / STATE).exists()


def test_a_cluster_of_one_shard_shares_its_copies_with_a_single_host(
    member: Path, place: Storage, elsewhere: Inside, new: Path
) -> None:
    values = {**settings.CONFIG.values, "shards": 1}
    settings.CONFIG = replace(settings.CONFIG, values=values)
    with elsewhere(member):
        settings.CONFIG = replace(settings.CONFIG, values=values)
        catch_up(index(member), RecordLog(""), "")
        [(_number, made)] = cluster_copies.put(place, now=NOON, keep=2)
        assert snapshots.listed(place) == [made]
    index(new).mkdir()
    assert cluster_copies.begin(index(new), "shard", 1, 0)
    finding.forget()
    assert read_state(index(new) / STATE) == read_state(index(member) / STATE)
