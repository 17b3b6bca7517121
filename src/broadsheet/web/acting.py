"""What all pages share on which readers act: who acts, how a refusal is said, and where to go next."""

import unicodedata
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, Final, ParamSpec
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.shortcuts import render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from broadsheet.papers import queries
from broadsheet.papers.models import Paper
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused
from broadsheet.web.views.errors import NotHere

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]
ReaderView = Callable[Concatenate[HttpRequest, Reader, P], HttpResponseBase]

LONGEST_ADDRESS: Final = 2000


class SeeOther(HttpResponseRedirect):
    """The answer to what was done by POST: go and look."""

    status_code = 303


def reader_of(request: HttpRequest) -> Reader | None:
    """Give the reader who is signed in; None for a stranger."""
    user = getattr(request, "user", None)
    return user if isinstance(user, Reader) and user.is_authenticated else None


def acting(view: ReaderView[P]) -> View[P]:
    """Give a view the reader who acts. Strangers are sent to sign in; what a room refuses is said on a page."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        reader = reader_of(request)
        if reader is None:
            return _sign_in_first(request)
        if not reader.is_active:
            return refused(request, _("Your account is not active now, so you can read but not act."), status=403)
        try:
            return view(request, reader, *args, **kwargs)
        except Refused as refusal:
            return refused(request, str(refusal))

    return guarded


def only(role: str) -> Callable[[ReaderView[P]], View[P]]:
    """Let a view be used by readers of a role and those above it; others are told so, with 403."""

    def decorate(view: ReaderView[P]) -> View[P]:
        @wraps(view)
        def checked(request: HttpRequest, reader: Reader, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not reader.may(role):
                return refused(request, _("This page is for those who care for this site."), status=403)
            return view(request, reader, *args, **kwargs)

        return acting(checked)

    return decorate


def _sign_in_first(request: HttpRequest) -> HttpResponseBase:
    if wants_json(request):
        return JsonResponse({"says": _("Please sign in first.")}, status=403)
    reading = request.method in ("GET", "HEAD")
    return SeeOther(sign_in(request.get_full_path() if reading else next_of(request, resolve_url("latest"))))


def sign_in(place: str) -> str:
    """Give the address of the sign-in page that leads back to a place of this site."""
    return f"{resolve_url(settings.LOGIN_URL)}?next={quote(place[:LONGEST_ADDRESS], safe='/')}"


def next_of(request: HttpRequest, fallback: str) -> str:
    """Give the address of this site that a form asks to go on to; the fallback for any other address."""
    asked = request.POST.get("next", "")
    fits = asked.startswith("/") and asked.isprintable() and len(asked) <= LONGEST_ADDRESS
    return asked if fits and url_has_allowed_host_and_scheme(asked, {request.get_host()}) else fallback


def on_to(request: HttpRequest, paper: Paper) -> SeeOther:
    """Go back to where a paper's button stood: to its card in a list, or to its own page."""
    own = resolve_url("paper", key=paper.key)
    place = next_of(request, own).partition("#")[0]
    return SeeOther(place if urlsplit(place).path == own else f"{place}#paper-{paper.key}")


def wants_json(request: HttpRequest) -> bool:
    """Whether a script of the page asks, which wants data and no page."""
    return request.headers.get("Accept", "").startswith("application/json")


def refused(request: HttpRequest, says: str, *, status: int = 400) -> HttpResponse:
    """Say what was refused and why, with the way back."""
    if wants_json(request):
        return JsonResponse({"says": says}, status=status)
    context = {"status": status, "says": says, "back": next_of(request, "")}
    return render(request, "web/refused.html", context, status=status)


def paper_of(key: str) -> Paper:
    """Give the paper of that name. Raises NotHere."""
    paper = queries.by_key(key) if key.isprintable() else None
    if paper is None:
        raise NotHere(_("We have no paper of that name. It may not have come in yet."))
    return paper


def typed(request: HttpRequest, name: str, longest: int) -> str:
    """Give a text that a form sent, without what no database keeps and no page shows, cut to a length.

    The length is a bound on what is worth carrying on; what a text may be is decided by the room that takes it.
    """
    given = request.POST.get(name, "")[:longest].replace("\r\n", "\n")
    return "".join(char for char in given if char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cs"))


def whole(text: str) -> int | None:
    """Read a whole number that fits into a database's column; None for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None
