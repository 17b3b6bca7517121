"""Lists as feeds: Atom (RFC 4287), RSS 2.0 and JSON Feed 1.1.

The same list gives the same bytes: nothing in a feed tells the time of asking, and votes and comments, which change by
the minute, are left to the pages. What names a paper in a feed is derived from the paper alone, so that it stays when
a site moves, and is the same on every site.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from hashlib import sha256
from typing import Any, Final
from uuid import UUID, uuid5

from django.conf import settings
from django.db.models import Max
from django.http import HttpRequest
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.utils.feedgenerator import Atom1Feed, Rss201rev2Feed, SyndicationFeed, rfc3339_date
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from broadsheet import __version__
from broadsheet.editions.named import NamedList
from broadsheet.export.address import Outside, absolute, of_paper, outside
from broadsheet.markup import linear
from broadsheet.papers.models import Change, Paper, Tag

# Names papers; it may never change, or every reader's program takes all papers for new ones.
PAPERS: Final = UUID("5f0c7c0e-6a34-5e0b-9d5c-2f6a1b0d7e41")
# Of an empty list: it has to tell some moment, and always the same one.
NEVER: Final = datetime(1991, 8, 14, tzinfo=UTC)
# What a change must have touched for a reader to look at the paper again; names of fields of PaperData.
MATTERS: Final = frozenset({"title", "abstract", "authors", "categories", "version"})
DUBLIN_CORE: Final = "http://purl.org/dc/elements/1.1/"
ATOM: Final = "http://www.w3.org/2005/Atom"
_NOT_IN_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Item:
    """A paper in a feed. title, abstract: as the record has them, TeX and all."""

    id: str
    url: str
    title: str
    abstract: str
    authors: tuple[str, ...]
    tags: tuple[str, ...]
    published: datetime
    updated: datetime
    outside: Outside


@dataclass(frozen=True, slots=True)
class Feed:
    """A list, ready to be written in any of the formats; all addresses are absolute.

    address: of the feed itself; "" where it is a secret. hub: of a WebSub hub, following: of what comes after these
    items; both "" where there is none.
    """

    id: str
    title: str
    about: str
    home: str
    address: str
    icon: str
    language: str
    items: tuple[Item, ...]
    hub: str = ""
    following: str = ""

    @property
    def updated(self) -> datetime:
        """When something in it last changed."""
        return max((item.updated for item in self.items), default=NEVER)

    def mark(self, form: str) -> str:
        """Give the feed's ETag in a format: the same for the same content, without writing it out."""
        return f'"{sha256(repr((form, __version__, self)).encode(errors="replace")).hexdigest()[:32]}"'


def feed_of(
    found: NamedList,
    request: HttpRequest | None = None,
    *,
    language: str = "en",
    address: str = "",
    following: str = "",
    whose: str = "",
) -> Feed:
    """Make the feed of a list.

    request: by which the addresses of this site are known where it has no public one. address, following: as in Feed.
    whose: sets the lists of readers apart from each other.
    """
    papers = [entry.paper for entry in found.entries]
    revised, tags = _revised(papers), _tags(papers)
    listed = {entry.paper.id: entry.day for entry in found.entries}
    return Feed(
        id=_feed_id(found.key, whose),
        title=clean(_("%(list)s · %(site)s") % {"list": found.title, "site": settings.CONFIG.site_name}),
        about=_("Papers of this list, with their abstracts."),
        home=absolute(found.path, request),
        address=address,
        icon=absolute(reverse("favicon"), request),
        language=language,
        items=tuple(
            _item(paper, of_paper(paper, request), revised.get(paper.id), tags.get(paper.id, []), listed[paper.id])
            for paper in papers
        ),
        hub=settings.CONFIG.websub_hub if found.key in pushed() and "?" not in address else "",
        following=following,
    )


def pushed() -> tuple[str, ...]:
    """Give the keys of the lists whose hub is told when they have something new; the others have to be asked."""
    return ("edition", "trending", *(f"category/{code}" for code in settings.CONFIG.categories))


def paper_id(key: str) -> str:
    """Give the name of a paper for programs: a UUID of its key, the same on every site."""
    return uuid5(PAPERS, key).urn


