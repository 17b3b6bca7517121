import subprocess
import sys
from pathlib import Path

import pytest

from broadsheet.lib.files import lock, scratch, write_whole

HOLD = "import sys\nfrom pathlib import Path\nfrom broadsheet.lib.files import lock\n"


def test_a_file_is_replaced_whole_and_nothing_else_is_left(tmp_path: Path) -> None:
    place = tmp_path / "deep" / "state.json"
    write_whole(place, b"one")
    write_whole(place, b"two", mode=0o600)
    assert place.read_bytes() == b"two"
    assert place.stat().st_mode & 0o777 == 0o600
    assert list(place.parent.iterdir()) == [place]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    place = tmp_path / "state.json"
    write_whole(place, b"one")
    with pytest.raises(TypeError):
        write_whole(place, "not bytes")  # type: ignore[arg-type]
    assert place.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [place]


def test_a_lock_is_held_by_one_process_and_freed_when_it_is_killed(tmp_path: Path) -> None:
    place = tmp_path / "lock"
    code = HOLD + f"with lock(Path({str(place)!r})):\n    print('held', flush=True)\n    sys.stdin.read()\n"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with lock(place, wait=False) as held:
            assert not held
        holder.kill()
        holder.wait()
    with lock(place, wait=False) as held:
        assert held


def test_a_scratch_folder_goes_with_its_block_however_that_ends(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="full"), scratch(tmp_path / "home", ".work-") as folder:
        (folder / "deep").mkdir()
        raise OSError("the disk is full")
    assert list((tmp_path / "home").iterdir()) == []


def test_scratch_folders_of_killed_processes_are_cleared_away_and_others_are_left(tmp_path: Path) -> None:
    (tmp_path / ".work-left").mkdir()
    (tmp_path / ".work-left" / "half a file").write_text("by somebody who was killed")
    (tmp_path / ".other-left").mkdir()
    with scratch(tmp_path, ".work-") as first, scratch(tmp_path, ".work-") as second:
        assert {path.name for path in tmp_path.iterdir()} == {first.name, second.name, ".other-left"}
