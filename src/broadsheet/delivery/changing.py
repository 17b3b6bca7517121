"""Changing a place: its name, what it gets and when, its address and its secret. What is left empty stays as it is."""

import base64
import binascii
from collections.abc import Mapping
from copy import copy
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext as _

from broadsheet.delivery import hooks, places
from broadsheet.delivery.models import Delivery, Hook
from broadsheet.readers.refused import Refused

# Bytes of a key, as Standard Webhooks asks for.
SHORTEST_KEY: Final = 24
LONGEST_KEY: Final = 64
LONGEST_SECRET: Final = 100
FIELDS: Final = ("name", "target", "key", "rhythm", "least", "most", "secret")


def changed(hook: Hook, values: Mapping[str, Any]) -> Hook:
    """Give a place as a form wants it, without keeping it. Its kind stays. Raises Refused.

    An empty target or secret is the one that it has.
    """
    wanted = copy(hook)
    wanted.name, wanted.key = (" ".join(str(values.get(name, "")).split()) for name in ("name", "key"))
    wanted.target = str(values.get("target", "")).strip() or hook.target
    wanted.rhythm, wanted.least, wanted.most = values["rhythm"], values["least"], values["most"]
    given = str(values.get("secret", "")).strip()
    if given and hook.kind == "webhook":
        wanted.secret = secret_of(given)
    places.check(wanted)
    return wanted


def secret_of(text: str) -> str:
    """Read a secret that a reader chose: whsec_ and the base64 of 24 to 64 bytes. Raises Refused."""
    try:
        if len(text) > LONGEST_SECRET or not text.startswith(hooks.PREFIX):
            raise ValueError
        key = base64.b64decode(text.removeprefix(hooks.PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not SHORTEST_KEY <= len(key) <= LONGEST_KEY:
        told = {"least": SHORTEST_KEY, "most": LONGEST_KEY}
        raise Refused(_("A secret is whsec_ and the base64 of %(least)d to %(most)d bytes.") % told)
    return text


def keep(hook: Hook, wanted: Hook, *, now: datetime) -> Hook:
    """Keep what was changed; `wanted` is of `changed`. Raises Refused, and then nothing changed.

    With another list the place begins anew, and what waits of the old one is dropped. With another address it is tried
    at once, also where it was paused because the old one failed. A new secret signs beside the old one for a day.
    """
    places.preview(wanted, now=now)
    with transaction.atomic():
        had = Hook.objects.select_for_update(of=("self",), no_key=True).filter(pk=hook.pk).first()
        if had is None:
            raise Refused(_("This place was removed meanwhile."))
        told: dict[str, Any] = {name: getattr(wanted, name) for name in FIELDS}
        if wanted.secret != had.secret:
            told |= {"before": had.secret, "rotated": now}
        if wanted.target != had.target:
            told |= {"next_try": None, "failures": 0, "slow": False}
        Hook.objects.filter(pk=had.pk).update(**told)
        if wanted.key != had.key:
            dropped = Delivery.objects.filter(hook=had, state="waiting")
            dropped.update(state="failed", at=now, says=_("The place got another list before it went out."))
            # Within the transaction, so that no worker takes the new list's past for news.
            places.begin(had, now=now)
        if wanted.target != had.target and had.state == "failing":
            places.resume(had, now=now)
    hook.refresh_from_db()
    return hook
