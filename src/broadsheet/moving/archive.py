"""The file that a backup is: a tar of small members, compressed, written and read from front to end.

    backup.json                     what this is, the migrations, the columns of each table
    tables/<table>/<part>           lines of JSON, one a row
    files/<path in the home>/<part> what a file holds
    manifest.json                   counts, lengths and SHA-256 of every table and file; last, so that it says: whole

The compression is gzip's, member by member in several threads; `tar xzf` opens it. Reading trusts nothing: no other
kind of member than a plain one, no other name than these, nothing longer than `LONGEST`.
"""

import gzip
import json
import re
import tarfile
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, BinaryIO, Final

from broadsheet.moving.refused import Refused

FORMAT: Final = 1
HEAD: Final = "backup.json"
MANIFEST: Final = "manifest.json"
BLOCK: Final = 512
# A part is ended when it is so long, and is never longer than the second: nobody has to hold more than that.
PART: Final = 2**22
LONGEST: Final = 2**27
# What text of papers packs to is a third; rows that are nearly the same, a thirtieth. Zeros would be a thousandth.
MOST_PACKED: Final = 200
FREE_OF_THAT: Final = 2**28
THREADS: Final = 2
_NAME: Final = re.compile(
    rf"{re.escape(HEAD)}|{re.escape(MANIFEST)}|tables/([a-z][a-z0-9_]*)/(\d{{6,9}})|files/(.+)/(\d{{6,9}})", re.ASCII
)
_STEP: Final = re.compile(r"[A-Za-z0-9._=,@+-]{1,200}", re.ASCII)


def is_safe(path: str) -> bool:
    """Whether a path stays inside the folder that it is put into."""
    steps = path.split("/")
    return len(path) < 400 and all(_STEP.fullmatch(step) and step not in (".", "..") for step in steps)


class Packed:
    """A stream that compresses what is written to it in a few threads, in order."""

    def __init__(self, under: BinaryIO) -> None:
        self.under = under
        self.pool = ThreadPoolExecutor(THREADS)
        self.waiting: deque[Future[bytes]] = deque()
        self.held = bytearray()

    def write(self, data: bytes) -> None:
        """Write."""
        self.held += data
        if len(self.held) >= PART // 2:
            self._pack()

    def _pack(self) -> None:
        self.waiting.append(self.pool.submit(gzip.compress, bytes(self.held), 1, mtime=0))
        self.held.clear()
        while len(self.waiting) > 2 * THREADS:
            self.under.write(self.waiting.popleft().result())

    def close(self) -> None:
        """Write what is left."""
        self._pack()
        while self.waiting:
            self.under.write(self.waiting.popleft().result())
        self.pool.shutdown()


@dataclass
class Whole:
    """How long something was in all, and its hash."""

    length: int = 0
    parts: int = 0

    def __post_init__(self) -> None:
        self.sha = sha256()

    def add(self, data: bytes) -> None:
        """Count a part."""
        self.length += len(data)
        self.parts += 1
        self.sha.update(data)

    def to_json(self) -> dict[str, Any]:
        """What the manifest tells of it."""
        return {"bytes": self.length, "sha256": self.sha.hexdigest()}


class Writer:
    """Writes an archive."""

    def __init__(self, under: BinaryIO) -> None:
        self.packed = Packed(under)

    def member(self, name: str, data: bytes) -> None:
        """Write one member."""
        if len(data) > LONGEST:
            raise Refused(f"{name} is longer than a backup can hold")
        info = tarfile.TarInfo(name)
        info.size, info.mode = len(data), 0o600
        try:
            head = info.tobuf(tarfile.USTAR_FORMAT)
        except ValueError as problem:
            raise Refused(f"{name}: {problem}") from problem
        self.packed.write(head + data + b"\0" * (-len(data) % BLOCK))

    def parts(self, name: str, chunks: Iterator[bytes]) -> Whole:
        """Write what may be long, in parts."""
        whole, held = Whole(), bytearray()
        for chunk in chunks:
            held += chunk
            if len(held) >= PART:
                self._part(name, whole, held)
        if held or not whole.parts:
            self._part(name, whole, held)
        return whole

    def _part(self, name: str, whole: Whole, held: bytearray) -> None:
        self.member(f"{name}/{whole.parts:06d}", bytes(held))
        whole.add(bytes(held))
        held.clear()

    def json(self, name: str, value: object) -> None:
        """Write a member of JSON."""
        self.member(name, json.dumps(value, indent=1).encode())

    def close(self) -> None:
        """End the archive."""
        self.packed.write(b"\0" * 2 * BLOCK)
        self.packed.close()


