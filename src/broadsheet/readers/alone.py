"""A site for one person on one machine: nobody signs in, and whoever sits there is its owner.

`broadsheet run` decides it at the start and hands it to its processes by the environment. Each request is still
looked at: it must come from this machine, for this machine, and not through a proxy. Forms keep their CSRF token, so
that a page elsewhere cannot act in the owner's name.
"""

import os
from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.functional import SimpleLazyObject

from broadsheet.lib.clock import now
from broadsheet.readers.accounts import LOCAL, LOCAL_ADDRESS
from broadsheet.readers.models import Reader
from broadsheet.readers.network import is_loopback

VARIABLE: Final = "BROADSHEET_ALONE"
# A request that was handed on did not start on this machine, whatever its last hop.
HANDED_ON: Final = ("HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_REAL_IP", "HTTP_CF_CONNECTING_IP", "HTTP_TRUE_CLIENT_IP")


def choose(host: str) -> bool:
    """Decide, at the start of a site that listens on a host, whether nobody has to sign in; give the decision."""
    config = settings.CONFIG
    fits = (
        config.sign_in == "auto" and not config.public_url and not config.allowed_hosts and not config.trusted_proxies
    )
    chosen = fits and is_loopback(host) and not _others()
    if chosen:
        os.environ[VARIABLE] = "1"
    else:
        os.environ.pop(VARIABLE, None)
    return chosen


def is_alone() -> bool:
    """Whether nobody has to sign in now. It ends at once when a second account is made."""
    return os.environ.get(VARIABLE) == "1" and not _others()


def the_reader() -> Reader:
    """Give the one person of the site, its owner; made when first asked for."""
    found = Reader.objects.filter(handle=LOCAL).first()
    if found is None:
        unusable = Reader()
        unusable.set_unusable_password()
        found, _made = Reader.objects.get_or_create(
            handle=LOCAL,
            defaults={
                "email": LOCAL_ADDRESS,
                "name": "The owner",
                "role": "owner",
                "joined": now(),
                "password": unusable.password,
            },
        )
    return found


def is_from_here(request: HttpRequest) -> bool:
    """Whether a request comes from this machine, for this machine, and was not handed on."""
    if any(name in HANDED_ON or name.startswith("HTTP_X_FORWARDED") for name in request.META):
        return False
    try:
        host = request.get_host()
    except DisallowedHost:
        return False
    name = host.partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return is_loopback(request.META.get("REMOTE_ADDR", "")) and is_loopback(name)


class AloneMiddleware:
    """Take whoever asks for the owner, where nobody has to sign in. Stands after AuthenticationMiddleware.

    `request.alone` says so to what comes after it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer a request, as the owner's where it is theirs."""
        if os.environ.get(VARIABLE) == "1" and is_from_here(request) and is_alone():
            request.alone = True  # type: ignore[attr-defined]
            request.user = SimpleLazyObject(the_reader)  # type: ignore[assignment]
        return self.get_response(request)


def _others() -> bool:
    return Reader.objects.exclude(handle=LOCAL).exists()
