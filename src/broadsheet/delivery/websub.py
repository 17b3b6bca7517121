"""WebSub (https://www.w3.org/TR/websub/): tell the hub of feeds that have something new."""

import logging
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from django.conf import settings
from django.db import transaction
from django.urls import NoReverseMatch, reverse

from broadsheet.delivery import places
from broadsheet.delivery.models import Pinged
from broadsheet.export.address import absolute
from broadsheet.lib.http import HttpError
from broadsheet.papers import outside

log = logging.getLogger("broadsheet.delivery")
FORMS: Final = ("atom", "rss", "json")
SECONDS: Final = 10.0


def topics() -> list[str]:
    """Give the addresses of the feeds that everybody follows. The hub asks them for what is new."""
    keys = ("edition", "trending", *(f"category/{code}" for code in settings.CONFIG.categories))
    try:
        return [absolute(reverse("feed", kwargs={"key": key, "form": form})) for key in keys for form in FORMS]
    except NoReverseMatch:
        return []


def ping(now: datetime) -> int:
    """Tell the hub once for all that came since the last time; 1 where it was told. Without a hub nothing happens."""
    hub = str(getattr(settings.CONFIG, "websub_hub", ""))
    if not hub or not settings.CONFIG.public_url:
        return 0
    newest = places.latest_change()
    known, _fresh = Pinged.objects.get_or_create(hub=hub, defaults={"change": newest})
    with transaction.atomic():
        # Of two workers one tells it; a hub that cannot be reached misses this one, and feeds are asked anyway.
        mine = Pinged.objects.filter(hub=hub, change=known.change, change__lt=newest).update(change=newest)
    if not mine:
        return 0
    body = urlencode([("hub.mode", "publish"), *(("hub.url", topic) for topic in topics())]).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    try:
        outside.http().post(hub, body=body, headers=headers, timeout=SECONDS)
    except HttpError as problem:
        log.warning("the WebSub hub was not told: %s", problem)
        return 0
    return 1
