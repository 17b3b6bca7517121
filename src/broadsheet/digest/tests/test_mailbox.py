import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import OperationalError
from django.test import override_settings

from broadsheet.config import SETTINGS, BadSetting, Config, load
from broadsheet.digest import bounces, mailbox
from broadsheet.digest.bounces import Taken
from broadsheet.digest.mailbox import Place, Unreachable, collect
from broadsheet.digest.models import Bounced, Subscription
from broadsheet.digest.tests.imap_server import PASSWORD, USER, Box, serving
from broadsheet.digest.tests.returned import BOUNCES, SENT, bounce, mailed

NOW = SENT + timedelta(days=1)


def at(box: Box, **fields: str) -> Place:
    return replace(Place("127.0.0.1", box.port, USER, PASSWORD), **fields)  # type: ignore[arg-type]


def taking(seen: list[bytes], kind: str = "soft") -> Callable[[bytes], Taken]:
    def take(raw: bytes) -> Taken:
        seen.append(raw)
        return Taken(kind, "It was read.")  # type: ignore[arg-type]

    return take


def test_what_is_unread_is_taken_marked_and_moved(tmp_path: Path) -> None:
    seen: list[bytes] = []
    with serving(b"From: a\r\n\r\none", b"From: b\r\n\r\ntwo", folder=tmp_path) as (box, trusting):
        assert collect(at(box), taking(seen), context=trusting) == 2
        assert collect(at(box), taking(seen), context=trusting) == 0

    assert seen == [b"From: a\r\n\r\none", b"From: b\r\n\r\ntwo"]
    assert box.flags == {1: {"\\Seen"}, 2: {"\\Seen"}}
    assert box.moved == [1, 2] and "Broadsheet" in box.folders


def test_what_is_not_understood_stays_for_a_person(tmp_path: Path) -> None:
    with serving(b"one", folder=tmp_path) as (box, trusting):
        collect(at(box), taking([], "unknown"), context=trusting)

    assert (box.moved, box.flags) == ([], {1: {"\\Seen"}})


def test_a_server_that_cannot_move_marks_alone(tmp_path: Path) -> None:
    with serving(b"one", folder=tmp_path) as (box, trusting):
        box.can_move = False
        assert collect(at(box), taking([]), context=trusting) == 1

    assert (box.moved, box.folders, box.flags) == ([], {"INBOX"}, {1: {"\\Seen"}})


def test_nothing_is_marked_before_the_ledger_has_it(tmp_path: Path) -> None:
    def locked(raw: bytes) -> Taken:
        raise OperationalError("database is locked")

    with serving(b"one", b"two", folder=tmp_path) as (box, trusting), pytest.raises(OperationalError):
        collect(at(box), locked, context=trusting)

    assert (box.flags, box.unread()) == ({}, [1, 2])


