"""Pages for what went wrong: a sentence, and a way on. Programs get the same sentence as JSON."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from broadsheet.api import errors


class NotHere(Http404):
    """A page that does not exist, with the sentence that says so to the reader."""


def bad_request(request: HttpRequest, exception: Exception | None = None, says: str = "") -> HttpResponse:
    """Answer 400."""
    says = says or _("That request could not be understood.")
    return _page(request, 400, _("That did not make sense"), says)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 404, with the reason where the page gave one."""
    says = str(exception) if isinstance(exception, NotHere) else _("There is no page at this address.")
    return _page(request, 404, _("Not in this paper"), says)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500. Asks neither the database nor anything else that may just have failed."""
    says = _("Something broke on our side. It has been noted; please try again in a moment.")
    return _page(request, 500, _("Stop press"), says)


def _page(request: HttpRequest, status: int, heading: str, says: str) -> HttpResponse:
    # Markdown too is read by programs, which show a page of HTML to nobody.
    if errors.is_for_programs(request.path_info) or request.path_info.endswith(".md"):
        return errors.answer(request, status, says)
    return render(request, "web/error.html", {"status": status, "heading": heading, "says": says}, status=status)
