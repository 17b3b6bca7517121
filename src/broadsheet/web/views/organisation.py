"""Organisations: the groups that papers come from, who belongs to them, and which papers are theirs."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from broadsheet.community import marks, organisations
from broadsheet.community.models import Membership, Organisation
from broadsheet.lib.clock import now
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused
from broadsheet.web import cards
from broadsheet.web.acting import SeeOther, acting, only, paper_of, reader_of, sign_in, typed, whole
from broadsheet.web.limits import limited
from broadsheet.web.views.errors import NotHere

LONGEST = 20_000
PAGE = 50
FIELDS = ("name", "url", "domains", "about")


def listed(request: HttpRequest) -> HttpResponse:
    """Show the organisations by name, with the number of their papers."""
    page = Paginator(organisations.everyone(), PAGE).get_page(request.GET.get("page"))
    return render(request, "web/organisations.html", {"section": "organisations", "page": page})


def show(request: HttpRequest, slug: str) -> HttpResponse:
    """Show an organisation: its members, its papers, and what the reader may do about them."""
    organisation, reader = organisation_of(slug), reader_of(request)
    page = Paginator(organisations.papers(organisation), PAGE).get_page(request.GET.get("page"))
    papers = list(page.object_list)
    given = marks.of_papers([paper.id for paper in papers], reader)
    context = {
        "section": "organisations",
        "organisation": organisation,
        "page": page,
        "cards": cards.of_papers(papers, given, page.start_index()),
        "here": request.get_full_path(),
        "sign_in": sign_in(request.get_full_path()),
        **_people(organisation, reader),
    }
    return render(request, "web/organisation.html", context)


def _people(organisation: Organisation, reader: Reader | None) -> dict[str, object]:
    known = list(organisations.members(organisation))
    own = next((one for one in known if reader and one.reader_id == reader.pk), None)
    runs = bool(reader and organisations.runs(reader, organisation))
    return {
        "members": [one for one in known if one.state == "confirmed"],
        "waiting": [one for one in known if one.state == "waiting"] if runs else [],
        "own": own,
        "runs": runs,
        "may_add": runs or bool(own and own.state == "confirmed"),
        "curates": bool(reader and reader.may("curator")),
    }


@limited("organisation")
@only("curator")
def found(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Show the form for a new organisation; found it."""
    if request.method != "POST":
        return _form(request, None, {})
    given = _given(request)
    try:
        made = organisations.found(reader, given["name"], given["url"], _domains(given), given["about"], now=now())
    except Refused as refusal:
        return _form(request, None, given, str(refusal))
    return SeeOther(_place(made))


@limited("organisation")
@only("curator")
def change(request: HttpRequest, reader: Reader, slug: str) -> HttpResponseBase:
    """Show what is said of an organisation, and change it."""
    organisation = organisation_of(slug)
    if request.method != "POST":
        said = {"name": organisation.name, "url": organisation.url, "about": organisation.about}
        return _form(request, organisation, {**said, "domains": " ".join(organisation.domains)})
    given = _given(request)
    words = {name: given[name] for name in ("name", "url", "about")}
    try:
        organisations.change(reader, organisation, domains=_domains(given), **words)
    except Refused as refusal:
        return _form(request, organisation_of(slug), given, str(refusal))
    return SeeOther(_place(organisation))


def _given(request: HttpRequest) -> dict[str, str]:
    return {name: typed(request, name, LONGEST).strip() for name in FIELDS}


def _domains(given: dict[str, str]) -> list[str]:
    return given["domains"].replace(",", " ").split()


def _form(
    request: HttpRequest, organisation: Organisation | None, given: dict[str, str], says: str = ""
) -> HttpResponse:
    context = {"section": "organisations", "organisation": organisation, "given": given, "says": says}
    return render(request, "web/organisation_form.html", context, status=400 if says else 200)


@limited("organisation")
@acting
def join(request: HttpRequest, reader: Reader, slug: str) -> HttpResponseBase:
    """Ask to belong to an organisation."""
    organisation = organisation_of(slug)
    if organisations.join(reader, organisation, now=now()).state != "confirmed":
        messages.success(request, _("A curator, or who runs the organisation, has to confirm that."))
    return SeeOther(_place(organisation))


@limited("organisation")
@acting
def leave(request: HttpRequest, reader: Reader, slug: str) -> HttpResponseBase:
    """Belong to an organisation no more."""
    organisation = organisation_of(slug)
    organisations.leave(reader, organisation)
    return SeeOther(_place(organisation))


@limited("organisation")
@acting
def confirm(request: HttpRequest, reader: Reader, slug: str) -> HttpResponseBase:
    """Confirm that somebody belongs to an organisation, as one who runs it where a curator says so; or refuse it."""
    organisation = organisation_of(slug)
    membership, does = _membership(organisation, whole(request.POST.get("membership", ""))), request.POST.get("do", "")
    if does == "dismiss":
        organisations.dismiss(reader, membership)
    else:
        organisations.confirm(reader, membership, admin=does == "admin")
    return SeeOther(_place(organisation))


def _membership(organisation: Organisation, number: int | None) -> Membership:
    known = organisation.memberships.select_related("reader", "organisation")
    found = known.filter(pk=number).first() if number else None
    if found is None:
        raise Refused(_("They have left, or have taken their request back."))
    return found


@limited("organisation")
@acting
def affiliate(request: HttpRequest, reader: Reader, slug: str) -> HttpResponseBase:
    """Add a paper to an organisation's, or take one away."""
    organisation = organisation_of(slug)
    paper = paper_of(typed(request, "paper", 500).strip())
    if request.POST.get("on") == "0":
        organisations.withdraw(reader, organisation, paper)
    else:
        organisations.affiliate(reader, organisation, paper, now=now())
    return SeeOther(_place(organisation))


def organisation_of(slug: str) -> Organisation:
    """Give the organisation of that name in addresses. Raises NotHere."""
    known = Organisation.objects.filter(slug=slug).first() if slug.isprintable() and len(slug) <= 60 else None
    if known is None:
        raise NotHere(_("There is no such organisation here."))
    return known


def _place(organisation: Organisation) -> str:
    return reverse("organisation", args=[organisation.slug])
