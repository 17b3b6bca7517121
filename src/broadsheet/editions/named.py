"""Every list a person can see, by one key: what feeds, follows, deliveries and programs ask for.

| key | list |
| --- | --- |
| edition | the newest editions, one after the other |
| edition/2024-05-27, edition/2024-W22, edition/2024-05 | one edition |
| trending | the hot list |
| category/cs.CL, author/Ada Lovelace, organisation/lab, tag/imagenet | papers of one kind, the newest first |
| search/QUERY | papers that hold all the words of a query, the newest first |
| like/QUERY | papers near in meaning to a query, the newest first; see `editions.near` |
| similar/2405.12345 | papers like that one, the newest first |
| library, digest | what one reader saved; what is new for one reader; rooms above add more, see `provide` |
| group/lab | what several readers share, for each of them alone; rooms above add these, see `provide_shared` |
"""

import heapq
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from broadsheet.community.models import Organisation
from broadsheet.editions import lists, near
from broadsheet.editions.edition import Entry, NoSuchEdition
from broadsheet.editions.order import newest_day
from broadsheet.lib.clock import now as wall_clock
from broadsheet.lib.text import fold
from broadsheet.markup import maths
from broadsheet.papers import finding, queries, schedule
from broadsheet.papers.models import Authorship, Paper, Tag
from broadsheet.papers.store import tag_key
from broadsheet.readers import follows, library
from broadsheet.readers.models import Reader
from broadsheet.search.shard import NO_PHRASE
from broadsheet.search.types import Filter

LONGEST_KEY: Final = 300
MOST: Final = 100
MOST_SKIPPED: Final = 2_000
# A search is asked for what is new, so that the best answers of all time do not stand in its way.
NEW_FOR: Final = timedelta(days=60)
FOUND_AT_ONCE: Final = 500
LONGEST_TITLE: Final = 90


class NoSuchList(LookupError):
    """A key that names no list."""


@dataclass(frozen=True, slots=True)
class NamedList:
    """A list with its name and its page.

    key: as above, in its one form. path: of the page of this site that shows it.
    entries: papers with all their texts, in order, at most as many as were asked for.
    own: it belongs to one reader. paced: it grows in portions at hours that its reader chose; whoever passes it on does
        so at once. says: why there is nothing in it, where that is not for want of papers. short: its title without
        its kind, where the title tells both.
    """

    key: str
    title: str
    path: str
    entries: tuple[Entry, ...]
    own: bool = False
    paced: bool = False
    says: str = ""
    short: str = ""

    @property
    def label(self) -> str:
        """What it is called where its kind is told beside it."""
        return self.short or self.title


@dataclass(frozen=True, slots=True)
class Kind:
    """What is asked of lists of one kind, by what follows the first slash of the key.

    head: the list without its papers; raises NoSuchList. entries: (value, how many to skip, how many to give, now).
    """

    head: Callable[[str], NamedList]
    entries: Callable[[str, int, int, datetime], Iterable[Entry]]


def named(
    key: str, *, limit: int = MOST, now: datetime | None = None, reader: Reader | None = None, skip: int = 0
) -> NamedList:
    """Give the list of a key. reader: whose lists may be named besides those of everybody. Raises NoSuchList."""
    found, now = head(key, reader=reader), now or wall_clock()
    limit, skip = _within(limit, skip)
    kind, _slash, value = found.key.partition("/")
    if found.own and reader and kind in SHARED:
        return replace(found, entries=tuple(SHARED[kind].entries(reader, value, skip, limit, now)))
    if found.own and reader:
        return replace(found, entries=tuple(OWN[key].entries(reader, skip, limit, now)))
    return replace(found, entries=tuple(KINDS[kind].entries(value, skip, limit, now)))


def _within(limit: int, skip: int) -> tuple[int, int]:
    return max(1, min(limit, MOST)), max(0, min(skip, MOST_SKIPPED))


def head(key: str, *, reader: Reader | None = None) -> NamedList:
    """Give what a list is called, in one short query at most, without its papers. Raises NoSuchList."""
    kind, _slash, value = key.partition("/")
    value = " ".join(value.split())
    fits = key.isprintable() and len(key) <= LONGEST_KEY
    if fits and reader and key in OWN:
        return OWN[key].head(reader)
    if fits and reader and kind in SHARED:
        return SHARED[kind].head(reader, value)
    is_whole = bool(value) or kind in ("edition", "trending")
    if not fits or kind not in KINDS or not is_whole:
        raise NoSuchList(_("There is no such list. Lists are called %(kinds)s.") % {"kinds": ", ".join(EXAMPLES)})
    return KINDS[kind].head(value)


