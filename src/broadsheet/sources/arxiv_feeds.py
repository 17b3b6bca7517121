"""arXiv's daily feeds: what was announced today in a category, and as what. One edition only: a missed day is gone.

https://info.arxiv.org/help/rss.html
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import ClassVar
from urllib.parse import quote
from xml.etree.ElementTree import Element

from broadsheet.lib.http import Http, Response
from broadsheet.lib.text import squash
from broadsheet.record.identifiers import ArxivId, arxiv_id
from broadsheet.record.paper import Item, PaperData
from broadsheet.sources.arxiv_fields import identifiers, is_withdrawn, read_moment
from broadsheet.sources.batch import Batch, SourceError, ask
from broadsheet.sources.calendar import NEW_YORK, has_edition, latest_fed
from broadsheet.sources.holidays import LISTED
from broadsheet.sources.names import split_authors
from broadsheet.sources.xml import read_items, read_page, text_of

BASE = "https://rss.arxiv.org"
NAME = "arxiv-feeds"
ROOTS = {"rss": ("rss", "item", "RSS"), "atom": ("feed", "entry", "Atom")}
FULL = 2000
_ABOUT = re.compile(
    r"arXiv:(?P<id>\S+)\s+Announce Type:\s*(?P<type>[a-z-]+)\s*(?:Abstract:\s*)?(?P<abstract>.*)", re.DOTALL
)


@dataclass(frozen=True)
class Feed:
    """A feed as read. day: the edition it shows, None where it is empty or names none. error: what it complains of."""

    items: tuple[Item, ...]
    day: date | None
    error: str = ""


@dataclass(frozen=True)
class ArxivFeeds:
    """Reads one feed per category, so that no wide feed is cut at its limit.

    form: "rss" or "atom". The cursor keeps per category the validators of the last answer and the edition it showed.
    """

    categories: tuple[str, ...]
    base: str = BASE
    form: str = "rss"
    holidays: Collection[date] = LISTED
    name: str = NAME
    tells_days: ClassVar[bool] = True

    def fetch(
        self, http: Http, cursor: Mapping[str, str], since: date | None = None, until: date | None = None
    ) -> Iterator[Batch]:
        """Give a batch per category, its note saying where a feed is stale, unchanged, or rightly empty.

        since, until: not used, a feed has the present edition only. Raises SourceError.
        """
        state = dict(cursor)
        for category in self.categories:
            yield self._category(http, category, state)

    def _category(self, http: Http, category: str, state: dict[str, str]) -> Batch:
        url = f"{self.base}/{self.form}/{quote(category, safe='+')}"
        response, feed = ask(
            http,
            url,
            self._read,
            accept=(400,),
            etag=state.get(f"{category}:etag", ""),
            last_modified=state.get(f"{category}:modified", ""),
        )
        if feed is None:
            shown = state.get(f"{category}:day", "")
            feed = Feed((), date.fromisoformat(shown) if shown else None)
            late = self._lateness(http, feed)
            return Batch(
                (), dict(state), 0, f"{category}: unchanged{late}", self._due(http) if late else None, category
            )
        if feed.error:
            raise SourceError(f"{url} answered: {feed.error}; check that {category} is a category of arXiv", True)
        state.update(
            {
                f"{category}:etag": response.headers.get("etag", ""),
                f"{category}:modified": response.headers.get("last-modified", ""),
                f"{category}:day": feed.day.isoformat() if feed.day else "",
            }
        )
        day = self._due(http) if self._lateness(http, feed) and feed.items else feed.day
        return Batch(feed.items, dict(state), len(feed.items), self._note(http, category, feed), day, category)

    def _due(self, http: Http) -> date:
        return latest_fed(http.clock(), self.holidays)

    def _read(self, response: Response) -> tuple[Response, Feed | None]:
        return response, None if response.status == 304 else read_feed(response, self.form, self.name)

    def _note(self, http: Http, category: str, feed: Feed) -> str:
        full = f", full at {FULL} entries, more may have been cut" if len(feed.items) >= FULL else ""
        told = self._lateness(http, feed) + full
        return f"{category}{': ' if told else ''}{told.removeprefix(', ')}" if told else ""

    def _lateness(self, http: Http, feed: Feed) -> str:
        moment = http.clock()
        due, today = latest_fed(moment, self.holidays), moment.astimezone(NEW_YORK).date()
        if feed.day is None:
            rightly = not has_edition(today, self.holidays)
            return ", no edition today (weekend or holiday)" if rightly else f", empty, though the edition {due} is due"
        return f", stale: shows the edition {feed.day}, {due} is due" if feed.day < due else ""


def read_feed(response: Response, form: str = "rss", source: str = NAME) -> Feed:
    """Read a feed in either form. Raises SourceError where it is none; an error feed comes back with its `error`."""
    root, record, what = ROOTS[form]
    page = read_page(response, root, record, what)
    channel = page.root.find("channel") if form == "rss" else page.root
    title = text_of(channel, "title")
    if title.lower().startswith("feed error") or response.status == 400:
        says = text_of(channel, "description") or text_of(channel, "subtitle")
        return Feed((), None, ": ".join(filter(None, (title or "an error", says))))
    read = tuple(read_items(page, source, lambda item: _read_item(item, source)))
    days = [item.announced for item in read if isinstance(item, PaperData) and item.announced]
    return Feed(tuple(_settled(read)), max(days, default=None))


def _read_item(item: Element, source: str) -> PaperData:
    """Read an item; `announced` is the feed's date for all and `announced_by` the announce type until `_settled`."""
    about = _ABOUT.match(text_of(item, "description") or text_of(item, "summary"))
    paper = _identifier(item, about)
    title, kind = text_of(item, "title"), text_of(item, "announce_type") or (about["type"] if about else "")
    if not title:
        raise ValueError("the item has no title")
    moment = read_moment(text_of(item, "pubDate") or text_of(item, "published"))
    abstract = squash(about["abstract"]) if about else text_of(item, "description") or text_of(item, "summary")
    categories = (category.get("term") or text_of(category) for category in item.iterfind("category"))
    return PaperData(
        source=source,
        title=title,
        abstract=abstract,
        identifiers=identifiers(paper, text_of(item, "DOI")),
        authors=split_authors(text_of(item, "creator")) or split_authors(text_of(item, "author/name")),
        categories=tuple(dict.fromkeys(filter(None, categories))),
        announced=moment.astimezone(NEW_YORK).date(),
        announced_by=kind,
        version=paper.version,
        withdrawn=is_withdrawn("", abstract),
        journal_ref=text_of(item, "journal_reference"),
        licence=text_of(item, "rights"),
    )


