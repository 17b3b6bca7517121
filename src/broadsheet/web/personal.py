"""What a page owes the reader it was made for: their language and time zone, and that nobody else is shown it."""

from collections.abc import Callable
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone, translation
from django.utils.cache import patch_cache_control, patch_vary_headers

from broadsheet.api.auth import NOBODY
from broadsheet.api.errors import is_for_programs
from broadsheet.readers.models import Reader


class PersonalMiddleware:
    """Set language and time zone for a reader who is signed in, and mark the answer as theirs alone.

    Strangers without a session are left alone: their pages ask no database for who they are and set no cookie.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request."""
        reader = _reader(request)
        if reader is None:
            return self.get_response(request)
        with timezone.override(_zone(reader)), translation.override(reader.language or translation.get_language()):
            response = self.get_response(request)
        if not _is_theirs(request):
            return response
        patch_vary_headers(response, ["Cookie"])
        if "no-store" not in response.get("Cache-Control", ""):
            patch_cache_control(response, private=True)
        return response


def _reader(request: HttpRequest) -> Reader | None:
    has_session = settings.SESSION_COOKIE_NAME in request.COOKIES
    user = getattr(request, "user", None) if has_session or getattr(request, "alone", False) else None
    return user if isinstance(user, Reader) else None


def _is_theirs(request: HttpRequest) -> bool:
    """Whether an answer may hold what is the reader's.

    A program is told of its reader only where it shows who that is, or where a site for one person looked it up.
    """
    if not is_for_programs(request.path_info):
        return True
    return getattr(request, "_caller", NOBODY).reader is not None


def _zone(reader: Reader) -> ZoneInfo:
    try:
        return ZoneInfo(reader.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
