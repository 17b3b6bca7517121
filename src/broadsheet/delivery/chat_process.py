"""A process that hands one message to a chat through Apprise: JSON in on stdin, JSON out on stdout.

Apprise opens connections itself, outside our one door to the network. So it does that here, alone, where every name
that is looked up and every address that is connected to must be public, or belong to a host the operator named; where
only services of the list below exist, each of which makes web requests and nothing else; and where a limit of time and
memory ends it. No Django, no settings, no record: what it needs comes by stdin, so that no secret stands among the
arguments of a process.

In: {"do": "look" | "send", "target", "message", "hosts": [...], "seconds"}.
Out: {"ok", "service", "title", "text", "status", "wait", "says"}.
"""

import ipaddress
import json
import logging
import resource
import socket
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from broadsheet.delivery.text import rendered
from broadsheet.lib.addresses import is_public
from broadsheet.lib.processes import end_with_parent

if TYPE_CHECKING:
    from requests import PreparedRequest, Response, Session

# By schema: how a message is written for it, and whether its markup is handed over untouched because the service reads
# it by itself. Each of them needs nothing but requests.
SERVICES: Final[Mapping[str, tuple[str, bool]]] = {
    "slack": ("links", False),
    "discord": ("markdown", True),
    "tgram": ("html", False),
    "matrix": ("html", False),
    "matrixs": ("html", False),
    "feishu": ("text", True),
    "lark": ("text", True),
    "workflow": ("links", False),
    "workflows": ("links", False),
    "mmost": ("markdown", True),
    "mmosts": ("markdown", True),
    "ntfy": ("text", True),
    "ntfys": ("text", True),
    "gchat": ("links", False),
    "dingtalk": ("links", False),
    "wecombot": ("text", True),
    "rocket": ("links", False),
    "rockets": ("links", False),
    "zulip": ("markdown", True),
    "webex": ("links", False),
    "wxteams": ("links", False),
    "gotify": ("text", True),
    "gotifys": ("text", True),
    "nctalk": ("text", True),
    "nctalks": ("text", True),
    "mastodons": ("text", True),
    "toots": ("text", True),
    "bsky": ("text", True),
    "bluesky": ("text", True),
    "kook": ("links", False),
    "cliq": ("links", False),
    "twist": ("links", False),
    "line": ("text", True),
    "pover": ("text", True),
    "pbul": ("text", True),
    "synology": ("text", True),
    "synologys": ("text", True),
}
# Their names among Apprise's formats.
FORMATS: Final = {"markdown": "markdown", "links": "markdown", "html": "html", "text": "text"}
# A message names us alone, and no picture is fetched from anywhere for it.
OURS: Final[Mapping[str, Any]] = {
    "app_id": "Broadsheet",
    "app_desc": "Broadsheet",
    "app_url": "",
    "image_url_mask": "",
    "image_url_logo": "",
    "image_path_mask": "",
    "allow_templates": False,
    "secure_logging": True,
    "async_mode": False,
    "service_timeout": 0,
}
# Options of an address by which Apprise would read files of this machine.
READS_FILES: Final = frozenset({"template", "attach", "config", "include", "keyfile", "file"})
INCOMPLETE: Final = "Something is missing in that address, or a part of it is not as the service has it."
NO_FILES: Final = "Options that read files are not allowed in an address."
# Services that show a title apart from the text; elsewhere it would stand there twice.
TITLED: Final = ("ntfy", "Gotify", "Pushover", "Pushbullet")
PORTS: Final = (80, 443)
MOST_MEMORY: Final = 2**30
LONGEST_TARGET: Final = 2000
LONGEST_SAID: Final = 300


class Plugin(Protocol):
    """What is used of a service of Apprise's."""

    service_name: str
    body_maxlen: int
    title_maxlen: int

    def notify(self, *, body: str, title: str, body_format: object) -> object:
        """Send, and say whether that went well."""


class Refused(Exception):
    """An address or a host that is not used; its text says why."""


@dataclass
class Guard:
    """Lets connections be made to public addresses at the usual ports, and to the hosts that the operator named."""

    hosts: Collection[str]
    look_up: Callable[..., list[Any]] = socket.getaddrinfo
    own: set[str] = field(default_factory=set)
    refused: str = ""

    def addresses(self, host: str | bytes | None, port: object, *args: object, **kwargs: object) -> list[Any]:
        """Look a host up as socket.getaddrinfo does. Raises OSError where it leads to what is not public."""
        name = host.decode() if isinstance(host, bytes) else host or ""
        found = self.look_up(host, port, *args, **kwargs)
        reached = {str(entry[4][0]) for entry in found}
        if name in self.hosts:
            self.own |= reached
        elif not reached or not all(map(is_public, reached)):
            raise self._no(f"{name} is not a public address, so it is not asked")
        elif port not in PORTS:
            raise self._no(f"{name} is asked at port {port}: only 80 and 443 are")
        return found

    def check(self, address: object) -> None:
        """Hold what is connected to once more to the same rule. Raises OSError."""
        reached = str(address[0]) if isinstance(address, tuple) and address else ""
        try:
            ipaddress.ip_address(reached)
        except ValueError:
            raise self._no("only addresses of the Internet are connected to") from None
        if not is_public(reached) and reached not in self.own:
            raise self._no(f"{reached} is not a public address, so it is not asked")

    def _no(self, says: str) -> OSError:
        self.refused = says
        return OSError(says)

    @contextmanager
    def standing(self) -> Iterator[None]:
        """Stand between this process and the network."""
        guard, socket_type = self, socket.socket

        class Guarded(socket_type):  # type: ignore[misc, valid-type]
            def connect(self, address: object) -> None:
                guard.check(address)
                super().connect(address)

            def connect_ex(self, address: object) -> int:
                guard.check(address)
                return int(super().connect_ex(address))

            def sendto(self, *args: object) -> int:
                guard.check(args[-1])
                return int(super().sendto(*args))

        look_up = socket.getaddrinfo
        socket.getaddrinfo, socket.socket = self.addresses, Guarded  # type: ignore[misc]
        try:
            yield
        finally:
            socket.getaddrinfo, socket.socket = look_up, socket_type  # type: ignore[misc]


