"""Search as you type, by words and by meaning."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, cast, get_args

from django.http import HttpRequest, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.vary import vary_on_headers

from broadsheet.community import marks
from broadsheet.editions.lists import shown
from broadsheet.papers import finding
from broadsheet.papers.finding import Found, FoundPaper
from broadsheet.papers.models import Paper
from broadsheet.readers.models import Reader
from broadsheet.search.types import Filter, Mode
from broadsheet.web import cards, categories, formats
from broadsheet.web.acting import reader_of, sign_in
from broadsheet.web.cards import Card
from broadsheet.web.limits import limited
from broadsheet.web.numbers import counted
from broadsheet.web.views import exports
from broadsheet.web.views.errors import bad_request

LONGEST_QUERY: Final = 1000
RECENT: Final = 12
# Cards of each block that come while a reader types; the others come when the reader gets there.
FIRST: Final = 20
MODES: Final = {
    "page": gettext_lazy("Words, then meaning"),
    "hybrid": gettext_lazy("Both, mixed"),
    "lexical": gettext_lazy("Words only"),
    "semantic": gettext_lazy("Meaning only"),
}
EXAMPLES: Final = ("consistency loss", "author:bengio attention", "cat:cs.CL long context", "has:code diffusion")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the reader asked for, as read from the address."""

    q: str = ""
    mode: Mode = "page"
    wanted: Filter = Filter()
    notes: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        """The shortest address that asks the same."""
        query = QueryDict(mutable=True)
        if self.q:
            query["q"] = self.q
        query.setlist("cat", list(self.wanted.categories))
        for name, day in (("from", self.wanted.since), ("until", self.wanted.until)):
            if day:
                query[name] = day.isoformat()
        if self.wanted.has_code:
            query["code"] = "1"
        if self.mode != "page":
            query["mode"] = self.mode
        return reverse("search") + (f"?{query.urlencode()}" if any(query.lists()) and query.urlencode() else "")


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter: set, with the address that takes it away, or on offer, with the address that sets it."""

    label: str
    url: str
    on: bool
    papers: int = 0
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """A block of what is found. papers: how many it has; rest: where the cards after these are, if any are.

    count: how many that is, in words for its heading: also of how many, where it has not all of them.
    """

    cards: list[Card]
    papers: int
    rest: str = ""
    count: str = ""


@formats.negotiated
@vary_on_headers("HX-Request")
@limited("search")
def show(request: HttpRequest) -> HttpResponseBase:
    """Show what is found; for htmx only the results, which it puts in their place while the reader types."""
    if len(request.GET.get("q", "")) > LONGEST_QUERY:
        return bad_request(request, says=_("That is too long to search for. A few words find more."))
    if kind := formats.asked(request, "md"):
        return _exported(request, kind)
    asked = read(request.GET)
    typing = _typing(request)
    found = finding.find(asked.q, mode=asked.mode, wanted=asked.wanted) if asked.q else None
    if found and found.goes_to and not typing:
        return redirect("paper", key=found.goes_to.key)
    if found and typing and (block := request.GET.get("rest")):
        return render(request, "web/parts/rest.html", _rest(asked, found, block, reader_of(request)))
    first = FIRST if typing else len(found.hits) if found else 0
    results = _results(asked, found, reader_of(request), first)
    context = {"section": "search", "asked": asked, "modes": MODES, **results}
    response = render(request, "web/parts/results.html" if typing else "web/search.html", context)
    if typing:
        response["HX-Replace-Url"] = asked.address
    return response


@limited("search")
def export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """Give what is found in a format."""
    if len(request.GET.get("q", "")) > LONGEST_QUERY:
        return bad_request(request, says=_("That is too long to search for. A few words find more."))
    return _exported(request, kind)


def _exported(request: HttpRequest, kind: str) -> HttpResponseBase:
    asked = read(request.GET)
    if not asked.q:
        return bad_request(request, says=_("Say what to search for, as in ?q=attention."))
    return exports.of_found(request, finding.find(asked.q, mode=asked.mode, wanted=asked.wanted), kind)


def _typing(request: HttpRequest) -> bool:
    """Whether htmx asks for the results alone; when it restores a page it wants all of it."""
    headers = request.headers
    return headers.get("HX-Request") == "true" and headers.get("HX-History-Restore-Request") != "true"


def read(query: QueryDict) -> Asked:
    """Read the address of a search. What makes no sense is left out, with a sentence that says so."""
    notes: list[str] = []
    since, until = (_day(query.get(name, ""), notes) for name in ("from", "until"))
    if since and until and since > until:
        since, until = until, since
    mode = query.get("mode", "page")
    if mode not in get_args(Mode):
        mode = "page"
    codes = [code for given in query.getlist("cat") for code in given.replace(",", " ").split()]
    known = tuple(dict.fromkeys(code for code in codes if code.isprintable() and len(code) <= 20))[:8]
    return Asked(
        q=" ".join("".join(char if char.isprintable() else " " for char in query.get("q", "")).split()),
        mode=cast(Mode, mode),
        wanted=Filter(since, until, known, has_code=True if query.get("code") == "1" else None),
        notes=tuple(notes),
    )


def _day(text: str, notes: list[str]) -> date | None:
    if not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        notes.append(_("“%(text)s” is no date, so it was left out. Write it like 2024-05-27.") % {"text": text[:40]})
        return None


def _results(asked: Asked, found: Found | None, reader: Reader | None, first: int) -> dict[str, object]:
    acting = _acting(asked)
    if found is None:
        recent = _recent(asked.wanted)
        return {
            **acting,
            "recent": cards.of_papers(recent, marks.of_papers([paper.id for paper in recent], reader)),
            "notes": asked.notes,
            "examples": EXAMPLES,
            **_chips(asked, ()),
        }
    by_block = {name: _hits(found, name) for name in ("words", "meaning")}
    given = marks.of_papers([hit.paper.id for hits in by_block.values() for hit in hits[:first]], reader)
    blocks = {
        name: Block(
            [cards.of_hit(hit, given, found.words) for hit in hits[:first]],
            len(hits),
            f"{asked.address}&rest={name}" if len(hits) > first else "",
            _count(asked, found, name, len(hits)),
        )
        for name, hits in by_block.items()
    }
    return {
        **acting,
        **blocks,
        "found": found,
        "tally": tally(asked, found, *map(len, by_block.values())),
        "one_block": asked.mode != "page",
        "notes": (*asked.notes, *found.notes),
        "examples": EXAMPLES,
        "sample": bool(found.hits) and all(hit.paper.source == "sample" for hit in found.hits),
        **_chips(asked, found.hits),
    }


def _is_cut(asked: Asked, found: Found) -> bool:
    """Whether more papers hold the words than are shown."""
    return asked.mode in ("page", "lexical") and found.total > finding.MOST


def _count(asked: Asked, found: Found, block: str, papers: int) -> str:
    if block == "words" and _is_cut(asked, found):
        return _("%(shown)s of %(total)s") % {"shown": counted(papers), "total": counted(found.total)}
    return counted(papers)


def tally(asked: Asked, found: Found, words: int, meaning: int) -> str:
    """Say how many papers there are: those that match where that is known, else that these are the nearest or best."""
    papers = words + meaning
    values = {"q": asked.q, "shown": counted(papers), "total": counted(found.total)}
    if _is_cut(asked, found):
        return _("The first %(shown)s of %(total)s papers for “%(q)s”") % values
    if asked.mode == "hybrid" and found.total > papers:
        return _("The %(shown)s best papers for “%(q)s”") % values
    if meaning and not words:
        says = ngettext(
            "The %(shown)s paper nearest in meaning to “%(q)s”",
            "The %(shown)s papers nearest in meaning to “%(q)s”",
            papers,
        )
        return says % values
    says = ngettext("%(words)s paper for “%(q)s”", "%(words)s papers for “%(q)s”", words)
    if meaning:
        says = ngettext(
            "%(words)s paper for “%(q)s”, and %(meaning)s near in meaning",
            "%(words)s papers for “%(q)s”, and %(meaning)s near in meaning",
            words,
        )
    return says % (values | {"words": counted(words), "meaning": counted(meaning)})


def _rest(asked: Asked, found: Found, block: str, reader: Reader | None) -> dict[str, object]:
    """Give the cards of a block after the first."""
    hits = _hits(found, block)[FIRST:]
    given = marks.of_papers([hit.paper.id for hit in hits], reader)
    return {**_acting(asked), "cards": [cards.of_hit(hit, given, found.words) for hit in hits]}


def _acting(asked: Asked) -> dict[str, object]:
    return {"here": asked.address, "sign_in": sign_in(asked.address)}


def _hits(found: Found, block: str) -> list[FoundPaper]:
    """Give the hits of a block; in an answer that is not divided, all of them are in the first."""
    return [hit for hit in found.hits if (hit.block == "meaning") == (block == "meaning")]


def _recent(wanted: Filter) -> list[Paper]:
    """The newest papers; those that only a curator gave a day where there are no others.

    Databases differ in where a day that is not known stands.
    """
    papers = shown().order_by("-announced", "-votes", "key")
    for code in wanted.categories:
        papers = papers.filter(categories__contains=code)
    if wanted.since:
        papers = papers.filter(announced__gte=wanted.since)
    if wanted.until:
        papers = papers.filter(announced__lte=wanted.until)
    if wanted.has_code:
        papers = papers.filter(has_code=True)
    dated = list(papers.exclude(announced=None)[:RECENT])
    return dated or list(papers.filter(announced=None)[:RECENT])


def _chips(asked: Asked, hits: Sequence[FoundPaper]) -> dict[str, list[Chip]]:
    """The filters that are set, and categories of the papers found that could be."""
    wanted = asked.wanted

    def without(**changes: object) -> str:
        return replace(asked, wanted=replace(wanted, **changes)).address  # type: ignore[arg-type]

    on = [
        Chip(code, without(categories=tuple(c for c in wanted.categories if c != code)), True, 0, categories.name(code))
        for code in wanted.categories
    ]
    if wanted.since:
        on.append(Chip(_("from %(day)s") % {"day": wanted.since}, without(since=None), True))
    if wanted.until:
        on.append(Chip(_("until %(day)s") % {"day": wanted.until}, without(until=None), True))
    if wanted.has_code:
        on.append(Chip(_("with code"), without(has_code=None), True))
    counts = Counter(code for hit in hits for code in dict.fromkeys(hit.paper.category_list))
    offered = [
        Chip(code, without(categories=(*wanted.categories, code)), False, papers, categories.name(code))
        for code, papers in counts.most_common(8)
        if code not in wanted.categories
    ]
    return {"filters": on, "offers": offered}
