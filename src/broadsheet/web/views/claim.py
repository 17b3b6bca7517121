"""Say that a paper is one's own, or take that back."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from broadsheet.community import claims
from broadsheet.community.models import Claim
from broadsheet.lib.clock import now
from broadsheet.markup import maths
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused
from broadsheet.web import cards
from broadsheet.web.acting import SeeOther, acting, paper_of, typed, whole
from broadsheet.web.limits import limited
from broadsheet.web.views.errors import NotHere

LONGEST = 20_000


@limited("claim")
@acting
def make(request: HttpRequest, reader: Reader, key: str) -> HttpResponseBase:
    """Show the form on its own; hand the claim in."""
    paper = paper_of(key)
    context = {"paper": paper, "title": maths.render(paper.title), "names": cards.author_places(paper)}
    if request.method != "POST":
        return render(request, "web/claim.html", context)
    position, text = whole(request.POST.get("position", "")), typed(request, "says", LONGEST)
    try:
        if position is None:
            raise Refused(_("Choose which of the authors you are."))
        claim = claims.claim(reader, paper, position, text, now=now())
    except Refused as refusal:
        context |= {"position": position, "text": text, "says": str(refusal)}
        return render(request, "web/claim.html", context, status=400)
    messages.success(
        request,
        _("Your claim is confirmed.")
        if claim.state == "confirmed"
        else _("Your claim waits for a curator; you will be told."),
    )
    return SeeOther(f"{reverse('paper', args=[paper.key])}#authorship")


@limited("claim")
@acting
def take_back(request: HttpRequest, reader: Reader, number: int) -> HttpResponseBase:
    """Take a claim of one's own back."""
    claim = claim_of(number)
    claims.take_back(reader, claim, now=now())
    return SeeOther(f"{reverse('paper', args=[claim.paper.key])}#authorship")


def claim_of(number: int) -> Claim:
    """Give the claim with that number. Raises NotHere."""
    found = Claim.objects.select_related("reader", "paper").filter(pk=number).first() if number < 2**63 else None
    if found is None:
        raise NotHere(_("There is no such claim."))
    return found
