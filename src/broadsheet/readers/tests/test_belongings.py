import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from axes.models import AccessAttempt
from django.apps import apps
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from pytest_django import Settings

from broadsheet.lib.clock import now
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Paper
from broadsheet.papers.tests.factory import paper
from broadsheet.readers import belongings, follows, invitations, library, notifications, tidying, tokens
from broadsheet.readers.models import Cached, Invitation, Notification, Reader, Token
from broadsheet.readers.tests.site import NOON, configure, reader, sign_in

pytestmark = pytest.mark.django_db
MINE = ("readers", "account", "socialaccount", "mfa", "usersessions", "axes", "sessions", "admin")


@pytest.fixture
def ada() -> Reader:
    """A reader with something in every table of this room."""
    ingest([paper(number) for number in range(3)], now=NOON)
    ada = reader("ada")
    Reader.objects.update(about="I like rivers.")
    for each in Paper.objects.all():
        library.save(ada, each, now=NOON)
        library.save(ada, each, now=NOON)
    tokens.make(ada, "my scripts", ["read", "write"], days=None, now=NOON)
    follows.follow(ada, "category/cs.CL", now=NOON)
    invitations.invite(ada, note="from ada with love", now=NOON)
    notifications.notify([ada], "welcome", {}, "/", now=NOON)
    SocialAccount.objects.create(user=ada, provider="orcid", uid="0000-0002-1825-0097", extra_data={"name": "Ada"})
    sign_in(Client(REMOTE_ADDR="198.51.100.3"), ada.email)
    Authenticator.objects.create(user=ada, type="totp", data={"secret": "TOPSECRET"})
    sign_in(Client(REMOTE_ADDR="198.51.100.4"), ada.email, "wrong")
    return Reader.objects.get(pk=ada.pk)


def everything() -> str:
    """All rows of the tables of this room, as text. What is counted by address, for minutes, belongs to nobody."""
    models = {model for label in MINE for model in apps.get_app_config(label).get_models(include_auto_created=True)}
    return "\n".join(str(row) for model in models - {Cached} for row in model._default_manager.values())


def test_an_export_holds_everything_and_no_secret(ada: Reader) -> None:
    given = belongings.export(ada)
    assert list(given)[:6] == ["account", "sign_in", "sessions", "invitations", "library", "follows"]
    text = json.dumps(given)
    assert given["account"]["orcid"] == "0000-0002-1825-0097"  # type: ignore[index]
    assert len(given["library"]) == 3  # type: ignore[arg-type]
    for part in (
        "ada@lab.example",
        "from ada with love",
        "0000-0002-1825-0097",
        "198.51.100.3",
        "totp",
        "welcome",
        "cs.CL",
        "my scripts",
    ):
        assert part in text, part
    for secret in ("TOPSECRET", ada.password, Session.objects.get().session_key):
        assert secret not in text
    assert Invitation.objects.get().digest not in text and Token.objects.get().digest not in text


def test_erasing_leaves_nothing_of_the_person_in_any_table_of_this_room(ada: Reader) -> None:
    bo = reader("bo", invited_by=ada)
    # The hash of a password is made of letters too, and once in a hundred runs of these.
    Reader.objects.filter(pk=bo.pk).update(password="")
    notifications.notify([bo], "reply", {"by": "ada", "title": "On wet ground"}, "/papers/1", now=NOON)
    assert "ada" in everything()
    belongings.erase(ada)
    left = everything()
    for trace in ("ada", "198.51.100.3", "198.51.100.4", "0000-0002-1825-0097", "TOPSECRET", "rivers"):
        assert trace not in left.lower(), trace
    assert Reader.objects.get().handle == "bo" and Reader.objects.get().invited_by is None
    assert Notification.objects.get().data == {"title": "On wet ground"}
    assert not Session.objects.exists() and not AccessAttempt.objects.exists()
    assert Paper.objects.count() == 3


def test_letters_that_nobody_sent_go_with_whom_they_were_for(
    ada: Reader, tmp_path: Path, settings: Settings, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    configure(settings)
    settings.CONFIG = replace(settings.CONFIG, home=tmp_path)
    folder = tmp_path / "mail"
    (folder / "dry").mkdir(parents=True)
    for name, to in (
        ("one.log", "Ada@Lab.example"),
        ("dry/two.eml", "ada@lab.example"),
        ("three.log", "nada@lab.example"),
        ("four.log", "ada@lab.example.org"),
    ):
        (folder / name).write_text(f"Subject: News\nTo: {to}\n\nA link that sets a password.\n")
    with django_capture_on_commit_callbacks(execute=True):
        belongings.erase(ada)
    assert sorted(path.name for path in folder.rglob("*.*")) == ["four.log", "three.log"]


def test_what_is_erased_is_overwritten_in_the_file_of_the_record(ada: Reader) -> None:
    with connection.cursor() as cursor:
        if connection.vendor != "sqlite":
            pytest.skip("only SQLite leaves what was deleted in its file")
        cursor.execute("PRAGMA secure_delete=OFF")
        belongings.erase(ada)
        assert cursor.execute("PRAGMA secure_delete").fetchone() == (1,)


def test_who_is_erased_is_signed_out_everywhere() -> None:
    ada, browser = reader("ada"), Client()
    sign_in(browser, ada.email)
    assert browser.get("/me").status_code == 200
    belongings.erase(ada)
    assert browser.get("/me").status_code == 303


def test_when_one_part_fails_nothing_is_erased(ada: Reader) -> None:
    def fail(reader: Reader) -> None:
        raise RuntimeError("the drawer is stuck")

    belongings.register(belongings.Part("zzz", lambda reader: None, lambda reader: None))
    first = belongings.names()[0]
    kept = belongings._parts[first]
    try:
        belongings.register(belongings.Part(first, kept.export, fail))
        with pytest.raises(RuntimeError):
            belongings.erase(ada)
    finally:
        belongings._parts[first] = kept
        del belongings._parts["zzz"]
    assert Reader.objects.filter(pk=ada.pk).exists() and library.papers(ada).count() == 3


def test_the_library_keeps_each_paper_once_and_gives_the_last_saved_first(ada: Reader) -> None:
    first, second, third = Paper.objects.order_by("pk")
    assert library.saved(ada, [first.pk, second.pk, 999]) == {first.pk, second.pk}
    library.remove(ada, second)
    library.remove(ada, second)
    library.save(ada, second, now=NOON + timedelta(days=1))
    assert list(library.papers(ada)) == [second, third, first]


def test_an_orcid_id_is_proved_only_while_its_account_is_connected(ada: Reader) -> None:
    assert ada.orcid == "0000-0002-1825-0097"
    SocialAccount.objects.get().delete()
    ada.refresh_from_db()
    assert ada.orcid == ""
    SocialAccount.objects.create(user=ada, provider="github", uid="0000-0002-1825-0097")
    SocialAccount.objects.create(user=ada, provider="orcid", uid="no id at all")
    ada.refresh_from_db()
    assert ada.orcid == ""


def test_tidying_takes_what_is_over_and_leaves_the_rest(ada: Reader) -> None:
    Session.objects.create(session_key="old", session_data="", expire_date=now() - timedelta(days=1))
    Cached.objects.create(cache_key="old", value="", expires=now() - timedelta(days=1))
    Invitation.objects.update(expires=now() - timedelta(days=91))
    AccessAttempt.objects.update(attempt_time=now() - timedelta(hours=1))
    assert tidying.tidy(now()) == 4 and tidying.tidy(now()) == 0
    assert Session.objects.count() == 1
