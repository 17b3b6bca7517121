"""Hands mails to a server by SMTP, and tells what became of each: accepted, refused, or lost on the way.

One message has one recipient and an envelope of its own. Whatever breaks before the end of the message was written is
safe to try again; only a connection that breaks between that and its answer leaves doubt.
"""

import re
import smtplib
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Literal
from urllib.parse import unquote, urlsplit

from broadsheet.mail.messages import address, host, needs_utf8

At = Literal["connection", "login", "sender", "recipient", "message"]
ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})\b")
GO_ON = 354
CLOSING = 421


@dataclass(frozen=True, slots=True)
class Accepted:
    """The server took the message; it is now its to deliver."""

    reply: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The server said no.

    code, enhanced: of the reply (RFC 5321, RFC 3463); enhanced "" where there was none. at: to what it said no.
    permanent: this message will never be taken from this sender for this recipient. A no to the connection or the
    login says nothing of the message, so it is never permanent.
    """

    code: int
    enhanced: str
    reply: str
    permanent: bool
    at: At


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection could not be made, or broke. in_doubt: the server may have taken the message all the same."""

    reason: str
    in_doubt: bool


Outcome = Accepted | Refused | Lost


@dataclass(frozen=True, slots=True)
class Server:
    """Where mails are handed in, and how.

    secure: "tls" at once, "starttls" (nothing is sent without it) or "plain". hello: the name that we call ourselves.
    timeout: for each command, in seconds; answer_timeout: for the answer to a whole message (RFC 5321, 4.5.3.2.6).
    """

    host: str
    port: int
    secure: Literal["tls", "starttls", "plain"]
    user: str = ""
    password: str = field(default="", repr=False)
    hello: str = "[127.0.0.1]"
    timeout: float = 30.0
    answer_timeout: float = 300.0

    def __post_init__(self) -> None:
        if self.user and self.secure == "plain":
            raise ValueError("a password is never sent over a connection without TLS")
        if not (self.user + self.password).isascii():
            raise ValueError("a user and a password for mail can only hold ASCII")


def server(url: str, *, hello: str = "[127.0.0.1]") -> Server:
    """Read smtp://user:password@host:port, or smtps:// for TLS at once.

    smtp:// turns to TLS by STARTTLS before anything is said; without a password, a server on this machine and one at
    port 25 are spoken to in the clear. Raises ValueError, in words for the operator, without the password.
    """
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError as error:
        raise ValueError("the port of the mail server is not a number up to 65535") from error
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ValueError("a mail server is written smtp://user:password@host:port, or smtps:// with TLS at once")
    name = parts.hostname if ":" in parts.hostname else host(parts.hostname)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    secure: Literal["tls", "starttls", "plain"] = "tls" if parts.scheme == "smtps" else "starttls"
    port = port or (465 if secure == "tls" else 587)
    if secure == "starttls" and not user and (_is_here(name) or port == 25):
        secure = "plain"
    return Server(name, port, secure, user, password, hello)


