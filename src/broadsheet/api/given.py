"""What a program sends with a write: a JSON object, bounded, with fields of the type they must have."""

import json
from collections.abc import Mapping
from typing import Final

from django.http import HttpRequest, UnreadablePostError
from django.utils.translation import gettext as _

from broadsheet.api.errors import ApiError

MOST_BYTES: Final = 200_000
LONGEST: Final = 500


def fields(request: HttpRequest) -> Mapping[str, object]:
    """Give the object in the body of a request. Raises ApiError: 413, 415, or 400 for what is no JSON object."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if length.isdigit() and int(length[:12]) > MOST_BYTES:
        raise _too_large()
    if length == "0":
        raise ApiError(400, _("The body is empty. Send a JSON object, with its length in Content-Length."))
    if request.content_type != "application/json":
        raise ApiError(415, _("Send JSON, with the header Content-Type: application/json."))
    try:
        body = request.body
    except UnreadablePostError as gone:
        raise ApiError(400, _("The body of the request did not arrive whole.")) from gone
    if len(body) > MOST_BYTES:
        raise _too_large()
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        raise ApiError(400, _("The body is no JSON that can be read.")) from None
    if not isinstance(read, dict):
        raise ApiError(400, _("The body must be a JSON object."))
    return read


def text(given: Mapping[str, object], name: str, longest: int = LONGEST) -> str:
    """Give a text that must be there. Raises ApiError."""
    said = text_or_none(given, name, longest)
    if said is None:
        raise ApiError(400, _("The field “%(name)s” is missing; it is a text.") % {"name": name})
    return said


def text_or_none(given: Mapping[str, object], name: str, longest: int = LONGEST) -> str | None:
    """Give a text, or None where the field is absent, null or empty. Raises ApiError."""
    said = given.get(name)
    if said is None or said == "":
        return None
    if not isinstance(said, str):
        raise ApiError(400, _("The field “%(name)s” must be a text.") % {"name": name})
    if len(said) > longest:
        says = _("The field “%(name)s” is %(length)d characters long; at most %(most)d are taken.")
        raise ApiError(400, says % {"name": name, "length": len(said), "most": longest})
    # No database keeps these; half a pair of surrogates is no character.
    if "\0" in said or any("\ud800" <= char <= "\udfff" for char in said):
        raise ApiError(400, _("The field “%(name)s” holds characters that are none.") % {"name": name})
    return said


def _too_large() -> ApiError:
    return ApiError(413, _("That is too large: at most %(most)d bytes are taken.") % {"most": MOST_BYTES})
