"""After an erasure nothing of the reader is left, in any table and in any file of the home."""

from dataclasses import replace
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from pytest_django import Settings

from broadsheet.foryou import exploring, pool, profiles, rank, signals
from broadsheet.foryou.models import List, Opened, Opinion, Profile, Seed, Shown, Taste, Tuned, Wish
from broadsheet.foryou.tests.reading import record
from broadsheet.foryou.tests.taste import vote
from broadsheet.papers import finding
from broadsheet.readers import belongings, follows, library
from broadsheet.readers.models import Cached, Reader
from broadsheet.web.tests.accounts import reader, signed_in
from broadsheet.web.tests.conftest import NOW

pytestmark = pytest.mark.django_db
NAME = "quetzalcoatl"
SECRET = "axolotl husbandry"


@pytest.fixture
def home(tmp_path: Path, settings: Settings) -> Path:
    """A home of this test's own, without an encoder."""
    values = {**settings.CONFIG.values, "encoder": "none"}
    settings.CONFIG = replace(settings.CONFIG, home=tmp_path, values=values)
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STATIC_ROOT.mkdir()
    finding.forget()
    return tmp_path


@pytest.fixture
def ada(db: None, home: Path) -> Reader:
    """A reader with something in every table of this room, and a list made from it."""
    pool.forget()
    exploring.forget()
    papers = record()
    ada = reader(NAME)
    vote(ada, *papers["bees"][:3])
    library.save(ada, papers["bees"][3], now=NOW)
    signals.seed(ada, [papers["bells"][0].pk], "ids", NOW)
    signals.opine(ada, papers["bells"][1], True, "asked", NOW)
    signals.wish(ada, SECRET, NOW)
    signals.tune(ada, "word", "honey", 0, SECRET, NOW)
    follows.follow(ada, f"search/{SECRET}", now=NOW)
    Taste.objects.create(reader=ada, opens=True)
    signals.opened(ada, papers["bread"][0], NOW)
    signed_in(ada).get("/foryou")
    profiles.profile(ada)
    rank.show(ada, found := rank.list_for(ada, NOW), found.places(), NOW)
    return ada


def tables() -> str:
    """Every row of every table, as text. What is counted by address, for minutes, belongs to nobody."""
    models = [model for model in apps.get_models(include_auto_created=True) if model is not Cached]
    return "\n".join(
        f"{model._meta.db_table}: {row!r}" for model in models for row in model._default_manager.values()
    ).lower()


def files(home: Path) -> bytes:
    return b"\n".join(path.read_bytes() for path in sorted(home.rglob("*")) if path.is_file()).lower()


def rows_of(number: int) -> list[str]:
    """Name the tables with a row that points to the reader, whatever the column is called."""
    found = []
    for model in apps.get_models(include_auto_created=True):
        for field in model._meta.get_fields():
            points = getattr(field, "related_model", None) is Reader and getattr(field, "column", None)
            if points and model._default_manager.filter(**{field.name: number}).exists():
                found.append(f"{model._meta.db_table}.{field.name}")
    return found


def test_nothing_of_a_reader_is_left_anywhere(ada: Reader, home: Path) -> None:
    assert all(
        model._default_manager.filter(reader=ada).exists()
        for model in (Seed, Opinion, Opened, Wish, Tuned, Taste, Profile, List, Shown)
    )
    number, before = ada.pk, tables()
    assert NAME in before and SECRET in before
    belongings.erase(Reader.objects.get(pk=number))
    after = tables()
    for trace in (NAME, SECRET):
        assert trace not in after
        assert trace.encode() not in files(home)
    assert rows_of(number) == []
    for model in (Seed, Opinion, Opened, Wish, Tuned, Taste, Profile, List, Shown):
        assert not model._default_manager.exists(), model


def test_a_reader_of_the_same_number_meets_nothing_that_a_process_remembers(ada: Reader) -> None:
    rank.list_for(ada, NOW)
    number = ada.pk
    belongings.erase(Reader.objects.get(pk=number))
    bo = reader("bo")
    Reader.objects.filter(pk=bo.pk).delete()
    bo.pk = number
    bo.save(force_insert=True)
    found = rank.list_for(bo, NOW)
    assert found.state == "trending" and not found.told.examples


def test_the_open_page_of_a_reader_who_was_erased_writes_nothing(ada: Reader) -> None:
    found = rank.list_for(ada, NOW)
    gone = Reader.objects.get(pk=ada.pk)
    belongings.erase(Reader.objects.get(pk=ada.pk))
    rank.show(gone, found, found.places(), NOW)
    assert not Shown.objects.exists()
    connection.check_constraints()
    assert Client().get("/foryou").status_code in (302, 303)
