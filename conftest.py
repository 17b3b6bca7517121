"""What every test shares: a home of its own, and the real data where it is there."""

import gc
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import django
import pytest
from django.conf import settings

# Before Django reads its settings: no test may touch the data of the person who runs it. Workers of pytest-xdist
# inherit the environment that is made here, so the home that set-up used is handed on under a name of its own.
SET_UP_HOME = Path(
    os.environ.get("TEST_SET_UP_HOME")
    or os.environ.get("BROADSHEET_HOME")
    or Path.home() / ".local" / "share" / "broadsheet"
)
for name in [name for name in os.environ if name.startswith("BROADSHEET_")]:
    if name not in ("BROADSHEET_SHARED", "BROADSHEET_DATABASE"):
        del os.environ[name]
_home = tempfile.TemporaryDirectory(prefix="broadsheet-tests-")
os.environ |= {
    "TEST_SET_UP_HOME": str(SET_UP_HOME),
    "BROADSHEET_HOME": _home.name,
    # What a test does to the record behind the back of the site must show in its next answer.
    "BROADSHEET_ANSWERS_KEPT": "0",
    "DJANGO_SETTINGS_MODULE": "broadsheet.settings",
}
django.setup()
# Each test client makes the site's middleware anew: looking through all static files took a third of a page's test.
settings.WHITENOISE_AUTOREFRESH = True
# A hash that is slow on purpose would be most of what the tests of accounts do.
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="session", autouse=True)
def _keep_home() -> Iterator[None]:
    yield
    _home.cleanup()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real data; tests that need it are skipped where it is not."""
    place = Path(os.environ.get("BROADSHEET_SHARED") or Path(__file__).resolve().parent.parent / "shared")
    if not (place / "data").is_dir():
        pytest.skip(f"the real data is not at {place}; BROADSHEET_SHARED can name another place")
    return place / "data"


@pytest.fixture(scope="session")
def real_encoder_home() -> Path:
    """The home in which set-up built the real encoder; tests that need it are skipped where there is none."""
    if not (SET_UP_HOME / "encoders" / "minilm-int8" / "model.onnx").exists():
        pytest.skip(f"no encoder is built in {SET_UP_HOME}; `make setup` builds it where the weights can be had")
    return SET_UP_HOME


def pytest_collection_finish() -> None:
    """Leave what will live to the end out of the search for garbage: thousands of tests are objects too."""
    gc.collect()
    gc.freeze()