def plugin_of(target: str) -> tuple[Plugin, str, bool]:
    """Read an address; give the service it names, ready to send, with the form of its messages. Raises Refused."""
    from apprise import Apprise, AppriseAsset
    from apprise.plugins import url_to_dict

    if len(target) > LONGEST_TARGET or not target.isprintable():
        raise Refused("That is no address of a chat.")
    parsed: dict[str, Any] | None = url_to_dict(target)  # type: ignore[no-untyped-call]
    schema = str((parsed or {}).get("schema", ""))
    if not parsed and target.partition("://")[0].lower() in SERVICES:
        raise Refused(INCOMPLETE)
    if not parsed or schema not in SERVICES:
        raise Refused("That is no address of a chat that Broadsheet knows.")
    if any(parsed.get(name) or (parsed.get("qsd") or {}).get(name) for name in READS_FILES):
        raise Refused(NO_FILES)
    form, untouched = SERVICES[schema]
    parsed |= {"overflow": "truncate"} | ({} if untouched else {"format": FORMATS[form]})
    asset = AppriseAsset(**OURS)
    plugin = Apprise.instantiate(parsed, asset=asset)
    if not plugin:
        raise Refused(INCOMPLETE)
    if getattr(plugin, "template", None):
        raise Refused(NO_FILES)
    return cast(Plugin, plugin), form, untouched


def look(target: str, message: Mapping[str, Any]) -> dict[str, Any]:
    """Say which service an address is of, and what it would get. Raises Refused."""
    plugin, form, _untouched = plugin_of(target)
    title, text = rendered(message, form, int(plugin.body_maxlen))
    return {"ok": True, "service": str(plugin.service_name), "title": _title(plugin, title), "text": text}


def send(target: str, message: Mapping[str, Any], guard: Guard) -> dict[str, Any]:
    """Hand a message over. Raises Refused."""
    from apprise import NotifyFormat

    plugin, form, untouched = plugin_of(target)
    title, text = rendered(message, form, int(plugin.body_maxlen))
    declared = NotifyFormat.TEXT if untouched else NotifyFormat(FORMATS[form])
    with guard.standing(), listening() as (answers, said):
        ok = bool(plugin.notify(body=text, title=_title(plugin, title), body_format=declared))
    status, wait = answers[-1] if answers else (0, "")
    says = "" if ok else guard.refused or said.first()
    return {"ok": ok, "service": str(plugin.service_name), "status": status, "wait": wait, "says": says}


@contextmanager
def listening() -> "Iterator[tuple[list[tuple[int, str]], Said]]":
    """Note every answer that comes in, its status and when it asks us back, and what Apprise complains of."""
    from requests import Session

    answers: list[tuple[int, str]] = []
    said, log, sent = Said(), logging.getLogger("apprise"), Session.send

    def noted(session: "Session", request: "PreparedRequest", **options: Any) -> "Response":  # noqa: ANN401
        response = sent(session, request, **options)
        answers.append((response.status_code, response.headers.get("retry-after", "")))
        return response

    Session.send = noted  # type: ignore[assignment, method-assign]
    log.addHandler(said)
    try:
        yield answers, said
    finally:
        Session.send = sent  # type: ignore[method-assign]
        log.removeHandler(said)


def _title(plugin: Plugin, title: str) -> str:
    """A title only where the service shows one apart from the text."""
    return title[: int(plugin.title_maxlen)] if plugin.service_name in TITLED else ""


class Said(logging.Handler):
    """Keeps what Apprise complained of."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self.lines.append(record.getMessage())

    def first(self) -> str:
        """Give the first complaint, which names the cause; those after it follow from it."""
        return self.lines[0][:LONGEST_SAID] if self.lines else "It did not take the message."


def answered(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Do what is asked for."""
    try:
        if asked["do"] == "look":
            return look(asked["target"], asked["message"])
        return send(asked["target"], asked["message"], Guard(frozenset(asked["hosts"])))
    except Refused as refusal:
        return {"ok": False, "refused": True, "says": str(refusal)}


def main() -> None:
    """Read what is asked for, do it, answer, end."""
    end_with_parent()
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    logging.getLogger("apprise").propagate = False
    asked = json.load(sys.stdin)
    json.dump(answered(asked), sys.stdout)


if __name__ == "__main__":
    main()
