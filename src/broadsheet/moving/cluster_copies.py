"""Copies of the shards of a cluster: each by itself, as no host needs to have them all.

Snapshots of shard k of n lie below ADDRESS/of<n>/<k>; of a cluster of one shard below ADDRESS, as those of one host.
"""

import logging
import os
import secrets
import shutil
from datetime import datetime
from pathlib import Path

from django.conf import settings

from broadsheet.lib.files import lock, scratch, sync
from broadsheet.lib.progress import Progress, silent
from broadsheet.lib.storage import Storage, StorageFailed
from broadsheet.moving import backing, shards, snapshots
from broadsheet.moving.refused import Refused
from broadsheet.moving.snapshots import Snapshot
from broadsheet.search import dividing
from broadsheet.search.tables import STATE, read_state

_log = logging.getLogger(__name__)


def of(place: Storage, count: int, number: int) -> Storage:
    """Where the copies of a shard are, of so many."""
    return place if count == 1 else place.below(f"of{count}", str(number))


def put(place: Storage, *, now: datetime, keep: int, progress: Progress = silent) -> list[tuple[int, Snapshot]]:
    """Copy the shards that this host has there, but those of which a copy as new is there; give those made, by shard.

    Of each shard those older than the newest `keep` are deleted. Raises Refused where this host has no shard.
    """
    index, count = shards.in_use(settings.CONFIG), settings.CONFIG.shards
    here = [(number, path) for number, path in enumerate(dividing.places(index, count)) if (path / STATE).exists()]
    if not here:
        raise Refused("no shard of the cluster is on this host yet")
    made = []
    for number, path in here:
        at = of(place, count, number)
        if not _is_there(at, index.name, path):
            with shards.held(path) as files:
                by = secrets.token_hex(2)
                one = snapshots.write(at, index.name, files, now=now, keep=keep, progress=progress, by=by)
            made.append((number, one))
    return made


def _is_there(at: Storage, index: str, path: Path) -> bool:
    # Another host may have the shard too, and this one may have what is left of it from a time when it did.
    state = read_state(path / STATE)
    found = next(iter(snapshots.listed(at)), None)
    return bool(state and found and found.shard == index and found.change >= state.seq)


def listed(place: Storage) -> list[tuple[int, Snapshot]]:
    """Give the whole copies of all shards with the shard, the newest of each first."""
    count = settings.CONFIG.shards
    return [(number, one) for number in range(count) for one in snapshots.listed(of(place, count, number))]


def begin(path: Path, index: str, count: int, number: int) -> bool:
    """Give a shard that has no files here yet those of its newest copy; say whether it has them now.

    path: where they go. index: the folder of the index it belongs to. What cannot be used is logged: such a shard is
    built from the record.
    """
    address = settings.CONFIG.snapshot_address
    if not address:
        return False
    with lock(path / shards.LOCK, wait=False) as mine:
        if not mine or (path / STATE).exists():
            return False
        try:
            _take(of(backing.storage(address), count, number), path, index)
        except (Refused, StorageFailed) as problem:
            _log.warning("shard %d of %d is built from the record: %s", number, count, problem)
            return False
    return True


def _take(at: Storage, path: Path, index: str) -> None:
    found = snapshots.newest(at)
    if found.shard != index:
        raise Refused(f"{found.name} is of {found.shard}, not of {index}")
    with scratch(path.parent, ".copy-") as folder:
        made = folder / "made"
        snapshots.download(at, found, made)
        for one in made.rglob("*"):
            sync(one)
        # The state last: without it the other files are none, and the next one to come begins again.
        for one in sorted(made.iterdir(), key=lambda one: one.name == STATE):
            shutil.rmtree(path / one.name, ignore_errors=True)
            os.rename(one, path / one.name)
        sync(path)
