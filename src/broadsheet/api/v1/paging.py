"""Pages by cursor: the sort key of the last item, signed, so that none can be made up."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from broadsheet.api.errors import ApiError
from broadsheet.export.address import absolute

Item = TypeVar("Item")
SALT: Final = "broadsheet.api.cursor"


def read(cursor: str, what: str) -> list[Any] | None:
    """Give the sort key in a cursor; None for the first page. what: the list it must be of. Raises ApiError."""
    if not cursor:
        return None
    try:
        of, key = signing.loads(cursor, salt=SALT)
    except (signing.BadSignature, ValueError, TypeError):
        of, key = "", None
    if of != what or not isinstance(key, list):
        raise ApiError(404, _("That cursor leads nowhere in this list: begin again without it."))
    return key


def cut(items: Sequence[Item], limit: int, key: Callable[[Item], list[Any]]) -> tuple[list[Item], list[Any] | None]:
    """Cut a page out of one item more than it holds; give it with the sort key to go on from, None at the end."""
    page = list(items[:limit])
    return page, key(page[-1]) if len(items) > limit and page else None


def onward(request: HttpRequest, response: HttpResponse, what: str, key: list[Any] | None) -> str | None:
    """Give the address of the next page, which also goes into the Link header (RFC 8288); None at the end."""
    if key is None:
        return None
    query = request.GET.copy()
    query["cursor"] = signing.dumps([what, key], salt=SALT, compress=True)
    url = absolute(f"{request.path}?{query.urlencode()}", request)
    response["Link"] = f'<{url}>; rel="next"'
    return url
