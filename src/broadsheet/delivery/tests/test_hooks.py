import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from pytest_django import Settings

from broadsheet.community.tests.factory import NOON, reader
from broadsheet.delivery import hooks, places
from broadsheet.delivery.sending import Message
from broadsheet.delivery.tests.places_of import come, place
from broadsheet.lib.tests.loopback import Loopback, playing

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def server() -> Iterator[Loopback]:
    with playing() as loopback:
        yield loopback


@pytest.fixture
def own_network(settings: Settings) -> None:
    """The operator opened this machine to hooks."""
    settings.CONFIG = replace(settings.CONFIG, values={**settings.CONFIG.values, "hook_hosts": ("127.0.0.1",)})


def message(target: str, *secrets: str) -> Message:
    return Message(
        "webhook", target, "msg_1", {"event": "papers", "title": "Ünïcode"}, 1674087231, secrets or (SECRET,)
    )


def verified(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """A receiver's own check, from the specification alone."""
    lower = {name.lower(): value for name, value in headers.items()}
    key = base64.b64decode(secret.split("_", 1)[1])
    signed = b".".join([lower["webhook-id"].encode(), lower["webhook-timestamp"].encode(), body])
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(f"v1,{expected}", given) for given in lower["webhook-signature"].split(" "))


def test_the_example_of_the_specification_is_signed_as_it_says() -> None:
    body = b'{"test": 2432232314}'
    at, number = 1614265330, "msg_p5jXN8AQM9LWM0D4loKWxJek"
    assert hooks.signature(SECRET, number, at, body) == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_secret_is_as_the_specification_asks() -> None:
    secret = hooks.new_secret()
    assert secret.startswith("whsec_") and len(base64.b64decode(secret[6:], validate=True)) == 32
    assert secret != hooks.new_secret()


def test_a_receiver_can_verify_what_it_gets(server: Loopback, own_network: None) -> None:
    server.answer("/in", status=204)
    assert hooks.send(message(f"{server.base}/in")).state == "sent"
    asked = server.asked[0]
    assert asked.method == "POST" and asked.headers["Content-Type"] == "application/json"
    assert json.loads(asked.body) == {"event": "papers", "title": "Ünïcode"}
    assert verified(SECRET, dict(asked.headers), asked.body)
    assert not verified(hooks.new_secret(), dict(asked.headers), asked.body)
    assert not verified(SECRET, dict(asked.headers), asked.body + b" ")


@pytest.mark.django_db
def test_for_a_day_after_a_change_both_secrets_sign(server: Loopback, own_network: None) -> None:
    server.answer("/in")
    hook = place(reader(), f"{server.base}/in")
    old = hook.secret
    new = places.rotate(hook, now=NOON)
    places.test(hook, now=NOON + timedelta(hours=23))
    places.test(hook, now=NOON + timedelta(hours=25))
    during, after = ({**asked.headers} for asked in server.asked)
    assert verified(old, during, server.asked[0].body) and verified(new, during, server.asked[0].body)
    assert not verified(old, after, server.asked[1].body) and verified(new, after, server.asked[1].body)


@pytest.mark.parametrize(
    ("status", "state"),
    [(200, "sent"), (202, "sent"), (408, "again"), (429, "again"), (500, "again"), (501, "again"), (503, "again"),
     (410, "gone"), (400, "failed"), (401, "failed"), (404, "failed"), (302, "failed"), (304, "failed")],
)  # fmt: skip
def test_what_an_answer_means(status: int, state: str, server: Loopback, own_network: None) -> None:
    server.answer("/in", status=status, Location=f"{server.base}/other", Retry_After="90")
    outcome = hooks.send(message(f"{server.base}/in"))
    assert (outcome.state, outcome.status) == (state, status)
    assert bool(outcome.says) == (state != "sent")
    assert outcome.wait == (90.0 if state == "again" and status != 501 else None)
    assert len(server.asked) == 1


def test_a_connection_that_breaks_is_tried_again(server: Loopback, own_network: None) -> None:
    server.answer("/secret-path-of-mine", b"x" * 10, cut=True)
    outcome = hooks.send(message(f"{server.base}/secret-path-of-mine?token=abcdefgh12"))
    assert (outcome.state, outcome.status) == ("again", 0)
    assert "secret-path" not in outcome.says and "abcdefgh12" not in outcome.says


@pytest.mark.parametrize(
    "target",
    ["http://127.0.0.1/", "http://10.1.2.3/", "http://[::1]/", "http://169.254.169.254/latest", "http://2130706433/",
     "http://0x7f.1/", "http://localhost/", "http://[::ffff:10.0.0.1]/", "https://0.0.0.0/", "http://100.64.0.1/"],
)  # fmt: skip
def test_private_addresses_are_never_asked(target: str) -> None:
    outcome = hooks.send(message(target))
    assert outcome.state == "failed" and "not a public address" in outcome.says


def test_a_name_that_leads_into_the_private_network_is_never_asked(
    monkeypatch: pytest.MonkeyPatch, server: Loopback
) -> None:
    door = replace(hooks.door(), resolve=lambda host, port: ["127.0.0.1"])
    monkeypatch.setattr(hooks, "door", lambda: door)
    outcome = hooks.send(message("http://rebinding.example/in"))
    assert outcome.state == "failed" and not server.asked


@pytest.mark.django_db
def test_a_test_is_marked_and_noted_nowhere(server: Loopback, own_network: None) -> None:
    server.answer("/in")
    come([1], at=NOON - timedelta(hours=1))
    hook = place(reader(), f"{server.base}/in")
    assert places.test(hook, now=NOON).state == "sent"
    body = json.loads(server.asked[0].body)
    assert body["event"] == "test" and [paper["id"] for paper in body["papers"]] == ["2611.00001"]
    assert not hook.deliveries.exists()
