import os
from pathlib import Path

import pytest

from broadsheet.lib import swap


def home(folder: Path) -> None:
    folder.mkdir()
    (folder / "encoders").mkdir()
    for name in ("record", "secret", "only-old", "encoders/choice", "encoders/other"):
        (folder / name).write_text("old")
    (folder / "mail").mkdir()
    (folder / "mail" / "one").write_text("old")


def made(folder: Path) -> Path:
    place = folder / ".made"
    (place / "mail").mkdir(parents=True)
    (place / "encoders").mkdir()
    for name in ("record", "secret", "only-new", "mail/two", "encoders/choice"):
        (place / name).write_text("new")
    return place


def state(folder: Path) -> dict[str, str]:
    seen = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("swap.lock")]
    return {str(path.relative_to(folder)): path.read_text() for path in seen}


OLD = dict.fromkeys(("record", "secret", "only-old", "encoders/choice", "encoders/other", "mail/one"), "old")
NEW = dict.fromkeys(("record", "secret", "only-new", "encoders/choice", "mail/two"), "new") | {"encoders/other": "old"}


def change(folder: Path) -> None:
    swap.decide(folder, made(folder), ["only-old", "nothing-of-this-name"], into=("encoders",))


def test_the_new_files_take_their_places_and_the_old_ones_go(tmp_path: Path) -> None:
    home(tmp_path / "home")
    change(tmp_path / "home")
    assert state(tmp_path / "home") == NEW
    assert not swap.finish(tmp_path / "home")


class Killed(BaseException):
    pass


@pytest.mark.parametrize("step", range(12))
def test_killed_before_any_step_the_old_files_are_there_or_the_new_ones_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    folder, real, done = tmp_path / "home", os.rename, 0
    home(folder)

    def rename(old: Path, new: Path) -> None:
        nonlocal done
        if done == step:
            raise Killed
        done += 1
        real(old, new)

    monkeypatch.setattr(os, "rename", rename)
    try:
        change(folder)
    except Killed:
        # A second one is killed at its first step, too.
        if step:
            with pytest.raises(Killed):
                done = step
                swap.finish(folder)
    monkeypatch.undo()
    swap.finish(folder)
    left = {name: text for name, text in state(folder).items() if not name.startswith(".made")}
    assert left == (OLD if step == 0 else NEW)


def test_what_somebody_made_in_a_place_that_was_left_does_not_keep_the_new_from_coming(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    home(folder)
    aside = folder / swap.ASIDE
    (aside / "mail").mkdir(parents=True)
    (aside / "mail" / "put aside").write_text("older")
    change(folder)
    assert state(folder) == NEW


def test_what_another_decided_and_did_not_do_is_done_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "home"
    home(folder)
    monkeypatch.setattr(swap, "_finish", lambda folder: None)
    change(folder)
    monkeypatch.undo()
    (other := folder / ".other").mkdir()
    (other / "secret").write_text("newest")
    swap.decide(folder, other, [])
    assert state(folder) == NEW | {"secret": "newest"}
