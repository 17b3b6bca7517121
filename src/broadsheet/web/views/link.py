"""Add a link to a paper: its code, its models, its data."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from broadsheet.community import links
from broadsheet.community.models import AddedLink
from broadsheet.lib.clock import now
from broadsheet.markup import maths
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused
from broadsheet.web.acting import SeeOther, acting, next_of, paper_of, typed
from broadsheet.web.badges import KINDS
from broadsheet.web.limits import limited
from broadsheet.web.views.errors import NotHere

LONGEST = 5_000


@limited("link")
@acting
def add(request: HttpRequest, reader: Reader, key: str) -> HttpResponseBase:
    """Show the form on its own; keep the link."""
    paper = paper_of(key)
    context = {"paper": paper, "title": maths.render(paper.title), "kinds": KINDS}
    if request.method != "POST":
        return render(request, "web/link.html", context)
    kind, url = typed(request, "kind", 20), typed(request, "url", LONGEST).strip()
    try:
        if kind not in KINDS:
            raise Refused(_("Choose what the link leads to."))
        links.add(reader, paper, kind, url, now=now())
    except Refused as refusal:
        context |= {"kind": kind, "given": url, "says": str(refusal)}
        return render(request, "web/link.html", context, status=400)
    messages.success(request, _("The link was added. Thank you."))
    return SeeOther(f"{reverse('paper', args=[paper.key])}#links")


@limited("link")
@acting
def remove(request: HttpRequest, reader: Reader, number: int) -> HttpResponseBase:
    """Take a link away: one's own, or as a curator with a reason."""
    found = AddedLink.objects.select_related("paper", "reader").filter(pk=number).first() if number < 2**63 else None
    if found is None:
        raise NotHere(_("There is no such link."))
    links.remove(reader, found, typed(request, "reason", LONGEST), now=now())
    return SeeOther(next_of(request, f"{reverse('paper', args=[found.paper.key])}#links"))
