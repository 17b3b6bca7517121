"""What went wrong, as programs read it: one shape for every error, `{"error": "a sentence"}`, whatever its status."""

import re
from collections.abc import Mapping
from typing import Final
from uuid import uuid4

from django.http import HttpRequest, JsonResponse

# A header is one line of ASCII; the marks of our sentences have plain forms.
_MARKS: Final = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "…": "...", "–": "-", "—": "-", "\u00a0": " "})
_REQUEST_ID: Final = re.compile(r"[\w.:=;-]{1,200}", re.ASCII)
LONGEST_LINE: Final = 400
PREFIXES: Final = ("/api/", "/mcp/")


class ApiError(Exception):
    """A request that is answered with an error: its status, a sentence that says why, and headers of the answer."""

    def __init__(self, status: int, says: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(says)
        self.status = status
        self.says = says
        self.headers = dict(headers or {})


def answer(request: HttpRequest, status: int, says: str, headers: Mapping[str, str] | None = None) -> JsonResponse:
    """Answer with an error: `{"error": says}`, the sentence once more in X-Error-Message, and X-Request-Id."""
    # Programs show both, unless they are the same.
    says = says.translate(_MARKS)
    response = JsonResponse(
        {"error": says},
        status=status,
        headers=dict(headers or {}),
        content_type="application/json; charset=utf-8",
        json_dumps_params={"ensure_ascii": False},
    )
    response["X-Error-Message"] = one_line(says)
    response["X-Request-Id"] = request_id(request)
    response.setdefault("Cache-Control", "no-store")
    return response


def one_line(says: str) -> str:
    """Give a sentence as a header can hold it: one line of printable ASCII."""
    plain = " ".join(says.split()).encode("ascii", "replace").decode()
    return "".join(char for char in plain if char.isprintable())[:LONGEST_LINE]


def request_id(request: HttpRequest) -> str:
    """Give the id of a request, by which it is found in a log: the one it came with, or one of our own."""
    kept: str | None = getattr(request, "_request_id", None)
    if kept is None:
        came = request.headers.get("X-Request-Id") or request.headers.get("X-Amzn-Trace-Id") or ""
        kept = came if _REQUEST_ID.fullmatch(came) else uuid4().hex
        request._request_id = kept  # type: ignore[attr-defined]
    return kept


def is_for_programs(path: str) -> bool:
    """Whether a path is one of those that answer programs, with errors in the shape of this module."""
    return path.startswith(PREFIXES) or path in ("/api", "/mcp")