def _feed_id(key: str, whose: str) -> str:
    """Name a feed of this site: two sites' feeds of one category are two feeds, and one that moves keeps its names."""
    digest = salted_hmac("broadsheet.export.feeds", f"{whose}\n{key}", algorithm="sha256").digest()
    return UUID(bytes=digest[:16], version=5).urn


def _item(paper: Paper, url: str, revised: datetime | None, tags: list[str], listed: date | None) -> Item:
    published, placed = _midnight(listed or paper.announced or paper.placed), _midnight(paper.placed)
    first = published or (paper.submitted or paper.first_seen).replace(microsecond=0)
    names = (clean(str(author["name"])) for author in paper.authors if isinstance(author, dict) and author.get("name"))
    return Item(
        id=paper_id(paper.key),
        url=url,
        title=clean(paper.title),
        abstract=clean(paper.abstract),
        authors=tuple(name for name in names if name.strip()),
        tags=tuple(dict.fromkeys(clean(tag) for tag in (*paper.category_list, *tags))),
        published=first,
        updated=max(filter(None, (first, placed, revised))),
        outside=outside(paper),
    )


def _midnight(day: date | None) -> datetime | None:
    return datetime.combine(day, time(), UTC) if day else None


def _revised(papers: Iterable[Paper]) -> dict[int, datetime]:
    """When papers last changed in what matters, by their numbers; those that never did are left out."""
    numbers = [paper.id for paper in papers]
    again = Change.objects.filter(paper__in=numbers, kind="restore").values("paper").annotate(last=Max("at"))
    found = {row["paper"]: row["last"].replace(microsecond=0) for row in again}
    revisions = Change.objects.filter(paper__in=numbers, kind="revise").values_list("paper_id", "at", "old")
    for number, at, old in revisions:
        if MATTERS & set(old):
            found[number] = max(at.replace(microsecond=0), found.get(number, NEVER))
    return found