def exists(key: str) -> bool:
    """Whether a key names a list that everybody can see."""
    try:
        head(key)
    except NoSuchList:
        return False
    return True


def of_kind(kind: str, value: str) -> QuerySet[Paper]:
    """Give all papers of a category, an author, an organisation or a tag, the newest first. Raises NoSuchList.

    Each has its `day`: that of its announcement, else the one it was placed in.
    """
    # The types know nothing of what SELECT annotates.
    return SELECT[kind](value).order_by("-day", "-votes", "key")  # type: ignore[misc]


def _edition(key: str) -> NamedList:
    if not key:
        return NamedList("edition", _("Every edition"), reverse("latest"), ())
    title = _("Edition %(key)s") % {"key": key}
    return NamedList(f"edition/{key}", title, reverse(_kind_of_edition(key), args=[key]), ())


def _kind_of_edition(key: str) -> str:
    try:
        if re.fullmatch(r"\d{4}-W\d{2}", key, re.ASCII):
            lists.read_day(date.fromisocalendar(int(key[:4]), int(key[6:]), 1).isoformat())
            return "week"
        month = bool(re.fullmatch(r"\d{4}-\d{2}", key, re.ASCII))
        lists.read_day(f"{key}-01" if month else key)
    except NoSuchEdition as wrong:
        raise NoSuchList(str(wrong)) from None
    except ValueError:
        raise NoSuchList(_("There is no such week. Write it like 2024-W22.")) from None
    return "month" if month else "day"


def _in_edition(key: str, skip: int, limit: int, now: datetime) -> Iterable[Entry]:
    if not key:
        found, _more = lists.recent(limit, skip)
        return [entry for _day, entry in found]
    return lists.whole(lists.by_key(key, now).entries[skip : skip + limit])


def _trending(value: str) -> NamedList:
    if value:
        raise NoSuchList(_("The hot list is called trending, and nothing after it."))
    return NamedList("trending", _("Trending"), reverse("trending"), ())


def _hot(value: str, skip: int, limit: int, now: datetime) -> Iterable[Entry]:
    return lists.whole(lists.trending(skip + limit, now).entries[skip:])


def _of_category(code: str) -> QuerySet[Paper]:
    if not all(char.isascii() and (char.isalnum() or char in ".-") for char in code):
        raise NoSuchList(_("There is no such category."))
    # Rows of those that lists show, in an index by day: one of many categories must not be looked for in all papers.
    return Paper.objects.filter(in_categories__code=code).annotate(day=F("in_categories__day"))


def _of_author(name: str) -> QuerySet[Paper]:
    numbers = Authorship.objects.filter(name_key=fold(name)).values("paper_id")
    return _dated().filter(id__in=numbers)


def _of_organisation(slug: str) -> QuerySet[Paper]:
    return _dated().filter(organisations__slug=slug)


def _of_tag(name: str) -> QuerySet[Paper]:
    return _dated().filter(id__in=Tag.objects.filter(key=tag_key(name)).values("paper_id"))


def _dated() -> QuerySet[Paper]:
    return lists.shown().annotate(day=Coalesce("announced", "placed"))


SELECT: Final[dict[str, Callable[[str], QuerySet[Paper]]]] = {
    "category": _of_category,
    "author": _of_author,
    "organisation": _of_organisation,
    "tag": _of_tag,
}


def _category(code: str) -> NamedList:
    _of_category(code)
    return _of("category", code, code)


def _author(name: str) -> NamedList:
    written = Authorship.objects.filter(name_key=fold(name)).values_list("name", flat=True).first()
    if written is None:
        raise NoSuchList(_("No author of that name is known here."))
    # A name may have been written with signs that no address holds.
    known = written if written.isprintable() else name
    return _of("author", known, known)


def _organisation(slug: str) -> NamedList:
    known = Organisation.objects.filter(slug=slug).first()
    if known is None:
        raise NoSuchList(_("There is no such organisation here."))
    return _of("organisation", slug, known.name)


