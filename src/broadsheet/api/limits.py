"""How many requests a program may send: so many in a window of five minutes, told with every answer.

A stranger is counted by address, a program with a valid token by the token. Counts live in the memory of each process,
so that counting never writes to the record; with several processes a limit is that much wider.
"""

from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.http import HttpRequest

from broadsheet.api.auth import of_header
from broadsheet.readers import windows
from broadsheet.readers.network import client_address, is_loopback

WINDOW: Final = 300
# What runs on this machine is the operator's own, or comes through a proxy that hides who asks.
HERE_TIMES: Final = 20
# A search costs many times what a list costs.
SEARCH_SHARE: Final = 5
SEARCHES: Final = ("/api/papers/search", "/api/v1/search")


@dataclass(frozen=True, slots=True)
class Count:
    """How a request stands in its window.

    bucket: api or search. most: requests in a window; left: of them, after this one; -1 for one too many.
    seconds: until the window ends.
    """

    bucket: str
    most: int
    left: int
    seconds: int

    @property
    def is_too_many(self) -> bool:
        """Whether the request is refused."""
        return self.left < 0

    def headers(self) -> dict[str, str]:
        """Say it in headers (draft-ietf-httpapi-ratelimit-headers), and when to come back where it is refused."""
        told = {
            "RateLimit": f'"{self.bucket}";r={max(0, self.left)};t={self.seconds}',
            "RateLimit-Policy": f'"fixed window";"{self.bucket}";q={self.most};w={WINDOW}',
        }
        return told | ({"Retry-After": str(self.seconds)} if self.is_too_many else {})


def count(request: HttpRequest, at: float) -> Count | None:
    """Count a request; None where the operator set no limit. at: now, in Unix seconds."""
    token = _token(request)
    rate = int(settings.CONFIG.api_rate_token if token else settings.CONFIG.api_rate)
    if not rate:
        return None
    address = client_address(request)
    bucket = "search" if request.path_info.startswith(SEARCHES) else "api"
    most = max(1, rate // SEARCH_SHARE) if bucket == "search" else rate
    most *= HERE_TIMES if is_loopback(address) else 1
    return take(bucket, token or address, most, at)


def take(bucket: str, whose: str, most: int, at: float) -> Count:
    """Count one more in a bucket of somebody's, which holds `most` in a window."""
    used, left = windows.count(f"rate:{bucket}:{whose}", WINDOW, at)
    return Count(bucket, most, most - used, left)


def _token(request: HttpRequest) -> str:
    """Name the valid token of a request; "" for none. Tokens that are not ours cost no look at the record."""
    header = request.headers.get("Authorization", "")
    if not header.lower().startswith(("bearer bs_", "basic ")):
        return ""
    caller = of_header(header)
    if caller.token is None or caller.problem:
        return ""
    # Who asks is known now; only for strangers it depends on what comes later.
    request._caller = caller  # type: ignore[attr-defined]
    return f"token:{caller.token.pk}"
