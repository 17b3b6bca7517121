"""The files of a shard as they are at one commit, while others go on searching and adding to it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from broadsheet.config import Config
from broadsheet.lib.files import lock, scratch
from broadsheet.search.choice import name_in_use, shard_place

LOCK: Final = "lock"
DIVISION_LOCK: Final = "division.lock"


def _counts(path: Path) -> bool:
    return path.is_file() and path.name != LOCK and path.suffix not in (".lock", ".tmp")


def in_use(config: Config) -> Path:
    """Where the shard is that answers."""
    return shard_place(config.home, name_in_use(config.home, config.encoder))


@contextmanager
def locked(shard: Path) -> Iterator[None]:
    """Hold a shard, or every part of a divided one, so that nobody adds to it."""
    with ExitStack() as stack:
        parts = sorted(path for path in shard.glob("of*/[0-9]*") if path.is_dir())
        for held in (shard / DIVISION_LOCK, *(place / LOCK for place in [shard, *parts])):
            stack.enter_context(lock(held))
        yield


@contextmanager
def held(shard: Path) -> Iterator[list[tuple[str, Path]]]:
    """Give the files of a shard by their paths in it; they stay as they are until the block ends.

    The shard itself is held only while its files are linked: what is added later comes behind what a file holds, and
    the state that says how much of it counts is one of the files.
    """
    if not shard.is_dir():
        yield []
        return
    with scratch(shard.parent, ".held-") as folder:
        with locked(shard):
            found = sorted(path for path in shard.rglob("*") if _counts(path))
            places = [(str(path.relative_to(shard)), path) for path in found]
            for name, path in places:
                _link(path, folder / name)
        yield [(name, folder / name) for name, _path in places]


def _link(path: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path, to)
    except OSError:
        # Some file systems have no links.
        shutil.copyfile(path, to)
