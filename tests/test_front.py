"""The front is asked as granian would ask it, with pages of its own, and once through granian itself."""

import asyncio
import io
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import path
from pytest_django import Settings

from broadsheet import front
from broadsheet.front import Front
from tests.hosts import Host, wait_until

Message = dict[str, Any]
seen: list[str] = []


def echo(request: HttpRequest) -> HttpResponse:
    """Answer with what was sent."""
    return HttpResponse(f"{request.method} {request.GET.get('q', '')} ".encode() + request.body)


def broken(request: HttpRequest) -> HttpResponse:
    """Fail."""
    raise ValueError(request.path)


def stream(request: HttpRequest) -> StreamingHttpResponse:
    """Answer with three large pieces, and note in which thread each was made and whether the last was asked for."""

    def pieces() -> Iterator[bytes]:
        try:
            for letter in (b"a", b"b", b"c"):
                seen.append(threading.current_thread().name)
                yield letter * front.PIECE
        finally:
            seen.append("closed")

    return StreamingHttpResponse(pieces())


def lines(request: HttpRequest) -> StreamingHttpResponse:
    """Answer with many small pieces."""
    return StreamingHttpResponse(b"line\n" for _ in range(1000))


def file(request: HttpRequest) -> HttpResponseBase:
    """Answer with a file."""
    return FileResponse(io.BytesIO(b"body { color: black }"), filename="a.css")


urlpatterns = [path(view.__name__, view) for view in (echo, broken, stream, lines, file)]


@pytest.fixture
def pages(settings: Settings) -> Front:
    settings.ROOT_URLCONF, settings.MIDDLEWARE, settings.ALLOWED_HOSTS = __name__, [], ["*"]
    seen.clear()
    return Front(1)


class Client:
    """One connection: what it sends is in `said` before or after the front asks for it; what it was told is `heard`."""

    def __init__(self, *said: Message) -> None:
        self.said: asyncio.Queue[Message] = asyncio.Queue()
        for message in said:
            self.say(message)
        self.heard: list[Message] = []
        self.takes = asyncio.Event()
        self.takes.set()
        self.began = asyncio.Event()

    def say(self, message: Message) -> None:
        self.said.put_nowait(message)

    async def receive(self) -> Message:
        return await self.said.get()

    async def send(self, message: Message) -> None:
        self.heard.append(message)
        self.began.set()
        await self.takes.wait()

    @property
    def status(self) -> int:
        return int(self.heard[0]["status"])

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode().lower(): value.decode() for name, value in self.heard[0]["headers"]}

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.heard[1:])


def part(body: bytes = b"", *, more: bool = False) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


def scope(where: str, method: str = "GET", query: bytes = b"", **headers: str) -> Message:
    return {
        "type": "http", "method": method, "path": f"/{where}", "query_string": query, "http_version": "1.1",
        "scheme": "http", "client": ("192.0.2.1", 9), "server": ("localhost", 80),
        "headers": [(name.encode(), value.encode()) for name, value in {"host": "a.example", **headers}.items()],
    }  # fmt: skip


async def ask(pages: Front, client: Client, *asked: str, **more: Any) -> Client:  # noqa: ANN401
    await pages(scope(*asked, **more), client.receive, client.send)
    return client


async def heard(client: Client) -> None:
    """Wait until the front has all that a client said."""
    while not client.said.empty():
        await asyncio.sleep(0)


def told(pages: Front, *said: Message, **asked: Any) -> Client:  # noqa: ANN401
    """Ask for a page in a loop of its own."""
    return run(lambda: ask(pages, Client(*said), **asked))


def run(work: Callable[[], Awaitable[Client]]) -> Client:
    async def working() -> Client:
        return await work()

    return asyncio.run(working())


@asynccontextmanager
async def asking(pages: Front, client: Client, *asked: str) -> AsyncIterator["asyncio.Task[Client]"]:
    task = asyncio.create_task(ask(pages, client, *asked))
    try:
        yield task
    finally:
        task.cancel()


def test_a_page_has_the_query_and_the_whole_body(pages: Front) -> None:
    found = told(pages, part(b"one, ", more=True), part(b"two"), where="echo", method="POST", query=b"q=%C3%A9")
    assert (found.status, found.body.decode()) == (200, "POST é one, two")


def test_a_head_has_the_length_and_no_body(pages: Front) -> None:
    found = told(pages, part(), where="file", method="HEAD")
    assert (found.status, found.headers["content-length"], found.body) == (200, "21", b"")


def test_a_file_comes_whole_with_its_headers(pages: Front) -> None:
    found = told(pages, part(), where="file")
    assert found.headers["content-type"] == "text/css"
    assert [message.get("body") for message in found.heard[1:]] == [b"body { color: black }"]


def test_what_a_page_raises_is_an_error_of_ours_and_the_next_is_answered(pages: Front) -> None:
    assert told(pages, part(), where="broken").status == 500
    assert told(pages, part(), where="echo").status == 200


def test_a_query_that_is_no_text_is_refused(pages: Front) -> None:
    assert told(pages, part(), where="echo", query=b"q=\xff").status == 400


