import os
import subprocess
import sys
from pathlib import Path

import pytest

from broadsheet.papers.database import keep_to_owner


def modes(folder: Path) -> dict[str, str]:
    return {path.name: oct(path.stat().st_mode & 0o777) for path in sorted(folder.iterdir())}


def test_the_record_and_the_files_beside_it_are_for_their_owner_alone(tmp_path: Path) -> None:
    for name in ("record.sqlite3", "record.sqlite3-wal", "other"):
        (tmp_path / name).write_bytes(b"x")
        (tmp_path / name).chmod(0o644)
    keep_to_owner(tmp_path / "record.sqlite3")
    assert modes(tmp_path) == {"other": "0o644", "record.sqlite3": "0o600", "record.sqlite3-wal": "0o600"}
    keep_to_owner(tmp_path / "nothing.sqlite3")


@pytest.mark.slow
def test_a_new_home_lets_no_other_account_of_the_machine_in(tmp_path: Path) -> None:
    home = tmp_path / "home"
    environment = {**os.environ, "BROADSHEET_HOME": str(home), "BROADSHEET_SOURCES": "", "BROADSHEET_ENCODER": "none"}
    environment.pop("BROADSHEET_DATABASE", None)
    command = "import os; os.umask(0o022); from broadsheet.cli import main; raise SystemExit(main(['reader', 'list']))"
    subprocess.run([sys.executable, "-c", command], env=environment, check=True, capture_output=True)
    assert oct(home.stat().st_mode & 0o777) == "0o700"
    found = modes(home)
    assert found["record.sqlite3"] == found["secret"] == "0o600"
    # Whoever made the home beforehand, for everybody to read, still shows nobody the record.
    home.chmod(0o755)
    (home / "record.sqlite3").chmod(0o644)
    subprocess.run([sys.executable, "-c", command], env=environment, check=True, capture_output=True)
    assert modes(home)["record.sqlite3"] == "0o600"