def test_a_bad_message_never_stops_the_rest(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[bytes] = []

    def take(raw: bytes) -> Taken:
        if raw == b"bad":
            raise RuntimeError("torn")
        return taking(seen)(raw)

    with serving(b"bad", b"two", folder=tmp_path) as (box, trusting):
        assert collect(at(box), take, context=trusting) == 1
        assert collect(at(box), take, context=trusting) == 0

    assert seen == [b"two"]
    assert box.flags == {1: {"\\Flagged"}, 2: {"\\Seen"}}
    assert "flagged, for a person" in caplog.text


def test_a_batch_is_bounded_and_a_message_too(tmp_path: Path) -> None:
    seen: list[bytes] = []
    with serving(*[b"x" * 1_500_000] * 3, folder=tmp_path) as (box, trusting):
        assert collect(at(box), taking(seen), batch=2, context=trusting) == 2

    assert [len(raw) for raw in seen] == [1_000_000] * 2
    assert box.unread() == [3]


def test_a_connection_that_breaks_leaves_the_rest_unread(tmp_path: Path) -> None:
    with serving(b"one", b"two", b"three", folder=tmp_path) as (box, trusting):
        box.hangs_up_at = 2
        with pytest.raises(Unreachable):
            collect(at(box), taking([]), context=trusting)

    assert box.unread() == [2, 3]


def test_a_mailbox_that_cannot_be_marked_is_not_read_again_and_again(tmp_path: Path) -> None:
    seen: list[bytes] = []
    with serving(b"one", b"two", folder=tmp_path) as (box, trusting):
        box.can_mark = False
        with pytest.raises(Unreachable, match="cannot be marked"):
            collect(at(box), taking(seen), context=trusting)

    assert len(seen) == 1


def test_a_wrong_password_and_a_missing_folder_are_said(tmp_path: Path) -> None:
    with serving(folder=tmp_path) as (box, trusting):
        with pytest.raises(Unreachable, match="AUTHENTICATIONFAILED"):
            collect(at(box, password="wrong"), taking([]), context=trusting)
        with pytest.raises(Unreachable, match="no folder 'Post in'"):
            collect(at(box, folder="Post in"), taking([]), context=trusting)


def test_a_certificate_that_nobody_vouches_for_is_not_believed(tmp_path: Path) -> None:
    with serving(b"one", folder=tmp_path) as (box, _trusting), pytest.raises(Unreachable, match="(?i)certificate"):
        collect(at(box), taking([]))

    assert box.said == []


@pytest.mark.django_db
def test_from_the_mailbox_to_the_subscription(tmp_path: Path) -> None:
    sent = mailed()
    values = {**settings.CONFIG.values, "bounce_address": BOUNCES}
    with (
        override_settings(CONFIG=Config(settings.CONFIG.home, values)),
        serving(bounce(sent), bounce(sent), folder=tmp_path) as (box, trusting),
    ):
        take = lambda raw: bounces.take(raw, "imap", now=NOW)  # noqa: E731
        assert collect(at(box), take, context=trusting) == 2

    assert [row.came_by for row in Bounced.objects.all()] == ["imap"]
    assert Subscription.objects.get().state == "suppressed"


def test_a_mailbox_that_cannot_be_reached_is_logged_calmly_and_without_its_password(
    caplog: pytest.LogCaptureFixture,
) -> None:
    url = "imaps://ada:s3cret%40@127.0.0.1:1/INBOX"
    with (
        override_settings(CONFIG=Config(settings.CONFIG.home, {**settings.CONFIG.values, "bounce_imap": url})),
        caplog.at_level(logging.INFO),
    ):
        assert mailbox.read_due(NOW) == 0

    assert "cannot be read" in caplog.text and "Traceback" not in caplog.text
    assert "s3cret" not in caplog.text + repr(mailbox.place(url))


def test_without_a_mailbox_nothing_is_read() -> None:
    assert mailbox.read_due(NOW) == 0


def test_the_address_of_a_mailbox_is_read() -> None:
    found = mailbox.place(f"imaps://{quote(USER)}:{quote(PASSWORD)}@mail.lab.example/Post%20in")

    assert found == Place("mail.lab.example", 993, USER, PASSWORD, "Post in")
    assert mailbox.place("imaps://a:b@mail.lab.example").folder == "INBOX"


@pytest.mark.parametrize(
    "url",
    [
        "imap://ada:s3cret@mail.example",
        "imaps://mail.example",
        "imaps://ada:s3cret@mail.example:99999",
        "imaps://ada:s3cret@[mail",
        "imaps://ada:s3c/ret@mail.example/in",
        "imaps://ada:s3cret%0D%0Aa1%20DELETE@mail.example/in",
        "imaps://ada:s3cret@mail.example/%0a",
    ],
)
def test_what_is_no_mailbox_stops_the_start_without_telling_the_password(url: str, tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="bounce_imap") as problem:
        load({"BROADSHEET_HOME": str(tmp_path), "BROADSHEET_BOUNCE_IMAP": url})

    assert "s3c" not in str(problem.value)


def test_the_settings_are_there() -> None:
    assert {"bounce_imap", "bounce_soft_limit", "mail_provider_secret"} <= {one.name for one in SETTINGS}