def test_bodies_without_end_keep_nobody_from_reading(pages: Front) -> None:
    async def together() -> Client:
        slow = [Client(part(b"abc", more=True)) for _ in range(50)]
        tasks = [asyncio.create_task(ask(pages, one, "echo", "POST")) for one in slow]
        quick = await ask(pages, Client(part()), "echo")
        assert not any(task.done() for task in tasks)
        for one in slow:
            one.say(part(b"def"))
        await asyncio.gather(*tasks)
        assert {one.body for one in slow} == {b"POST  abcdef"}
        return quick

    assert run(together).status == 200


def test_a_body_that_does_not_come_in_time_is_not_waited_for(pages: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "BODY_SECONDS", 0)
    found = told(pages, part(b"a", more=True), where="echo", method="POST")
    assert (found.status, found.headers["connection"]) == (408, "close")


def test_a_body_that_comes_steadily_may_take_longer(pages: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    async def steady() -> Client:
        loop, slow, ahead = asyncio.get_running_loop(), Client(), 0.0
        time = loop.time
        with monkeypatch.context() as patch:
            patch.setattr(loop, "time", lambda: time() + ahead)
            async with asking(pages, slow, "echo", "POST") as task:
                for _ in range(5):
                    slow.say(part(b"x" * 480_000, more=True))
                    await heard(slow)
                    ahead += 29
                slow.say(part(b"end"))
                return await task

    assert run(steady).body.endswith(b"xend")


def test_a_body_that_is_too_long_is_refused(pages: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "LONGEST_BODY", 10)
    assert told(pages, part(b"x" * 11, more=True), where="echo", method="POST").status == 413
    assert told(pages, part(b"x" * 10), where="echo", method="POST").status == 200


def test_more_large_bodies_than_there_is_room_for_are_refused_until_some_are_done(
    pages: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front, "ALL_BODIES", 100)
    monkeypatch.setattr(front, "IN_MEMORY", 50)

    async def crowd() -> Client:
        first = Client(part(b"x" * 60, more=True))
        async with asking(pages, first, "echo", "POST") as task:
            await heard(first)
            assert (await ask(pages, Client(part(b"x" * 60)), "echo", "POST")).status == 503
            assert (await ask(pages, Client(part(b"x" * 50)), "echo", "POST")).status == 200
            first.say(part(b"y"))
            await task
        return await ask(pages, Client(part(b"x" * 60)), "echo", "POST")

    assert run(crowd).status == 200


def test_who_hangs_up_while_sending_is_not_answered(pages: Front) -> None:
    assert told(pages, part(b"a", more=True), {"type": "http.disconnect"}, where="echo", method="POST").heard == []


def test_a_stream_is_made_in_one_thread_that_is_none_of_the_pages(pages: Front) -> None:
    found = told(pages, part(), where="stream")
    assert found.body == b"a" * front.PIECE + b"b" * front.PIECE + b"c" * front.PIECE
    threads = set(seen[:3])
    assert len(threads) == 1 and not threads.pop().startswith("page") and seen[3:] == ["closed"]


def test_small_pieces_of_a_stream_are_sent_together(pages: Front) -> None:
    found = told(pages, part(), where="lines")
    assert [len(message.get("body", b"")) for message in found.heard[1:]] == [5000, 0]


def test_a_stream_that_nobody_takes_keeps_no_page_waiting_and_is_given_up(
    pages: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stalled() -> Client:
        stuck = Client(part())
        stuck.takes.clear()
        async with asking(pages, stuck, "stream") as task:
            await stuck.began.wait()
            found = await ask(pages, Client(part()), "echo")
            assert not task.done()
        return found

    assert run(stalled).status == 200
    monkeypatch.setattr(front, "TAKEN_SECONDS", 0)
    seen.clear()
    stuck = Client(part())
    stuck.takes.clear()
    run(lambda: ask(pages, stuck, where="stream"))
    assert len(stuck.heard) == 1


def test_a_stream_ends_when_its_reader_hangs_up(pages: Front) -> None:
    async def leaving() -> Client:
        reader = Client(part())
        reader.takes.clear()
        async with asking(pages, reader, "stream") as task:
            await reader.began.wait()
            reader.say({"type": "http.disconnect"})
            await heard(reader)
            reader.takes.set()
            return await task

    assert run(leaving).body == b""
    # The piece at hand was made, and no other.
    assert len(seen) == 2 and seen[1] == "closed"


@pytest.mark.slow
def test_a_site_answers_and_can_be_stopped_while_fifty_send_bodies_without_end(tmp_path: Path) -> None:
    host = Host(tmp_path / "home", {"BROADSHEET_ENCODER": "none"})
    host.serve()
    try:
        wait_until(host.serves, "the site serves")
        slow = [socket.create_connection(("127.0.0.1", host.port)) for _ in range(50)]
        for one in slow:
            one.sendall(b"POST /search HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9000\r\n\r\nhalf of it")
        assert host.get("/about")[0] == 200
        bare = socket.create_connection(("127.0.0.1", host.port))
        bare.sendall(b"HEAD /about HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        assert host.get("/static/web/broadsheet.css")[1].count("{") > 10
        with bare, bare.makefile("rb") as answer:
            head = answer.read()
        assert head.startswith(b"HTTP/1.1 200") and head.endswith(b"\r\n\r\n")
        assert host.get("/")[0] == 200
        assert host.web
        host.web.terminate()
        assert host.web.wait(120) == 0
        for one in slow:
            one.close()
    finally:
        host.stop()
    assert "rror" not in host.log("web")
