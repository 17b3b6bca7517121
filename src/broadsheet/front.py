"""What stands between granian and the pages, so that nobody slow keeps others from reading.

The body of a request is received, in bounded size and time, before one of the few threads that make pages is taken. A
page is sent when its thread is free again; what is streamed has a thread of its own, until its reader takes no more.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager
from tempfile import SpooledTemporaryFile
from typing import Any, Final, TypeVar, cast

from django.core import signals
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.db import connections
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

T = TypeVar("T")
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

LONGEST_BODY: Final = 16 << 20  # bytes; no page takes an upload of more than 5 MiB
ALL_BODIES: Final = 256 << 20  # bytes of bodies that there are at a time, before large ones are refused
IN_MEMORY: Final = 64 << 10  # bytes of a body; a larger one is in a file
# A body has half a minute, and longer the more of it came: who sends slower than an old telephone is not waited for.
BODY_SECONDS: Final = 30.0
BODY_PACE: Final = 16_000  # bytes a second
TAKEN_SECONDS: Final = 60.0  # in which the reader of a stream takes some of it
PIECE: Final = 64 << 10  # bytes of a stream that are handed over at once


class _NotTaken(Exception):
    """A body that is not waited for."""

    def __init__(self, status: int) -> None:
        """status: what its sender is told."""
        super().__init__(status)
        self.status = status


class _HungUp(Exception):
    """Nobody waits for an answer any more."""


class Front(ASGIHandler):
    """The site as an ASGI application, with as many threads for pages as it is told.

    Django's own handler makes each page in a new thread, and so on a new connection to the record.
    """

    def __init__(self, threads: int) -> None:
        BaseHandler.__init__(self)
        self.load_middleware(is_async=False)
        self._pages = ThreadPoolExecutor(threads, "page")
        self._held = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            async with self._body(receive) as body:
                answer = await _in(self._pages, self._answer, scope, body)
            if isinstance(answer, StreamingHttpResponse):
                await self._stream(answer, receive, send)
            else:
                await self.send_response(answer, send)
        except _NotTaken as refusal:
            await self.send_response(HttpResponse(status=refusal.status, headers={"Connection": "close"}), send)
        except _HungUp:
            return

    @asynccontextmanager
    async def _body(self, receive: Receive) -> AsyncIterator[SpooledTemporaryFile[bytes]]:
        """Receive a body to its end. Raises _NotTaken and _HungUp."""
        length = 0
        with SpooledTemporaryFile(IN_MEMORY) as body:
            try:
                async for part in _parts(receive):
                    length, self._held = length + len(part), self._held + len(part)
                    if length > IN_MEMORY and self._held > ALL_BODIES:
                        raise _NotTaken(503)
                    body.write(part)
                body.seek(0)
                yield body
            finally:
                self._held -= length

    def _answer(self, scope: Message, body: SpooledTemporaryFile[bytes]) -> HttpResponseBase:
        """Make a page, in a thread of theirs; what is streamed is yet to be made."""
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=type(self), scope=scope)
        request, refusal = self.create_request(scope, body)
        answer = self.get_response(request) if request else cast("HttpResponseBase", refusal)
        if isinstance(answer, FileResponse):
            answer = _read(answer)
        if isinstance(answer, HttpResponse) and scope["method"] == "HEAD":
            answer.content = b""
        if not answer.streaming:
            answer.close()
        return answer

    async def _stream(self, answer: StreamingHttpResponse, receive: Receive, send: Send) -> None:
        """Send what is made while it is sent, from one thread: connections to the record are a thread's own."""
        hung_up = asyncio.ensure_future(receive())

        async def send_on(message: Message) -> None:
            if hung_up.done():
                raise _HungUp
            try:
                async with asyncio.timeout(TAKEN_SECONDS):
                    await send(message)
            except TimeoutError:
                raise _HungUp from None

        thread = ThreadPoolExecutor(1, "stream")
        answer.streaming_content = _pieces(thread, iter(answer))
        try:
            await self.send_response(answer, send_on)
        finally:
            hung_up.cancel()
            await _in(thread, _end, answer)
            thread.shutdown(wait=False)


async def _parts(receive: Receive) -> AsyncIterator[bytes]:
    length, began, more = 0, asyncio.get_running_loop().time(), True
    while more:
        try:
            async with asyncio.timeout_at(began + BODY_SECONDS + length / BODY_PACE):
                message = await receive()
        except TimeoutError:
            raise _NotTaken(408) from None
        if message["type"] == "http.disconnect":
            raise _HungUp
        part, more = message.get("body", b""), message.get("more_body", False)
        length += len(part)
        if length > LONGEST_BODY:
            raise _NotTaken(413)
        yield part


async def _in(threads: Executor, work: Callable[..., T], *given: object) -> T:
    return await asyncio.get_running_loop().run_in_executor(threads, work, *given)


def _read(file: FileResponse) -> HttpResponse:
    """Read a file of the site's own; they are small."""
    try:
        return HttpResponse(b"".join(file), status=file.status_code, headers=dict(file.items()))
    finally:
        file.close()


async def _pieces(thread: Executor, content: Iterator[bytes]) -> AsyncIterator[bytes]:
    while piece := await _in(thread, _next_piece, content):
        yield piece


def _next_piece(content: Iterator[bytes]) -> bytes:
    piece = bytearray()
    for part in content:
        piece += part
        if len(piece) >= PIECE:
            break
    return bytes(piece)


def _end(answer: HttpResponseBase) -> None:
    answer.close()
    connections.close_all()
