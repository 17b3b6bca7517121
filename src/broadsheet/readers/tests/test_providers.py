import os
import subprocess
import sys
from pathlib import Path

import pytest

from broadsheet.readers.tests import providers


@pytest.mark.slow
def test_people_join_and_sign_in_through_orcid_github_and_a_provider_of_their_own(tmp_path: Path) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("BROADSHEET_")}
    run = subprocess.run(
        [sys.executable, "-m", providers.__name__, str(tmp_path)],
        env=clean,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.stdout.split() == [scene.__name__ for scene in providers.SCENES], run.stderr[-4000:]
