"""arXiv's Atom API: single papers by id, searches, and the repair of gaps. Not for daily harvesting.

https://info.arxiv.org/help/api/user-manual.html
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date
from typing import ClassVar
from urllib.parse import urlencode
from xml.etree.ElementTree import Element

from broadsheet.lib.http import Http, Response
from broadsheet.lib.text import accents
from broadsheet.record.identifiers import BadIdentifier, arxiv_id
from broadsheet.record.paper import Author, Item, PaperData, Rejected, Version
from broadsheet.sources.arxiv_fields import estimate, identifiers, is_withdrawn, read_moment
from broadsheet.sources.batch import READ_TRIES, Batch, SourceError, ask
from broadsheet.sources.holidays import LISTED
from broadsheet.sources.xml import MAX_BYTES, Page, read_items, read_page, text_of

BASE = "https://export.arxiv.org/api/query"
NAME = "arxiv-api"
SCHEME = "http://arxiv.org/schemas/atom"
# More than this in all answers 400; slices above 1,000 are discouraged.
REACH = 30_000
TIMEOUT = 120.0


@dataclass(frozen=True)
class ApiPage:
    """One answer; `total` is how many entries the whole list has, by its own count."""

    items: tuple[Item, ...]
    total: int


@dataclass(frozen=True)
class ArxivApi:
    """Fetches the papers of `ids`, or those that a `query` in the API's own language finds (`cat:cs.AI AND ti:bees`).

    page: entries per answer of a search. chunk: ids per request. The cursor keeps the slice and the next row of it.
    """

    query: str = ""
    ids: tuple[str, ...] = ()
    base: str = BASE
    page: int = 200
    chunk: int = 100
    holidays: Collection[date] = LISTED
    name: str = NAME
    tells_days: ClassVar[bool] = False

    def fetch(
        self, http: Http, cursor: Mapping[str, str], since: date | None = None, until: date | None = None
    ) -> Iterator[Batch]:
        """Give a batch per answer. since, until: days of the submission, UTC, for searches. Raises SourceError."""
        if self.ids:
            return self._by_ids(http, dict(cursor))
        if not (self.query or since or until):
            raise SourceError("the search of arXiv's API needs a query, ids or days", True)
        return self._search(http, dict(cursor), _query(self.query, since, until))

    def _by_ids(self, http: Http, state: dict[str, str]) -> Iterator[Batch]:
        good, bad = _sorted_ids(self.ids, self.name)
        for start in range(0, len(good), self.chunk):
            part = good[start : start + self.chunk]
            page = self._ask(http, {"id_list": ",".join(part), "max_results": str(len(part))})
            found = {str(i.value) for item in page.items if isinstance(item, PaperData) for i in item.identifiers}
            missing = [name for name in part if arxiv_id(name).value not in found]
            note = f"arXiv does not know {', '.join(missing)}" if missing else ""
            yield Batch(page.items + bad, dict(state), len(part), note)
            bad = ()
        if bad:
            yield Batch(bad, dict(state), 0)

    def _search(self, http: Http, state: dict[str, str], query: str) -> Iterator[Batch]:
        start = int(state.get("start") or 0) if state.get("slice") == query else 0
        total = start + 1
        while start < min(total, REACH):
            page = self._slice(http, query, start)
            total, start = page.total, start + len(page.items)
            ended = start >= min(total, REACH) or not page.items
            state.update({"slice": "" if ended else query, "start": "" if ended else str(start)})
            yield Batch(page.items, dict(state), total, _incomplete(start, total) if ended else "")
            if ended:
                return

    def _slice(self, http: Http, query: str, start: int) -> ApiPage:
        """Ask for one page; ask again, a bounded number of times, where it is shorter than it ought to be."""
        wanted = {"search_query": query, "start": str(start), "max_results": str(min(self.page, REACH - start))}
        best = ApiPage((), 0)
        for attempt in range(READ_TRIES):
            page = self._ask(http, {**wanted, "sortBy": "submittedDate", "sortOrder": "ascending"})
            best = max(best, page, key=lambda one: (len(one.items), one.total))
            # An empty first page claims that nothing was found: it is not believed at once.
            if page.items and len(page.items) >= min(self.page, page.total - start):
                break
            if attempt + 1 < READ_TRIES:
                http.pause(attempt)
        return best

    def _ask(self, http: Http, query: Mapping[str, str]) -> ApiPage:
        url = f"{self.base}?{urlencode(query)}"
        return ask(http, url, self._read, accept=(400,), timeout=TIMEOUT, max_bytes=MAX_BYTES)

    def _read(self, response: Response) -> ApiPage:
        return read_api(response, self.name, self.holidays)


def read_api(response: Response, source: str = NAME, holidays: Collection[date] = LISTED) -> ApiPage:
    """Read an answer of the API. Raises SourceError, also for an error that comes as a feed with one entry."""
    page = read_page(response, "feed", "entry", "Atom")
    if complaint := _complaint(page, response.status):
        raise SourceError(f"arXiv's API refused {response.url}: {complaint}", True)
    total = text_of(page.root, "totalResults")
    if not re.fullmatch(r"\d{1,9}", total):
        raise SourceError(f"{response.url} sent a feed that does not tell how many results there are")
    return ApiPage(tuple(read_items(page, source, lambda entry: _read_entry(entry, source, holidays))), int(total))


def _read_entry(entry: Element, source: str, holidays: Collection[date]) -> PaperData:
    paper = arxiv_id(text_of(entry, "id"))
    title, abstract, comments = (text_of(entry, name) for name in ("title", "summary", "comment"))
    if not title:
        raise ValueError("the entry has no title")
    submitted, updated = (read_moment(text_of(entry, name)).astimezone(UTC) for name in ("published", "updated"))
    return PaperData(
        source=source,
        title=title,
        abstract=abstract,
        identifiers=identifiers(paper, text_of(entry, "doi")),
        authors=tuple(_author(author) for author in entry.iterfind("author")),
        categories=_categories(entry),
        submitted=submitted,
        announced=estimate(submitted, paper, holidays),
        announced_by="estimate",
        version=paper.version,
        versions=tuple({1: Version(1, submitted), paper.version or 1: Version(paper.version or 1, updated)}.values()),
        withdrawn=is_withdrawn(comments, abstract),
        comments=comments,
        journal_ref=text_of(entry, "journal_ref"),
    )


def _author(author: Element) -> Author:
    affiliations = filter(None, map(text_of, author.iterfind("affiliation")))
    return Author(accents(text_of(author, "name")), "; ".join(affiliations))


def _categories(entry: Element) -> tuple[str, ...]:
    """List arXiv's own categories, the primary one first; ACM and MSC codes carry another scheme."""
    primary = entry.find("primary_category")
    terms = [] if primary is None else [primary.get("term", "")]
    terms += [one.get("term", "") for one in entry.iterfind("category") if one.get("scheme", SCHEME) == SCHEME]
    return tuple(dict.fromkeys(filter(None, terms)))


