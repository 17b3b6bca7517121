"""Every list a person can see, by one key: what feeds, follows, deliveries and programs ask for.

| key | list |
| --- | --- |
| edition | the newest editions, one after the other |
| edition/2024-05-27, edition/2024-W22, edition/2024-05 | one edition |
| trending | the hot list |
| category/cs.CL, author/Ada Lovelace, organisation/lab, tag/imagenet | papers of one kind, the newest first |
| search/QUERY | papers that hold all the words of a query, the newest first |
| library, digest | what one reader saved; what one reader follows |
"""

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from broadsheet.community.models import Organisation
from broadsheet.editions import lists
from broadsheet.editions.edition import Entry, NoSuchEdition
from broadsheet.editions.order import newest_day
from broadsheet.lib.clock import now as wall_clock
from broadsheet.lib.text import fold
from broadsheet.papers import finding, schedule
from broadsheet.papers.models import Authorship, Paper, Tag
from broadsheet.papers.store import tag_key
from broadsheet.readers import follows, library
from broadsheet.readers.models import Reader
from broadsheet.search.types import Filter

LONGEST_KEY: Final = 300
MOST: Final = 100
# A search is asked for what is new, so that the best answers of all time do not stand in its way.
NEW_FOR: Final = timedelta(days=60)
FOUND_AT_ONCE: Final = 500


class NoSuchList(LookupError):
    """A key that names no list."""


@dataclass(frozen=True, slots=True)
class NamedList:
    """A list with its name and its page.

    key: as above, in its one form. path: of the page of this site that shows it.
    entries: papers with all their texts, in order, at most as many as were asked for.
    own: it belongs to one reader.
    """

    key: str
    title: str
    path: str
    entries: tuple[Entry, ...]
    own: bool = False


Maker = Callable[[str, int, datetime], NamedList]


def named(key: str, *, limit: int = MOST, now: datetime | None = None, reader: Reader | None = None) -> NamedList:
    """Give the list of a key. reader: whose lists may be named besides those of everybody. Raises NoSuchList."""
    kind, _slash, value = key.partition("/")
    value = " ".join(value.split())
    fits = key.isprintable() and len(key) <= LONGEST_KEY
    limit = max(1, min(limit, MOST))
    if fits and reader and key in OWN:
        return OWN[key](reader, limit, now or wall_clock())
    is_whole = bool(value) or kind in ("edition", "trending")
    if not fits or kind not in KINDS or not is_whole:
        raise NoSuchList(_("There is no such list. Lists are called %(kinds)s.") % {"kinds": ", ".join(EXAMPLES)})
    return KINDS[kind](value, limit, now or wall_clock())


def exists(key: str) -> bool:
    """Whether a key names a list that everybody can see."""
    try:
        named(key, limit=1)
    except NoSuchList:
        return False
    return True


def of_kind(kind: str, value: str) -> QuerySet[Paper]:
    """Give all papers of a category, an author, an organisation or a tag, the newest first. Raises NoSuchList."""
    return SELECT[kind](value).order_by("-announced", "-votes", "key")


def _edition(key: str, limit: int, now: datetime) -> NamedList:
    if not key:
        found, _more = lists.recent(limit)
        title = _("Every edition")
        return NamedList("edition", title, reverse("latest"), tuple(entry for _day, entry in found))
    try:
        edition = lists.by_key(key, now)
    except NoSuchEdition as wrong:
        raise NoSuchList(str(wrong)) from None
    if edition.kind == "trending":
        return _trending("", limit, now)
    path = reverse(edition.kind, args=[key])
    return NamedList(
        f"edition/{key}",
        _("Edition %(key)s") % {"key": key},
        path,
        tuple(lists.whole(edition.entries[:limit])),
    )


def _trending(value: str, limit: int, now: datetime) -> NamedList:
    if value:
        raise NoSuchList(_("The hot list is called trending, and nothing after it."))
    entries = lists.whole(lists.trending(limit, now).entries)
    return NamedList("trending", _("Trending"), reverse("trending"), tuple(entries))


def _of_category(code: str) -> QuerySet[Paper]:
    # Categories are divided by blanks; one that begins another, as cs and cs.CL, is no match.
    if not all(char.isascii() and (char.isalnum() or char in ".-") for char in code):
        raise NoSuchList(_("There is no such category."))
    dots = code.replace(".", r"\.")
    return lists.shown().filter(categories__contains=code, categories__regex=rf"(^| ){dots}( |$)")


def _of_author(name: str) -> QuerySet[Paper]:
    numbers = Authorship.objects.filter(name_key=fold(name)).values("paper_id")
    return lists.shown().filter(id__in=numbers)


