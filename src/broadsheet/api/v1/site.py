"""The API as a whole: its operations, and one shape for whatever goes wrong."""

from typing import Final

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from broadsheet import __version__
from broadsheet.api.errors import ApiError, answer
from broadsheet.api.v1 import editions, export, health, library, lists, me, papers, search, taste
from broadsheet.readers.refused import Refused

# Of many things that are wrong with a request this many are told.
MOST_WRONG: Final = 3
LONGEST_NAME: Final = 60

api: Final = NinjaAPI(
    title="Broadsheet",
    version=__version__,
    description="Papers, search, editions and what readers gave to them. Reading is free; what belongs to a reader "
    "needs a token, made under /me/tokens and sent as Authorization: Bearer bs_….",
    urls_namespace="v1",
    openapi_url=None,
    docs_url=None,
)
for part in (papers, search, editions, lists, health, export, me, library, taste):
    api.add_router("", part.router)


@api.exception_handler(ApiError)
def _told(request: HttpRequest, problem: ApiError) -> HttpResponse:
    return answer(request, problem.status, problem.says, problem.headers)


@api.exception_handler(Refused)
def _refused(request: HttpRequest, refusal: Exception) -> HttpResponse:
    return answer(request, 409, str(refusal))


@api.exception_handler(Http404)
def _not_here(request: HttpRequest, problem: Http404) -> HttpResponse:
    return answer(request, 404, str(problem) or _("There is nothing of that name here."))


@api.exception_handler(HttpError)
def _unreadable(request: HttpRequest, problem: HttpError) -> HttpResponse:
    says = _("The body is no JSON that can be read.") if problem.status_code == 400 else str(problem)
    return answer(request, problem.status_code, says)


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, problem: ValidationError) -> HttpResponse:
    wrong = [f"{_name(error['loc'])}: {error['msg']}" for error in problem.errors[:MOST_WRONG]]
    return answer(request, 422, "; ".join(wrong) + ".")


def _name(place: tuple[object, ...]) -> str:
    """The last name in a place; what it is in (query, body, …) helps nobody. A stranger's own names are cut."""
    named = [str(part) for part in place if not isinstance(part, int)]
    last = named[-1] if named else "body"
    return last.encode(errors="replace").decode()[:LONGEST_NAME]
