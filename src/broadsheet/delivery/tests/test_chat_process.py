import json
import socket
from typing import Any

import pytest

from broadsheet.delivery import chat_process
from broadsheet.delivery.chat_process import SERVICES, Guard, answered
from broadsheet.delivery.tests.test_text import message

# Apprise imports what Python 3.13 drops, each where it can do without.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"


def looked(target: str) -> dict[str, Any]:
    return answered({"do": "look", "target": target, "message": message(), "hosts": []})


def guard(addresses: dict[str, str], *hosts: str) -> Guard:
    def look_up(host: str, port: object, *args: object, **kwargs: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (addresses[host], port))]

    return Guard(frozenset(hosts), look_up)


@pytest.mark.parametrize(
    ("target", "service"),
    [
        (SLACK, "Slack"),
        ("https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", "Slack"),
        ("discord://123456789012345678/abcdefghijklmnopqrst", "Discord"),
        ("tgram://123456789:abcdefg_hijklmnop/12315544/", "Telegram"),
        ("matrixs://token@matrix.example/#room", "Matrix"),
        ("feishu://abcdefgh", "Feishu"),
        ("workflows://host.example:443/wf1234/sig123", "Power Automate / Workflows (for MSTeams)"),
        ("mmosts://mm.example/abcdefgh", "Mattermost"),
        ("ntfys://topic", "ntfy"),
        ("gchat://space/key/token", "Google Chat"),
        ("dingtalk://abcdefgh", "DingTalk"),
        ("wecombot://abcdef-1234", "WeCom Bot"),
        ("rockets://user:pass@host.example/#chan", "Rocket.Chat"),
    ],
)
def test_the_address_of_a_chat_is_read(target: str, service: str) -> None:
    answer = looked(target)
    assert answer["ok"] and answer["service"] == service and "Trending" in answer["text"]


@pytest.mark.parametrize(
    "target",
    [
        "", "nonsense", "json://127.0.0.1", "xml://host", "form://host", "syslog://", "rsyslog://host",
        "file:///etc/passwd", "mailto://a:b@host.example", "exec://ls", "dbus://", "mqtt://host", "snmp://host",
        "irc://host/#x", "gnome://", "windows://", "macosx://", "https://host.example/", "apprise://host/token",
        "smpp://u:p@host/1/2", "growl://host", "slack://", "workflows://x", SLACK + "\n", "slack://" + "a" * 3000,
        "amqp://host/q", "xmpp://u:p@host", "memcache://h", "include://x", "\ud800",
    ],
)  # fmt: skip
def test_everything_else_is_refused(target: str) -> None:
    answer = looked(target)
    assert answer["ok"] is False and answer["says"]


@pytest.mark.parametrize("option", ["template=/etc/passwd", "template=file:///etc/passwd", "attach=/etc/passwd"])
@pytest.mark.parametrize(
    "target",
    [
        SLACK,
        "discord://123456789012345678/abcdefghijklmnopqrst",
        "tgram://1234567:abcdefg_hijklmnop/1",
        "workflows://host.example:443/wf1234/sig123",
    ],
)
def test_no_option_of_an_address_reads_a_file(option: str, target: str) -> None:
    assert looked(f"{target}/?{option}")["says"] == chat_process.NO_FILES


def test_every_service_of_the_list_is_there_and_none_that_needs_more_than_requests() -> None:
    from apprise.manager_plugins import NotificationManager

    plugins = NotificationManager()  # type: ignore[no-untyped-call]
    for schema in SERVICES:
        plugin = plugins[schema]
        assert plugin.enabled, schema
        assert not plugin.requirements.get("packages_required"), schema


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "169.254.169.254", "192.168.1.1", "::1", "::ffff:10.0.0.1", "fe80::1", "0.0.0.0"],
)
def test_a_name_that_leads_to_a_private_address_is_not_looked_up(address: str) -> None:
    with pytest.raises(OSError, match="not a public address"):
        guard({"chat.example": address}).addresses("chat.example", 443)


