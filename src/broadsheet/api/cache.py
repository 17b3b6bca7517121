"""Finished answers to programs, kept in memory for a few seconds.

Many programs ask for the same list within seconds of one another. What is kept is whole: compressed, with its ETag,
for everybody who shows no cookie and no token. Whoever acts on the site empties it, so that what was done shows.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase, ResponseHeaders
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.http import parse_http_date_safe

MOST: Final = 512
MOST_BYTES: Final = 32 << 20
LARGEST: Final = 2 << 20
SAFE: Final = ("GET", "HEAD", "OPTIONS")
# Taken off a request while its answer is made, so that a whole one is there to be kept.
CONDITIONS: Final = ("HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE")

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it goes out, until a moment of the monotonic clock."""

    body: bytes
    headers: tuple[tuple[str, str], ...]
    until: float


class Store:
    """Answers by what was asked, bounded in number and bytes; the oldest goes first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, Kept] = OrderedDict()
        self._bytes = 0
        # Counts how often it was emptied: what was begun before that is not put in after it.
        self.turn = 0

    def find(self, key: Key, at: float) -> Kept | None:
        """Give what is kept and still fresh."""
        found = self._kept.get(key)
        return found if found and found.until > at else None

    def put(self, key: Key, answer: Kept, turn: int) -> None:
        """Keep an answer that was begun in a turn."""
        with self._lock:
            if turn != self.turn:
                return
            self._drop(key)
            self._kept[key] = answer
            self._bytes += len(answer.body)
            while len(self._kept) > MOST or self._bytes > MOST_BYTES:
                self._drop(next(iter(self._kept)))

    def empty(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()
            self._bytes = 0
            self.turn += 1

    def _drop(self, key: Key) -> None:
        gone = self._kept.pop(key, None)
        self._bytes -= len(gone.body) if gone else 0


answers: Final = Store()


class CacheMiddleware:
    """Answer from memory where that can be done. Stands before everything that makes or changes an answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer a request."""
        if request.method not in SAFE:
            try:
                return self.get_response(request)
            finally:
                answers.empty()
        seconds = settings.CONFIG.answers_kept
        if not seconds or not is_public_read(request):
            return self.get_response(request)
        key, at = key_of(request), time.monotonic()
        found = answers.find(key, at)
        if found is None:
            return self._made(request, key, at + seconds)
        response = HttpResponse(found.body)
        response.headers = ResponseHeaders(dict(found.headers))
        return _conditional(request, response)

    def _made(self, request: HttpRequest, key: Key, until: float) -> HttpResponseBase:
        turn = answers.turn
        conditions: dict[str, str] = {name: request.META.pop(name) for name in CONDITIONS if name in request.META}
        response = self.get_response(request)
        request.META.update(conditions)
        if not isinstance(response, HttpResponse) or response.status_code != 200:
            return response
        if may_be_kept(request, response):
            patch_vary_headers(response, ["Accept-Encoding", "Authorization", "Cookie"])
            answers.put(key, Kept(response.content, tuple(response.headers.items()), until), turn)
        return _conditional(request, response)


def is_public_read(request: HttpRequest) -> bool:
    """Whether a request asks for what everybody gets alike. A token of another site makes no difference, ours does."""
    path, shown = request.path_info, request.META.get("HTTP_AUTHORIZATION", "").lower()
    if request.method not in ("GET", "HEAD") or not (path.startswith(("/api/", "/feeds/")) or path.endswith(".md")):
        return False
    secret = "bs_" in shown or "bs_" in path or "bs_" in request.META.get("QUERY_STRING", "")
    return not secret and not shown.startswith("basic") and not request.META.get("HTTP_COOKIE")


def key_of(request: HttpRequest) -> Key:
    """Give all that an answer may depend on."""
    asked = request.META
    return (
        asked.get("HTTP_HOST", ""),
        request.scheme or "",
        request.path,
        asked.get("QUERY_STRING", ""),
        asked.get("HTTP_ACCEPT", ""),
        asked.get("HTTP_ACCEPT_LANGUAGE", ""),
        "gzip" if "gzip" in asked.get("HTTP_ACCEPT_ENCODING", "") else "",
    )


def may_be_kept(request: HttpRequest, response: HttpResponse) -> bool:
    """Whether a finished answer is whole, for everybody, and small enough."""
    control = response.headers.get("Cache-Control", "")
    if request.method != "GET" or response.cookies or "private" in control or "no-store" in control:
        return False
    return len(response.content) <= LARGEST


def _conditional(request: HttpRequest, response: HttpResponse) -> HttpResponseBase:
    """Answer 304 where the request names the answer that would come; never unasked."""
    if not any(name in request.META for name in CONDITIONS):
        return response
    changed = response.headers.get("Last-Modified")
    return (
        get_conditional_response(
            request,
            etag=response.headers.get("ETag"),
            last_modified=parse_http_date_safe(changed) if changed else None,
            response=response,
        )
        or response
    )
