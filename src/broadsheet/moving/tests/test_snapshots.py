import json
import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from broadsheet.lib import swap
from broadsheet.lib.storage import Storage
from broadsheet.moving import snapshots
from broadsheet.moving.refused import Refused
from broadsheet.moving.tests.conftest import NOON, Inside
from broadsheet.papers import finding
from broadsheet.papers.models import Change

pytestmark = pytest.mark.slow


@pytest.fixture
def indexed(site: Path) -> Path:
    finding.forget()
    finding.index()
    return site


@pytest.fixture(params=["folder", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "folder":
        return Storage(str(tmp_path / "snapshots"))
    pytest.importorskip("fsspec", reason="object storage is an extra: pip install 'broadsheet[s3]'")
    (found := Storage("memory://snapshots")).delete()
    return found


def other_host(home: Path, tmp_path: Path) -> Path:
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(home / "record.sqlite3", other)
    return other


def test_a_new_host_starts_from_a_snapshot_and_catches_up(
    indexed: Path, elsewhere: Inside, tmp_path: Path, place: Storage
) -> None:
    made = snapshots.put(place, now=NOON, keep=2)
    assert made.change == Change.objects.count() and [one.name for one in snapshots.listed(place)] == [made.name]
    with elsewhere(other_host(indexed, tmp_path)):
        finding.forget()
        assert snapshots.get(place) == made
        last = Change.objects.order_by("-seq").first()
        assert last
        Change.objects.create(seq=last.seq + 1, paper=last.paper, kind="revise", at=NOON)
        assert finding.index() == 1
        assert len(finding.reader()) > 100
        with pytest.raises(Refused, match="newer"):
            snapshots.get(place)
    finding.forget()


def test_old_snapshots_go_and_so_does_what_was_never_ended(indexed: Path, place: Storage) -> None:
    with place.below("20261110T000000-7", "files", "left").writing() as stream:
        stream.write(b"by somebody who was killed")
    with place.below("notes.txt").writing() as stream:
        stream.write(b"not ours")
    names = [snapshots.put(place, now=NOON + timedelta(hours=hour), keep=2).name for hour in range(3)]
    assert [one.name for one in snapshots.listed(place)] == names[:0:-1]
    assert not [path for path in place.names() if path.startswith(("20261110", names[0]))]
    assert "notes.txt" in place.names()


def test_one_that_is_being_written_is_none_yet(indexed: Path, place: Storage) -> None:
    made = snapshots.put(place, now=NOON, keep=2)
    place.below(made.name, "manifest.json").delete()
    assert snapshots.listed(place) == []
    with pytest.raises(Refused, match="there is no snapshot"):
        snapshots.get(place)


def test_a_snapshot_of_another_record_is_refused(
    indexed: Path, elsewhere: Inside, tmp_path: Path, place: Storage
) -> None:
    snapshots.put(place, now=NOON, keep=2)
    with elsewhere(other_host(indexed, tmp_path)):
        Change.objects.update(at=NOON - timedelta(days=900))
        with pytest.raises(Refused, match="another record"):
            snapshots.get(place)
        Change.objects.all().delete()
        with pytest.raises(Refused, match="another record"):
            snapshots.get(place)


def test_a_damaged_or_hostile_snapshot_changes_nothing(
    indexed: Path, elsewhere: Inside, tmp_path: Path, place: Storage
) -> None:
    made = snapshots.put(place, now=NOON, keep=2)
    with elsewhere(other := other_host(indexed, tmp_path)):
        with place.below(made.name, "files", "g1", "word_id.i8").writing() as stream:
            stream.write(b"other bytes")
        with pytest.raises(Refused, match="damaged"):
            snapshots.get(place)
        said = made.to_json()
        for path in ("../evil", "/etc/evil", "g1/../../evil"):
            with place.below(made.name, "manifest.json").writing() as stream:
                stream.write(json.dumps(said | {"files": {path: {"bytes": 1, "sha256": ""}}}).encode())
            with pytest.raises(Refused, match="no index has"):
                snapshots.get(place)
        with place.below(made.name, "manifest.json").writing() as stream:
            stream.write(json.dumps(said | {"shard": "../x"}).encode())
        with pytest.raises(Refused):
            snapshots.get(place)
        assert sorted(path.name for path in other.iterdir() if "record" not in path.name) == []


def test_without_an_index_there_is_nothing_to_copy(site: Path, place: Storage) -> None:
    with pytest.raises(Refused, match="no index"):
        snapshots.put(place, now=NOON, keep=1)
    assert place.names() == []


class Killed(BaseException):
    pass


@pytest.mark.parametrize("step", range(3))
def test_a_host_that_is_killed_while_the_shard_changes_places_has_the_old_one_or_the_new(
    indexed: Path, elsewhere: Inside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    place = Storage(str(tmp_path / "snapshots"))
    made = snapshots.put(place, now=NOON, keep=2)
    with elsewhere(other := other_host(indexed, tmp_path)):
        (other / made.shard).mkdir()
        (other / made.shard / "old").write_text("an index that is behind")
        real, done = os.rename, 0

        def rename(old: Path, new: Path) -> None:
            nonlocal done
            if done == step:
                raise Killed
            done += 1
            real(old, new)

        monkeypatch.setattr(os, "rename", rename)
        with pytest.raises(Killed):
            snapshots.get(place)
        monkeypatch.undo()
        swap.finish(other)
        found = {
            str(path.relative_to(other / made.shard)) for path in (other / made.shard).rglob("*") if path.is_file()
        }
        assert (found >= set(made.files)) == (step > 0) and ("old" in found) == (step == 0)
        if step == 0:
            snapshots.get(place)
        finding.forget()
        assert finding.index() == 0
        assert not [path for path in other.iterdir() if path.name.startswith(".")]
    finding.forget()