def test_only_the_usual_ports_are_asked_but_for_hosts_of_the_operators_own() -> None:
    addresses = {"chat.example": "93.184.216.34", "chat.lan": "10.0.0.7"}
    assert guard(addresses).addresses("chat.example", 443)
    with pytest.raises(OSError, match="port 22"):
        guard(addresses).addresses("chat.example", 22)
    own = guard(addresses, "chat.lan")
    assert own.addresses("chat.lan", 8065)
    own.check(("10.0.0.7", 8065))
    with pytest.raises(OSError, match="not a public"):
        own.check(("10.0.0.8", 80))


@pytest.mark.parametrize(
    "address", [("127.0.0.1", 80), ("::1", 80, 0, 0), "/run/docker.sock", ("localhost", 80), b"x", ()]
)
def test_nothing_connects_past_the_guard(address: object) -> None:
    with guard({}).standing(), socket.socket() as made, pytest.raises(OSError, match="public|Internet"):
        made.connect(address)  # type: ignore[arg-type]


def test_the_guard_leaves_as_it_came() -> None:
    before = socket.getaddrinfo, socket.socket
    with guard({}).standing():
        assert socket.getaddrinfo is not before[0]
    assert (socket.getaddrinfo, socket.socket) == before


@pytest.mark.parametrize("target", ["mmost://127.0.0.1/abcdefgh", "mmost://2130706433/abcdefgh", "mmost://localhost/abcdefgh",
                                    "ntfy://169.254.169.254/topic", "matrix://token@10.0.0.1/#room", "mmost://[::1]/abcdefgh",
                                    "rocket://u:p@0x7f000001/#c", "gotify://127.1/token"])  # fmt: skip
def test_private_addresses_are_refused(target: str) -> None:
    answer = answered({"do": "send", "target": target, "message": message(), "hosts": []})
    assert answer["ok"] is False and (answer.get("refused") or "not a public address" in answer["says"])
    assert not answer.get("status")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is posted, instead of posting it."""
    import requests

    bodies: list[str] = []

    def play(session: requests.Session, request: requests.PreparedRequest, **options: object) -> requests.Response:
        body = request.body
        bodies.append(body.decode() if isinstance(body, bytes) else str(body or ""))
        answer = requests.Response()
        answer.status_code, answer._content = 200, b"ok"
        return answer

    monkeypatch.setattr(requests.Session, "send", play)
    return bodies


@pytest.mark.parametrize(
    ("target", "parts"),
    [
        (SLACK, ["<https://b.example/papers/a%281%29|On ‹b›bold‹/b› (claims)(https://evil.example) ∗and∗"]),
        ("gchat://space/key/token", ["<https://b.example/trending|Trending>", "(claims)(https://evil.example) ∗and∗"]),
        ("discord://123456789012345678/abcdefghijklmnopqrst", [r"\[claims\](https://evil.example)", "**[Trending]("]),
        ("tgram://123456789:abcdefg_hijklmnop/12315544/", ["On &lt;b&gt;bold&lt;/b&gt; [claims]", "\r\n\u2063\r\n"]),
        ("feishu://abcdefgh", ["On <b>bold</b> [claims](https://evil.example) *and*\u0020@\u200beveryone\nhttps://b.example"]),
        ("workflows://host.example:443/wf1234/sig123", ["Ada, Bo and others · 3 votes  \n"]),
        ("dingtalk://abcdefgh", ["**[Trending](https://b.example/trending)**"]),
        ("wecombot://abcdef-1234", ["https://b.example/papers/a(1)"]),
        ("ntfys://topic", ["Trending · Broadsheet"]),
    ],
)  # fmt: skip
def test_each_service_gets_what_it_can_show(target: str, parts: list[str], sent: list[str]) -> None:
    answer = answered({"do": "send", "target": target, "message": message(), "hosts": []})
    assert answer["ok"] and answer["status"] == 200, answer
    told = "\n".join(str(value) for value in _strings(json.loads(sent[-1])))
    for part in parts:
        assert part in told, told
    # Nothing but Broadsheet is named, and no picture is fetched for it.
    assert "pprise" not in sent[-1]


def _strings(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for each in value.values() for text in _strings(each)]
    if isinstance(value, list):
        return [text for each in value for text in _strings(each)]
    return [value] if isinstance(value, str) else []


def test_answers_are_json() -> None:
    assert json.loads(json.dumps(looked(SLACK)))["service"] == "Slack"
