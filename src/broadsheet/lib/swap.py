"""Several files of a folder that change places at once: whoever is killed on the way leaves the old ones or the new.

The new ones are made in a folder beside; renaming that folder to `DECIDED` is the moment from which they count. What
is left to do then can be done again and again, by whoever comes next, until it is done.
"""

import json
import os
import shutil
from pathlib import Path
from typing import Final

from broadsheet.lib.files import lock, sync

DECIDED: Final = ".restored"
ASIDE: Final = ".replaced"
GOING: Final = "going.json"
LOCK: Final = "swap.lock"


def decide(folder: Path, made: Path, going: list[str], into: tuple[str, ...] = ()) -> None:
    """Let what is in `made`, a folder inside `folder`, take its place there; what is named in `going` leaves it.

    A folder in `made` replaces the one of its name; those named in `into` get what is in them one by one.
    """
    coming = sorted(name for path in made.iterdir() for name in _names(path, into))
    (made / GOING).write_text(json.dumps({"coming": coming, "going": sorted({*going} - {*coming})}))
    for path in [*made.rglob("*"), made]:
        sync(path)
    with lock(folder / LOCK):
        _finish(folder)
        os.rename(made, folder / DECIDED)
        sync(folder)
        _finish(folder)


def finish(folder: Path) -> bool:
    """Do what was decided and not done; say whether there was anything. Costs one look where nothing is."""
    if not (folder / DECIDED).exists():
        return False
    with lock(folder / LOCK):
        _finish(folder)
    return True


def _finish(folder: Path) -> None:
    decided, aside = folder / DECIDED, folder / ASIDE
    if not decided.exists():
        return
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
        sync(folder)
        # Last of what is done to them: without it they are known to be in their places.
        (decided / GOING).unlink()
        sync(decided)
    shutil.rmtree(aside, ignore_errors=True)
    shutil.rmtree(decided)
    sync(folder)


def _names(path: Path, into: tuple[str, ...]) -> list[str]:
    return [f"{path.name}/{inner.name}" for inner in path.iterdir()] if path.name in into else [path.name]


def _put_aside(place: Path, old: Path) -> None:
    old.parent.mkdir(mode=0o700, exist_ok=True)
    place.parent.mkdir(exist_ok=True)
    if place.exists():
        # What was put aside before a kill is old; what somebody made in its place since would not go over it.
        if old.is_dir():
            shutil.rmtree(old)
        os.rename(place, old)
