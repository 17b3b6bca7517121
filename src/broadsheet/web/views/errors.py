"""Pages for what went wrong: a sentence, and a way on. Programs get the same sentence as JSON."""

from django.core.exceptions import DisallowedHost
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from broadsheet.api import errors


class NotHere(Http404):
    """A page that does not exist, with the sentence that says so, and its heading where the usual one does not fit."""

    def __init__(self, says: str, heading: str = "") -> None:
        super().__init__(says)
        self.heading = heading


def bad_request(request: HttpRequest, exception: Exception | None = None, says: str = "") -> HttpResponse:
    """Answer 400."""
    if isinstance(exception, DisallowedHost):
        return _wrong_host(request)
    says = says or _("That request could not be understood.")
    return _page(request, 400, _("That did not make sense"), says)


def _wrong_host(request: HttpRequest) -> HttpResponse:
    """Answer whoever asks for a host that is not this site: without a page, whose addresses would name that host."""
    says = _("This site does not go by the name in that address.")
    do = _("If you run it: add the name to `allowed_hosts` in broadsheet.toml, or set `public_url`.")
    if errors.is_for_programs(request.path_info):
        return errors.answer(request, 400, f"{says} {do}")
    return HttpResponse(f"{says}\n{do}\n", status=400, content_type="text/plain; charset=utf-8")


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 404, with the reason where the page gave one."""
    known = exception if isinstance(exception, NotHere) else NotHere(_("There is no page at this address."))
    return _page(request, 404, known.heading or _("Not in this paper"), str(known))


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500. Asks neither the database nor anything else that may just have failed."""
    says = _("Something broke on our side. It has been noted; please try again in a moment.")
    # Who looks, and what they are told, would be asked of the database.
    return _page(request, 500, _("Stop press"), says, me=None, messages=())


def _page(request: HttpRequest, status: int, heading: str, says: str, **known: object) -> HttpResponse:
    # Markdown too is read by programs, which show a page of HTML to nobody.
    if errors.is_for_programs(request.path_info) or request.path_info.endswith(".md"):
        return errors.answer(request, status, says)
    context = {"status": status, "heading": heading, "says": says, **known}
    return render(request, "web/error.html", context, status=status)
