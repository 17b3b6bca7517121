"""What a group reads: its list, what it may read next, and the forms that put papers there."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render, resolve_url
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from broadsheet.community import marks
from broadsheet.editions.named import NamedList
from broadsheet.export import markdown
from broadsheet.groups import members, shared, shelf
from broadsheet.groups.models import Group, Member, Shelved
from broadsheet.groups.shared import ForGroup, Interest
from broadsheet.lib.clock import now
from broadsheet.markup import maths
from broadsheet.papers.models import Paper
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused
from broadsheet.web import cards, formats
from broadsheet.web.acting import SeeOther, acting, paper_of, typed, whole
from broadsheet.web.cards import Card
from broadsheet.web.group_pages import head, place_of
from broadsheet.web.limits import limited
from broadsheet.web.views import exports
from broadsheet.web.views.errors import NotHere

LONGEST = 20_000
AUTHORS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Line:
    """A paper on the list, as a page shows it. when: "", past, today or soon (within a week)."""

    row: Shelved
    title: SafeString
    authors: list[str]
    more: int
    when: str
    removable: bool


@dataclass(frozen=True, slots=True)
class Told:
    """An interest of the group, as a page shows it."""

    name: str
    percent: int
    papers: list[tuple[str, SafeString]]
    whose: tuple[str, ...]


@acting
def show(request: HttpRequest, reader: Reader, slug: str) -> HttpResponseBase:
    """Show a group's reading list, and what it may read next."""
    place = place_of(reader, slug)
    moment = now()
    read, found = shelf.of(place.group), shared.list_for(place.group, moment)
    today = moment.date()
    context = {
        **head(request, place, "list"),
        "due": [_line(row, place, today) for row in read.due],
        "open": [_line(row, place, today) for row in read.open],
        "done": [_line(row, place, today) for row in read.done],
        "to_read": read.to_read,
        "found": found,
        "picks": _picks(found, reader),
        "interests": [_told(interest) for interest in found.interests],
        "formats": formats.links("group", slug),
        "key": f"{shelf.KIND}/{slug}",
    }
    return render(request, "web/group.html", context)


def _line(row: Shelved, place: Member, today: date) -> Line:
    names = cards.author_names(row.paper)
    return Line(
        row,
        maths.render(row.paper.title),
        names[:AUTHORS_SHOWN],
        max(0, len(names) - AUTHORS_SHOWN),
        "" if row.done else _when(row.due, today),
        shelf.may_remove(place, row),
    )


def _when(due: date | None, today: date) -> str:
    if due is None:
        return ""
    if due == today:
        return "today"
    return "past" if due < today else "soon" if due <= today + timedelta(days=7) else ""


def _picks(found: ForGroup, reader: Reader) -> list[tuple[Card, tuple[str, ...]]]:
    entries = [pick.entry for pick in found.picks]
    given = marks.of_papers([entry.paper.pk for entry in entries], reader)
    made = [cards.of_entry(entry, given) for entry in entries]
    return [(card, pick.serves) for card, pick in zip(made, found.picks, strict=True)]


def _told(interest: Interest) -> Told:
    papers = [(paper.key, maths.render(paper.title)) for paper in interest.papers]
    return Told(", ".join(interest.words), round(100 * interest.share), papers, interest.whose)


@limited("group")
@acting
def add(request: HttpRequest, reader: Reader, slug: str) -> HttpResponseBase:
    """Put a paper on the list, by any of its names."""
    place = place_of(reader, slug)
    paper = paper_of(typed(request, "paper", 500).strip())
    _put(request, place, paper)
    return SeeOther(resolve_url("group", slug=slug))


def _put(request: HttpRequest, place: Member, paper: Paper) -> None:
    shelf.put(place, paper, typed(request, "note", LONGEST), typed(request, "due", 40), now=now())
    messages.success(request, _("It is on the list of “%(group)s”.") % {"group": place.group.name})


@limited("group")
@acting
def put(request: HttpRequest, reader: Reader, key: str) -> HttpResponseBase:
    """Show on which lists a paper may be put, and put it on one."""
    paper, places = paper_of(key), members.of(reader)
    if request.method != "POST":
        return _form(request, reader, paper, places, {})
    given = {name: typed(request, name, LONGEST).strip() for name in ("group", "note", "due")}
    place = next((one for one in places if str(one.pk) == given["group"]), None)
    try:
        if place is None:
            raise Refused(_("Choose one of your groups."))
        _put(request, place, paper)
    except Refused as refusal:
        return _form(request, reader, paper, places, given, str(refusal))
    return SeeOther(resolve_url("group", slug=place.group.slug))


def _form(
    request: HttpRequest, reader: Reader, paper: Paper, places: list[Member], given: dict[str, str], says: str = ""
) -> HttpResponse:
    holding = shelf.holding(reader, paper)
    context = {
        "section": "groups",
        "paper": paper,
        "title": maths.render(paper.title),
        "plain_title": maths.as_text(paper.title),
        "places": [(place, place.group_id in holding) for place in places],
        "free": [place.pk for place in places if place.group_id not in holding][:1],
        "given": given,
        "says": says,
    }
    return render(request, "web/group_put.html", context, status=400 if says else 200)


@limited("group")
@acting
def act(request: HttpRequest, reader: Reader, slug: str, number: int) -> HttpResponseBase:
    """Do something about a paper on the list: change its note and day, mark it as read together or not, remove it."""
    place, does = place_of(reader, slug), request.POST.get("do", "")
    row = shelf.one(place.group, number) if whole(str(number)) is not None else None
    if row is None:
        raise Refused(_("This paper is not on the list any more."))
    if does in ("done", "undone"):
        shelf.mark(place, row, does == "done")
    elif does == "change":
        shelf.change(place, row, typed(request, "note", LONGEST), typed(request, "due", 40))
    elif does == "remove":
        shelf.remove(place, row)
    else:
        raise Refused(_("That request could not be understood: it does not say what to do."))
    return SeeOther(resolve_url("group", slug=slug))


@acting
def export(request: HttpRequest, reader: Reader, slug: str, kind: str) -> HttpResponseBase:
    """Give the list in a format, to members."""
    place = members.place(reader, slug)
    if place is None:
        raise NotHere(_("There is no such group, or you are not in it."))
    if kind == "md":
        return formats.answer(kind, markdown.named(_named(place.group), request=request), slug)
    return exports.of_papers([entry.paper for entry in shelf.entries(place.group)], kind, slug)


def _named(group: Group) -> NamedList:
    title = _("Reading list of %(group)s") % {"group": group.name}
    return NamedList(
        f"{shelf.KIND}/{group.slug}", title, resolve_url("group", slug=group.slug), tuple(shelf.entries(group))
    )
