"""Copies of a shard in object storage or a folder, from which a new host starts and then follows the change log.

    ADDRESS/<when>-<change>/files/<path in the shard>
    ADDRESS/<when>-<change>/manifest.json     length and SHA-256 of every file; written last, so that it says: whole

A snapshot belongs to one record: it tells the change it is up to, and is refused where that change is another.
"""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from broadsheet.lib import swap
from broadsheet.lib.files import scratch
from broadsheet.lib.progress import Progress, silent
from broadsheet.lib.storage import CHUNK, Storage
from broadsheet.moving import archive, shards
from broadsheet.moving.refused import Refused
from broadsheet.papers.models import Change
from broadsheet.search.tables import STATE

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
FILES: Final = "files"
LONGEST_MANIFEST: Final = 2**25
# What has no manifest after so long was left by somebody who was killed.
LEFT_AFTER: Final = timedelta(days=1)
_NAME: Final = re.compile(r"(\d{8}T\d{6})-(\d{1,18})(-[0-9a-f]{4})?")
_SHARD: Final = re.compile(r"shard(-[a-z0-9._-]{1,80})?")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot. change: the record's change that it is up to, with a hash of it. shard: the folder it is of."""

    name: str
    made: str
    change: int
    witness: str
    shard: str
    files: dict[str, tuple[int, str]]

    @property
    def length(self) -> int:
        """Bytes in all."""
        return sum(length for length, _sha in self.files.values())

    def to_json(self) -> dict[str, Any]:
        """What its manifest says."""
        files = {path: {"bytes": length, "sha256": sha} for path, (length, sha) in self.files.items()}
        told = {"what": "an index of Broadsheet", "format": FORMAT, "made": self.made, "change": self.change}
        return {**told, "witness": self.witness, "shard": self.shard, "files": files}

    @classmethod
    def read(cls, name: str, data: bytes) -> "Snapshot":
        """Read a manifest. Raises Refused for one that is none, or whose files would leave their folder."""
        try:
            said = json.loads(data)
            files = {str(path): (int(one["bytes"]), str(one["sha256"])) for path, one in said["files"].items()}
            found = cls(name, str(said["made"]), int(said["change"]), str(said["witness"]), str(said["shard"]), files)
            known = said["format"] == FORMAT
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
            raise Refused(f"the manifest of {name} cannot be read") from problem
        if not known:
            raise Refused(f"{name} has another format: update Broadsheet")
        if not _SHARD.fullmatch(found.shard) or not all(archive.is_safe(path) for path in found.files):
            raise Refused(f"{name} holds files that no index has")
        return found


def witness(change: int) -> str:
    """Give a hash of an entry of the change log: two records that have the same one there are one record."""
    found = Change.objects.filter(seq=change).values_list("seq", "paper__key", "kind", "at").first()
    if found is None:
        return ""
    told = [found[0], found[1], found[2], found[3].astimezone(UTC).isoformat()]
    return sha256(json.dumps(told).encode()).hexdigest()


def put(place: Storage, *, now: datetime, keep: int, progress: Progress = silent) -> Snapshot:
    """Copy the shard there and delete snapshots that are older than the newest `keep`; give the one that was made."""
    shard = shards.in_use(settings.CONFIG)
    with shards.held(shard) as files:
        return write(place, shard.name, files, now=now, keep=keep, progress=progress)


def write(
    place: Storage,
    shard: str,
    files: list[tuple[str, Path]],
    *,
    now: datetime,
    keep: int,
    progress: Progress = silent,
    by: str = "",
) -> Snapshot:
    """Copy files of a shard there, as `put()`. by: four digits of a host, where several may write at one moment."""
    change = _change(dict(files))
    name = "-".join([f"{now.astimezone(UTC):%Y%m%dT%H%M%S}", str(change), *([by] if by else [])])
    told = {path: _upload(place.below(name, FILES, path), file) for path, file in progressing(files, progress)}
    made = Snapshot(name, now.astimezone(UTC).isoformat(timespec="seconds"), change, witness(change), shard, told)
    with place.below(name, MANIFEST).writing() as stream:
        stream.write(json.dumps(made.to_json()).encode())
    prune(place, now=now, keep=keep)
    return made


def progressing(files: list[tuple[str, Path]], progress: Progress) -> Iterator[tuple[str, Path]]:
    """Give the files and tell how many were done."""
    for done, one in enumerate(files):
        progress(done, len(files))
        yield one


