"""One reader's list: why each paper stands there, and what they can say to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render, resolve_url
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from broadsheet.community import marks
from broadsheet.editions import lists
from broadsheet.editions.edition import Entry, NoSuchEdition
from broadsheet.foryou import rank, signals, why
from broadsheet.foryou.models import Opened, Opinion, Taste, Tuned
from broadsheet.foryou.rank import ForYou, Place
from broadsheet.foryou.why import Explained, Named
from broadsheet.lib.clock import now
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused
from broadsheet.web import cards
from broadsheet.web.acting import SeeOther, acting, next_of, paper_of, sign_in, typed
from broadsheet.web.cards import Card
from broadsheet.web.limits import limited
from broadsheet.web.views.errors import NotHere

PAGE: Final = 25
SAID: Final = {"less": False, "more": True}
# What was said and changed lately stands on the page with a way back.
LATELY: Final = timedelta(days=1)
MOST_SAID: Final = 6
# From so many likes on the page no longer asks for more.
ENOUGH: Final = 20


@dataclass(frozen=True, slots=True)
class Row:
    """A card with the reasons of its place. gist: the first of them in a line; "" without a profile."""

    card: Card
    why: Explained
    gist: str


@dataclass(frozen=True, slots=True)
class Said:
    """Something a reader said or changed lately. action: the address of its undo, with one field."""

    says: str
    what: str
    url: str
    action: str
    name: str
    value: str


@limited("foryou-read")
@acting
def show(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Show the list of today."""
    found = rank.list_for(reader, now())
    return _page(request, reader, found)


@limited("foryou-read")
@acting
def of_day(request: HttpRequest, reader: Reader, key: str) -> HttpResponseBase:
    """Show the list of another day as it was kept."""
    try:
        found = rank.list_for(reader, now(), day=lists.read_day(key))
    except NoSuchEdition as wrong:
        raise NotHere(str(wrong)) from None
    return _page(request, reader, found)


def _page(request: HttpRequest, reader: Reader, found: ForYou) -> HttpResponse:
    page = Paginator(found.picks, PAGE).get_page(request.GET.get("page"))
    places = found.places(page.start_index() - 1 if found.picks else 0, PAGE)
    if request.method == "GET" and "prefetch" not in request.headers.get("Sec-Purpose", ""):
        rank.show(reader, found, places, now())
    earlier, later = rank.days_around(reader, found.day) if found.day else (None, None)
    context = {
        "section": "foryou",
        "found": found,
        "heading": date_format(found.day, "l, j F Y") if found.day else _("For you"),
        "rows": _rows(reader, found, places),
        "page": page,
        "likes": found.told.likes,
        "wishes": sum(one.source == "wish" for one in found.told.wished),
        "wants_more": found.told.likes < ENOUGH,
        "said": _said(reader, now()) if found.current else [],
        "taste": (taste := rank.taste_of(reader)),
        "knobs": {"mine": round(100 * taste.mine), "width": round(100 * taste.width)},
        "windows": rank.WINDOWS,
        "earlier": _turn(earlier),
        "later": _turn(later),
        "here": request.get_full_path(),
        "sign_in": sign_in(request.get_full_path()),
        "sample": bool(places) and all(place.paper.source == "sample" for place in places),
    }
    return render(request, "web/foryou.html", context)


def _turn(day: date | None) -> dict[str, str] | None:
    if day is None:
        return None
    return {"url": resolve_url("foryou-day", key=day.isoformat()), "label": date_format(day, "D j M")}


def _rows(reader: Reader, found: ForYou, places: Sequence[Place]) -> list[Row]:
    given = marks.of_papers([place.paper.pk for place in places], reader)
    explained = why.explain(reader, [place.pick for place in places])
    return [
        Row(cards.of_entry(Entry(place.rank, place.paper), given), one, gist(one))
        for place, one in zip(places, explained, strict=True)
    ]