def _tag(name: str) -> NamedList:
    known = Tag.objects.filter(key=tag_key(name)).values_list("key", "name").first()
    if known is None:
        raise NoSuchList(_("No paper here has that tag."))
    return _of("tag", known[0], known[1])


def _of(kind: str, value: str, title: str) -> NamedList:
    return NamedList(f"{kind}/{value}", title, reverse(kind, args=[value]), ())


def _newest_of(kind: str) -> Callable[[str, int, int, datetime], Iterable[Entry]]:
    def entries(value: str, skip: int, limit: int, now: datetime) -> Iterable[Entry]:
        return _ranked(of_kind(kind, value)[skip : skip + limit], skip)

    return entries


def _search(query: str) -> NamedList:
    title = _("Search: %(query)s") % {"query": query}
    return NamedList(f"search/{query}", title, f"{reverse('search')}?{urlencode({'q': query})}", (), short=query)


def _like(query: str) -> NamedList:
    title = _("Near in meaning: %(query)s") % {"query": query}
    path = f"{reverse('search')}?{urlencode({'q': query, 'mode': 'semantic'})}"
    return NamedList(f"like/{query}", title, path, (), says=near.missing(), short=query)


def _similar(name: str) -> NamedList:
    paper = _paper_of(name)
    plain = maths.as_text(paper.title)
    short = plain if len(plain) <= LONGEST_TITLE else plain[: LONGEST_TITLE - 1].rstrip() + "…"
    title = _("Papers like “%(title)s”") % {"title": short}
    path = reverse("paper", args=[paper.key])
    return NamedList(f"similar/{paper.key}", title, path, (), says=near.missing(), short=short)


def _paper_of(name: str) -> Paper:
    paper = queries.by_key(name)
    if paper is None or not paper.is_shown:
        raise NoSuchList(_("We have no paper of that name."))
    return paper


def _by_words(query: str, wanted: Filter, most: int) -> list[int]:
    results = finding.reader().search(query, mode="lexical", limit=most, filter=wanted)
    # Whoever looks for a phrase wants no papers that hold its words apart: there is nothing new.
    return [] if NO_PHRASE in results.notes else [hit.paper for hit in results.hits]


def _by_paper(name: str, wanted: Filter, most: int) -> list[int]:
    return near.to_paper(_paper_of(name).id, wanted, most)


FOUND: Final[dict[str, Callable[[str, Filter, int], list[int]]]] = {
    "search": _by_words,
    "like": near.to_words,
    "similar": _by_paper,
}


def found(key: str, wanted: Filter, most: int = FOUND_AT_ONCE) -> list[int]:
    """Give the numbers of the papers of a list that the shard tells, one of a kind in FOUND. Raises NoSuchList."""
    kind, _slash, value = key.partition("/")
    return FOUND[kind](value, wanted, most)


def _newest_found(kind: str) -> Callable[[str, int, int, datetime], Iterable[Entry]]:
    def entries(value: str, skip: int, limit: int, now: datetime) -> Iterable[Entry]:
        newest = lists.latest_day(now)
        wanted = Filter(since=newest - NEW_FOR) if newest else Filter()
        # Of the many papers found no more is read than tells which are the newest.
        slim = _slim(FOUND[kind](value, wanted, FOUND_AT_ONCE))
        latest = heapq.nsmallest(skip + limit, slim, key=_newest_first)[skip:]
        return lists.whole(_ranked(latest, skip))

    return entries


def _newest_first(paper: Paper) -> tuple[int, int, str]:
    day = newest_day(paper) or date.min
    return -day.toordinal(), -paper.votes, paper.key


def _library(reader: Reader) -> NamedList:
    return NamedList("library", _("Library"), reverse("library"), (), own=True)


def _saved(reader: Reader, skip: int, limit: int, now: datetime) -> Iterable[Entry]:
    return _ranked(library.papers(reader)[skip : skip + limit], skip)


def _digest(reader: Reader) -> NamedList:
    return NamedList("digest", _("My digest"), reverse("follows"), (), own=True)


def followed(reader: Reader, *, limit: int = MOST, now: datetime | None = None) -> tuple[Entry, ...]:
    """Give what is new in the lists a reader follows, each paper once; to who follows nothing, what is trending."""
    return tuple(_newest_in(follows.of(reader), 0, _within(limit, 0)[0], now or wall_clock()))