def _change(files: dict[str, Path]) -> int:
    """The change up to which all of a shard is; of a divided one the least of its parts."""
    states = [file for path, file in files.items() if Path(path).name == STATE]
    with suppress(ValueError, KeyError, TypeError):
        if states:
            return min(int(json.loads(file.read_bytes())["seq"]) for file in states)
    raise Refused("there is no index to copy yet; `broadsheet index` makes one")


def _upload(place: Storage, file: Path) -> tuple[int, str]:
    length, sha = 0, sha256()
    with file.open("rb") as source, place.writing() as stream:
        while data := source.read(CHUNK):
            stream.write(data)
            sha.update(data)
            length += len(data)
    return length, sha.hexdigest()


def names(place: Storage) -> tuple[list[str], list[str]]:
    """Name the snapshots that are whole, and those that are not, the newest first each."""
    steps = [path.split("/") for path in place.names()]
    found = {step[0]: False for step in steps} | {step[0]: True for step in steps if step[1:] == [MANIFEST]}
    sound = sorted((name for name in found if _NAME.fullmatch(name)), reverse=True)
    return [name for name in sound if found[name]], [name for name in sound if not found[name]]


def read(place: Storage, name: str) -> Snapshot:
    """Read what a snapshot says of itself."""
    with place.below(name, MANIFEST).reading() as stream:
        return Snapshot.read(name, stream.read(LONGEST_MANIFEST))


def listed(place: Storage) -> list[Snapshot]:
    """Give the whole snapshots, the newest first."""
    return [read(place, name) for name in names(place)[0]]


def prune(place: Storage, *, now: datetime, keep: int) -> list[str]:
    """Delete all but the newest few, and what was begun a day ago and never ended; name what was deleted."""
    whole, torn = names(place)
    oldest = f"{now.astimezone(UTC) - LEFT_AFTER:%Y%m%dT%H%M%S}"
    gone = [*whole[keep:], *(name for name in torn if name < oldest)]
    for name in gone:
        # The manifest first: what is without one is no snapshot.
        place.below(name, MANIFEST).delete()
        place.below(name).delete()
    return gone


def newest(place: Storage, name: str = "") -> Snapshot:
    """Give the newest snapshot, or the one of a name. Raises Refused where there is none of this record."""
    whole, _torn = names(place)
    if not whole or (name and name not in whole):
        raise Refused(f"there is no snapshot{f' {name}' if name else ''} at {place.address}")
    found = read(place, name or whole[0])
    if witness(found.change) != found.witness or not found.witness:
        raise Refused(f"{found.name} is of another record, or this record is older than it")
    return found


def get(place: Storage, name: str = "", progress: Progress = silent) -> Snapshot:
    """Put the newest snapshot, or the one of a name, in the place of this home's shard; `index` adds what came since.

    Raises Refused where it is of another record, damaged, or no newer than what is here; then nothing has changed.
    """
    found = newest(place, name)
    home: Path = settings.CONFIG.home
    shard = home / found.shard
    if (here := _present(shard)) >= found.change:
        raise Refused(f"the index here is newer: it is up to change {here:,}, the snapshot up to {found.change:,}")
    with scratch(home, ".snapshot-") as folder:
        made = folder / "made"
        download(place, found, made / shard.name, progress)
        shard.mkdir(exist_ok=True)
        # Whoever adds to the old one would go on writing to files that nobody reads.
        with shards.locked(shard):
            swap.decide(home, made, [])
    return found


def _present(shard: Path) -> int:
    try:
        return _change({str(path): path for path in shard.rglob(STATE)})
    except (Refused, OSError):
        return -1


def download(place: Storage, found: Snapshot, to: Path, progress: Progress = silent) -> None:
    """Put the files of a snapshot into a folder. Raises Refused where one is damaged, or they are no index."""
    for done, (path, (length, sha)) in enumerate(found.files.items()):
        progress(done, len(found.files))
        _download(place.below(found.name, FILES, path), to / path, length, sha)
    _change({path: to / path for path in found.files})


def _download(place: Storage, to: Path, length: int, sha: str) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    got, seen = 0, sha256()
    with place.reading() as stream, to.open("xb") as file:
        while got <= length and (data := stream.read(CHUNK)):
            file.write(data)
            seen.update(data)
            got += len(data)
    if got != length or seen.hexdigest() != sha:
        raise Refused(f"{place.address} is damaged: its hash is not the one that was written")
