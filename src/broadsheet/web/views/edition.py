"""The editions: a day, a week, a month, and the trending list."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import wraps
from hashlib import sha256
from typing import Final

from django.core.paginator import Paginator
from django.db.models import Count, Max, Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from broadsheet import __version__
from broadsheet.api.cache import Kept, Key, Store
from broadsheet.community import marks
from broadsheet.community.models import AddedLink, Affiliation, Submission
from broadsheet.digest import run
from broadsheet.editions import lists
from broadsheet.editions.edition import Edition, Entry, NoSuchEdition
from broadsheet.editions.models import ClosedEdition
from broadsheet.papers.models import Change, Paper
from broadsheet.web import almanac, cards, categories, formats
from broadsheet.web.acting import reader_of, sign_in
from broadsheet.web.views import exports
from broadsheet.web.views.errors import NotHere

PAGE: Final = 100
CHIPS: Final = 12
# Seconds for which the page of a closed day is kept for strangers; a change of the day ends it at once.
KEPT: Final = 60
pages: Final = Store()


def unchanged(request: HttpRequest, key: str = "") -> str | None:
    """Give the mark of a closed day's page, by which a stranger's browser need not fetch it twice.

    None while the day is open, and for readers, whose pages hold what is theirs.
    """
    day = _as_day(key) if key else lists.latest_day()
    if day is None or reader_of(request) or not ClosedEdition.objects.filter(day=day).exists():
        return None
    parts = (
        request.get_full_path(),
        day,
        Change.objects.aggregate(head=Max("seq"))["head"],
        _given(Paper.objects.filter(Q(announced=day) | Q(placed=day))),
        __version__,
        [
            static(f"web/{name}")
            for name in ("colours.css", "broadsheet.css", "community.css", "account.css", "foryou.css", "broadsheet.js")
        ],
        get_language(),
        run.is_on(),
        formats.asked(request, "md"),
    )
    return f'"{sha256(repr(parts).encode()).hexdigest()[:32]}"'


def _given(papers: QuerySet[Paper]) -> tuple[object, ...]:
    """Sum up what readers, curators and moderators did to papers, so that it changes when they do more."""
    counted = papers.aggregate(
        shown=Count("id", filter=Q(hidden=False)), votes=Sum("votes"), here=Sum("votes_here"), comments=Sum("comments")
    )
    added = AddedLink.objects.filter(state="shown").aggregate(last=Max("id"), number=Count("id"))
    of = Affiliation.objects.aggregate(last=Max("id"), number=Count("id"))
    brought = Submission.objects.filter(state="accepted").aggregate(last=Max("decided"), number=Count("reader"))
    return tuple(repr(sorted(told.items())) for told in (counted, added, of, brought))


def kept_when_closed(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Answer 304 to whoever has a closed day's page already, and keep the page for strangers for a minute.

    Only who shows no cookie gets a kept page: with one, a message to this one person may stand on it.
    """

    @wraps(view)
    def shown(request: HttpRequest, **named: str) -> HttpResponse:
        mark = unchanged(request, **named)
        if mark is None:
            return view(request, **named)
        response = get_conditional_response(request, etag=mark)
        if response is None:
            kept = None if request.COOKIES else (mark, request.scheme or "", request.get_host())
            response = (_kept(kept) if kept else None) or _made(kept, view(request, **named))
        response.headers.setdefault("ETag", mark)
        return response

    return shown


def _kept(key: Key) -> HttpResponse | None:
    found = pages.find(key, time.monotonic())
    return HttpResponse(found.body, headers=dict(found.headers)) if found else None


def _made(key: Key | None, response: HttpResponse) -> HttpResponse:
    if key and response.status_code == 200:
        kept = Kept(response.content, tuple(response.headers.items()), time.monotonic() + KEPT)
        pages.put(key, kept, pages.turn)
    return response


def _as_day(key: str) -> date | None:
    try:
        return lists.read_day(key)
    except NoSuchEdition:
        return None


@formats.negotiated
@kept_when_closed
def latest(request: HttpRequest) -> HttpResponse:
    """Show the newest edition that has papers."""
    newest = lists.latest_day()
    if newest is None:
        return render(request, "web/welcome.html", {"section": "day"})
    return _show(request, lists.day(newest), newest, newest)


@formats.negotiated
@kept_when_closed
def day(request: HttpRequest, key: str) -> HttpResponse:
    """Show the edition of a day, written YYYY-MM-DD."""
    try:
        wanted = lists.read_day(key)
    except NoSuchEdition:
        raise NotHere(_("There is no such day. Write it like 2024-05-27.")) from None
    return _show(request, lists.day(wanted), wanted, wanted)


@formats.negotiated
def week(request: HttpRequest, key: str) -> HttpResponse:
    """Show the papers of an ISO week, written 2024-W22."""
    try:
        found = lists.week(key)
        first = date.fromisocalendar(int(key[:4]), int(key[6:]), 1)
    except NoSuchEdition:
        raise NotHere(_("There is no such week. Write it like 2024-W22.")) from None
    return _show(request, found, first, first + timedelta(days=6))


@formats.negotiated
def month(request: HttpRequest, key: str) -> HttpResponse:
    """Show the papers of a month, written 2024-05."""
    try:
        found = lists.month(key)
        first, last = almanac.span(date.fromisoformat(f"{key}-01"))
    except NoSuchEdition:
        raise NotHere(_("There is no such month. Write it like 2024-05.")) from None
    return _show(request, found, first, last)


