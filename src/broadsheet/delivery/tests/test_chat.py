"""Messages handed over for real: the process of its own, Apprise in it, and a small server that plays a Mattermost."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from pytest_django import Settings

from broadsheet.delivery import chat
from broadsheet.delivery.sending import Message
from broadsheet.delivery.tests.test_text import message
from broadsheet.lib.tests.loopback import Loopback, playing

pytestmark = pytest.mark.slow


@pytest.fixture
def server() -> Iterator[Loopback]:
    with playing() as loopback:
        yield loopback


@pytest.fixture
def own_network(settings: Settings) -> None:
    settings.CONFIG = replace(settings.CONFIG, values={**settings.CONFIG.values, "hook_hosts": ("127.0.0.1",)})


def to(target: str, seconds: float = 0.0) -> Message:
    return Message("chat", target, "1", message(), 0, (), seconds)


def test_a_message_arrives(server: Loopback, own_network: None) -> None:
    server.answer("/hooks/abcdefgh", "ok")
    outcome = chat.send(to(f"mmost://127.0.0.1:{server.port}/abcdefgh"))
    assert (outcome.state, outcome.status) == ("sent", 200)
    text = json.loads(server.asked[0].body)["text"]
    assert "**[Trending](https://b.example/trending)**" in text and "3 votes" in text


def test_what_the_service_answers_is_said_without_the_address(server: Loopback, own_network: None) -> None:
    server.answer("/hooks/abcdefgh", "no", status=403)
    server.answer("/hooks/abcdefgh", "later", status=429, Retry_After="77")
    refused, later = (chat.send(to(f"mmost://127.0.0.1:{server.port}/abcdefgh")) for _ in range(2))
    assert (refused.state, refused.status) == ("failed", 403) and "abcdefgh" not in refused.says
    assert (later.state, later.status, later.wait) == ("again", 429, 77.0)


def test_a_private_address_is_refused_and_never_asked(server: Loopback) -> None:
    outcome = chat.send(to(f"mmost://127.0.0.1:{server.port}/abcdefgh"))
    assert outcome.state == "failed" and "not a public address" in outcome.says
    assert not server.asked


def test_a_redirect_into_the_private_network_is_not_followed(server: Loopback, own_network: None) -> None:
    server.answer("/hooks/abcdefgh", status=302, Location=f"http://localhost:{server.port}/inside")
    server.answer("/inside", "secrets")
    outcome = chat.send(to(f"mmost://127.0.0.1:{server.port}/abcdefgh?redirect=yes"))
    assert outcome.state != "sent"
    assert [asked.path for asked in server.asked] == ["/hooks/abcdefgh"]


def test_a_service_that_hangs_is_cut_off(server: Loopback, own_network: None) -> None:
    server.answer("/hooks/abcdefgh", b"x" * 1000, drip=0.05)
    outcome = chat.send(to(f"mmost://127.0.0.1:{server.port}/abcdefgh", seconds=1.5))
    assert (outcome.state, outcome.slow) == ("again", True)


def test_an_address_is_looked_at_without_being_asked(server: Loopback) -> None:
    seen = chat.look(f"mmost://127.0.0.1:{server.port}/abcdefgh", message())
    assert seen["service"] == "Mattermost" and "Trending" in seen["text"] and not server.asked
    with pytest.raises(chat.NoChat, match="no address of a chat"):
        chat.look("mailto://a:b@host.example", message())
