"""Groups: which ones a reader is in, who is in one, and what each may do about it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render, resolve_url
from django.utils.translation import gettext as _

from broadsheet.groups import members
from broadsheet.groups.models import Member
from broadsheet.lib.clock import now
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused
from broadsheet.web.acting import SeeOther, acting, typed, whole
from broadsheet.web.group_pages import head, place_of
from broadsheet.web.limits import limited

LONGEST = 20_000


@acting
def listed(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Show the groups the reader is in, those that ask, and the form for a new one."""
    return _listed(request, reader, {})


def _listed(request: HttpRequest, reader: Reader, given: dict[str, str], says: str = "") -> HttpResponse:
    context = {
        "section": "groups",
        "places": members.of(reader),
        "asked": members.asked(reader),
        "given": given,
        "says": says,
    }
    return render(request, "web/groups.html", context, status=400 if says else 200)


@limited("group-found")
@acting
def found(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Found a group."""
    given = {name: typed(request, name, LONGEST).strip() for name in ("name", "about")}
    try:
        group = members.found(reader, given["name"], given["about"], now=now())
    except Refused as refusal:
        return _listed(request, reader, given, str(refusal))
    messages.success(request, _("The group is founded. Ask the others in."))
    return SeeOther(resolve_url("group-people", slug=group.slug))


@limited("group")
@acting
def answer(request: HttpRequest, reader: Reader, slug: str) -> HttpResponseBase:
    """Come into a group that asks, or say no."""
    yes = request.POST.get("yes") == "1"
    group = members.answer(reader, slug, yes, now=now())
    if group is None:
        raise Refused(_("This group asks you no more."))
    if not yes:
        messages.success(
            request, _("You are not in “%(group)s”, and are not asked again soon.") % {"group": group.name}
        )
        return SeeOther(resolve_url("groups"))
    return SeeOther(resolve_url("group-people", slug=group.slug))


@acting
def people(request: HttpRequest, reader: Reader, slug: str) -> HttpResponseBase:
    """Show who is in a group."""
    return _people(request, place_of(reader, slug), {})


def _people(request: HttpRequest, place: Member, given: dict[str, str], says: str = "") -> HttpResponse:
    everyone = members.everyone(place.group)
    keepers = sum(one.keeper for one in everyone)
    context = {
        **head(request, place, "people"),
        "people": everyone,
        "others": [one for one in everyone if one.pk != place.pk],
        "waiting": members.waiting(place.group) if place.keeper else [],
        "last_keeper": place.keeper and keepers == 1,
        "given": given,
        "says": says,
    }
    return render(request, "web/group_people.html", context, status=400 if says else 200)


@limited("group-ask")
@acting
def ask(request: HttpRequest, reader: Reader, slug: str) -> HttpResponseBase:
    """Ask a reader into the group."""
    place = place_of(reader, slug)
    given = {"handle": typed(request, "handle", 200).strip()}
    try:
        asked = members.ask(place, given["handle"], now=now())
    except Refused as refusal:
        return _people(request, place, given, str(refusal))
    messages.success(request, _("@%(handle)s was asked.") % {"handle": asked.reader.handle})
    return SeeOther(resolve_url("group-people", slug=slug))


@limited("group")
@acting
def act(request: HttpRequest, reader: Reader, slug: str) -> HttpResponseBase:
    """Do something about a member, as a keeper: make a keeper, or one no more, remove, or take back that one asked."""
    place, does = place_of(reader, slug), request.POST.get("do", "")
    number = whole(request.POST.get("member", ""))
    if number is None or does not in ("keeper", "member", "remove", "take-back"):
        raise Refused(_("That request could not be understood: it does not say what to do."))
    if does == "remove":
        members.remove(place, number, now=now())
    elif does == "take-back":
        members.take_back(place, number)
    else:
        members.name_keeper(place, number, does == "keeper", now=now())
    return SeeOther(resolve_url("group-people", slug=slug))


@limited("group")
@acting
def share(request: HttpRequest, reader: Reader, slug: str) -> HttpResponseBase:
    """Let what the reader likes count in the group, or no longer."""
    on = request.POST.get("on") == "1"
    members.share(place_of(reader, slug), on)
    says = _("What you like now counts in this group.") if on else _("Nothing of yours counts in this group any more.")
    messages.success(request, says)
    return SeeOther(resolve_url("group-people", slug=slug))


@limited("group")
@acting
def leave(request: HttpRequest, reader: Reader, slug: str) -> HttpResponseBase:
    """Leave the group."""
    place = place_of(reader, slug)
    members.leave(place, whole(request.POST.get("successor", "")), now=now())
    messages.success(request, _("You left “%(group)s”.") % {"group": place.group.name})
    return SeeOther(resolve_url("groups"))


@limited("group")
@acting
def change(request: HttpRequest, reader: Reader, slug: str) -> HttpResponseBase:
    """Change the name of the group and what is said of it, as a keeper."""
    members.change(place_of(reader, slug), typed(request, "name", LONGEST), typed(request, "about", LONGEST))
    return SeeOther(resolve_url("group-people", slug=slug))


@limited("group")
@acting
def close(request: HttpRequest, reader: Reader, slug: str) -> HttpResponseBase:
    """Close the group, as a keeper who ticked that they mean it."""
    place = place_of(reader, slug)
    if request.POST.get("sure") != "1":
        raise Refused(_("Please tick that the group and its list shall be deleted."))
    members.close(place, now=now())
    messages.success(request, _("“%(group)s” was closed.") % {"group": place.group.name})
    return SeeOther(resolve_url("groups"))
