import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.conf import settings
from django.test import override_settings

from broadsheet.config import Config
from broadsheet.digest import bounces, stopping, subscribing
from broadsheet.digest.models import Bounced, Subscription
from broadsheet.digest.tests.people import subscriber
from broadsheet.digest.tests.returned import BOUNCES, SENT, bounce, mailed
from broadsheet.mail.messages import Letter, build

pytestmark = pytest.mark.django_db
NOW = SENT + timedelta(days=3)
IMAP = "imaps://bounces:secret@mail.lab.example/INBOX"


def config(**values: object) -> Config:
    return Config(settings.CONFIG.home, {**settings.CONFIG.values, **values})


@pytest.fixture(autouse=True)
def _settings() -> Iterator[None]:
    with override_settings(CONFIG=config(bounce_address=BOUNCES, bounce_imap=IMAP)):
        yield


def address_of(subscription: Subscription) -> str:
    match = re.fullmatch(r"mailto:([^?]+)\?subject=unsubscribe", stopping.mailto(subscription))
    assert match
    return match[1]


def message(to: str, field: str = "To", **head: str) -> bytes:
    fields = {"From": "Ada <ada@there.example>", "Subject": "unsubscribe", **head, field: to}
    return ("".join(f"{name}: {value}\r\n" for name, value in fields.items()) + "\r\n").encode()


def state(subscription: Subscription) -> str:
    return Subscription.objects.get(pk=subscription.pk).state


@pytest.mark.parametrize("field", ["To", "Delivered-To", "X-Original-To", "Envelope-To", "Cc"])
def test_a_mail_to_the_signed_address_stops_its_subscription_and_no_other(field: str) -> None:
    one, other = subscriber(1), subscriber(2)
    taken = bounces.take(message(f"<{address_of(one).upper()}>", field), "imap", now=NOW)
    assert (taken.kind, state(one), state(other)) == ("stopped", "stopped", "active")
    row = Bounced.objects.get()
    assert (row.kind, row.subscription, bytes(row.raw)) == ("stopped", one, b"")


def test_the_same_mail_read_again_stops_nothing_that_began_anew() -> None:
    one = subscriber(1)
    raw = message(address_of(one))
    bounces.take(raw, "imap", now=NOW)
    subscribing.resume(one, now=NOW)
    assert bounces.take(b"Received: elsewhere\r\n" + raw, "imap", now=NOW).twice and state(one) == "active"
    bounces.take(message(address_of(one), Date="later"), "imap", now=NOW)
    assert state(one) == "stopped"


def test_what_was_not_signed_here_stops_nothing() -> None:
    one, two = subscriber(1), subscriber(2)
    good = address_of(one)
    number, epoch, signature = f"{one.pk}", f"{one.epoch}", good.partition("@")[0].rpartition("-")[2]
    host = good.rpartition("@")[2]
    forged = [
        f"bounces+stop-{two.pk}-{epoch}-{signature}@{host}",
        f"bounces+stop-{number}-{one.epoch + 1}-{signature}@{host}",
        f"bounces+stop-{number}-{epoch}-{'a' * 26}@{host}",
        f"bounces+stop-{number}-{epoch}-@{host}",
        f"bounces+stop-{'9' * 30}-{epoch}-{signature}@{host}",
        f"bounces+stop-٣-{epoch}-{signature}@{host}",
        good.replace(host, "elsewhere.example"),
        good.replace("bounces+", "other+"),
        good.partition("@")[0],
    ]
    for to in forged:
        assert stopping.stopped_by(message(to)) is None
        bounces.take(message(to), "imap", now=NOW)
    assert (state(one), state(two)) == ("active", "active")


def test_an_address_from_before_the_links_were_ended_stops_nothing() -> None:
    one = subscriber(1)
    old = address_of(one)
    Subscription.objects.update(epoch=one.epoch + 1)
    assert stopping.stopped_by(message(old)) is None
    Subscription.objects.all().delete()
    assert stopping.stopped_by(message(old)) is None


def test_machines_and_what_they_quote_stop_nothing() -> None:
    sent = mailed()
    to = address_of(sent.subscription)
    quoted = bounce(sent).replace(b"Message-ID:", f"List-Unsubscribe: <mailto:{to}>\r\nMessage-ID:".encode())
    assert stopping.stopped_by(quoted) is None
    assert bounces.take(quoted, "imap", now=NOW).kind == "hard"
    for head in ({"Auto-Submitted": "auto-replied"}, {"From": "MAILER-DAEMON@there.example"}, {"X-Autoreply": "yes"}):
        assert stopping.stopped_by(message(to, **head)) is None
    body = message("somebody@lab.example") + f"To: {to}\r\n".encode()
    assert stopping.stopped_by(body) is None


def test_the_address_is_given_out_only_where_its_mail_is_read() -> None:
    one = subscriber(1)
    assert stopping.mailto(one)
    for values in ({"bounce_imap": ""}, {"bounce_address": ""}, {"bounce_address": f"{'b' * 40}@lab.example"}):
        with override_settings(CONFIG=config(**{"bounce_address": BOUNCES, "bounce_imap": IMAP, **values})):
            assert stopping.mailto(one) == ""


def test_a_key_that_was_changed_still_reads_what_it_signed() -> None:
    one = subscriber(1)
    old = address_of(one)
    with override_settings(SECRET_KEY="another", SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]):
        assert stopping.stopped_by(message(old)) == one
    with override_settings(SECRET_KEY="another", SECRET_KEY_FALLBACKS=[]):
        assert stopping.stopped_by(message(old)) is None


def test_both_ways_stand_in_the_header_one_click_first() -> None:
    one = subscriber(1)
    letter = Letter(
        sender="papers@lab.example",
        to="ada@there.example",
        subject="x",
        text="x",
        message_id="<1@lab.example>",
        date=NOW,
        unsubscribe_url="https://lab.example/u/1",
        unsubscribe_mailto=stopping.mailto(one),
    )
    head = build(letter).decode()
    assert f"List-Unsubscribe: <https://lab.example/u/1>,\r\n <mailto:{address_of(one)}?subject=unsubscribe>" in head
    assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click" in head
