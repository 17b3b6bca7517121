"""The MCP server over HTTP: the SDK's ASGI application, called for one request by a view of the site.

Each request has an event loop of its own for as long as it lasts (ADR 14). Nothing of it outlives the request: there
are no sessions, streams or threads that would have to be kept alive, and none that a forked process would lack.
"""

import asyncio
import json
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

from asgiref.sync import async_to_sync
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt

from broadsheet.api.mcp.asking import Asker, by_request

if TYPE_CHECKING:
    from mcp.server.mcpserver import Context
    from mcp.server.transport_security import TransportSecuritySettings
    from starlette.requests import Request
    from starlette.types import Message

    from broadsheet.api.mcp.server import Server

MOST_BYTES: Final = 1_000_000
SECONDS: Final = 60.0
PATH: Final = "/mcp"
# JSON-RPC 2.0, section 5.1: codes for what is wrong with a request, and the range of those that servers define.
INVALID_REQUEST: Final = -32600
SERVER_ERROR: Final = -32000
# What the SDK looks at. The token stays with us.
PASSED_ON: Final = ("accept", "content-type", "user-agent")
ASKER: Final = "broadsheet.asker"


@csrf_exempt
def endpoint(request: HttpRequest) -> HttpResponse:
    """Answer a message of an agent. Without streams and sessions there is only POST."""
    if _is_from_elsewhere(request):
        return refused(HTTPStatus.FORBIDDEN, "Pages of other sites may not use this server.")
    if request.method != "POST":
        says = "This server has no stream and no session: send JSON-RPC messages by POST. docs/mcp.md tells how."
        return refused(HTTPStatus.METHOD_NOT_ALLOWED, says, Allow="POST")
    body = _body(request)
    if isinstance(body, HttpResponse):
        return body
    try:
        answer = async_to_sync(answered)(request, body)
    except TimeoutError:
        return refused(HTTPStatus.GATEWAY_TIMEOUT, f"That took longer than {SECONDS:.0f} seconds. Ask for less.")
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


async def answered(request: HttpRequest, body: bytes) -> HttpResponse:
    """Hand a message to the SDK's application and give its answer. Raises TimeoutError."""
    # Made for each request: it belongs to the event loop it is first used in. That costs a tenth of a millisecond.
    app = server().streamable_http_app(
        streamable_http_path=PATH,
        stateless_http=True,
        json_response=True,
        max_request_body_size=MOST_BYTES,
        transport_security=_hosts_are_checked(),
    )
    heard: list[Message] = []
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> "Message":
        if not waiting:
            # Whoever asked stays: a view is not told when they hang up.
            await asyncio.get_running_loop().create_future()
        return waiting.pop()

    async def send(message: "Message") -> None:
        heard.append(message)

    async with asyncio.timeout(SECONDS), app.router.lifespan_context(app):
        await app(_scope(request), receive, send)
    return _response(heard)


@lru_cache(maxsize=1)
def server() -> "Server":
    """The server of this process; made, and the SDK imported, when an agent first asks."""
    from broadsheet.api.mcp.server import make

    def asker_of(context: "Context[Any, Any]") -> Asker:
        asker: Asker = cast("Request", context.request_context.request).scope[ASKER]
        return asker

    return make(asker_of)


def refused(status: HTTPStatus, says: str, **headers: str) -> HttpResponse:
    """Say no as JSON-RPC says it, with no id: the message was not read."""
    code = INVALID_REQUEST if status < HTTPStatus.INTERNAL_SERVER_ERROR else SERVER_ERROR
    said = {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": says}}
    return HttpResponse(json.dumps(said), status=status, content_type="application/json", headers=headers)


def _is_from_elsewhere(request: HttpRequest) -> bool:
    """Whether a browser sends it for a page of another site, as the specification asks to check against rebinding.

    Source: Model Context Protocol, "Transports", Streamable HTTP, security warning.
    """
    origin = request.headers.get("Origin")
    if origin is None:
        return request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site")
    own = {f"{request.scheme}://{request.get_host()}"}
    if settings.CONFIG.public_url:
        own.add("{0.scheme}://{0.netloc}".format(urlsplit(settings.CONFIG.public_url)))
    return origin.lower() not in own


def _body(request: HttpRequest) -> bytes | HttpResponse:
    too_large = f"That is too large: at most {MOST_BYTES} bytes are taken."
    length = request.META.get("CONTENT_LENGTH") or "0"
    if length.isdigit() and int(length[:12]) > MOST_BYTES:
        return refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, too_large)
    try:
        return request.body
    except RequestDataTooBig:
        return refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, too_large)
    except UnreadablePostError:
        return refused(HTTPStatus.BAD_REQUEST, "The message did not arrive whole.")


def _hosts_are_checked() -> "TransportSecuritySettings":
    """Settings that leave the check of host and origin to us: Django refused every host that is not ours."""
    from mcp.server.transport_security import TransportSecuritySettings

    return TransportSecuritySettings(enable_dns_rebinding_protection=False)


def _scope(request: HttpRequest) -> dict[str, Any]:
    """Give a request as ASGI describes it (HTTP connection scope, version 2.4)."""
    names = [name for name in request.headers if name.lower() in PASSED_ON or name.lower().startswith("mcp-")]
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": request.scheme,
        "path": PATH,
        "raw_path": PATH.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(name.lower().encode(), request.headers[name].encode("latin-1", "replace")) for name in names],
        "client": None,
        "server": None,
        ASKER: by_request(request),
    }


def _response(heard: "list[Message]") -> HttpResponse:
    start = heard[0]
    body = b"".join(message.get("body", b"") for message in heard[1:])
    headers = {name.decode().lower(): value.decode("latin-1") for name, value in start["headers"]}
    headers.pop("content-length", None)
    kind = headers.pop("content-type", "application/json")
    return HttpResponse(body, status=int(start["status"]), content_type=kind, headers=headers)