class Pool:
    """Connections to one server, each used for up to `per_connection` messages; any number of threads may send.

    There are as many connections as threads that send at one moment: the caller limits them.
    """

    def __init__(self, server: Server, *, per_connection: int = 100, context: ssl.SSLContext | None = None) -> None:
        self.server = server
        self.per_connection = per_connection
        self.context = context or (ssl.create_default_context() if server.secure != "plain" else None)
        self._idle: list[Connection] = []
        self._lock = threading.Lock()

    def send(self, sender: str, to: str, message: bytes) -> Outcome:
        """Send a message with CRLF line ends to one recipient.

        sender: of the envelope, "" for none. Nothing is raised for what a server or the network does; Unsendable if
        an address is none, before anything is sent.
        """
        envelope = (address(sender) if sender else "", address(to))
        connection = self._take()
        if connection:
            outcome = self._use(connection, envelope, message)
            # It had served before, so that it is gone now says nothing of the server; nothing was sent yet.
            if not _went_away(outcome):
                return outcome
        try:
            connection = Connection(self.server, self.context)
        except _Stop as stop:
            return stop.outcome
        return self._use(connection, envelope, message)

    def close(self) -> None:
        """Say goodbye on the connections that wait for work."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.quit()

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _take(self) -> "Connection | None":
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _use(self, connection: "Connection", envelope: tuple[str, str], message: bytes) -> Outcome:
        try:
            outcome = connection.send(*envelope, message)
        except BaseException:
            connection.cut()
            raise
        if connection.is_open and connection.sent >= self.per_connection:
            connection.quit()
        elif connection.is_open:
            with self._lock:
                self._idle.append(connection)
        return outcome


class Connection:
    """One conversation with a server. Raises _Stop from its making; `send` never raises for what the server does."""

    def __init__(self, server: Server, context: ssl.SSLContext | None) -> None:
        self.server = server
        self.sent = 0
        self.is_open = False
        self._smtp = _opened(server, context)
        try:
            _greet(self._smtp, server, context)
        except BaseException:
            self._smtp.close()
            raise
        self.is_open = True
        self._pipelining = self._smtp.has_extn("pipelining")

    def send(self, sender: str, to: str, message: bytes) -> Outcome:
        """Hand in one message; afterwards `is_open` tells whether the connection can be used again."""
        self.sent += 1
        try:
            refused = self._ask(self._commands(sender, to, message))
            if refused:
                return refused
            self._smtp.send(_stuffed(message))
        except _Stop as stop:
            if isinstance(stop.outcome, Lost):
                self.cut()
            return stop.outcome
        except OSError as error:
            self.cut()
            # What the kernel did not take whole cannot have reached the server whole: the end of it was never sent.
            return Lost(_why(error), in_doubt=False)
        return self._answer()

    def quit(self) -> None:
        """Say goodbye and close."""
        try:
            if self.is_open:
                self._smtp.quit()
        except OSError:
            pass
        finally:
            self.cut()

    def cut(self) -> None:
        """Close without a word."""
        self.is_open = False
        self._smtp.close()

    def _commands(self, sender: str, to: str, message: bytes) -> tuple[tuple[At, str], ...]:
        options = f" SIZE={len(message)}" if self._smtp.has_extn("size") else ""
        if needs_utf8(sender) or needs_utf8(to):
            if not self._smtp.has_extn("smtputf8"):
                says = f"{self.server.host} does not take addresses with letters outside ASCII before the @"
                raise _Stop(Refused(553, "5.6.7", says, permanent=True, at="recipient"))
            options += " SMTPUTF8"
        if not message.isascii() and self._smtp.has_extn("8bitmime"):
            options += " BODY=8BITMIME"
        return ("sender", f"MAIL FROM:<{sender}>{options}"), ("recipient", f"RCPT TO:<{to}>"), ("message", "DATA")

    def _ask(self, commands: tuple[tuple[At, str], ...]) -> Refused | None:
        """Say the commands, in one write where the server offers that; gives the first no, None where all said yes."""
        if self._pipelining:
            # RFC 2920: DATA may end a group; all three are on their way before the first answer is read.
            self._say("\r\n".join(command for _at, command in commands))
        refused, code = None, 0
        for at, command in commands:
            if not self._pipelining:
                self._say(command)
            try:
                code, words = self._smtp.getreply()
            except OSError:
                # Some servers hang up on those they refuse; what they said before is the answer.
                if refused:
                    self.cut()
                    return refused
                raise
            refused = refused or _refusal(at, code, words)
            if refused and (code == CLOSING or not self._pipelining):
                break
        if refused:
            self._after_refusal(refused, waits_for_message=code == GO_ON)
        return refused

    def _say(self, text: str) -> None:
        self._smtp.send(f"{text}\r\n".encode())

    def _after_refusal(self, refused: Refused, *, waits_for_message: bool) -> None:
        try:
            # A server that waits for a message without a recipient must not get even an empty one.
            if refused.code == CLOSING or waits_for_message or self._smtp.rset()[0] != 250:
                self.cut()
        except OSError:
            self.cut()

    def _answer(self) -> Outcome:
        sock = self._smtp.sock
        try:
            if sock:
                sock.settimeout(self.server.answer_timeout)
            code, words = self._smtp.getreply()
            if sock:
                sock.settimeout(self.server.timeout)
        except OSError as error:
            self.cut()
            return Lost(_why(error), in_doubt=True)
        reply = _text(code, words)
        if 200 <= code < 300:
            return Accepted(reply)
        if not 400 <= code < 600:
            self.cut()
            return Lost(f"the server answered the message with {reply!r}", in_doubt=True)
        if code == CLOSING:
            self.cut()
        return _refused("message", code, words)


class Throttle:
    """Spreads calls evenly: at most `rate` a second. clock and sleep count seconds; any number of threads may wait."""

    def __init__(
        self, rate: float, *, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        if rate <= 0:
            raise ValueError("a rate is above 0 per second")
        self.gap = 1.0 / rate
        self._clock = clock
        self._sleep = sleep
        self._next = clock()
        self._lock = threading.Lock()

    def wait(self) -> float:
        """Wait for one's turn; tells how long that took, in seconds."""
        with self._lock:
            moment = self._clock()
            turn = max(self._next, moment)
            self._next = turn + self.gap
        if turn > moment:
            self._sleep(turn - moment)
        return turn - moment


