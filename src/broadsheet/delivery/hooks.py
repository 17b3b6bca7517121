"""Web hooks: JSON sent to an address, signed as Standard Webhooks 1.0.0 has it (https://www.standardwebhooks.com).

The headers are webhook-id, webhook-timestamp and webhook-signature. A signature is "v1," and the base64 of the
HMAC-SHA256 over "id.timestamp.body", with the bytes of the secret after its "whsec_"; while a secret is being changed
there are two, divided by a blank.
"""

import base64
import hmac
import json
import secrets
import time
from dataclasses import replace
from functools import lru_cache
from http import HTTPStatus
from typing import Final

from django.conf import settings
from django.utils.translation import gettext as _

from broadsheet.delivery.masked import host_of, without
from broadsheet.delivery.sending import Message, Outcome
from broadsheet.lib.http import Http, HttpError
from broadsheet.papers import outside

PREFIX: Final = "whsec_"
SECONDS: Final = 10.0
# Whoever takes this long is served where waiting hurts nobody.
SLOW: Final = 5.0
LONGEST_BODY: Final = 2**20
AGAIN: Final = (408, 425, 429)
GONE: Final = 410
STATUSES: Final = frozenset(int(status) for status in HTTPStatus)


def new_secret() -> str:
    """Make a secret of 32 random bytes; the scheme asks for 24 to 64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def signature(secret: str, number: str, at: int, body: bytes) -> str:
    """Sign a message. at: in Unix seconds."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    made = hmac.digest(key, f"{number}.{at}.".encode() + body, "sha256")
    return f"v1,{base64.b64encode(made).decode()}"


def encoded(message: Message) -> bytes:
    """Give the bytes that are sent and signed."""
    return json.dumps(message.body, ensure_ascii=False, indent=1).encode("utf-8", "replace")


def send(message: Message) -> Outcome:
    """Send a message once and say what came of it."""
    body = encoded(message)
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json, */*",
        "webhook-id": message.number,
        "webhook-timestamp": str(message.at),
        "webhook-signature": " ".join(signature(key, message.number, message.at, body) for key in message.secrets),
    }
    begun = time.monotonic()
    try:
        answer = door().post(
            message.target, body=body, headers=headers, timeout=message.seconds or SECONDS, public_only=True
        )
    except HttpError as error:
        slow = not error.status and time.monotonic() - begun > SLOW
        return replace(judged(error, message.target), slow=slow)
    return Outcome("sent", answer.status, slow=time.monotonic() - begun > SLOW)


def judged(error: HttpError, target: str) -> Outcome:
    """Say what an answer that is none means for the next try."""
    status = error.status
    if status == GONE:
        return Outcome("gone", status, said(status))
    if status in AGAIN or status >= 500:
        return Outcome("again", status, said(status), error.retry_after)
    if status:
        return Outcome("failed", status, said(status))
    says = without(str(error), target)
    return Outcome("failed" if error.permanent else "again", 0, f"{says[:300]}.")


def said(status: int) -> str:
    """Say in plain words what the status of an answer means for the reader."""
    meant = {
        301: _("It redirects elsewhere; give the address it leads to."),
        400: _("It does not understand what we send."),
        401: _("It does not accept the address or the token in it."),
        403: _("It does not accept the address or the token in it."),
        404: _("Nothing is at this address; it may have been removed there."),
        405: _("It takes no messages by POST."),
        408: _("It took too long."),
        GONE: _("It says that it is gone for good."),
        413: _("The message is too long for it."),
        429: _("It asks us to send less often."),
    }
    reason = HTTPStatus(status).phrase if status in STATUSES else ""
    known = status if status in meant else 301 if 300 <= status < 400 else 0
    words = meant.get(known) or (_("Something is broken there.") if status >= 500 else _("It refuses our messages."))
    return f"{words} ({status} {reason})".replace(" )", ")")


def door() -> Http:
    """The one door to the network, which opens to private addresses only for hosts that the operator named."""
    return _door(frozenset(settings.CONFIG.hook_hosts))


@lru_cache(maxsize=4)
def _door(hosts: frozenset[str]) -> Http:
    return replace(outside.http(), allow_private=hosts)


def place_of(target: str) -> str:
    """Say where a web hook leads."""
    return host_of(target)