def _tags(papers: Iterable[Paper]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    numbers = [paper.id for paper in papers]
    for number, name in Tag.objects.filter(paper__in=numbers).order_by("key").values_list("paper_id", "name"):
        found.setdefault(number, []).append(name)
    return found


def clean(text: str) -> str:
    """Drop the characters that XML 1.0 cannot hold."""
    return _NOT_IN_XML.sub("", text)


def title_of(item: Item) -> str:
    """Give a title as plain words; a feed must give some."""
    return clean(linear.as_text(item.title)) or item.url


def text_of(item: Item) -> str:
    """Give an abstract as plain words."""
    return clean(linear.as_text(item.abstract))


def html_of(item: Item) -> str:
    """Give what a reader's program shows of a paper: who wrote it, the whole abstract, and where the paper is."""
    places = [(item.outside.abs, "arXiv"), (item.outside.pdf, "PDF"), (item.outside.html, _("Web version"))]
    links = format_html_join(" · ", '<a href="{}">{}</a>', (place for place in places if place[0]))
    parts = (format_html("<em>{}</em>", ", ".join(item.authors)) if item.authors else "", _abstract(item), links)
    return clean("\n".join(format_html("<p>{}</p>", part) for part in parts if part))


def _abstract(item: Item) -> SafeString:
    return linear.as_html(item.abstract)


def atom(feed: Feed) -> bytes:
    """Write a feed as Atom."""
    return _written(_Atom(feed), feed)


def rss(feed: Feed) -> bytes:
    """Write a feed as RSS 2.0, with Dublin Core for the authors and Atom for links."""
    return _written(_Rss(feed), feed)


def _written(made: SyndicationFeed, feed: Feed) -> bytes:
    for item in feed.items:
        made.add_item(
            title_of(item),
            item.url,
            html_of(item) if isinstance(made, _Rss) else "",
            unique_id=item.id,
            unique_id_is_permalink=False,
            pubdate=item.published,
            updateddate=item.updated,
            categories=item.tags,
            made_of=item,
        )
    return made.writeString("utf-8").encode()


class _Made(SyndicationFeed):
    """What both formats of XML say alike."""

    def __init__(self, feed: Feed) -> None:
        self.made_of = feed
        super().__init__(
            title=feed.title,
            link=feed.home,
            description=feed.about,
            subtitle=feed.about,
            language=feed.language,
            feed_url=feed.address or None,
            feed_guid=feed.id,
            author_name=settings.CONFIG.site_name,
        )

    def latest_post_date(self) -> datetime:
        """Never the time of asking, which Django gives for an empty feed."""
        return self.made_of.updated

    def _add_links(self, handler: Any, name: str) -> None:  # noqa: ANN401 - Django's writer has no types
        for rel, address in (("hub", self.made_of.hub), ("next", self.made_of.following)):
            if address:
                handler.addQuickElement(name, "", {"rel": rel, "href": address})


class _Atom(_Made, Atom1Feed):
    def add_root_elements(self, handler: Any) -> None:  # noqa: ANN401
        super().add_root_elements(handler)
        self._add_links(handler, "link")
        handler.addQuickElement("icon", self.made_of.icon)
        handler.addQuickElement("generator", "Broadsheet", {"version": __version__})

    def add_item_elements(self, handler: Any, item: dict[str, Any]) -> None:  # noqa: ANN401
        # What Django would write for a summary says that it is HTML.
        super().add_item_elements(handler, item | {"description": None})
        made: Item = item["made_of"]
        for name in made.authors:
            handler.startElement("author", {})
            handler.addQuickElement("name", name)
            handler.endElement("author")
        for address, kind in ((made.outside.abs, "text/html"), (made.outside.pdf, "application/pdf")):
            if address:
                handler.addQuickElement("link", "", {"rel": "related", "href": address, "type": kind})
        if text := text_of(made):
            handler.addQuickElement("summary", text)
        handler.addQuickElement("content", html_of(made), {"type": "html"})


class _Rss(_Made, Rss201rev2Feed):
    def rss_attributes(self) -> dict[str, str]:
        return {**super().rss_attributes(), "xmlns:dc": DUBLIN_CORE}

    def add_root_elements(self, handler: Any) -> None:  # noqa: ANN401
        super().add_root_elements(handler)
        self._add_links(handler, "atom:link")
        handler.addQuickElement("generator", f"Broadsheet {__version__}")

    def add_item_elements(self, handler: Any, item: dict[str, Any]) -> None:  # noqa: ANN401
        super().add_item_elements(handler, item)
        made: Item = item["made_of"]
        for name in made.authors:
            handler.addQuickElement("dc:creator", name)
        if made.outside.abs:
            handler.addQuickElement("atom:link", "", {"rel": "related", "href": made.outside.abs})
        handler.addQuickElement("atom:updated", rfc3339_date(made.updated))


def as_json(feed: Feed) -> bytes:
    """Write a feed as JSON Feed 1.1."""
    told: dict[str, object] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": feed.home,
        "feed_url": feed.address,
        "description": feed.about,
        "next_url": feed.following,
        "favicon": feed.icon,
        "language": feed.language,
        "authors": [{"name": settings.CONFIG.site_name, "url": feed.home}],
        "hubs": [{"type": "WebSub", "url": feed.hub}] if feed.hub else [],
    }
    items = [_as_json(item) for item in feed.items]
    return json.dumps({**_told(told), "items": items}, ensure_ascii=False, separators=(",", ":")).encode()


def _as_json(item: Item) -> dict[str, object]:
    return _told(
        {
            "id": item.id,
            "url": item.url,
            "external_url": item.outside.abs,
            "title": title_of(item),
            "content_html": html_of(item),
            "content_text": text_of(item),
            "date_published": rfc3339_date(item.published),
            "date_modified": rfc3339_date(item.updated),
            "authors": [{"name": name} for name in item.authors],
            "tags": list(item.tags),
        }
    )


def _told(values: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in values.items() if value}


@dataclass(frozen=True, slots=True)
class Format:
    """How a feed can be written: its name, its media type, and the writer."""

    name: str
    type: str
    write: Callable[[Feed], bytes]


FORMATS: Final = {
    "atom": Format("Atom", "application/atom+xml", atom),
    "rss": Format("RSS", "application/rss+xml", rss),
    "json": Format("JSON Feed", "application/feed+json", as_json),
}