class _Stop(Exception):
    """Nothing more can be done for a message; `outcome` is what is told of it."""

    def __init__(self, outcome: Refused | Lost) -> None:
        super().__init__(str(outcome))
        self.outcome = outcome


def _opened(server: Server, context: ssl.SSLContext | None) -> smtplib.SMTP:
    try:
        if server.secure == "tls":
            return smtplib.SMTP_SSL(
                server.host, server.port, local_hostname=server.hello, timeout=server.timeout, context=context
            )
        return smtplib.SMTP(server.host, server.port, local_hostname=server.hello, timeout=server.timeout)
    except smtplib.SMTPConnectError as error:
        raise _Stop(_not_now("connection", error.smtp_code, error.smtp_error)) from error
    except OSError as error:
        raise _Stop(Lost(f"{server.host} cannot be reached: {_why(error)}", in_doubt=False)) from error


def _greet(smtp: smtplib.SMTP, server: Server, context: ssl.SSLContext | None) -> None:
    at: At = "connection"
    try:
        smtp.ehlo_or_helo_if_needed()
        if server.secure == "starttls":
            if not smtp.has_extn("starttls"):
                raise _Stop(Lost(f"{server.host} does not offer STARTTLS, so nothing was sent", in_doubt=False))
            code, words = smtp.starttls(context=context)
            if code != 220:
                raise _Stop(_not_now(at, code, words))
            smtp.ehlo_or_helo_if_needed()
        if server.user:
            at = "login"
            smtp.login(server.user, server.password)
    except smtplib.SMTPResponseException as error:
        raise _Stop(_not_now(at, error.smtp_code, error.smtp_error)) from error
    except OSError as error:
        raise _Stop(Lost(f"{server.host}: {_why(error)}", in_doubt=False)) from error


def _not_now(at: At, code: int, words: bytes | str) -> Refused:
    return Refused(code, _enhanced(words), _text(code, words), permanent=False, at=at)


def _refusal(at: At, code: int, words: bytes) -> Refused | None:
    if code == (GO_ON if at == "message" else 250) or (at == "recipient" and code == 251):
        return None
    if not 400 <= code < 600:
        raise _Stop(Lost(f"the server answered with {_text(code, words)!r}", in_doubt=False))
    return _refused(at, code, words)


def _refused(at: At, code: int, words: bytes) -> Refused:
    return Refused(code, _enhanced(words), _text(code, words), permanent=500 <= code < 600, at=at)


def _enhanced(words: bytes | str) -> str:
    found = ENHANCED.match(_decoded(words))
    return found[1] if found else ""


def _text(code: int, words: bytes | str) -> str:
    return f"{code} {' '.join(_decoded(words).split())}"


def _decoded(words: bytes | str) -> str:
    return words.decode("utf-8", "replace") if isinstance(words, bytes) else words


def _stuffed(message: bytes) -> bytes:
    # RFC 5321, 4.5.2; the end goes in the same write, or it would wait for the server to confirm what came before.
    start = b"." if message.startswith(b".") else b""
    end = b".\r\n" if message.endswith(b"\r\n") else b"\r\n.\r\n"
    return start + message.replace(b"\r\n.", b"\r\n..") + end


def _went_away(outcome: Outcome) -> bool:
    if isinstance(outcome, Lost):
        return not outcome.in_doubt
    return isinstance(outcome, Refused) and outcome.code == CLOSING and outcome.at != "message"


def _why(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "it took too long to answer"
    return " ".join(str(error).split()) or type(error).__name__


def _is_here(name: str) -> bool:
    try:
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False
