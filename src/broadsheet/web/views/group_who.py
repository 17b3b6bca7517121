"""Who in a group knows a paper best."""

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render, resolve_url
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from broadsheet.groups import members, who
from broadsheet.groups.models import Member
from broadsheet.groups.who import Conflict, Evidence, Knows, Subject
from broadsheet.markup import maths
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused
from broadsheet.web.acting import SeeOther, acting, paper_of, typed
from broadsheet.web.group_pages import head, place_of
from broadsheet.web.limits import limited

LONGEST = 20_000
KINDS = {
    "wrote": gettext_lazy("wrote"),
    "signed": gettext_lazy("their name stands on"),
    "saved": gettext_lazy("saved"),
    "voted": gettext_lazy("voted for"),
    "named": gettext_lazy("liked"),
}


@acting
def choose(request: HttpRequest, reader: Reader, key: str) -> HttpResponseBase:
    """Go on to the reader's group, or let the reader choose one of several."""
    paper, places = paper_of(key), members.of(reader)
    if len(places) == 1:
        return SeeOther(_place(places[0].group.slug, paper.key))
    told = [(place, _place(place.group.slug, paper.key)) for place in places]
    context = {"section": "groups", "paper": paper, "title": maths.render(paper.title), "places": told}
    return render(request, "web/group_choose.html", context)


def _place(slug: str, key: str) -> str:
    return f"{resolve_url('group-who', slug=slug)}?{urlencode({'paper': key})}"


@limited("group-who")
@never_cache
@acting
def ask(request: HttpRequest, reader: Reader, slug: str) -> HttpResponseBase:
    """Show the question; answer it for a paper of the record, or for a text that is pasted and kept nowhere."""
    place = place_of(reader, slug)
    given = _given(request)
    try:
        subject = _subject(request, given)
    except Refused as refusal:
        return _page(request, place, given, says=str(refusal))
    return _page(request, place, given, subject)


def _given(request: HttpRequest) -> dict[str, str]:
    if request.method != "POST":
        return {"paper": request.GET.get("paper", "")[:500].strip()}
    return {name: typed(request, name, LONGEST).strip() for name in ("title", "abstract", "authors")}


def _subject(request: HttpRequest, given: dict[str, str]) -> Subject | None:
    if request.method == "POST":
        return who.of_text(given["title"], given["abstract"], given["authors"])
    return who.of_paper(paper_of(given["paper"])) if given["paper"] else None


def _page(
    request: HttpRequest, place: Member, given: dict[str, str], subject: Subject | None = None, says: str = ""
) -> HttpResponse:
    answer = who.ask(place.group, subject) if subject else None
    context = {
        **head(request, place, "who"),
        "given": given,
        "says": says,
        "subject": subject,
        "title": maths.render(subject.title) if subject else "",
        "answer": answer,
        "people": [_told(one) for one in answer.people] if answer else [],
        "apart": [_told(one) for one in answer.apart] if answer else [],
    }
    return render(request, "web/group_who.html", context, status=400 if says else 200)


def _told(one: Knows) -> dict[str, object]:
    return {
        "reader": one.reader,
        "close": any(each.close for each in one.evidence),
        "evidence": [(str(KINDS[each.kind]), each.paper.key, _title(each), each.close) for each in one.evidence],
        "conflict": _against(one.conflict),
        "shared": one.conflict.paper if one.conflict else None,
    }


def _title(each: Evidence) -> SafeString:
    return maths.render(each.paper.title)


def _against(conflict: Conflict | None) -> str:
    if conflict is None:
        return ""
    if conflict.kind == "author":
        return _("An author of it.")
    if conflict.kind == "name":
        return _("Bears the name of one of its authors.")
    return _("Wrote with %(names)s, who is among its authors.") % {"names": ", ".join(conflict.names[:3])}
