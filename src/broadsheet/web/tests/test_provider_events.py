import hashlib
import hmac
import json
import random
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from django.conf import settings
from django.test import Client, override_settings

from broadsheet.config import Config
from broadsheet.digest import providers
from broadsheet.digest.models import Bounced, Mail, Subscription
from broadsheet.digest.tests.people import subscriber
from broadsheet.digest.tests.returned import mailed
from broadsheet.mail.services import KEY_PARTS

pytestmark = pytest.mark.django_db
SECRET = "desk:a-long-secret"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
Posted = Callable[..., int]


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("broadsheet.web.views.provider_events.now", lambda: NOW)


@pytest.fixture
def client() -> Client:
    return Client(enforce_csrf_checks=True, raise_request_exception=True)


def using(provider: str, secret: str = SECRET) -> override_settings:
    values = {**settings.CONFIG.values, "mail_provider": provider, "mail_provider_secret": secret}
    return override_settings(CONFIG=Config(settings.CONFIG.home, values))


@pytest.fixture
def postmark(client: Client) -> Iterator[Posted]:
    """Post a report as Postmark does; gives the status of the answer."""

    def post(auth: str = SECRET, **fields: object) -> int:
        headers = {"Authorization": f"Basic {b64encode(auth.encode()).decode()}"} if auth else {}
        body = json.dumps(fields)
        answer = client.post("/digest/events/postmark/", body, content_type="application/json", headers=headers)
        return answer.status_code

    with using("postmark"):
        yield post


def hard(mail: Mail, **fields: object) -> dict[str, object]:
    said = "smtp;550 5.1.1 User unknown"
    made: dict[str, object] = {
        "RecordType": "Bounce",
        "Type": "HardBounce",
        "ID": 7,
        "MessageID": "ab-cd",
        "Email": mail.address,
        "Details": said,
        "BouncedAt": "2026-11-20T10:00:00Z",
        "Metadata": {"mail": mail.token},
    }
    return made | fields


def state() -> str:
    return Subscription.objects.get().state


def test_a_hard_bounce_ends_a_subscription_once(postmark: Posted) -> None:
    sent = mailed()

    assert [postmark(**hard(sent)), postmark(**hard(sent))] == [200, 200]

    assert state() == "suppressed"
    row = Bounced.objects.get()
    assert (row.kind, row.mail, row.came_by, row.reason) == ("hard", sent, "provider", "userunknown")
    assert b"HardBounce" in bytes(row.raw)


@pytest.mark.parametrize("auth", ["", "desk:wrong", "a-long-secret", "desk"])
def test_nothing_is_heard_without_the_password(auth: str, postmark: Posted) -> None:
    assert postmark(auth, **hard(mailed())) == 400
    assert (state(), Bounced.objects.count()) == ("active", 0)


def test_a_soft_bounce_counts_and_a_delay_does_not(postmark: Posted) -> None:
    sent = mailed()

    postmark(**hard(sent, Type="SoftBounce", Details="smtp;452 4.2.2 Mailbox full"))
    postmark(**hard(mailed(sent.subscription, 2), Type="Transient", Details=""))
    postmark(**hard(mailed(sent.subscription, 2 + 1), Type="Transient", Details=""))

    found = Subscription.objects.get()
    assert (found.state, found.soft_bounces) == ("active", 1)
    assert list(Bounced.objects.order_by("pk").values_list("kind", flat=True)) == ["soft", "late", "late"]


def test_what_a_service_calls_hard_but_was_refused_as_spam_is_soft(postmark: Posted) -> None:
    postmark(**hard(mailed(), Details="smtp;550 5.7.1 Message looks like spam"))

    assert state() == "active"


def test_hard_without_a_word_of_the_server_is_hard(postmark: Posted) -> None:
    postmark(**hard(mailed(), Details=""))

    assert state() == "suppressed"


def test_a_complaint_ends_it(postmark: Posted) -> None:
    postmark(**hard(mailed(), RecordType="SpamComplaint", Type="SpamComplaint"))

    assert (state(), Bounced.objects.get().kind) == ("suppressed", "complaint")


def test_who_stops_at_the_service_is_stopped(postmark: Posted) -> None:
    sent = mailed()
    told = hard(sent, RecordType="SubscriptionChange", SuppressSending=True, SuppressionReason="ManualSuppression")
    told |= {"Recipient": sent.address, "ChangedAt": "2026-11-20T10:00:00Z"}

    postmark(**told)
    assert state() == "stopped"

    Subscription.objects.update(state="active", ended=None)
    postmark(**told)
    assert state() == "active"


def test_an_arrival_settles_a_mail_in_doubt_and_ends_the_row_of_soft_ones(postmark: Posted) -> None:
    sent = mailed(subscriber(soft_bounces=3), state="doubtful")

    assert postmark(**hard(sent, RecordType="Delivery", Recipient=sent.address)) == 200

    assert Mail.objects.get().state == "sent"
    assert Subscription.objects.get().soft_bounces == 0
    assert Bounced.objects.count() == 0


def test_an_address_is_enough_if_a_mail_went_to_it_of_late(postmark: Posted) -> None:
    sent = mailed()
    assert postmark(**hard(sent, Metadata={})) == 200
    assert state() == "suppressed"


