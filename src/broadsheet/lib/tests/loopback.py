"""A small real HTTP server on 127.0.0.1 that plays answers given to it and remembers what it was asked."""

import time
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qsl, urlsplit

import pytest

from broadsheet.lib import http
from broadsheet.lib.http import Http


@dataclass(frozen=True)
class Answer:
    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    drip: float = 0.0
    cut: bool = False


@dataclass(frozen=True)
class Asked:
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    method: str = "GET"
    body: bytes = b""


def _key(target: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    parts = urlsplit(target)
    return parts.path, tuple(sorted(parse_qsl(parts.query, keep_blank_values=True)))


class Loopback:
    """Answers are queued per path and query; the last one of a queue stays. A path alone answers any query."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.queues: dict[object, deque[Answer]] = defaultdict(deque)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer._play(self)

            def do_POST(self) -> None:
                outer._play(self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(
        self,
        target: str,
        body: bytes | str = b"",
        status: int = 200,
        drip: float = 0.0,
        cut: bool = False,
        **headers: str,
    ) -> None:
        """Queue an answer. `drip`: seconds between two bytes. `cut`: close before the promised length."""
        raw = body.encode() if isinstance(body, str) else body
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        self.queues[_key(target)].append(Answer(raw, status, names, drip, cut))

    def _play(self, handler: BaseHTTPRequestHandler) -> None:
        path, query = _key(handler.path)
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        self.asked.append(Asked(path, dict(query), dict(handler.headers.items()), handler.command, body))
        queue = self.queues.get((path, query)) or self.queues.get((path, ()))
        if not queue:
            handler.send_error(404)
            return
        answer = queue.popleft() if len(queue) > 1 else queue[0]
        handler.send_response(answer.status)
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(answer.body) + (10 if answer.cut else 0)))
        handler.end_headers()
        try:
            for byte in [answer.body] if not answer.drip else [bytes([b]) for b in answer.body]:
                handler.wfile.write(byte)
                handler.wfile.flush()
                if answer.drip:
                    time.sleep(answer.drip)
        except OSError:
            pass

    @property
    def targets(self) -> list[tuple[str, Mapping[str, str]]]:
        return [(asked.path, asked.query) for asked in self.asked]


@contextmanager
def playing() -> Iterator[Loopback]:
    loopback = Loopback()
    loopback.thread.start()
    try:
        yield loopback
    finally:
        loopback.server.shutdown()
        loopback.server.server_close()
        loopback.thread.join()


class FakeTime:
    """A clock that only moves when somebody sleeps by it."""

    def __init__(self, moment: datetime = datetime(2026, 11, 20, 12, tzinfo=UTC)) -> None:
        self.moment = moment
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self.moment

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.moment += timedelta(seconds=seconds)


def without_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the site's own door ask a server of this machine twice without the second of rest that others are given."""
    monkeypatch.setattr(http, "OTHER_SECONDS", 0.0)


def fake_http(folder: Path, time: FakeTime, **changes: object) -> Http:
    """A door whose sleep moves the fake clock and whose jitter is always the whole wait."""
    settings: dict[str, object] = {
        "contact": "editor@paper.example",
        "limits": {"127.0.0.1": 1.0},
        "state_dir": folder,
        "clock": time.now,
        "sleep": time.sleep,
        "random": lambda: 1.0,
    }
    return Http(**{**settings, **changes})  # type: ignore[arg-type]
