"""An agent for tests: the SDK's own client, which talks to the server in this process.

The client's event loop runs in a thread beside the test; what reads and writes the record runs in the test's thread
(asgiref), and so in its transaction.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

import httpx2
from asgiref.sync import async_to_sync, sync_to_async
from django.http import HttpResponse
from django.test import Client as Browser
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, TextContent, TextResourceContents

from broadsheet.api.mcp import server
from broadsheet.api.mcp.asking import Asker, from_here

T = TypeVar("T")
ADDRESS = "http://testserver/mcp"
# Who asks over stdio: the server's tasks are begun where it is set.
ASKER: ContextVar[Asker] = ContextVar("ASKER")


@cache
def stdio_server() -> server.Server:
    """The server of a program that runs here, made once in a process, as there."""
    return server.make(lambda _context: ASKER.get())


@dataclass(frozen=True)
class Agent:
    """An agent with or without a token. transport: "stdio" or "http". mode: how the client begins."""

    transport: str
    token: str = ""
    mode: str = "auto"

    def does(self, steps: Callable[[Client], Awaitable[T]]) -> T:
        """Connect, take some steps, and leave."""

        async def whole() -> T:
            if self.transport == "stdio":
                ASKER.set(await sync_to_async(from_here)(self.token))
                async with Client(stdio_server(), mode=self.mode) as client:
                    return await steps(client)
            async with self._wire() as wire, Client(streamable_http_client(ADDRESS, http_client=wire)) as client:
                return await steps(client)

        return async_to_sync(whole)()

    def _wire(self) -> AbstractAsyncContextManager[httpx2.AsyncClient]:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return httpx2.AsyncClient(transport=Wire(), headers=headers)

    def calls(self, tool: str, **arguments: object) -> CallToolResult:
        """Call a tool."""
        return self.does(lambda client: client.call_tool(tool, arguments))

    def hears(self, tool: str, **arguments: object) -> str:
        """Call a tool that answers; give its text."""
        answer = self.calls(tool, **arguments)
        assert not answer.is_error, text_of(answer)
        return text_of(answer)

    def fails(self, tool: str, **arguments: object) -> str:
        """Call a tool that cannot answer; give the sentence it says instead."""
        return sentence_of(self.calls(tool, **arguments))

    def is_refused(self, steps: Callable[[Client], Awaitable[object]]) -> MCPError:
        """Take a step that is answered with an error of the protocol; give it."""

        async def caught(client: Client) -> MCPError | None:
            try:
                await steps(client)
            except MCPError as refusal:
                return refusal
            return None

        refusal = self.does(caught)
        assert refusal is not None
        return refusal

    def reads(self, uri: str) -> str:
        """Read a resource."""
        (content,) = self.does(lambda client: client.read_resource(uri)).contents
        assert isinstance(content, TextResourceContents) and content.mime_type == "text/markdown"
        return content.text


def text_of(answer: CallToolResult) -> str:
    (content,) = answer.content
    assert isinstance(content, TextContent)
    return content.text


def sentence_of(answer: CallToolResult) -> str:
    """Give what an agent is told that gets no answer: never what only we understand."""
    said = text_of(answer)
    assert answer.is_error, said
    assert said and "Traceback" not in said and "pydantic" not in said and "Error executing" not in said, said
    return said


class Wire(httpx2.AsyncBaseTransport):
    """Carries the client's requests into the site, without a socket."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        body = await request.aread()
        answer = await sync_to_async(post)(request.method, body, dict(request.headers))
        return httpx2.Response(answer.status_code, headers=dict(answer.items()), content=answer.content)


def post(method: str, body: bytes, headers: dict[str, str]) -> HttpResponse:
    """Send a request to the server, as any program may."""
    kept = {name: value for name, value in headers.items() if name.lower() not in ("content-length", "host")}
    kind = kept.pop("content-type", "application/json")
    return Browser(headers=kept).generic(method, "/mcp", body, content_type=kind)  # type: ignore[return-value]