def _new_for(reader: Reader, skip: int, limit: int, now: datetime) -> Iterable[Entry]:
    return _newest_in(follows.in_digest(reader), skip, limit, now)


def _newest_in(followed: Iterable[str], skip: int, limit: int, now: datetime) -> Iterable[Entry]:
    keys = [key for key in followed if key not in OWN]
    since = _days_ago(now)
    numbers: set[int] = set()
    for key in keys or ["trending"]:
        numbers.update(_new_in(key, min(skip + limit, MOST), now, since))
    slim = (paper for paper in _slim(numbers) if (newest_day(paper) or date.min) >= since)
    latest = heapq.nsmallest(skip + limit, slim, key=_newest_first)
    return lists.whole(_ranked(latest[skip:], skip))


def _days_ago(now: datetime) -> date:
    newest = min(filter(None, (lists.latest_day(now), schedule.latest_due(now))))
    return newest - NEW_FOR


def _new_in(key: str, limit: int, now: datetime, since: date) -> Iterable[int]:
    """Give the numbers of the newest papers of a list; some may be older than that day."""
    kind, _slash, value = key.partition("/")
    try:
        if kind in SELECT:
            new = of_kind(kind, value).filter(Q(announced__gte=since) | Q(placed__gte=since))
            return new.values_list("id", flat=True)[:limit]
        return [entry.paper.id for entry in named(key, limit=limit, now=now).entries]
    except NoSuchList:
        # What was followed may be gone, as an organisation that was dissolved.
        return []


def _slim(numbers: Iterable[int]) -> Iterable[Paper]:
    """Give those of the papers that lists show, with what their places need and no more."""
    return lists.shown().filter(id__in=list(numbers)).defer(*lists.HEAVY)


def _ranked(papers: Iterable[Paper], skip: int = 0) -> Sequence[Entry]:
    return [Entry(rank, paper) for rank, paper in enumerate(papers, skip + 1)]


KINDS: Final[dict[str, Kind]] = {
    "edition": Kind(_edition, _in_edition),
    "trending": Kind(_trending, _hot),
    "category": Kind(_category, _newest_of("category")),
    "author": Kind(_author, _newest_of("author")),
    "organisation": Kind(_organisation, _newest_of("organisation")),
    "tag": Kind(_tag, _newest_of("tag")),
    "search": Kind(_search, _newest_found("search")),
    "like": Kind(_like, _newest_found("like")),
    "similar": Kind(_similar, _newest_found("similar")),
}
EXAMPLES: Final = (
    "edition", "edition/2024-05-27", "trending", "category/cs.CL", "author/Ada Lovelace", "organisation/lab",
    "tag/imagenet", "search/long context", "like/long context", "similar/2405.12345",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class OwnKind:
    """The same for the lists of one reader."""

    head: Callable[[Reader], NamedList]
    entries: Callable[[Reader, int, int, datetime], Iterable[Entry]]


OWN: Final[dict[str, OwnKind]] = {"library": OwnKind(_library, _saved), "digest": OwnKind(_digest, _new_for)}


def provide(key: str, kind: OwnKind) -> OwnKind | None:
    """Let a room above give the list of a key of each reader's own, from its AppConfig.ready on.

    The key may be new, or one of OWN: what gave it before comes back, for those the room has nothing for.
    """
    before = OWN.get(key)
    OWN[key] = kind
    return before


@dataclass(frozen=True, slots=True)
class SharedKind:
    """The same for lists that several readers have together, by what follows the first slash of the key.

    head: raises NoSuchList for a reader who has no part in it, as for a list that is not there.
    of: the keys of those that a reader has a part in.
    """

    head: Callable[[Reader, str], NamedList]
    entries: Callable[[Reader, str, int, int, datetime], Iterable[Entry]]
    of: Callable[[Reader], Iterable[str]]


SHARED: Final[dict[str, SharedKind]] = {}


def provide_shared(kind: str, given: SharedKind) -> None:
    """Let a room above give the lists of a kind that readers share, from its AppConfig.ready on."""
    SHARED[kind] = given


def own_keys(reader: Reader) -> list[str]:
    """Give the keys of the lists that a reader may name besides those of everybody."""
    return [*OWN, *(key for kind in SHARED.values() for key in kind.of(reader))]
