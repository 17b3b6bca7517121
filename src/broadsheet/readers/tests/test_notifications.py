import smtplib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.utils import translation

from broadsheet.readers import notifications
from broadsheet.readers.models import Notification, Reader
from broadsheet.readers.notifications import KINDS, MOST_TRIES, sentence

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
REPLY = {"by": "bo", "title": r"On $x^2$ and \emph{more}"}


class Server(EmailBackend):
    """A mail server that can be out of reach, or refuse; what it takes is in `mail.outbox`."""

    is_up = True
    refuses = False

    def open(self) -> bool:
        if not Server.is_up:
            raise ConnectionRefusedError("nobody listens")
        return True

    def send_messages(self, messages: list[mail.EmailMessage]) -> int:  # type: ignore[override]
        if Server.refuses:
            raise smtplib.SMTPRecipientsRefused({})
        return super().send_messages(messages)


@pytest.fixture(autouse=True)
def server(settings: SimpleNamespace) -> Iterator[type[Server]]:
    values = {"mail_url": "smtp://mail.example", "public_url": "https://papers.example", "site_name": "Papers"}
    settings.CONFIG = replace(settings.CONFIG, values={**settings.CONFIG.values, **values})
    settings.EMAIL_BACKEND = f"{__name__}.Server"
    Server.is_up, Server.refuses = True, False
    yield Server
    Server.is_up, Server.refuses = True, False


def reader(handle: str = "ada", verified: bool = True, **fields: object) -> Reader:
    email = f"{handle}@lab.example"
    made = {"email": email, "handle": handle, "name": handle.title(), "joined": NOON, "mailed": ["reply", "mention"]}
    found = Reader.objects.create(**(made | fields))
    EmailAddress.objects.create(user=found, email=email, primary=True, verified=verified)
    return found


def tell(whom: Reader, kind: str = "reply", minutes: float = 0) -> None:
    notifications.notify([whom], kind, REPLY, "/papers/x#comment-1", now=NOON + minutes * MINUTE)


def send(minutes: float = 0) -> int:
    return notifications.send_mails(NOON + minutes * MINUTE)


def test_each_is_told_once_and_the_newest_comes_first() -> None:
    ada, bo = reader(), reader("bo")
    notifications.notify([ada, bo, ada], "mention", REPLY, "/x", now=NOON)
    tell(ada, minutes=1)
    assert [row.kind for row in notifications.latest(ada, 10)] == ["reply", "mention"]
    assert (notifications.unread(ada), notifications.unread(bo)) == (2, 1)
    assert len(notifications.latest(ada, 1)) == 1


def test_an_unknown_kind_is_a_mistake_of_the_program() -> None:
    with pytest.raises(ValueError, match="kind"):
        notifications.notify([], "gossip", {}, "", now=NOON)


def test_reading_marks_some_or_all_and_only_ones_own() -> None:
    ada, bo = reader(), reader("bo")
    for whom in (ada, ada, bo):
        tell(whom)
    first, second = (row.pk for row in notifications.latest(ada, 2))
    notifications.mark_read(bo, now=NOON, numbers=[first])
    assert notifications.unread(ada) == 2
    notifications.mark_read(ada, now=NOON, numbers=[first])
    assert list(Notification.objects.filter(read=None, reader=ada).values_list("pk", flat=True)) == [second]
    notifications.mark_read(ada, now=NOON)
    assert (notifications.unread(ada), notifications.unread(bo)) == (0, 1)


@pytest.mark.parametrize("kind", [*KINDS, "welcome"])
@pytest.mark.parametrize("data", [{}, REPLY, {"did": "nonsense"}, {"title": None, "by": 7}, ["no", "object"], None])
def test_every_kind_has_a_sentence_whatever_it_holds(kind: str, data: object) -> None:
    assert sentence(Notification(kind=kind, data=data)).endswith((".", "”."))


def test_sentences_say_who_what_and_why() -> None:
    assert sentence(Notification(kind="reply", data=REPLY)) == "@bo replied to you on “On x^2 and more”."
    told = {"did": "remove", "title": "Comment", "reason": "Off topic.", "by": "mo"}
    assert sentence(Notification(kind="moderation", data=told)) == (
        "What you wrote or added was removed: “Comment”. Reason: Off topic."
    )
    assert sentence(Notification(kind="mention", data={"title": "T"})) == "A former reader mentioned you on “T”."


