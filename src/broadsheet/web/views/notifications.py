"""What happened that concerns the reader."""

from typing import Final

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render, resolve_url
from django.views.decorators.cache import never_cache

from broadsheet.lib.clock import now
from broadsheet.readers import notifications
from broadsheet.readers.models import Reader
from broadsheet.web.acting import SeeOther, acting, whole

SHOWN: Final = 100


@never_cache
@acting
def show(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Show the latest notifications."""
    latest = [
        {"row": row, "says": notifications.sentence(row), "url": row.url if _is_ours(row.url) else ""}
        for row in notifications.latest(reader, SHOWN)
    ]
    return render(request, "web/account/notifications.html", {"section": "notifications", "notifications": latest})


@acting
def read(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Mark one notification as read, or all of them where none is named."""
    named = None
    if "number" in request.POST:
        named = [number for number in (whole(request.POST["number"]),) if number is not None]
    notifications.mark_read(reader, now=now(), numbers=named)
    return SeeOther(resolve_url("notifications"))


def _is_ours(url: str) -> bool:
    return url.startswith("/") and not url.startswith("//")