def _complaint(page: Page, status: int) -> str:
    """Give what an error feed complains of, "" where the page is none: errors come with status 200 as well."""
    try:
        entry = page.element(page.records[0]) if page.records else None
    except ValueError:
        entry = None
    if "/api/errors" in text_of(entry, "id"):
        return text_of(entry, "summary") or "it does not say why"
    return "it does not say why" if status == 400 else ""


def _query(query: str, since: date | None, until: date | None) -> str:
    if not (since or until):
        return query
    begin, end = since or date(1991, 1, 1), until or date(2099, 12, 31)
    days = f"submittedDate:[{begin:%Y%m%d}0000 TO {end:%Y%m%d}2359]"
    return f"({query}) AND {days}" if query else days


def _sorted_ids(ids: Iterable[str], source: str) -> tuple[list[str], tuple[Item, ...]]:
    """Part the ids into those to ask for and those that are none: one malformed id makes the API refuse all."""
    good: list[str] = []
    bad: list[Item] = []
    for text in ids:
        try:
            paper = arxiv_id(text)
        except BadIdentifier as error:
            bad.append(Rejected(source, text[:100], str(error), text.encode(errors="replace")))
        else:
            good.append(f"{paper.value}v{paper.version}" if paper.version else paper.value)
    return list(dict.fromkeys(good)), tuple(bad)


def _incomplete(reached: int, total: int) -> str:
    if reached >= total:
        return ""
    if reached >= REACH:
        return f"incomplete: {total:,} results, the API gives the first {REACH:,}; ask for fewer days at a time"
    return f"incomplete: {reached:,} of {total:,} came, then the API gave no more; ask again later"
