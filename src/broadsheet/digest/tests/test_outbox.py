from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from broadsheet.digest import outbox
from broadsheet.digest.models import Digest, Mail, Subscription, Told
from broadsheet.digest.outbox import Ended
from broadsheet.digest.tests.people import WEDNESDAY, announce, subscriber
from broadsheet.mail.smtp import Accepted, Lost, Outcome, Refused

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 18, 7, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def queued(number: int = 1, *, domain: str = "lab.example", **fields: object) -> Mail:
    one = fields.pop("subscription", None) or subscriber(number, address=f"reader{number}@{domain}")
    assert isinstance(one, Subscription)
    given: dict[str, object] = {
        "digest": None,
        "address": one.address,
        "domain": domain,
        "message_id": f"<d{number}.2026-11-18@papers.example>",
        "token": f"token{number}",
        "next_try": NOW,
        "queued": NOW,
    }
    return Mail.objects.create(subscription=one, **(given | fields))


def claim(
    sender: str = "one", now: datetime = NOW, batch: int = 20, per_domain: int = 20, kind: str = ""
) -> list[Mail]:
    return outbox.claim(sender, now, batch=batch, per_domain=per_domain, kind=kind)


def hand_in(outcome: Outcome | None, now: datetime = NOW) -> Mail:
    """Claim the one that is due, begin, and write down what was said, unless its sender dies before."""
    [mail] = claim(now=now)
    assert outbox.advance(None, mail, now)
    if outcome:
        outbox.advance(Ended(mail, outcome), None, now)
    mail.refresh_from_db()
    return mail


def test_what_is_due_is_claimed_once_the_longest_waiting_first() -> None:
    late = queued(1, next_try=NOW)
    early = queued(2, next_try=NOW - MINUTE)
    queued(3, next_try=NOW + MINUTE)
    assert claim("one") == [early, late]
    assert claim("two") == []
    early.refresh_from_db()
    assert (early.state, early.claimed_by, early.claimed_until) == ("claimed", "one", NOW + outbox.LEASE)


def test_no_more_mails_to_one_domain_are_in_the_hands_of_all_senders_than_may_be() -> None:
    for number in range(8):
        queued(number, domain="big.example", next_try=NOW - MINUTE)
    for number in range(8, 11):
        queued(number, domain="small.example")
    assert Counter(mail.domain for mail in claim("one", per_domain=3)) == {"big.example": 3, "small.example": 3}
    assert claim("two", per_domain=3) == []
    Mail.objects.filter(pk=Mail.objects.filter(domain="big.example", state="claimed")[0].pk).update(state="sent")
    assert [mail.domain for mail in claim("two", per_domain=3)] == ["big.example"]


def test_a_large_domain_does_not_keep_the_others_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "LOOK", 4)
    for number in range(12):
        queued(number, domain="big.example", next_try=NOW - MINUTE)
    for number in range(12, 15):
        queued(number, domain=f"small{number}.example")
    found = [mail.domain for mail in claim(batch=5, per_domain=2)]
    assert found == ["big.example", "big.example", "small12.example", "small13.example", "small14.example"]


def test_confirmations_can_be_claimed_before_digests() -> None:
    queued(1, next_try=NOW - MINUTE)
    asked = queued(2, kind="confirm")
    assert claim(kind="confirm") == [asked]


def test_one_commit_ends_a_mail_and_begins_the_next() -> None:
    first, second = queued(1), queued(2)
    claimed = claim()
    assert outbox.advance(None, claimed[0], NOW)
    assert outbox.advance(Ended(claimed[0], Accepted("250 taken")), claimed[1], NOW + MINUTE)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, first.reply, first.ended, first.claimed_by) == ("sent", "250 taken", NOW + MINUTE, "")
    assert (second.state, second.tries, second.next_try) == ("sending", 1, NOW + MINUTE)
    assert second.claimed_until == NOW + MINUTE + outbox.LEASE


@pytest.mark.parametrize(
    ("change", "kind", "why"),
    [
        ({"state": "stopped"}, "digest", "its subscription is not active"),
        ({"state": "suppressed"}, "digest", "its address is suppressed"),
        ({"state": "suppressed"}, "confirm", "its address is suppressed"),
        ({"paused_until": WEDNESDAY + timedelta(days=1)}, "digest", "its subscription is paused"),
    ],
)
def test_what_nobody_wants_any_more_is_never_begun(change: dict[str, object], kind: str, why: str) -> None:
    mail = queued(kind=kind)
    [claimed] = claim()
    Subscription.objects.filter(pk=mail.subscription_id).update(**change)
    assert not outbox.advance(None, claimed, NOW)
    mail.refresh_from_db()
    assert (mail.state, mail.reply, mail.ended) == ("suppressed", why, NOW)


def test_who_did_not_confirm_gets_a_confirmation_and_no_digest() -> None:
    one = subscriber(1, state="asked")
    queued(1, subscription=one, kind="confirm")
    queued(2, subscription=one)
    begun = [outbox.advance(None, mail, NOW) for mail in claim()]
    assert sorted(begun) == [False, True]


def test_a_pause_ends_on_its_day_in_the_time_zone_of_the_reader() -> None:
    one = subscriber(1, time_zone="Asia/Tokyo", paused_until=WEDNESDAY)
    mail = queued(subscription=one)
    at_seven_in_tokyo = datetime(2026, 11, 17, 22, tzinfo=UTC)
    assert outbox.unwanted_because(one, mail, at_seven_in_tokyo) == ""
    assert outbox.unwanted_because(one, mail, at_seven_in_tokyo - timedelta(hours=8)) != ""