def newest(request: HttpRequest, kind: str) -> HttpResponseBase:
    """Go to the week or the month of the newest edition."""
    found = lists.latest_day()
    if found is None:
        return redirect("latest")
    return redirect(kind, key=lists.week_key(found) if kind == "week" else lists.month_key(found))


@formats.negotiated
def trending(request: HttpRequest) -> HttpResponse:
    """Show the hot list."""
    newest = lists.latest_day()
    if newest is None:
        return render(request, "web/welcome.html", {"section": "trending"})
    return _show(request, lists.trending(), newest, newest)


@dataclass(frozen=True, slots=True)
class Chip:
    """A category that some of the papers are in, with their number."""

    code: str
    name: str
    papers: int
    chosen: bool


def _show(request: HttpRequest, edition: Edition, first: date, last: date) -> HttpResponse:
    if kind := formats.asked(request, "md"):
        return exports.of_edition(request, edition, kind)
    chosen = request.GET.get("cat", "")
    entries = [entry for entry in edition.entries if not chosen or chosen in entry.paper.category_list]
    page = Paginator(entries, PAGE).get_page(request.GET.get("page"))
    why = request.GET.get("why") == "1"
    shown = lists.whole(page.object_list)
    lead = page.number == 1 and not chosen
    given = marks.of_papers([entry.paper.id for entry in shown], reader_of(request))
    day = first if edition.kind == "day" else None
    made = [cards.of_entry(entry, given, why=why, lead=lead and n == 0, day=day) for n, entry in enumerate(shown)]
    context = {
        "section": edition.kind,
        "edition": edition,
        "heading": heading(edition, first, last),
        "state": state(edition),
        "lead": made[:1] if lead else [],
        "cards": made[1:] if lead else made,
        "page": page,
        "found": len(entries),
        "chips": _chips(edition, chosen),
        "chosen": chosen,
        "chosen_name": categories.name(chosen),
        "why": why,
        "sample": any(entry.paper.source == "sample" for entry in shown),
        "earlier": _neighbour(edition.kind, edition.earlier, last.year),
        "later": _neighbour(edition.kind, edition.later, last.year),
        "days": _days(edition, shown),
        "sign_in": sign_in(request.get_full_path()),
        "here": request.get_full_path(),
        **_calendar(request, edition, last),
    }
    return render(request, "web/edition.html", context)


def heading(edition: Edition, first: date, last: date) -> str:
    """Name an edition as a reader would."""
    if edition.kind == "day":
        return date_format(first, "l, j F Y")
    if edition.kind == "month":
        return date_format(first, "F Y")
    if edition.kind == "trending":
        return _("Trending")
    return _("Week %(number)s, %(first)s to %(last)s") % {
        "number": int(edition.key[6:]),
        "first": date_format(first, "j F"),
        "last": date_format(last, "j F Y"),
    }


def state(edition: Edition) -> str:
    """Say in a sentence how an edition stands."""
    says = {
        "open": _("Still open: votes and late papers may change the order."),
        "closed": _("Closed: this order is final."),
        "holiday": _("Nothing is announced on this day. A good one to read what you saved."),
        "waiting": _("Announced, but not here yet. Broadsheet keeps looking and will set it as soon as it comes."),
        "empty": _("Nothing is known of these days."),
    }
    if edition.kind == "trending":
        return _("What readers vote for now: votes count less with every edition that follows.")
    if edition.kind == "day" and edition.state == "empty":
        return _("Nothing is known of this day.")
    if edition.kind in ("week", "month") and edition.state == "open":
        return _("All papers of these days, those with the most support first.")
    return says.get(edition.state, "")


def _chips(edition: Edition, chosen: str) -> list[Chip]:
    counts = Counter(code for entry in edition.entries for code in dict.fromkeys(entry.paper.category_list))
    common = [code for code, _papers in counts.most_common(CHIPS)]
    if chosen and chosen not in common:
        common.append(chosen)
    return [Chip(code, categories.name(code), counts[code], code == chosen) for code in common]


def _neighbour(kind: str, key: str, year: int) -> dict[str, str] | None:
    """Name the edition before or after; of another year than the page's it says which."""
    if not key:
        return None
    other = "" if key.startswith(str(year)) else key[:4]
    if kind == "day":
        label = date_format(date.fromisoformat(key), "D j M Y" if other else "D j M")
    elif kind == "month":
        label = date_format(date.fromisoformat(f"{key}-01"), "F Y")
    else:
        label = _("Week %(number)s") % {"number": int(key[6:])} + (f", {other}" if other else "")
    return {"url": reverse(kind, args=[key]), "label": label}


def _days(edition: Edition, shown: Sequence[Entry]) -> bool:
    """Whether cards should say their day: only in lists of more than one."""
    return edition.kind != "day" and bool(shown)


def _calendar(request: HttpRequest, edition: Edition, anchor: date) -> dict[str, object]:
    """The calendar sheet and the keys of the week and month around the edition."""
    turned = almanac.month_of(request.GET.get("calendar", ""))
    first, last = almanac.span(turned or anchor)
    counts = lists.days_with_papers(first, last)
    return {
        "sheet": almanac.sheet(first, counts, anchor if edition.kind == "day" else None),
        "sheet_open": turned is not None,
        "week_key": lists.week_key(anchor),
        "month_key": lists.month_key(anchor),
        "day_key": "" if edition.kind == "trending" else anchor.isoformat(),
    }
