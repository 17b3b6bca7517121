"""Files that are here or in object storage, by one kind of address: a path, file:///…, s3://bucket/path, memory://….

This is the second door to the network, beside `lib.http`: what is behind an s3 address speaks a protocol of its own,
which fsspec and s3fs know. It leads only where the person who runs the site says by an address or a setting, never to
what a reader or a source names. Local files need neither library. What signs in comes from the settings or from the
environment (AWS_ACCESS_KEY_ID and its like), never from an address, so that addresses may be shown.
"""

import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final, cast
from urllib.parse import unquote, urlsplit

from broadsheet.lib.files import writing_whole

CHUNK: Final = 2**20
SCHEMES: Final = ("s3", "memory")
_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]*)://")


class StorageFailed(Exception):
    """A file could not be read or written; the message says which and why, in one line."""


@dataclass(frozen=True, slots=True)
class Access:
    """How object storage is reached: endpoint "" is Amazon's; without key and secret the environment is asked."""

    endpoint: str = ""
    key: str = ""
    secret: str = field(default="", repr=False)

    def options(self, scheme: str) -> dict[str, Any]:
        """What fsspec is told."""
        if scheme != "s3":
            return {}
        found: dict[str, Any] = {"skip_instance_cache": True, "use_listings_cache": False}
        if self.endpoint:
            found["endpoint_url"] = self.endpoint
        if self.key:
            found |= {"key": self.key, "secret": self.secret}
        return found


@dataclass(frozen=True, slots=True)
class Storage:
    """A place under an address, which may be one file or a folder of them."""

    address: str
    access: Access = Access()

    def __post_init__(self) -> None:
        scheme = _SCHEME.match(self.address)
        if scheme and scheme[1] not in (*SCHEMES, "file"):
            raise StorageFailed(f"addresses of {scheme[1]}:// are not known; a path, file://, s3:// and memory:// are")
        if scheme and "@" in urlsplit(self.address).netloc:
            raise StorageFailed("no password may stand in the address; docs/backup.md tells where it goes")

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine's disks."""
        return not self.address.startswith(tuple(f"{scheme}://" for scheme in SCHEMES))

    @property
    def path(self) -> Path:
        """Where on the disk it is."""
        if self.address.startswith("file://"):
            return Path(unquote(urlsplit(self.address).path))
        return Path(self.address).expanduser().absolute()

    def below(self, *names: str) -> "Storage":
        """A place below this one."""
        return Storage("/".join([self.address.rstrip("/"), *names]), self.access)

    def reading(self) -> AbstractContextManager[BinaryIO]:
        """Open the file for reading from front to end."""
        return self._guarded(self._read())

    def writing(self, mode: int = 0o600) -> AbstractContextManager[BinaryIO]:
        """Open the file for writing; it is there whole when the block ends, and not at all where it fails."""
        return self._guarded(writing_whole(self.path, mode) if self.is_local else self._write())

    def names(self) -> list[str]:
        """The files below, by their paths from here, sorted; none where nothing is there."""
        with self._guarded(self._listed()) as found:
            return list(found)

    def delete(self) -> None:
        """Remove the file, or everything below; nothing to remove is no failure."""
        with self._guarded(self._deleted()):
            return

    @contextmanager
    def _guarded(self, inner: "AbstractContextManager[Any]") -> Iterator[Any]:
        inside = False
        try:
            with inner as found:
                inside = True
                yield found
                inside = False
        except ImportError as problem:
            raise StorageFailed(
                f"{self.address}: object storage needs the extra: pip install 'broadsheet[s3]'"
            ) from problem
        except _failures() as problem:
            if inside and not isinstance(problem, OSError):
                raise
            raise StorageFailed(f"{self.address}: {_said(problem)}") from problem

    @contextmanager
    def _read(self) -> Iterator[BinaryIO]:
        if self.is_local:
            with self.path.open("rb") as stream:
                yield stream
        else:
            system, path = self._system()
            with system.open(path, "rb", block_size=8 * CHUNK, cache_type="readahead") as stream:
                yield cast(BinaryIO, stream)

    @contextmanager
    def _write(self) -> Iterator[BinaryIO]:
        system, path = self._system()
        stream = system.open(path, "wb", block_size=16 * CHUNK)
        try:
            yield cast(BinaryIO, stream)
        except BaseException:
            # An upload that is not completed never becomes a file.
            if hasattr(stream, "discard"):
                stream.discard()
            stream.closed = True
            raise
        stream.close()

    @contextmanager
    def _listed(self) -> Iterator[list[str]]:
        if self.is_local:
            yield sorted(str(path.relative_to(self.path)) for path in self.path.rglob("*") if path.is_file())
            return
        system, path = self._system()
        start = f"{path.rstrip('/')}/"
        yield sorted(str(name).removeprefix(start) for name in system.find(path) if str(name).startswith(start))

    @contextmanager
    def _deleted(self) -> Iterator[None]:
        if self.is_local:
            if self.path.is_dir():
                shutil.rmtree(self.path)
            else:
                self.path.unlink(missing_ok=True)
        else:
            system, path = self._system()
            if system.exists(path):
                system.rm(path, recursive=True)
        yield

    def _system(self) -> tuple[Any, str]:
        import fsspec

        scheme = urlsplit(self.address).scheme
        # s3fs is imported here, so that its lack is told in one line.
        system = fsspec.filesystem(scheme, **self.access.options(scheme))
        return system, str(system._strip_protocol(self.address))


def _failures() -> tuple[type[BaseException], ...]:
    """What may go wrong on the way: errors of the disk and, once it is loaded, those of the library behind s3fs."""
    found: tuple[type[BaseException], ...] = (OSError,)
    if (module := sys.modules.get("botocore.exceptions")) is not None:
        found += (module.BotoCoreError, module.ClientError)
    return found


def _said(problem: BaseException) -> str:
    if isinstance(problem, FileNotFoundError):
        return "there is no such file"
    if isinstance(problem, OSError) and problem.errno and problem.strerror:
        return os.strerror(problem.errno) if problem.errno > 0 else problem.strerror
    return " ".join(str(problem).split())[:300] or type(problem).__name__
