"""The door for those who were invited."""

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render, resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from broadsheet.lib.clock import now
from broadsheet.readers import invitations
from broadsheet.web.acting import SeeOther, reader_of
from broadsheet.web.limits import limited
from broadsheet.web.views.errors import NotHere


@limited("join")
@never_cache
def show(request: HttpRequest, code: str) -> HttpResponseBase:
    """Show who invites and to what. Only POST takes the invitation along to the page for joining."""
    fits = code.isprintable() and len(code) <= invitations.LONGEST_CODE
    invitation = invitations.find(code, now()) if fits else None
    if invitation is None:
        raise NotHere(
            _("It was used, taken back or is too old. Ask whoever sent it for a new one."),
            _("This invitation is not good any more"),
        )
    if request.method == "POST" and reader_of(request) is None:
        request.session[invitations.SESSION_KEY] = code
        return SeeOther(resolve_url("account_signup"))
    return render(request, "web/account/join.html", {"section": "join", "invitation": invitation})