def _of_organisation(slug: str) -> QuerySet[Paper]:
    return lists.shown().filter(organisations__slug=slug)


def _of_tag(name: str) -> QuerySet[Paper]:
    return lists.shown().filter(id__in=Tag.objects.filter(key=tag_key(name)).values("paper_id"))


SELECT: Final[dict[str, Callable[[str], QuerySet[Paper]]]] = {
    "category": _of_category,
    "author": _of_author,
    "organisation": _of_organisation,
    "tag": _of_tag,
}


def _category(code: str, limit: int, now: datetime) -> NamedList:
    return _of("category", code, code, limit)


def _author(name: str, limit: int, now: datetime) -> NamedList:
    written = Authorship.objects.filter(name_key=fold(name)).values_list("name", flat=True).first()
    if written is None:
        raise NoSuchList(_("No author of that name is known here."))
    return _of("author", written, written, limit)


def _organisation(slug: str, limit: int, now: datetime) -> NamedList:
    known = Organisation.objects.filter(slug=slug).first()
    if known is None:
        raise NoSuchList(_("There is no such organisation here."))
    return _of("organisation", slug, known.name, limit)


def _tag(name: str, limit: int, now: datetime) -> NamedList:
    known = Tag.objects.filter(key=tag_key(name)).values_list("key", "name").first()
    if known is None:
        raise NoSuchList(_("No paper here has that tag."))
    return _of("tag", known[0], known[1], limit)


def _of(kind: str, value: str, title: str, limit: int) -> NamedList:
    papers = of_kind(kind, value)[:limit]
    return NamedList(f"{kind}/{value}", title, reverse(kind, args=[value]), _ranked(papers))


def _search(query: str, limit: int, now: datetime) -> NamedList:
    newest = lists.latest_day(now)
    wanted = Filter(since=newest - NEW_FOR) if newest else Filter()
    found = finding.find(query, mode="page", limit=FOUND_AT_ONCE, wanted=wanted)
    papers = (hit.paper for hit in found.hits if hit.block != "meaning")
    latest = heapq.nsmallest(limit, papers, key=_newest_first)
    return NamedList(
        f"search/{query}",
        _("Search: %(query)s") % {"query": query},
        f"{reverse('search')}?{urlencode({'q': query})}",
        _ranked(latest),
    )


def _newest_first(paper: Paper) -> tuple[int, int, str]:
    day = newest_day(paper) or date.min
    return -day.toordinal(), -paper.votes, paper.key


def _library(reader: Reader, limit: int, now: datetime) -> NamedList:
    papers = library.papers(reader)[:limit]
    return NamedList("library", _("Library"), reverse("library"), _ranked(papers), own=True)


def _digest(reader: Reader, limit: int, now: datetime) -> NamedList:
    """What is new in the lists a reader follows, each paper once; of those who follow nothing, what is trending."""
    keys = [key for key in follows.of(reader) if key not in OWN]
    since = _days_ago(now)
    papers: dict[int, Paper] = {}
    for key in keys or ["trending"]:
        for paper in _new_in(key, limit, now, since):
            papers.setdefault(paper.id, paper)
    latest = heapq.nsmallest(limit, papers.values(), key=_newest_first)
    return NamedList("digest", _("My digest"), reverse("follows"), _ranked(latest), own=True)


def _days_ago(now: datetime) -> date:
    newest = min(filter(None, (lists.latest_day(now), schedule.latest_due(now))))
    return newest - NEW_FOR


def _new_in(key: str, limit: int, now: datetime, since: date) -> list[Paper]:
    try:
        entries = named(key, limit=limit, now=now).entries
    except NoSuchList:
        # What was followed may be gone, as an organisation that was dissolved.
        return []
    return [entry.paper for entry in entries if (newest_day(entry.paper) or date.min) >= since]


def _ranked(papers: Iterable[Paper]) -> tuple[Entry, ...]:
    return tuple(Entry(rank, paper) for rank, paper in enumerate(papers, 1))


KINDS: Final[dict[str, Maker]] = {
    "edition": _edition,
    "trending": _trending,
    "category": _category,
    "author": _author,
    "organisation": _organisation,
    "tag": _tag,
    "search": _search,
}
EXAMPLES: Final = (
    "edition", "edition/2024-05-27", "trending", "category/cs.CL", "author/Ada Lovelace", "organisation/lab",
    "tag/imagenet", "search/long context",
)  # fmt: skip
OWN: Final[dict[str, Callable[[Reader, int, datetime], NamedList]]] = {"library": _library, "digest": _digest}
