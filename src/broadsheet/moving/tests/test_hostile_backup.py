"""Files that are no backup, or more than one: each is refused in one line, and nothing changes."""

import gzip
import io
import json
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from broadsheet.lib.storage import Storage
from broadsheet.moving import archive, backing, contents, restoring
from broadsheet.moving.refused import Refused
from broadsheet.moving.tests.conftest import NOON
from broadsheet.papers.models import Paper

Members = list[tuple[tarfile.TarInfo, bytes]]


@pytest.fixture(scope="module")
def sound(filled: Path, tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any) -> Path:  # noqa: ANN401
    from broadsheet.moving.tests.conftest import inside

    place = tmp_path_factory.mktemp("sound") / "one.backup"
    with django_db_blocker.unblock(), inside(filled):
        backing.write(Storage(str(place)), now=NOON)
    return place


def members(path: Path) -> Members:
    with tarfile.open(path) as packed:
        return [(info, packed.extractfile(info).read()) for info in packed]  # type: ignore[union-attr]


def written(path: Path, found: Members) -> Storage:
    with tarfile.open(path, "w:gz", format=tarfile.USTAR_FORMAT, compresslevel=1) as packed:
        for info, data in found:
            info.size = len(data) if info.isreg() else 0
            packed.addfile(info, io.BytesIO(data))
    return Storage(str(path))


