"""New items for a Zotero library, by its Web API: fifty at a time, each of them once.

How writes go: https://www.zotero.org/support/dev/web_api/v3/write_requests.
"""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from broadsheet.lib.http import Http, HttpError, Response
from broadsheet.sources.batch import SourceError
from broadsheet.sources.zotero import KEYS, VERSION

AT_ONCE: Final = 50
TRIES: Final = 4
ARRIVED: Final = 412


@dataclass(frozen=True, slots=True)
class Added:
    """What a library took: how many items, and for each that it did not, the reason."""

    items: int = 0
    refused: tuple[str, ...] = ()


def add(http: Http, base: str, library: str, key: str, items: Sequence[Mapping[str, object]]) -> Added:
    """Add items to a library; the key must be allowed to write there. Raises SourceError.

    A request that broke off is sent again under the same token, by which Zotero knows it: nothing is added twice.
    """
    added, refused = 0, []
    for start in range(0, len(items), AT_ONCE):
        part = items[start : start + AT_ONCE]
        answer = _sent(http, f"{base}/{library}/items", key, json.dumps(part).encode())
        if answer.status == ARRIVED:
            added += len(part)
            continue
        failed = _failed(answer, len(part))
        refused += [f"{part[place].get('title', '')}: {why}"[:300] for place, why in failed.items()]
        added += len(part) - len(failed)
    return Added(added, tuple(refused))


def _sent(http: Http, url: str, key: str, body: bytes) -> Response:
    headers = {
        **VERSION,
        "Zotero-API-Key": key,
        "Zotero-Write-Token": secrets.token_hex(16),
        "Content-Type": "application/json",
    }
    for attempt in range(TRIES):
        try:
            # A token that is known says that an earlier try arrived; of a first try it would say nothing.
            answer = http.post(url, body=body, headers=headers, timeout=60.0, accept=(ARRIVED,) if attempt else ())
        except HttpError as error:
            if error.status == 403:
                raise SourceError(f"the key may not write to it: make one that may at {KEYS}", True) from error
            wait = http.backoff(attempt) if error.retry_after is None else error.retry_after
            if error.permanent or attempt + 1 == TRIES or wait > http.patience:
                raise SourceError(f"Zotero took no more: {error}", error.permanent) from error
            http.sleep(wait)
        else:
            wished = answer.headers.get("backoff", "")
            if wished.isdecimal() and wished.isascii():
                http.sleep(min(float(wished[:6]), http.patience))
            return answer
    raise ValueError("TRIES must be at least 1")


def _failed(answer: Response, count: int) -> dict[int, str]:
    """Read which of `count` items were not taken, by their place, and why."""
    try:
        told = json.loads(answer.body).get("failed") or {}
        failed = {int(place): str(why.get("message", ""))[:200] for place, why in told.items()}
    except (ValueError, RecursionError, AttributeError) as error:
        raise _unreadable(str(error)) from error
    if not all(0 <= place < count for place in failed):
        raise _unreadable("it speaks of items that were not sent")
    return failed


def _unreadable(why: str) -> SourceError:
    return SourceError(f"Zotero's answer cannot be read: {why}; look into the library before you go on")
