"""What the tests of this room share: a home of each test's own."""

from pathlib import Path

import pytest
from pytest_django import Settings

from broadsheet.readers.tests.site import configure


@pytest.fixture(autouse=True)
def own_home(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(settings)
    settings.CONFIG = type(settings.CONFIG)(tmp_path, settings.CONFIG.values)
    monkeypatch.setenv("BROADSHEET_ALONE", "")
