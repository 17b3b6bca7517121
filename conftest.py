"""What every test shares: a home of its own, a record without rows, and the real data where it is there."""

import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import django
import hypothesis
import pytest
from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.models.signals import post_migrate

# Tests write and sync thousands of small files. In memory that costs next to nothing; a container's 64 MB are too few.
MEMORY = Path("/dev/shm")
if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > 4 * 2**30:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
# What is compiled is kept, whatever the environment says: compiling all tests takes longer than most rooms' tests, and
# tests start the site anew in many processes.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# Until all tests are collected nearly everything that is made stays: looking for garbage in it finds none.
gc.disable()
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
# Chance finds in many runs what it does not find in one; a property that needs more examples says so.
hypothesis.settings.register_profile("tests", max_examples=25, deadline=None)
hypothesis.settings.load_profile("tests")
# Each test client makes the site's middleware anew: looking through all static files took a third of a page's test.
settings.WHITENOISE_AUTOREFRESH = True
# A hash that is slow on purpose would be most of what the tests of accounts do.
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# The tables are made as the models are now; that all migrations lead there has a test (moving/tests/test_schema.py).
settings.DATABASES["default"].setdefault("TEST", {})["MIGRATE"] = False
# Nobody here is given one of Django's permissions; to write them all anew takes most of the time in which the tables
# are emptied after a test whose transactions are real.
post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")


def _roomily(do: Callable[..., object], config: pytest.Config) -> object:
    return do(config)


# CPython 3.11 keeps frames in chunks of 16 KiB, and gives a chunk back as soon as the first frame in it returns: a loop
# whose calls stand at the end of one maps and unmaps memory at every call. That was a quarter of a page's test. What is
# called from a frame as large as this one shares its chunk, of 2 MiB.
_roomily.__code__ = _roomily.__code__.replace(co_stacksize=2**17)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> object:
    """Do what would be done without this hook."""
    others = [
        one.function
        for one in config.hook.pytest_cmdline_main.get_hookimpls()
        if not (one.wrapper or one.hookwrapper) and one.function is not pytest_cmdline_main
    ]
    done = (_roomily(other, config) for other in reversed(others))
    return next((status for status in done if status is not None), None)


# The slow tests that take longest, by group: a file of its own where no other is named. Whichever of them began last
# would be waited for alone.
LONGEST = (
    "pages on PostgreSQL",
    "ray",
    "rooms on PostgreSQL",
    "tests/test_restore_kill.py",
    "tests/test_record_postgresql.py",
    "tests/test_hosts_together.py",
    "tests/test_kill.py",
    "tests/test_digest_three_days.py",
    "src/broadsheet/web/tests/test_community_browser.py",
    "tests/test_community.py",
    "tests/test_digest_kill.py",
    "tests/test_voting_together.py",
    "src/broadsheet/moving/tests/test_hostile_backup.py",
    "tests/test_encoder_kill.py",
    "src/broadsheet/web/tests/test_browser.py",
    "saved pages",
    "tests/test_hf_client.py",
    "src/broadsheet/moving/tests/test_memory.py",
    "src/broadsheet/api/mcp/tests/test_real_processes.py",
    "tests/test_object_storage.py",
    "src/broadsheet/moving/tests/test_backup.py",
    "src/broadsheet/bench/tests/test_import_bench.py",
    "src/broadsheet/web/tests/test_community_nonsense.py",
)
ASKS_THE_RECORD = {"db", "transactional_db", "live_server"}
# So many values of one test are in the fast part: of those that ask the record, and of others. What stands before is
# the most values that a test may have and be there whole.
FEW_ASKING, FEW_OTHERS = (3, 3), (12, 6)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --record-only."""
    parser.addoption("--record-only", action="store_true", help="leave out tests that do not ask the record")


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None, object, object]:
    """Put the tests in the order and the groups in which they are quickest done."""
    for item in rest_of_walks(items):
        item.add_marker(pytest.mark.thorough)
    for item in items:
        if item.get_closest_marker("thorough"):
            item.add_marker(pytest.mark.slow)
    if config.getoption("--record-only"):
        items[:] = [item for item in items if asks_the_record(item)]
    # Where groups go to workers, the tests of a file stay together, so that their servers start once.
    grouped = config.getoption("loadgroup", False)
    for item in items if grouped else ():
        if not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.path.relative_to(config.rootpath).as_posix()))
    done = yield
    if grouped:
        place = {group: place for place, group in enumerate(LONGEST)}
        items.sort(key=lambda item: place.get(next(item.iter_markers("xdist_group")).args[0], len(place)))
    return done


def rest_of_walks(items: list[pytest.Item]) -> Iterator[pytest.Item]:
    """What the fast part leaves out of long walks: it takes the first value, the last, and some evenly between them."""
    walks: dict[tuple[object, str], list[pytest.Item]] = {}
    for item in items:
        if isinstance(item, pytest.Function) and hasattr(item, "callspec") and not item.get_closest_marker("slow"):
            walks.setdefault((item.parent, item.originalname), []).append(item)
    for values in walks.values():
        most, few = FEW_ASKING if asks_the_record(values[0]) else FEW_OTHERS
        if len(values) > most:
            taken = {round(place * (len(values) - 1) / (few - 1)) for place in range(few)}
            yield from (value for place, value in enumerate(values) if place not in taken)


def asks_the_record(item: pytest.Item) -> bool:
    """Whether a test may ask the database."""
    return bool(item.get_closest_marker("django_db") or ASKS_THE_RECORD & set(getattr(item, "fixturenames", ())))


def pytest_configure(config: pytest.Config) -> None:
    """Let workers take groups in the order of the tests, not by how many tests they hold."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


@pytest.fixture(scope="session", autouse=True)
def _keep_home() -> Iterator[None]:
    yield
    _home.cleanup()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:  # noqa: ANN401
    """The record's tables, which tell of every migration that it was applied."""
    with django_db_blocker.unblock():
        loader = MigrationLoader(connection)
        recorder = MigrationRecorder(connection)
        recorder.ensure_schema()
        for app, name in sorted(loader.disk_migrations):
            recorder.record_applied(app, name)


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
    # The default, 700, makes the search a tenth of all work where a page is some thousand objects; what one test
    # leaves behind is little beside the memory that a worker has.
    gc.set_threshold(50_000, 20, 50)
    gc.enable()
