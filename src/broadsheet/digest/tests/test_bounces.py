import random
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import OperationalError, transaction
from django.test import override_settings

from broadsheet.config import Config
from broadsheet.digest import bounces, links, subscribing
from broadsheet.digest.bounces import Taken
from broadsheet.digest.models import Bounced, Mail, Subscription
from broadsheet.digest.tests.people import LONG_AGO, subscriber
from broadsheet.digest.tests.returned import BOUNCES, SENT, addressed, bounce, complaint, full, mailed
from broadsheet.mail.tests.bounce_messages import block, mail, report

pytestmark = pytest.mark.django_db
NOW = SENT + timedelta(days=30)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _settings() -> Iterator[None]:
    values = {**settings.CONFIG.values, "bounce_address": BOUNCES, "bounce_soft_limit": 5}
    with override_settings(CONFIG=Config(settings.CONFIG.home, values)):
        yield


def take(raw: bytes) -> Taken:
    return bounces.take(raw, "pipe", now=NOW)


def again(one: Subscription) -> Subscription:
    return Subscription.objects.get(pk=one.pk)


def kinds() -> list[str]:
    return list(Bounced.objects.order_by("pk").values_list("kind", flat=True))


def test_a_hard_bounce_ends_a_subscription_at_once() -> None:
    sent = mailed()
    waiting = mailed(sent.subscription, 2, state="queued")

    taken = take(bounce(sent))

    found = again(sent.subscription)
    assert (found.state, found.ended) == ("suppressed", NOW)
    assert "came back for good (5.1.1, userunknown)" in found.says
    assert taken.kind == "hard" and "suppressed" in taken.says
    assert Mail.objects.get(pk=waiting.pk).state == "suppressed"
    row = Bounced.objects.get()
    assert (row.kind, row.mail, row.subscription, row.status, row.reply) == ("hard", sent, found, "5.1.1", "550")
    assert bytes(row.raw) == bounce(sent)


def test_soft_ones_end_it_after_several_mails_in_a_row() -> None:
    reader = subscriber()
    sent = [mailed(reader, number) for number in range(1, 6)]

    for one in sent[:4]:
        take(full(one))
    assert (again(reader).state, again(reader).soft_bounces) == ("active", 4)

    take(full(sent[4]))
    assert again(reader).state == "suppressed"
    assert "5 mails in a row came back, the last one: 4.2.2, mailboxfull" in again(reader).says


def test_one_that_got_through_begins_the_row_anew() -> None:
    reader = subscriber()
    sent = [mailed(reader, number) for number in range(1, 8)]

    for one in [*sent[:4], *sent[5:]]:
        take(full(one))

    assert (again(reader).state, again(reader).soft_bounces) == ("active", 2)


def test_the_order_in_which_they_come_back_does_not_matter() -> None:
    reader = subscriber()
    sent = [mailed(reader, number) for number in range(1, 6)]

    for one in random.Random(7).sample(sent, 5):
        take(full(one))

    assert (again(reader).state, again(reader).soft_bounces) == ("suppressed", 5)


def test_a_mail_that_comes_back_twice_over_counts_once() -> None:
    sent = mailed()

    take(full(sent))
    take(bounce(sent, "4.4.7", "451 4.4.7 Delivery time expired"))

    assert again(sent.subscription).soft_bounces == 1
    assert kinds() == ["soft", "soft"]


def test_a_mail_that_is_late_is_no_bounce() -> None:
    reader = subscriber()
    for number in range(1, 9):
        taken = take(full(mailed(reader, number), action="delayed"))

    assert taken.kind == "late"
    assert (again(reader).state, again(reader).soft_bounces) == ("active", 0)


def test_the_same_message_by_two_ways_counts_once() -> None:
    sent = mailed()
    raw = full(sent)
    other_way = b"Return-Path: <>\r\nDelivered-To: x@lab.example\r\nReceived: from a\r\n by b\r\n" + raw.replace(
        b"\n", b"\r\n"
    )

    first, second = take(raw), bounces.take(other_way, "imap", now=NOW)

    assert not first.twice and second.twice
    assert kinds() == ["soft"]
    assert again(sent.subscription).soft_bounces == 1


def test_a_mailbox_that_answered_counts_from_nothing() -> None:
    reader = subscriber(soft_bounces=3)

    bounces.arrived(reader)

    assert again(reader).soft_bounces == 0


def test_what_a_person_began_anew_is_not_ended_by_what_is_older() -> None:
    reader = subscriber(confirmed=SENT + DAY)
    taken = take(bounce(mailed(reader)))

    assert again(reader).state == "active"
    assert "confirmed since" in taken.says


