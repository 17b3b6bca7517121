"""Several files of a folder that change places at once: whoever is killed on the way leaves the old ones or the new.

The new ones are made in a folder beside; renaming that folder to `DECIDED` is the moment from which they count. What
is left to do then can be done again and again, by whoever comes next, until it is done.
"""

import json
import os
import shutil
from pathlib import Path
from typing import Final

from broadsheet.lib.files import lock, sync_directory

DECIDED: Final = ".restored"
ASIDE: Final = ".replaced"
GOING: Final = "going.json"


def decide(folder: Path, made: Path, going: list[str], into: tuple[str, ...] = ()) -> None:
    """Let what is in `made`, a folder inside `folder`, take its place there; what is named in `going` leaves it.

    A folder in `made` replaces the one of its name; those named in `into` get what is in them one by one.
    """
    coming = sorted(name for path in made.iterdir() for name in _names(path, into))
    (made / GOING).write_text(json.dumps({"coming": coming, "going": sorted({*going} - {*coming})}))
    for path in [*made.rglob("*"), made]:
        _sync(path)
    os.rename(made, folder / DECIDED)
    sync_directory(folder)
    finish(folder)


def finish(folder: Path) -> bool:
    """Do what was decided and not done; say whether there was anything. Costs one look where nothing is."""
    if not (folder / DECIDED).exists():
        return False
    with lock(folder / "swap.lock"):
        if (folder / DECIDED).exists():
            _finish(folder, folder / DECIDED, folder / ASIDE)
    return True


def _finish(folder: Path, decided: Path, aside: Path) -> None:
    if (decided / GOING).exists():
        aside.mkdir(mode=0o700, exist_ok=True)
        told = json.loads((decided / GOING).read_text())
        for name in told["going"]:
            _put_aside(folder / name, aside / name)
        for name in told["coming"]:
            # One that is not there any more has its place already.
            if (decided / name).exists():
                _put_aside(folder / name, aside / name)
                os.rename(decided / name, folder / name)
        sync_directory(folder)
        # Last of what is done to them: without it they are known to be in their places.
        (decided / GOING).unlink()
        sync_directory(decided)
    shutil.rmtree(aside, ignore_errors=True)
    shutil.rmtree(decided)
    sync_directory(folder)


def _names(path: Path, into: tuple[str, ...]) -> list[str]:
    return [f"{path.name}/{inner.name}" for inner in path.iterdir()] if path.name in into else [path.name]


def _put_aside(place: Path, old: Path) -> None:
    old.parent.mkdir(mode=0o700, exist_ok=True)
    place.parent.mkdir(exist_ok=True)
    if place.exists():
        os.rename(place, old)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