@dataclass(frozen=True, slots=True)
class Member:
    """A member as it is read: room is tables, files, or the name of one that stands alone; `of` says whose part."""

    room: str
    of: str
    part: int
    data: bytes


class _Counted:
    def __init__(self, under: BinaryIO) -> None:
        self.under = under
        self.count = 0

    def read(self, size: int = -1) -> bytes:
        data = self.under.read(size)
        self.count += len(data)
        return data


class Reader:
    """Reads an archive, once, from front to end; every surprise is Refused."""

    def __init__(self, under: BinaryIO, most: Callable[[], int] | None = None) -> None:
        self.counted = _Counted(under)
        self.stream = gzip.GzipFile(fileobj=self.counted, mode="rb")  # type: ignore[call-overload]
        self.length = 0
        self.most = most

    def _read(self, size: int) -> bytes:
        found = bytearray()
        while len(found) < size:
            try:
                data: bytes = self.stream.read(min(size - len(found), 2**20))
            except (EOFError, zlib.error, gzip.BadGzipFile) as problem:
                raise Refused("the file is cut off or damaged, or is no backup of Broadsheet") from problem
            if not data:
                raise Refused("the file ends too early")
            found += data
            self.length += len(data)
        if self.length > FREE_OF_THAT and self.length > MOST_PACKED * self.counted.count:
            raise Refused("the file unpacks to far more than any backup does")
        if self.most is not None and self.length > self.most():
            raise Refused("there is no room on the disk for what the file unpacks to")
        return bytes(found)

    def members(self) -> Iterator[Member]:
        """Give every member, the manifest last."""
        while True:
            info = self._info(self._read(BLOCK))
            data = self._read(info.size)
            self._read(-info.size % BLOCK)
            yield self._named(info.name, data)
            if info.name == MANIFEST:
                self._end()
                return

    def _info(self, block: bytes) -> tarfile.TarInfo:
        try:
            info = tarfile.TarInfo.frombuf(block, "ascii", "strict")
        except (tarfile.HeaderError, ValueError) as problem:
            raise Refused("the file is damaged, or is no backup of Broadsheet") from problem
        if info.type != tarfile.REGTYPE or info.linkname:
            raise Refused("the file holds a link or another thing that no backup holds")
        if not 0 <= info.size <= LONGEST:
            raise Refused("the file holds a part that is longer than any backup's")
        return info

    def _named(self, name: str, data: bytes) -> Member:
        found = _NAME.fullmatch(name)
        if not found or (found[3] and not is_safe(found[3])):
            raise Refused(f"the file holds {name[:80]!r}, which no backup does")
        if found[1]:
            return Member("tables", found[1], int(found[2]), data)
        return Member("files", found[3], int(found[4]), data) if found[3] else Member(name, "", 0, data)

    def _end(self) -> None:
        if self._read(2 * BLOCK).strip(b"\0"):
            raise Refused("the file goes on where it should end")
        try:
            rest = self.stream.read(1)
        except (EOFError, zlib.error, gzip.BadGzipFile) as problem:
            raise Refused("something was put behind the end of the file") from problem
        if rest:
            raise Refused("something was put behind the end of the file")


def read_json(data: bytes) -> dict[str, Any]:
    """Read a member of JSON. Raises Refused."""
    try:
        said = json.loads(data)
    except (ValueError, RecursionError) as problem:
        raise Refused("what the file says of itself cannot be read") from problem
    if not isinstance(said, dict):
        raise Refused("what the file says of itself cannot be read")
    return said