def test_a_complaint_ends_it_for_good() -> None:
    sent = mailed()

    assert take(complaint(sent.token)).kind == "complaint"

    assert again(sent.subscription).state == "suppressed"
    assert subscribing._is_silent(again(sent.subscription), NOW + timedelta(days=3000))


def test_a_complaint_ends_also_what_was_stopped() -> None:
    reader = subscriber(state="stopped", ended=LONG_AGO)

    take(complaint(mailed(reader).token))

    assert (again(reader).state, again(reader).says) == ("suppressed", "It was reported as spam.")


def test_a_hard_bounce_leaves_stopped_what_its_owner_stopped() -> None:
    reader = subscriber(state="stopped", ended=LONG_AGO)

    take(bounce(mailed(reader)))

    assert (again(reader).state, again(reader).ended) == ("stopped", LONG_AGO)


@pytest.mark.parametrize(
    "raw",
    [
        mail("Back on Monday.", sender="Ada <reader1@lab.example>", subject="Out of office"),
        mail("Back.", sender="Ada <reader1@lab.example>", subject="Re: Papers", Auto_Submitted="auto-replied"),
    ],
)
def test_automatic_answers_are_not_kept(raw: bytes) -> None:
    sent = mailed()
    raw = raw.replace(b"digest+tok3n@lists.lab.example", f"bounces+{sent.token}@lab.example".encode())

    assert take(raw).kind in ("auto-reply", "unknown")

    assert again(sent.subscription).state == "active"
    assert kinds() == []


def test_a_person_who_writes_back_is_kept_for_a_person_and_nothing_follows() -> None:
    sent = mailed()
    raw = mail("Please stop, user unknown!", sender="Ada <reader1@lab.example>", subject="Re: Papers")

    take(raw.replace(b"digest+tok3n@lists.lab.example", f"bounces+{sent.token}@lab.example".encode()))

    assert again(sent.subscription).state == "active"
    assert kinds() == ["unknown"]
    assert Bounced.objects.get().mail == sent


def test_a_bounce_for_an_unknown_token_changes_nothing() -> None:
    sent = mailed()

    taken = take(addressed("nobody0000", block(sent.address, status="5.1.1", said="550 5.1.1 User unknown")))

    assert taken.kind == "unknown" and "kept for a person" in taken.says
    assert again(sent.subscription).state == "active"
    row = Bounced.objects.get()
    assert (row.kind, row.mail, row.subscription, row.address) == ("unknown", None, None, sent.address)


def test_the_token_of_another_mailbox_proves_nothing() -> None:
    sent = mailed()
    raw = bounce(sent).replace(b"@lab.example\nSubject", b"@other.example\nSubject")

    assert take(raw).kind == "unknown"
    assert again(sent.subscription).state == "active"


def test_a_message_id_counts_with_the_address_that_it_went_to() -> None:
    sent = mailed()
    original = f"Message-ID: {sent.message_id}\nTo: {sent.address}\n"

    assert take(report(block(sent.address, status="5.1.1"), original=original)).kind == "hard"

    assert again(sent.subscription).state == "suppressed"


def test_a_message_id_alone_may_be_counted_up_and_proves_nothing() -> None:
    sent = mailed()

    guessed = report(block("mallory@evil.example", status="5.1.1"), original=f"Message-ID: {sent.message_id}\n")

    assert take(guessed).kind == "unknown"
    assert again(sent.subscription).state == "active"


def test_the_signed_link_of_a_mail_proves_whose_it_was() -> None:
    sent = mailed()
    link = links.link(sent.subscription, "unsubscribe", now=SENT)

    taken = take(complaint(Message_ID="<another@relay.example>", List_Unsubscribe=f"<{link}>"))

    assert (taken.kind, taken.row and taken.row.mail) == ("complaint", sent)
    assert again(sent.subscription).state == "suppressed"


def test_the_link_of_another_purpose_proves_nothing() -> None:
    sent = mailed()
    link = links.link(sent.subscription, "vote", paper=1, now=SENT)

    assert take(complaint(List_Unsubscribe=f"<{link}>")).kind == "unknown"


def test_an_address_that_was_left_does_not_end_the_new_one() -> None:
    sent = mailed()
    Subscription.objects.update(address="new@lab.example")

    taken = take(bounce(sent))

    assert again(sent.subscription).state == "active"
    assert "another address" in taken.says
    assert Bounced.objects.get().subscription is None