def test_a_no_for_now_is_tried_again_later_and_later_for_three_days() -> None:
    mail, now, waits = queued(), NOW, []
    for _ in range(40):
        mail = hand_in(Refused(451, "4.7.1", "451 4.7.1 later", permanent=False, at="recipient"), now)
        if mail.state != "queued":
            break
        waits.append(round((mail.next_try - now) / MINUTE))
        assert claim(now=mail.next_try - MINUTE) == []
        now = mail.next_try
    assert waits[:8] == [5, 15, 30, 60, 120, 240, 360, 360]
    assert (mail.state, mail.reply) == ("failed", "451 4.7.1 later")
    assert timedelta(days=3) <= now - NOW <= timedelta(days=3, hours=6)


def test_a_server_that_cannot_be_reached_is_tried_again_too() -> None:
    queued()
    mail = hand_in(Lost("it cannot be reached", in_doubt=False))
    assert (mail.state, mail.reply, mail.claimed_by) == ("queued", "it cannot be reached", "")


@pytest.mark.parametrize(
    ("refused", "is_gone"),
    [
        (Refused(550, "5.1.1", "550 5.1.1 user unknown", permanent=True, at="recipient"), True),
        (Refused(550, "", "550 No such user here", permanent=True, at="recipient"), True),
        (Refused(550, "5.7.1", "550 5.7.1 blocked by policy", permanent=True, at="recipient"), False),
        (Refused(552, "5.2.2", "552 5.2.2 mailbox full", permanent=True, at="recipient"), False),
        (Refused(554, "5.7.1", "554 5.7.1 looks like spam", permanent=True, at="message"), False),
        (Refused(550, "5.7.1", "550 5.7.1 we know the sender", permanent=True, at="recipient"), False),
    ],
)
def test_a_final_no_fails_and_only_a_missing_mailbox_ends_the_subscription(refused: Refused, is_gone: bool) -> None:
    mail = queued(1)
    later = queued(2, subscription=mail.subscription, next_try=NOW + MINUTE)
    mail = hand_in(refused)
    assert (mail.state, mail.reply) == ("failed", refused.reply)
    one = Subscription.objects.get()
    assert one.state == ("suppressed" if is_gone else "active")
    assert (refused.reply in one.says) is is_gone
    later.refresh_from_db()
    assert later.state == ("suppressed" if is_gone else "queued")


@pytest.mark.parametrize(
    "refused",
    [
        Refused(550, "5.1.8", "550 5.1.8 bad sender", permanent=True, at="sender"),
        Refused(530, "5.7.0", "530 5.7.0 Authentication required", permanent=True, at="sender"),
        Refused(554, "5.7.1", "554 5.7.1 <a@b.example>: Relay access denied", permanent=True, at="recipient"),
        Refused(421, "4.3.2", "421 4.3.2 closing", permanent=False, at="message"),
    ],
)
def test_a_no_to_the_site_itself_fails_no_mail(refused: Refused) -> None:
    queued()
    assert hand_in(refused).state == "queued" and outbox.is_about_us(refused)


def test_an_answer_that_never_came_leaves_the_mail_in_doubt() -> None:
    queued()
    mail = hand_in(Lost("the connection broke", in_doubt=True))
    assert (mail.state, mail.claimed_until, mail.reply) == ("doubtful", NOW, "the connection broke")
    assert claim(now=NOW + timedelta(days=1)) == []


def test_what_a_dead_sender_left_is_taken_up_after_its_lease() -> None:
    queued(1), queued(2)
    begun, untouched = claim()
    outbox.advance(None, begun, NOW)
    assert outbox.recover(NOW + outbox.LEASE) == (0, 0)
    assert outbox.recover(NOW + outbox.LEASE + MINUTE) == (1, 1)
    begun.refresh_from_db()
    untouched.refresh_from_db()
    assert (begun.state, begun.next_try) == ("doubtful", NOW)
    assert (untouched.state, untouched.claimed_by, untouched.tries) == ("queued", "", 0)
    assert claim("two", NOW + 20 * MINUTE) == [untouched]


def test_a_sender_that_lost_its_lease_does_not_begin() -> None:
    queued()
    [mail] = claim("slow")
    outbox.recover(NOW + outbox.LEASE + MINUTE)
    claim("other", NOW + 20 * MINUTE)
    assert not outbox.advance(None, mail, NOW + 21 * MINUTE)


def test_a_sender_that_was_thought_gone_can_still_tell_of_its_mail() -> None:
    queued()
    mail = hand_in(None)
    outbox.recover(NOW + outbox.LEASE + MINUTE)
    outbox.advance(Ended(mail, Accepted("250 taken")), None, NOW + 20 * MINUTE)
    mail.refresh_from_db()
    assert mail.state == "sent"


def test_a_sender_that_ends_gives_back_what_it_did_not_begin() -> None:
    queued(1), queued(2)
    begun, untouched = claim()
    outbox.advance(None, begun, NOW)
    assert outbox.release("one") == 1
    assert {mail.state for mail in Mail.objects.all()} == {"sending", "queued"}
    assert claim("two") == [untouched]


def test_a_dry_run_marks_the_digest_and_forgets_what_it_told() -> None:
    [paper] = announce(1)
    one = subscriber(1)
    digest = Digest.objects.create(subscription=one, first=WEDNESDAY, last=WEDNESDAY, state="composed", made=NOW)
    Told.objects.create(subscription=one, paper=paper, digest=digest)
    queued(subscription=one, digest=digest)
    [mail] = claim()
    outbox.wrote(mail, "mail/dry/token1.eml", NOW)
    mail.refresh_from_db()
    digest.refresh_from_db()
    assert (mail.state, mail.reply, digest.state) == ("suppressed", "dry run: mail/dry/token1.eml", "dry")
    assert not Told.objects.exists()