def gist(one: Explained) -> str:
    """Say the first reason in a line."""
    if one.arm or not (one.up or one.words):
        return one.notes[0] if one.notes else ""
    if one.up:
        return _("Because you liked “%(paper)s”") % {"paper": one.up[0].plain}
    return _("For its words: %(words)s") % {"words": ", ".join(word.term for word in one.words)}


def _said(reader: Reader, at: datetime) -> list[Said]:
    since = {"reader": reader, "at__gte": at - LATELY}
    opinions = Opinion.objects.filter(**since).exclude(origin="asked").order_by("-at").select_related("paper")
    said = [(row.at, _opinion(row)) for row in opinions[:MOST_SAID]]
    tuned = list(Tuned.objects.filter(**since, weight=0).exclude(kind="interest").order_by("-at")[:MOST_SAID])
    called = why.names(reader, (int(row.value) for row in tuned if row.kind == "paper" and _is_number(row.value)))
    said += [(row.at, _tuned(row, called)) for row in tuned]
    return [one for _at, one in sorted(said, key=lambda pair: pair[0], reverse=True)[:MOST_SAID]]


def _is_number(value: str) -> bool:
    return value.removeprefix("-").isdecimal() and len(value) <= 18


def _opinion(row: Opinion) -> Said:
    says = _("More like:") if row.more else _("Less like:")
    named = why.paper_name(row.paper)
    return Said(says, named.title, named.url, resolve_url("foryou-say", key=row.paper.key), "said", "nothing")


def _tuned(row: Tuned, called: dict[int, Named]) -> Said:
    action = resolve_url("foryou-tune")
    if row.kind == "word":
        return Said(_("No longer counts:"), row.value, "", action, "again", f"word:{row.value}")
    named = called.get(int(row.value)) if _is_number(row.value) else None
    title, url = (named.title, named.url) if named else (row.value, "")
    return Said(_("No longer learned from:"), title, url, action, "again", f"paper:{row.value}")


@limited("foryou")
@acting
def say(request: HttpRequest, reader: Reader, key: str) -> HttpResponseBase:
    """Keep that the reader wants more, or less, like a paper, or forget it; the next page shows what follows."""
    said, paper = request.POST.get("said", ""), paper_of(key)
    if said in SAID:
        signals.opine(reader, paper, SAID[said], "list", now())
    elif said == "nothing":
        signals.take_back(reader, paper)
    else:
        raise Refused(_("That request could not be understood: it says neither more nor less."))
    return SeeOther(next_of(request, resolve_url("foryou")))


@limited("foryou")
@acting
def tune(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Learn no longer from a paper or a word, or do so again."""
    weight, told = (0.0, typed(request, "not", 120)) if "not" in request.POST else (1.0, typed(request, "again", 120))
    kind, _colon, value = told.partition(":")
    if kind not in ("paper", "word") or not value or (kind == "paper" and not _is_number(value)):
        raise Refused(_("That request could not be understood: it names no paper and no word."))
    signals.tune(reader, kind, value, weight, "", now())
    return SeeOther(next_of(request, resolve_url("foryou")))


@limited("foryou")
@acting
def turn(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Turn the knobs."""
    opens = request.POST.get("opens") == "1"
    days = request.POST.get("days", "")
    if days not in {str(window) for window in rank.WINDOWS}:
        raise Refused(_("Choose one of the windows."))
    wanted = {"mine": _share(request, "mine"), "width": _share(request, "width"), "days": int(days), "opens": opens}
    Taste.objects.update_or_create(reader=reader, defaults=wanted)
    if not opens:
        Opened.objects.filter(reader=reader).delete()
    return SeeOther(next_of(request, resolve_url("foryou")))


def _share(request: HttpRequest, name: str) -> float:
    given = request.POST.get(name, "")
    if not (given.isascii() and given.isdigit() and len(given) <= 3 and int(given) <= 100):
        raise Refused(_("A knob goes from 0 to 100."))
    return int(given) / 100
