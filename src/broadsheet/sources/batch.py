"""What a live source hands over: papers in batches, each with the place from which to go on."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Protocol, TypeVar
from urllib.parse import urljoin, urlsplit

from broadsheet.lib.http import Http, HttpError, Response
from broadsheet.record.paper import Item

Read = TypeVar("Read")
READ_TRIES = 3
_NEXT = re.compile(r"<([^<>]*)>[^,<]*;\s*rel=\"?next\"?")


class SourceError(Exception):
    """A source that gave nothing we can use: one line saying what, where and what to do.

    permanent: trying again cannot help, somebody has to change something.
    """

    def __init__(self, message: str, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


@dataclass(frozen=True)
class Batch:
    """Some items and the whole cursor as it stands when they are in the record.

    cursor: stored in the same transaction as the items, so that a killed harvest goes on behind them. Always complete,
        never a part; a key that is no longer needed is empty, not missing.
    expected: how many items the source said this answer, or the list it belongs to, holds; None where it did not say.
    note: what a reader should know about the batch, such as that the feed is stale; "" where all is as it should be.
    day: the edition day of which this is the whole list, or of which a list was due; None where it is not a day's list.
    part: of what the list is, such as a category; "" for the whole source.
    """

    items: tuple[Item, ...]
    cursor: dict[str, str]
    expected: int | None = None
    note: str = ""
    day: date | None = None
    part: str = ""


class LiveSource(Protocol):
    """A source on the network. `tells_days`: whether its batches are the lists of edition days."""

    tells_days: ClassVar[bool]

    @property
    def name(self) -> str:
        """The name in the registry, and in every item."""

    def fetch(self, http: Http, cursor: Mapping[str, str], since: date | None, until: date | None) -> Iterator[Batch]:
        """Go on behind `cursor` ({}: from the start), within days where given. Raises SourceError."""


def ask(http: Http, url: str, read: Callable[[Response], Read], **options: object) -> Read:
    """Fetch a page and read it; ask again, a bounded number of times, where it came broken. Raises SourceError."""
    for attempt in range(READ_TRIES):
        try:
            return read(http.get(url, **options))  # type: ignore[arg-type]
        except HttpError as error:
            raise SourceError(str(error), error.permanent) from error
        except SourceError as error:
            if error.permanent or attempt + 1 == READ_TRIES:
                raise
            http.pause(attempt)
    raise ValueError("READ_TRIES must be at least 1")


def next_page(response: Response, base: str) -> str:
    """Give the address of the next page as an answer links to it (RFC 8288); "" on the last one.

    Raises SourceError for a page at another host than `base`: a key would go there too.
    """
    link = _NEXT.search(response.headers.get("link", ""))
    if not link:
        return ""
    try:
        url = str(urljoin(response.url, link[1]))
        elsewhere = urlsplit(url)[:2] != urlsplit(base)[:2]
    except ValueError as error:
        raise SourceError(f"{response.url} names a next page that is no address; try again later") from error
    if elsewhere:
        raise SourceError(f"{response.url} names a next page at another host, {url[:200]}, which is not asked", True)
    return url
