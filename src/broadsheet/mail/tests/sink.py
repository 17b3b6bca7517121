"""An SMTP server on loopback that takes mail and throws it away, with as little CPU as Python allows.

For tests in a thread (`with Sink() as sink`); for benchmarks in a process of its own (`with sink_process() as port`),
so that its work is not counted as the sender's. Its log of what it accepted can be asked as one asks a mail server's.
"""

import base64
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

END = b"\r\n.\r\n"


@dataclass(frozen=True)
class Taken:
    message_id: str
    sender: str
    to: str
    message: bytes


@dataclass
class Plan:
    """What a sink does beyond saying yes; keys are recipients.

    at_sender, at_recipient, at_end: replies to every MAIL, to RCPT, to the whole message. cut_at_recipient: close
    after the reply to RCPT; cut_at_data: close when DATA comes; cut_in_message: close while the message is on its
    way; cut_after: close after its end, having taken the message ("taken") or not ("not taken"). silent: take it,
    never answer. waits_anyway: say 354 without a recipient. at_greeting: the first words instead of 220.
    goodbye_after: say 421 to the next MAIL after so many messages on a connection. users: names and passwords.
    """

    at_recipient: dict[str, str] = field(default_factory=dict)
    at_end: dict[str, str] = field(default_factory=dict)
    cut_at_recipient: set[str] = field(default_factory=set)
    cut_at_data: set[str] = field(default_factory=set)
    cut_in_message: set[str] = field(default_factory=set)
    cut_after: dict[str, str] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    waits_anyway: bool = False
    at_greeting: str = ""
    at_sender: str = ""
    goodbye_after: int = 0
    users: dict[str, str] = field(default_factory=dict)


