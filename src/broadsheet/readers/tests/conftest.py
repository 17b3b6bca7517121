"""What the tests of this room share: quick password hashes, and a home of each test's own."""

from pathlib import Path

import pytest
from pytest_django import Settings

from broadsheet.readers.tests.site import configure


@pytest.fixture(autouse=True)
def quick(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    configure(settings)
    settings.CONFIG = type(settings.CONFIG)(tmp_path, settings.CONFIG.values)
    monkeypatch.setenv("BROADSHEET_ALONE", "")