def info(name: str, kind: bytes = tarfile.REGTYPE, to: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, to
    return made


def of(found: Members, name: str) -> int:
    return next(place for place, (one, _data) in enumerate(found) if one.name == name)


def add(name: str, data: bytes = b"x", kind: bytes = tarfile.REGTYPE, to: str = "") -> Callable[[Members], None]:
    return lambda found: found.insert(1, (info(name, kind, to), data))


def change(name: str, how: Callable[[bytes], bytes]) -> Callable[[Members], None]:
    def act(found: Members) -> None:
        place = of(found, name)
        found[place] = (found[place][0], how(found[place][1]))

    return act


def drop(name: str) -> Callable[[Members], None]:
    def act(found: Members) -> None:
        del found[of(found, name)]

    return act


def in_json(name: str, how: Callable[[dict[str, Any]], object]) -> Callable[[Members], None]:
    def act(data: bytes) -> bytes:
        said = json.loads(data)
        how(said)
        return json.dumps(said).encode()

    return change(name, act)


def doubled(found: Members) -> None:
    found.insert(of(found, "tables/papers_paper/000000"), found[of(found, "tables/readers_reader/000000")])


LATE = ["readers", "0003_library_and_alerts"]
ATTACKS = {
    "a path that leaves the home": add("files/../../evil/000000"),
    "an absolute path": add("files//etc/passwd/000000"),
    "a path with a NUL": add("files/a\udc00b/000000".encode("ascii", "ignore").decode() + " "),
    "a file that no backup holds": add("files/record.sqlite3/000000"),
    "a program": add("files/static/evil.js/000000"),
    "a symbolic link": add("files/secret/000000", b"", tarfile.SYMTYPE, "/etc/passwd"),
    "a hard link": add("files/secret/000000", b"", tarfile.LNKTYPE, "backup.json"),
    "a device": add("files/secret/000000", b"", tarfile.CHRTYPE),
    "another table": add("tables/sqlite_master/000000"),
    "a table of another spelling": add("tables/papers_paper;drop/000000"),
    "a table twice": doubled,
    "a part that is missing": change("manifest.json", lambda data: data.replace(b"sha256", b"sha257")),
    "a file with other bytes": change("files/secret/000000", lambda data: b"another key"),
    "a row less": change("tables/papers_paper/000000", lambda data: data.split(b"\n", 1)[1]),
    "a row of other columns": change("tables/papers_paper/000000", lambda data: b"[1, 2]\n" + data),
    "a row of other types": change("tables/readers_reader/000000", lambda data: data.replace(b"[1,", b'["1",')),
    "a row that is no JSON": change("tables/papers_paper/000000", lambda data: b"{\n" + data),
    "a row that nests too deep": change("tables/papers_paper/000000", lambda data: b"[" * 100_000 + b"\n" + data),
    "a row that is cut off": change("tables/papers_paper/000000", lambda data: data[:-3]),
    "a table that is missing": drop("tables/papers_tag/000000"),
    "no manifest": drop("manifest.json"),
    "no head": drop("backup.json"),
    "a newer format": in_json("backup.json", lambda said: said.update(format=2)),
    "an unknown migration": in_json("backup.json", lambda said: said["migrations"].append(["papers", "0999_x"])),
    "a migration less": in_json("backup.json", lambda said: said["migrations"].remove(LATE)),
    "migrations of another kind": in_json("backup.json", lambda said: said.update(migrations=[1])),
    "a column more": in_json("backup.json", lambda said: said["tables"]["papers_tag"].append(["x", "text"])),
    "a count that is wrong": in_json("manifest.json", lambda said: said["tables"]["papers_paper"].update(rows=3)),
    "a sum that is wrong": in_json("manifest.json", lambda said: said["tables"]["papers_paper"].update(sum="0" * 64)),
    "a manifest of another kind": in_json("manifest.json", lambda said: said.update(tables=[])),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", ATTACKS)
def test_it_is_refused_and_nothing_changes(name: str, sound: Path, site: Path, tmp_path: Path) -> None:
    found = members(sound)
    ATTACKS[name](found)
    place = written(tmp_path / "bad.backup", found)
    before = sorted(str(path) for path in tmp_path.rglob("*"))
    with pytest.raises(Refused) as refused:
        contents.verify(place)
    assert "\n" not in str(refused.value)
    with pytest.raises(Refused):
        restoring.restore(place, replace=True)
    assert Paper.objects.count() > 100
    assert (site / "secret").read_text() == "the key that signs"
    left = [path for path in sorted(str(path) for path in tmp_path.rglob("*")) if not path.endswith(".lock")]
    assert [path for path in left if not path.endswith(("-wal", "-shm"))] == before


@pytest.mark.slow
def test_a_file_that_is_cut_off_anywhere_is_refused(sound: Path, site: Path, tmp_path: Path) -> None:
    whole = sound.read_bytes()
    for share in (0, 10, len(whole) // 3, len(whole) // 2, len(whole) - 30, len(whole) - 1):
        (tmp_path / "cut").write_bytes(whole[:share])
        with pytest.raises(Refused):
            contents.verify(Storage(str(tmp_path / "cut")))


def unpacked(data: bytes) -> bytes:
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error):
        return b""


@pytest.mark.slow
def test_bytes_that_were_changed_anywhere_are_refused(sound: Path, site: Path, tmp_path: Path) -> None:
    whole = bytearray(sound.read_bytes())
    for place in range(50, len(whole), len(whole) // 12):
        bad = bytearray(whole)
        bad[place] ^= 0x55
        if unpacked(bytes(bad)) == unpacked(bytes(whole)):
            # Another way to pack the same, such as a run of zeros taken from elsewhere.
            continue
        (tmp_path / "bad").write_bytes(bad)
        with pytest.raises(Refused):
            contents.verify(Storage(str(tmp_path / "bad")))


NO_BACKUPS = {
    "nothing": b"",
    "no gzip": b"no gzip at all",
    "no tar": gzip.compress(b"no tar"),
    "no member": gzip.compress(b"\0" * 4096),
}


# Ids of their own: gzip writes the time into its head, and two workers of pytest-xdist must name a test alike.
@pytest.mark.parametrize("data", NO_BACKUPS.values(), ids=NO_BACKUPS)
def test_what_is_no_backup_is_refused(data: bytes) -> None:
    with pytest.raises(Refused):
        list(archive.Reader(io.BytesIO(data)).members())


def test_something_behind_the_end_is_refused(sound: Path) -> None:
    for more in (gzip.compress(b"more"), b"more"):
        with pytest.raises(Refused, match="behind the end"):
            list(archive.Reader(io.BytesIO(sound.read_bytes() + more)).members())


def zeros() -> Iterator[bytes]:
    head = info("files/mail/bomb/000000")
    head.size = archive.LONGEST
    yield head.tobuf(tarfile.USTAR_FORMAT)
    yield from (b"\0" * 2**20 for _ in range(2**7))


@pytest.mark.slow
def test_what_unpacks_to_far_too_much_is_refused() -> None:
    packed = b"".join(gzip.compress(b"".join(zeros()), 9) for _ in range(4))
    with pytest.raises(Refused, match="unpacks"):
        for _member in archive.Reader(io.BytesIO(packed)).members():
            pass


def test_a_part_longer_than_any_is_refused_before_it_is_read() -> None:
    head = info("files/mail/bomb/000000")
    head.size = archive.LONGEST + 1
    with pytest.raises(Refused, match="longer"):
        list(archive.Reader(io.BytesIO(gzip.compress(head.tobuf(tarfile.USTAR_FORMAT)))).members())


def test_what_would_fill_the_disk_is_refused(sound: Path) -> None:
    with pytest.raises(Refused, match="no room"):
        list(archive.Reader(io.BytesIO(sound.read_bytes()), lambda: 1000).members())
