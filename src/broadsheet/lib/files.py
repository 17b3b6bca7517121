"""Files that are either whole or not there."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_AT_ONCE = 1 << 20
# In a folder for work under way, as long as its process lives.
_HELD = ".held"


def write_whole(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a file beside its place and rename it into it: at any moment the old one or the new one is there."""
    with writing_whole(path, mode) as stream:
        stream.write(data)


@contextmanager
def writing_whole(path: Path, mode: int = 0o644) -> Iterator[BinaryIO]:
    """Give a file to write to, which takes its place when all is written, and is gone where that fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(name, mode)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    sync(path.parent)


def sync(path: Path) -> None:
    """Make what a file holds, or the names in a directory, survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_through(path: Path) -> None:
    """Read a file once and keep nothing of it, so that the kernel has it in memory as far as there is room."""
    # Mere advice to read ahead is followed for some megabytes only.
    with path.open("rb", buffering=0) as file:
        while file.read(_AT_ONCE):
            pass


@contextmanager
def lock(path: Path, wait: bool = True) -> Iterator[bool]:
    """Hold a lock that no other process holds; the kernel gives it back however the holder ends.

    Yields False, without the lock, where `wait` is False and another process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)


@contextmanager
def scratch(parent: Path, prefix: str) -> Iterator[Path]:
    """Give a folder for work under way, which is gone when the block ends.

    Folders of the same prefix whose process was killed are cleared away first: the kernel let go of what they held.
    """
    parent.mkdir(parents=True, exist_ok=True)
    for left in [path for path in parent.iterdir() if path.name.startswith(prefix)]:
        with lock(left / _HELD, wait=False) as is_dead:
            if is_dead:
                shutil.rmtree(left, ignore_errors=True)
    while True:
        folder = Path(tempfile.mkdtemp(dir=parent, prefix=prefix))
        with lock(folder / _HELD):
            # Before it was held, another process may have taken it for one that was left.
            if (folder / _HELD).exists():
                try:
                    yield folder
                finally:
                    shutil.rmtree(folder, ignore_errors=True)
                return
