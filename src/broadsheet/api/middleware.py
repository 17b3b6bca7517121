"""What every answer to a program has: rate limits, a request id, and errors in their one shape."""

from collections.abc import Callable

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from broadsheet.api import limits
from broadsheet.api.errors import ApiError, answer, is_for_programs, request_id
from broadsheet.lib.clock import now
from broadsheet.readers.refused import Refused

# Of the error as it was: what it says of its body is said anew.
_OF_THE_BODY = ("content-type", "content-length", "content-encoding", "content-disposition", "etag")


class ApiMiddleware:
    """Stands first: it counts also what the answers kept in memory spare.

    Leading double slashes are taken for one on every path: a client whose address of the site ends in a slash asks
    for `//api/…`.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer a request."""
        if request.path_info.startswith("//"):
            _collapse(request)
        if not is_for_programs(request.path_info):
            return self.get_response(request)
        counted = limits.count(request, now().timestamp())
        response = too_many(request, counted.seconds) if counted and counted.is_too_many else self.get_response(request)
        if response.status_code >= 400:
            response = _shaped(request, response)
        if counted:
            for name, value in counted.headers().items():
                response.headers.setdefault(name, value)
        response.headers.setdefault("X-Request-Id", request_id(request))
        return response

    def process_exception(self, request: HttpRequest, problem: Exception) -> HttpResponseBase | None:
        """Answer what a view raised; what nobody expected is left to the handler of errors on our side."""
        if not is_for_programs(request.path_info):
            return None
        match problem:
            case ApiError():
                return answer(request, problem.status, problem.says, problem.headers)
            case Refused():
                return answer(request, 400, str(problem))
            case Http404():
                return answer(request, 404, nothing_here())
        return None


def too_many(request: HttpRequest, seconds: int) -> HttpResponseBase:
    """Answer 429; the rate headers say the rest."""
    says = ngettext(
        "Too many requests. Please go on in %(seconds)d second.",
        "Too many requests. Please go on in %(seconds)d seconds.",
        seconds,
    )
    return answer(request, 429, says % {"seconds": seconds})


def nothing_here() -> str:
    """Say that an address does not exist."""
    return _("There is nothing at this address.")


def _collapse(request: HttpRequest) -> None:
    path = "/" + request.path_info.lstrip("/")
    request.path = request.path.removesuffix(request.path_info) + path
    request.path_info = request.META["PATH_INFO"] = path


def _shaped(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Bring an error that came from elsewhere, as that of a method an address does not take, into the one shape."""
    kind = response.headers.get("Content-Type", "")
    if "json" in kind or kind.startswith("text/event-stream"):
        return response
    headers = {name: value for name, value in response.headers.items() if name.lower() not in _OF_THE_BODY}
    says = {
        403: _("This is not allowed."),
        404: nothing_here(),
        405: _("This address does not take %(method)s.") % {"method": request.method},
    }
    default = (
        _("That request could not be understood.") if response.status_code < 500 else _("Something broke on our side.")
    )
    return answer(request, response.status_code, says.get(response.status_code, default), headers)