def _identifier(item: Element, about: re.Match[str] | None) -> ArxivId:
    named = text_of(item, "guid") or text_of(item, "id") or (about["id"] if about else "")
    return arxiv_id(named or text_of(item, "link"))


def _settled(items: tuple[Item, ...]) -> Iterator[Item]:
    """Keep the edition day only with the papers that were first announced in it.

    New papers are. A cross-list may be of an older paper: it counts when it is of version 1, of the feed's month, and
    of a number no smaller than the smallest new one (numbers follow the order of announcement). A replacement never is.
    """
    papers = [item for item in items if isinstance(item, PaperData)]
    first = min((_number(paper) for paper in papers if paper.announced_by == "new"), default=())
    for item in items:
        if isinstance(item, PaperData):
            new = item.announced_by == "new" or (
                item.announced_by == "cross" and item.version == 1 and _number(item) >= first and _is_of_month(item)
            )
            item = replace(item, announced=item.announced if new else None, announced_by="feed" if new else "")
        yield item


def _number(paper: PaperData) -> tuple[str, ...]:
    month, _, number = paper.identifiers[0].value.partition(".")
    return (month, number.zfill(6))


def _is_of_month(paper: PaperData) -> bool:
    if paper.announced is None:
        return False
    return arxiv_id(paper.identifiers[0].value).month in _months(paper.announced)


def _months(day: date) -> set[str]:
    """Name the months an identifier of that edition can have: the day's, and that of the evening before."""
    evening = day.toordinal() - 1
    return {f"{day:%Y-%m}", f"{date.fromordinal(evening):%Y-%m}"}
