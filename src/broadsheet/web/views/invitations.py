"""The invitations a reader gave: making one, its link shown once, taking it back, and who came."""

from typing import Final

from django import forms
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, render, resolve_url
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from broadsheet.community import given
from broadsheet.lib.clock import now
from broadsheet.readers import invitations
from broadsheet.readers.models import ROLES, Invitation, Reader
from broadsheet.web.acting import SeeOther, acting
from broadsheet.web.limits import limited
from broadsheet.web.views.me import held

SHOWN_ONCE: Final = "invitation_link"
ROLE_NAMES: Final = {
    "reader": gettext_lazy("Reader"),
    "curator": gettext_lazy("Curator: places papers in editions"),
    "moderator": gettext_lazy("Moderator: decides on reports as well"),
    "owner": gettext_lazy("Owner: may do everything"),
}


class InvitationForm(forms.Form):
    """What an invitation says and for how many it is."""

    note = forms.CharField(
        label=gettext_lazy("A line to those you invite"), max_length=invitations.LONGEST_NOTE, required=False
    )
    uses = forms.IntegerField(
        label=gettext_lazy("For how many people"), min_value=1, max_value=invitations.MOST_USES, initial=1
    )
    days = forms.IntegerField(
        label=gettext_lazy("Good for how many days"), min_value=1, max_value=invitations.MOST_DAYS, initial=14
    )
    role = forms.ChoiceField(label=gettext_lazy("They join as"), initial="reader")

    def __init__(self, reader: Reader, data: object = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        theirs = [role for role in ROLES if role == "reader" or reader.may("moderator") and reader.may(role)]
        if len(theirs) > 1:
            self.fields["role"].choices = [(role, ROLE_NAMES[role]) for role in theirs]  # type: ignore[attr-defined]
        else:
            del self.fields["role"]

    def clean_note(self) -> str:
        """Keep only what a page can show."""
        return held(given.line, self.cleaned_data["note"], invitations.LONGEST_NOTE)


@limited("invite")
@never_cache
@acting
def show(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Show the reader's invitations; POST makes one, whose link the next page shows once."""
    form = InvitationForm(reader, request.POST or None)
    if request.method == "POST" and form.is_valid():
        _made, code = invitations.invite(reader, now=now(), **form.cleaned_data)
        request.session[SHOWN_ONCE] = request.build_absolute_uri(resolve_url("join", code=code))
        return SeeOther(resolve_url("invitations"))
    at = now()
    context = {
        "section": "me",
        "form": form,
        "link": request.session.pop(SHOWN_ONCE, "") if request.method == "GET" else "",
        "invitations": [
            {"row": row, "open": row.uses_left > 0 and row.expires > at, "role": ROLE_NAMES.get(row.role, row.role)}
            for row in invitations.of(reader)
        ],
        "left": invitations.left(reader, at),
        "came": reader.invited.order_by("-joined")[:200],
    }
    return render(request, "web/account/invitations.html", context, status=400 if form.errors else 200)


@limited("invite")
@acting
def take_back(request: HttpRequest, reader: Reader, number: int) -> HttpResponseBase:
    """Make an invitation of the reader's useless from now on."""
    invitations.take_back(reader, get_object_or_404(Invitation, pk=number, made_by=reader))
    return SeeOther(resolve_url("invitations"))