def test_the_kinds_can_be_chosen_from_a_form() -> None:
    assert all(str(label) for label in KINDS.values()) and "welcome" not in KINDS


def test_only_chosen_kinds_are_mailed_to_proved_addresses_of_active_readers() -> None:
    ada = reader()
    tell(ada)
    tell(ada, "comment")
    for other in (reader("bo", mailed=[]), reader("cy", verified=False), reader("di", state="suspended")):
        tell(other)
    assert send() == 1
    assert [message.to for message in mail.outbox] == [["ada@lab.example"]]
    assert mail.outbox[0].body.count("replied to you") == 1 and "commented" not in mail.outbox[0].body


def test_a_mail_bundles_what_is_due_with_absolute_addresses_and_the_way_out() -> None:
    ada = reader()
    tell(ada)
    tell(ada, "mention")
    send()
    message = mail.outbox[0]
    assert message.subject == "Papers: 2 notifications"
    assert message.body.count("https://papers.example/papers/x#comment-1") == 2
    assert message.body.startswith("Hello Ada,\n") and "https://papers.example/me" in message.body
    assert message.extra_headers["Auto-Submitted"] == "auto-generated"


def test_nothing_is_mailed_twice_and_mails_are_ten_minutes_apart() -> None:
    ada = reader()
    tell(ada)
    assert (send(), send(1)) == (1, 0)
    tell(ada, minutes=2)
    tell(ada, minutes=3)
    assert (send(5), send(9)) == (0, 0)
    assert send(11) == 1 and mail.outbox[1].subject == "Papers: 2 notifications"


def test_what_was_read_in_the_site_is_not_mailed() -> None:
    ada = reader()
    tell(ada)
    notifications.mark_read(ada, now=NOON)
    assert send() == 0


def test_a_kind_that_is_no_longer_chosen_is_not_mailed() -> None:
    ada = reader()
    tell(ada)
    Reader.objects.update(mailed=["mention"])
    assert send() == 0 and not Notification.objects.get().mail_due


def test_without_a_mail_server_nothing_is_sent(settings: SimpleNamespace) -> None:
    settings.CONFIG = replace(settings.CONFIG, values={**settings.CONFIG.values, "mail_url": ""})
    tell(reader())
    assert send() == 0


def test_old_news_are_not_mailed() -> None:
    tell(reader())
    assert send(minutes=4 * 24 * 60) == 0


def test_a_server_out_of_reach_costs_no_try(server: type[Server]) -> None:
    tell(reader())
    server.is_up = False
    assert send() == 0 and Notification.objects.get().mail_tries == 0
    server.is_up = True
    assert send(1) == 1


def test_a_refused_mail_is_tried_again_after_longer_and_longer_and_then_given_up(server: type[Server]) -> None:
    tell(reader())
    server.refuses = True
    tries = []
    for minute in (minute for minute in range(400) if minute % 10 in (0, 9)):
        before = Notification.objects.get().mail_tries
        send(minute)
        if Notification.objects.get().mail_tries > before:
            tries.append(minute)
    assert tries == [0, 10, 30, 70, 150] and len(tries) == MOST_TRIES
    server.refuses = False
    assert not Notification.objects.get().mail_due and send(401) == 0


def test_one_refused_mail_does_not_hold_up_the_others(server: type[Server]) -> None:
    ada, bo = reader(), reader("bo")
    tell(ada)
    tell(bo)
    server.refuses = True
    send()
    server.refuses = False
    assert send(10) == 2


def test_a_mail_speaks_the_readers_language_and_leaves_the_workers_alone() -> None:
    tell(reader(language="de"))
    with translation.override("fr"):
        send()
        assert translation.get_language() == "fr"
    assert len(mail.outbox) == 1


def test_an_address_elsewhere_in_a_row_is_not_mailed() -> None:
    ada = reader()
    notifications.notify([ada], "reply", REPLY, "//evil.example/x", now=NOON)
    send()
    assert "evil" not in mail.outbox[0].body