def test_what_others_send_through_the_same_account_is_passed_over(postmark: Posted) -> None:
    mailed(number=1)
    Mail.objects.update(queued=datetime(2026, 9, 1, tzinfo=UTC))

    for told in (hard(Mail.objects.get(), Metadata={}), hard(Mail.objects.get(), Metadata={}, Email="x@y.example")):
        assert postmark(**told) == 200

    assert (state(), Bounced.objects.count()) == ("active", 0)


def test_it_is_there_only_for_the_service_of_the_settings(client: Client) -> None:
    for provider, secret in (("postmark", ""), ("brevo", SECRET), ("", SECRET), ("scaleway", SECRET)):
        with using(provider, secret):
            assert client.post("/digest/events/postmark/", "{}", content_type="application/json").status_code == 404
    with using("scaleway"):
        assert client.post("/digest/events/scaleway/", "{}", content_type="application/json").status_code == 404


def test_other_ways_to_ask_change_nothing(client: Client) -> None:
    with using("postmark"):
        assert client.get("/digest/events/postmark/").status_code == 405
        assert client.head("/digest/events/postmark/").status_code == 200


def mailgun(mail: Mail, key: str, event: str = "failed", **fields: object) -> str:
    stamp, token = "1795168800", "t" * 50
    signature = hmac.new(key.encode(), f"{stamp}{token}".encode(), hashlib.sha256).hexdigest()
    data: dict[str, object] = {
        "event": event,
        "severity": "permanent",
        "timestamp": 1795168800.5,
        "recipient": mail.address,
        "message": {"headers": {"message-id": mail.message_id.strip("<>")}},
        "delivery-status": {"message": "5.1.1 The email account does not exist", "code": 550},
    }
    return json.dumps(
        {"signature": {"timestamp": stamp, "token": token, "signature": signature}, "event-data": data | fields}
    )


def test_signed_reports_are_matched_by_message_id(client: Client) -> None:
    sent = mailed()

    def post(body: str) -> int:
        return client.post("/digest/events/mailgun/", body, content_type="application/json").status_code

    with using("mailgun", "signing-key"):
        assert post(mailgun(sent, "another key")) == 400
        assert state() == "active"
        assert post(mailgun(sent, "signing-key", severity="temporary")) == 200
        assert state() == "active"
        assert post(mailgun(sent, "signing-key")) == 200

    assert state() == "suppressed"
    assert list(Bounced.objects.order_by("pk").values_list("kind", "mail")) == [("late", sent.pk), ("hard", sent.pk)]


def test_reports_of_mandrill_are_signed_with_their_address(client: Client) -> None:
    sent = mailed()
    told = {"event": "hard_bounce", "ts": 1795168800, "_id": "x", "msg": {"email": sent.address, "diag": ""}}
    told["msg"] |= {"metadata": {"mail": sent.token}}  # type: ignore[operator]
    events = json.dumps([told])
    with using("mandrill", "key"):
        address = f"{providers_address()}mandrill/"
        signed = hmac.new(b"key", f"{address}mandrill_events{events}".encode(), hashlib.sha1).digest()
        answer = client.post(
            "/digest/events/mandrill/",
            {"mandrill_events": events},
            headers={"X-Mandrill-Signature": b64encode(signed).decode()},
        )

    assert answer.status_code == 200
    assert state() == "suppressed"


def providers_address() -> str:
    from broadsheet.export.address import absolute

    return absolute("/digest/events/")


@pytest.mark.thorough
@pytest.mark.parametrize("provider", sorted(providers.PROVIDERS))
def test_no_service_is_heard_unsigned_and_nonsense_is_refused(provider: str, client: Client) -> None:
    chance = random.Random(provider)
    bodies = ["", "{}", "[]", "null", "[null]", '"x"', "[" * 20_000, '{"signature": 3}', '{"auth": 1, "events": [1]}']
    bodies += ["".join(chance.choices('{}[]",:0aé\x00', k=60)) for _ in range(5)]
    with using(provider):
        for body in bodies:
            for kind in ("application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
                answer = client.post(f"/digest/events/{provider}/", body.encode(), content_type=kind)
                assert answer.status_code == 400, (body[:60], kind)
    assert Bounced.objects.count() == 0


@pytest.mark.parametrize("provider", sorted(name for name, one in providers.PROVIDERS.items() if not one.secret))
def test_nonsense_with_the_password_never_breaks(provider: str, client: Client) -> None:
    headers = {"Authorization": f"Basic {b64encode(SECRET.encode()).decode()}"}
    bodies = ["{}", "[]", "null", "[null]", "[" * 20_000, '[{"event": "bounce"}]', '{"RecordType": "Bounce"}']
    bodies += ['[{"msys": {"message_event": {"type": "bounce", "timestamp": "x"}}}]', '{"event": "hard_bounce"}']
    with using(provider):
        for body in bodies:
            answer = client.post(
                f"/digest/events/{provider}/", body.encode(), content_type="application/json", headers=headers
            )
            assert answer.status_code in (200, 400), body[:60]


def test_every_service_that_reports_can_send() -> None:
    assert set(providers.PROVIDERS) <= set(KEY_PARTS)
