"""Sites of a test's own: a home in a folder, its record in a file, filled with a little of everything."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from broadsheet.moving import databases, tables

NOON = datetime(2026, 11, 20, 12, 0, 0, 123456, tzinfo=UTC)
Inside = Callable[[Path], AbstractContextManager[None]]


@contextmanager
def inside(home: Path) -> Iterator[None]:
    """Be at the site of a home: its settings and its record, in a file, are in force."""
    before, home_before = settings.CONFIG, settings.DATABASES
    settings.CONFIG = replace(before, home=home)
    try:
        with databases.standing_in(databases.wrapper(str(home / "record.sqlite3"))):
            yield
    finally:
        settings.CONFIG = before
        assert home_before is settings.DATABASES


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: Any) -> Path:  # noqa: ANN401
    """A home with a little of everything; nobody changes it."""
    home = tmp_path_factory.mktemp("filled")
    (home / "secret").write_text("the key that signs")
    (home / "broadsheet.toml").write_text('site_name = "The lab"\n')
    (home / "mail").mkdir()
    (home / "mail" / "one.log").write_text("a letter")
    (home / "mail" / "dry").mkdir()
    (home / "mail" / "dry" / "two.eml").write_text("a letter that nobody needs")
    with django_db_blocker.unblock():
        make_tables(home / "record.sqlite3")
        with inside(home):
            fill()
    return home


def make_tables(file: Path) -> None:
    """Copy the tests' own tables: to take every migration needs seconds (test_schema.py: they are the same)."""
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        with closing(sqlite3.connect(file)) as copy:
            connection.connection.backup(copy)
    else:
        with inside(file.parent):
            call_command("migrate", verbosity=0)


def fill() -> None:
    from broadsheet.community.models import Vote
    from broadsheet.delivery.models import Delivery, Hook
    from broadsheet.papers import sample
    from broadsheet.papers.models import Paper, Quarantined, Vector
    from broadsheet.readers.models import Reader, Token

    sample.load_if_empty()
    first, second = Paper.objects.order_by("id")[:2]
    words = {"title": "Füße, \N{SNOWMAN} and \N{MUSICAL SYMBOL G CLEF}", "facts": {"z": 1.5, "a": [None, True, 1e22]}}
    Paper.objects.filter(pk=first.pk).update(**words, source="arxiv", placed=date(2026, 1, 2), vote_weight=0.1)
    late = Reader.objects.create(email="late@lab.example", handle="late", name="Late", joined=NOON)
    early = Reader.objects.create(
        email="early@lab.example", handle="early", name="Early", joined=NOON.replace(microsecond=0), invited_by=late
    )
    # Points at a row with a larger number.
    Reader.objects.filter(pk=late.pk).update(approved_by=early)
    Vote.objects.create(reader=late, paper=second, cast=NOON, day=NOON.date(), nth=1)
    gone = Token.objects.create(reader=late, digest="d" * 64, name="gone", made=NOON)
    gone.delete()
    hook = Hook.objects.create(
        reader=early, kind="chat", name="chat", target="mmost://t/x", key="edition", rhythm="daily",
        made=NOON, since=NOON, looked=NOON,
    )  # fmt: skip
    Delivery.objects.create(
        hook=hook, made=NOON, at=NOON, payload={"nested": {"b": "\N{GREEK SMALL LETTER ALPHA}", "a": 0.5}}
    )
    Vector.objects.create(encoder="e", text_hash="h", data=bytes(range(256)))
    Quarantined.objects.create(digest="q", source="arxiv", subject="s", reason="r", raw=b"", at=NOON)


_made: dict[object, sqlite3.Connection] = {}


@pytest.fixture(autouse=True)
def _tables_are_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every migration once for each state that a restore or a copy wants; after that, copy what it led to."""
    take = tables.migrate_to

    def migrate_to(to: BaseDatabaseWrapper, migrations: Sequence[tables.Migration]) -> None:
        if to.vendor != "sqlite":
            take(to, migrations)
            return
        name = tuple(sorted(migrations))
        if name in _made:
            to.ensure_connection()
            _made[name].backup(to.connection)
        else:
            take(to, migrations)
            kept = sqlite3.connect(":memory:", check_same_thread=False)
            to.connection.backup(kept)
            _made[name] = kept

    monkeypatch.setattr(tables, "migrate_to", migrate_to)


@pytest.fixture
def site(filled: Path, tmp_path: Path, db: None) -> Iterator[Path]:
    """A copy of that home, and the test inside it."""
    home = tmp_path / "home"
    shutil.copytree(filled, home)
    with inside(home):
        yield home


@pytest.fixture
def elsewhere(db: None) -> Inside:
    """Go to another home."""
    return inside
