"""Another Broadsheet, followed by the numbers of its changes: every paper that changed, as it is there."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any, ClassVar, Final
from urllib.parse import urlencode, urlsplit

from broadsheet.lib.http import Http, Response
from broadsheet.sources import broadsheet_jsonl
from broadsheet.sources.batch import Batch, SourceError, ask
from broadsheet.sources.reading import lines

PAGE: Final = 1000
# A paper with all its texts is a few kilobytes; a page of the longest still fits.
MAX_PAGE: Final = 128 << 20


@dataclass(frozen=True)
class Broadsheet:
    """Follows the site at `base`. The cursor keeps the number up to which its changes are here.

    The sources of the papers stay those they had there: who follows a site believes it as much as them.
    """

    base: str
    page: int = PAGE
    tells_days: ClassVar[bool] = False

    def __post_init__(self) -> None:
        parts = urlsplit(self.base)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            says = "say which site to follow, as in broadsheet:https://papers.lab.example"
            raise SourceError(f"{self.base[:100]!r} is no address of a site: {says}", True)

    @property
    def name(self) -> str:
        """The name under which the harvest is kept: short, and another for each site."""
        return f"broadsheet-{sha256(self.base.rstrip('/').encode()).hexdigest()[:8]}"

    def fetch(
        self, http: Http, cursor: Mapping[str, str], since: date | None = None, until: date | None = None
    ) -> Iterator[Batch]:
        """Give a batch per page. since, until: not possible here, as changes are followed by number.

        Raises SourceError.
        """
        if since or until:
            raise SourceError(
                f"{self.base} is followed by the numbers of its changes, not by days: leave them out", True
            )
        done, note = int(cursor.get("seq") or 0), ""
        while True:
            page = self._page(http, done)
            if page.newest < done:
                # The site over there was set up anew, and so are its numbers.
                done, note = 0, f"{self.base} counts its changes anew, so all of it is read again"
                continue
            if page.upto <= done and page.upto < page.newest:
                raise SourceError(f"{self.base} gives no change after {done} although there are some: try again later")
            items = tuple(broadsheet_jsonl.items(lines([page.body]), http.clock().date()))
            done = page.upto
            yield Batch(items, {"site": self.base, "seq": str(done)}, note=note)
            if done >= page.newest:
                return
            note = ""

    def _page(self, http: Http, since: int) -> "_Page":
        query = urlencode({"since": since, "limit": self.page, "format": "jsonl"})
        return ask(http, f"{self.base.rstrip('/')}/api/v1/export?{query}", _read, max_bytes=MAX_PAGE)


@dataclass(frozen=True, slots=True)
class _Page:
    """An answer that came whole. upto: the number it ends with; newest: the last one there was over there."""

    body: bytes
    upto: int
    newest: int


def _read(response: Response) -> _Page:
    try:
        last: Any = json.loads(response.body.rstrip().rpartition(b"\n")[2])
        page = _Page(response.body, last["head"], int(response.headers.get("x-broadsheet-seq", "")))
    except (ValueError, KeyError, TypeError, RecursionError):
        raise SourceError(f"{response.url} broke off, or is no export of a Broadsheet; try again later") from None
    if type(page.upto) is not int or not 0 <= page.upto < 2**63 or not 0 <= page.newest < 2**63:
        raise SourceError(f"{response.url} names changes by what is no number; try again later")
    return page