class Sink:
    """Listens from `start` (or `with`) on; `port` is free to choose, 0 takes any."""

    def __init__(
        self,
        *,
        plan: Plan | None = None,
        context: ssl.SSLContext | None = None,
        tls_at_once: bool = False,
        extensions: tuple[str, ...] = ("PIPELINING", "SIZE 20000000", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"),
        keep: bool = True,
        log: Path | None = None,
        port: int = 0,
    ) -> None:
        self.plan = plan or Plan()
        self.context = context
        self.tls_at_once = tls_at_once
        self.extensions = extensions
        self.keep = keep
        self.log = log.open("ab", buffering=0) if log else None
        self.taken: list[Taken] = []
        self.commands: list[str] = []
        self.connections = 0
        self.writes = 0
        self.over = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self.listener.getsockname()[1]
        self.sessions: list[Session] = []
        self.thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> "Sink":
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.over.set()
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(5)
        for session in list(self.sessions):
            session.hang_up()
            session.join(5)
        if self.log:
            self.log.close()

    @property
    def message_ids(self) -> list[str]:
        """What was accepted, in order: the log to reconcile with."""
        return [taken.message_id for taken in self.taken]

    def hang_up(self) -> None:
        """Close every connection, as a server does that waited too long."""
        for session in list(self.sessions):
            session.hang_up()
            session.join(5)

    def _accept(self) -> None:
        while not self.over.is_set():
            try:
                connected, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            session = Session(self, connected)
            self.sessions.append(session)
            session.start()


class Session(threading.Thread):
    def __init__(self, sink: Sink, connected: socket.socket) -> None:
        super().__init__(daemon=True)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sink = sink
        self.socket = connected
        self.plain = connected
        self.buffer = self.unsaid = b""
        self.sender = self.to = ""
        self.count = 0
        self.secure = False

    def run(self) -> None:
        with suppress(OSError, EOFError):
            if self.sink.tls_at_once:
                self._turn_to_tls()
            self._reply(self.sink.plan.at_greeting or "220 sink.test ESMTP")
            while self._one():
                pass
            self._say()
        # The other side learns of it at once, even where its last words were not read.
        self.hang_up()
        with suppress(OSError):
            self.socket.close()

    def hang_up(self) -> None:
        with suppress(OSError):
            self.plain.shutdown(socket.SHUT_RDWR)
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)

    def _one(self) -> bool:
        line = self._line()
        if self.sink.keep:
            self.sink.commands.append(line)
        verb, _, rest = line.partition(" ")
        answer = getattr(self, f"_on_{verb.lower()}", None)
        if answer is None:
            self._reply("502 5.5.2 what?")
            return True
        return bool(answer(rest))

    def _on_ehlo(self, name: str) -> bool:
        offered = ["sink.test", *self.sink.extensions]
        if self.sink.context and not self.secure:
            offered.append("STARTTLS")
        if self.sink.plan.users:
            offered.append("AUTH PLAIN")
        lines = [f"250-{text}" for text in offered[:-1]] + [f"250 {offered[-1]}"]
        return self._reply("\r\n".join(lines))

    def _on_helo(self, name: str) -> bool:
        return self._reply("250 sink.test")

    def _on_starttls(self, _: str) -> bool:
        self._reply("220 go on")
        self._turn_to_tls()
        return True

    def _on_auth(self, rest: str) -> bool:
        _, user, password = base64.b64decode(rest.split()[1]).decode().split("\0")
        right = self.sink.plan.users.get(user) == password
        return self._reply("235 2.7.0 welcome" if right else "535 5.7.8 who are you?")

    def _on_mail(self, rest: str) -> bool:
        plan = self.sink.plan
        if plan.goodbye_after and self.count >= plan.goodbye_after:
            self._reply("421 4.3.2 enough for now")
            return False
        self.sender, self.to = _between(rest), ""
        return self._reply(plan.at_sender or "250 2.1.0 ok")

    def _on_rcpt(self, rest: str) -> bool:
        to = _between(rest)
        reply = self.sink.plan.at_recipient.get(to, "250 2.1.5 ok")
        if self.sink.plan.at_sender:
            reply = "503 5.5.1 MAIL first"
        if reply.startswith("2"):
            self.to = to
        self._reply(reply)
        return to not in self.sink.plan.cut_at_recipient

    def _on_rset(self, _: str) -> bool:
        return self._reply("250 2.0.0 ok")

    def _on_quit(self, _: str) -> bool:
        self._reply("221 2.0.0 bye")
        return False

    def _on_data(self, _: str) -> bool:
        plan = self.sink.plan
        if not self.to and not plan.waits_anyway:
            return self._reply("554 5.5.1 no recipient")
        if self.to in plan.cut_at_data:
            return False
        self._reply("354 go on")
        if self.to in plan.cut_in_message:
            self._more()
            return False
        message = self._message()
        self.count += 1
        return self._end(message)

    def _end(self, message: bytes) -> bool:
        plan = self.sink.plan
        reply = plan.at_end.get(self.to, "250 2.0.0 taken")
        cut = plan.cut_after.get(self.to, "")
        if reply.startswith("2") and cut != "not taken":
            self._take(message)
        if cut:
            return False
        if self.to in plan.silent:
            self.sink.over.wait()
            return False
        return self._reply(reply)

    def _take(self, message: bytes) -> None:
        start = message.lower().find(b"\r\nmessage-id:")
        end = message.find(b"\r\n", start + 2)
        name = message[start + 13 : end].strip().decode() if start >= 0 else ""
        if self.sink.keep:
            self.sink.taken.append(Taken(name, self.sender, self.to, message))
        if self.sink.log:
            self.sink.log.write(f"{name}\t{self.to}\n".encode())

    def _message(self) -> bytes:
        self._say()
        parts, tail = [self.buffer], self.buffer[-8:]
        while not tail.endswith(END):
            data = self.socket.recv(1 << 18)
            if not data:
                raise EOFError
            parts.append(data)
            tail = data[-8:] if len(data) > 8 else (tail + data)[-8:]
        self.buffer = b""
        message = b"".join(parts)[:-3]
        return message.replace(b"\r\n..", b"\r\n.") if self.sink.keep else message

    def _line(self) -> str:
        while b"\r\n" not in self.buffer:
            self._more()
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line.decode()

    def _more(self) -> None:
        self._say()
        data = self.socket.recv(1 << 16)
        if not data:
            raise EOFError
        self.sink.writes += 1
        self.buffer += data

    def _reply(self, text: str) -> bool:
        self.unsaid += f"{text}\r\n".encode()
        return True

    def _say(self) -> None:
        if self.unsaid:
            said, self.unsaid = self.unsaid, b""
            self.socket.sendall(said)

    def _turn_to_tls(self) -> None:
        assert self.sink.context
        self._say()
        self.socket = self.sink.context.wrap_socket(self.socket, server_side=True)
        self.buffer, self.secure = b"", True


def _between(text: str) -> str:
    return text[text.index("<") + 1 : text.index(">")]


@contextmanager
def sink_process(log: Path | None = None) -> Iterator[int]:
    """A sink in a process of its own, as fast as it can be; gives its port. log: a line for each message accepted."""
    command = [sys.executable, "-m", "broadsheet.mail.tests.sink", *([str(log)] if log else [])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout and process.stdin
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()
            process.wait(10)


def main() -> None:
    """Listen until standard input ends."""
    log = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    with Sink(keep=False, log=log) as sink:
        sys.stdout.write(f"{sink.port}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