def test_a_forwarding_that_leads_nowhere_is_for_now() -> None:
    sent = mailed()

    assert take(bounce(sent, address="ada@elsewhere.example")).kind == "soft"

    assert again(sent.subscription).state == "active"


def test_an_address_as_its_server_has_it_inside_is_the_same() -> None:
    sent = mailed()

    assert take(bounce(sent, address="ada.l@mx.lab.example")).kind == "hard"


def test_of_several_recipients_the_one_it_went_to_counts() -> None:
    sent = mailed()
    fields = block("ben@lab.example", status="5.1.1") + "\n" + block(sent.address, status="4.2.2")

    assert take(addressed(sent.token, fields)).kind == "soft"


def test_what_comes_back_was_sent() -> None:
    sent = mailed(state="doubtful")

    take(full(sent))

    assert Mail.objects.get(pk=sent.pk).state == "sent"


def test_what_is_kept_is_bounded() -> None:
    take(b"From: a@b.example\n\n" + b"x" * 200_000)

    assert len(bytes(Bounced.objects.get().raw)) == 64 * 1024


def test_a_flood_of_nonsense_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounces, "MOST_UNKNOWN", 3)

    said = [take(b"From: a@b.example\n\nHello %d" % number).says for number in range(5)]

    assert len(kinds()) == 3
    assert "not kept" in said[-1]


def test_messages_are_forgotten_after_a_month_and_rows_after_half_a_year() -> None:
    reader = subscriber()
    bounces.take(full(mailed(reader)), "pipe", now=NOW - timedelta(days=181))
    bounces.take(complaint(mailed(reader, 2).token), "pipe", now=NOW - timedelta(days=181))
    bounces.take(full(mailed(reader, 3)), "pipe", now=NOW - timedelta(days=31))
    bounces.take(full(mailed(reader, 4)), "pipe", now=NOW - timedelta(days=29))

    bounces.forget(NOW)

    left = [(row.kind, bool(bytes(row.raw))) for row in Bounced.objects.order_by("pk")]
    assert left == [("complaint", False), ("soft", False), ("soft", True)]


def test_an_erased_subscription_keeps_nothing() -> None:
    sent = mailed()
    raw = bounce(sent)
    take(full(sent))
    subscribing.erase(sent.subscription)

    assert Bounced.objects.count() == 0
    assert take(raw).kind == "unknown"


@pytest.mark.thorough
def test_no_message_however_broken_raises_or_ends_anything() -> None:
    sent = mailed()
    chance = random.Random(5)
    raw = bounce(sent).replace(sent.token.encode(), b"nobody0000")
    for _round in range(150):
        broken = bytearray(raw)
        for _hit in range(chance.randrange(1, 30)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        take(bytes(broken[: chance.randrange(len(broken) + 1)]))
    take(b"")
    take(b"\0" * 1000)
    take(b'Subject: x\n\n{"notificationType": "Bounce", "bounce": {"bounceType": "Permanent", "bouncedRecipients":'
         b' [{"emailAddress": "a\\u0000b@c.example"}]}, "mail": {"messageId": "a\\u0000\\ud800b"}}')  # fmt: skip

    assert again(sent.subscription).state == "active"


def test_a_digest_asked_for_anew_is_not_counted_with_those_of_before() -> None:
    reader = subscriber()
    for number in range(1, 5):
        take(full(mailed(reader, number)))
    Subscription.objects.update(confirmed=SENT + 4 * DAY)

    take(full(mailed(again(reader), 5)))

    assert (again(reader).state, again(reader).soft_bounces) == ("active", 1)


def test_a_confirmation_to_an_address_that_is_not_there_ends_the_asking() -> None:
    sent = mailed(subscriber(state="asked", confirmed=None), kind="confirm")

    take(bounce(sent))

    assert again(sent.subscription).state == "suppressed"


def test_a_confirmation_to_a_new_address_that_is_not_there_ends_nothing() -> None:
    sent = mailed(kind="confirm", address="new@lab.example")

    take(bounce(sent))

    assert again(sent.subscription).state == "active"
    assert kinds() == ["hard"]


def test_nothing_half_done_is_left_where_the_database_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = mailed()

    def locked(*given: object) -> None:
        raise OperationalError("database is locked")

    with monkeypatch.context() as patched:
        patched.setattr(bounces, "_suppress", locked)
        with pytest.raises(OperationalError), transaction.atomic():
            take(bounce(sent))
    assert kinds() == []

    assert take(bounce(sent)).twice is False
    assert again(sent.subscription).state == "suppressed"
