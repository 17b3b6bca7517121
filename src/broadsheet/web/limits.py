"""How often one reader, or one address where nobody is signed in, may do what costs work or other people's patience.

The limits here keep a page from being hammered; what a reader may give in a day is for the community's own rules.
Counts live in the memory of each process, so that counting never writes to the record; with several processes a limit
is that much wider. What guards passwords and codes counts in the record (allauth, axes).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Final, ParamSpec, Protocol

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from broadsheet.api import acts
from broadsheet.lib.clock import now
from broadsheet.readers import windows
from broadsheet.readers.network import client_address

P = ParamSpec("P")


class View(Protocol[P]):
    """A view: it takes the request and what stands in the address."""

    def __call__(self, request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        """Answer the request."""


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `times` in a window of `seconds`. reads: reading the page counts too, not only what changes something.

    strangers: only requests of people who are not signed in are counted.
    """

    times: int
    seconds: int
    reads: bool = False
    strangers: bool = False


MINUTE: Final = 60
HOUR: Final = 3600
RATES: Final = {
    # What can be done by a program too has its rate there, and counts apart.
    **{action: Rate(rate.times, rate.seconds) for action, rate in acts.RATES.items()},
    "preview": Rate(60, MINUTE),
    "follow": Rate(60, MINUTE),
    "shelf": Rate(240, MINUTE, reads=True),
    "file": Rate(120, MINUTE),
    "feed": Rate(240, MINUTE, reads=True),
    "report": Rate(20, HOUR),
    "bring": Rate(20, 10 * MINUTE),
    "organisation": Rate(30, HOUR),
    "decide": Rate(120, MINUTE),
    "search": Rate(120, MINUTE, reads=True, strangers=True),
    "join": Rate(20, 10 * MINUTE, reads=True),
    "invite": Rate(20, HOUR),
    "token": Rate(60, HOUR),
    "profile": Rate(30, 10 * MINUTE),
    "export": Rate(6, HOUR),
    "deliver": Rate(20, 10 * MINUTE),
    "erase": Rate(10, HOUR),
    "subscribe": Rate(30, 10 * MINUTE),
    "preferences": Rate(60, 10 * MINUTE),
    "group": Rate(120, 10 * MINUTE),
    "group-ask": Rate(30, HOUR),
    "group-found": Rate(20, HOUR),
    "group-who": Rate(60, 10 * MINUTE, reads=True),
    "foryou": Rate(120, 10 * MINUTE),
    "foryou-read": Rate(240, 10 * MINUTE, reads=True),
    "start": Rate(60, 10 * MINUTE),
    "taste": Rate(120, MINUTE),
    "start-look": Rate(20, 10 * MINUTE),
    "start-ask": Rate(120, 10 * MINUTE),
}


def limited(action: str) -> Callable[[View[P]], View[P]]:
    """Answer 429 with Retry-After once the rate of the action, a key of RATES, is used up; else go on to the view."""
    rate = RATES[action]

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if _counts(request, rate):
                wait = count(action, who(request), now().timestamp())
                if wait:
                    return too_many(request, wait)
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def who(request: HttpRequest) -> str:
    """Give whose count it is: the reader's, or the address's where nobody is signed in."""
    reader = getattr(request, "user", None)
    if reader is not None and reader.is_authenticated:
        return f"reader:{reader.pk}"
    return f"address:{client_address(request)}"


def count(action: str, whose: str, at: float) -> int:
    """Count one more; give 0, or the seconds until the window ends once its rate is used up. at: in Unix seconds."""
    rate = RATES[action]
    times, left = windows.count(f"limit:{action}:{whose}", rate.seconds, at)
    return left if times > rate.times else 0


def too_many(request: HttpRequest, wait: int) -> HttpResponse:
    """Answer 429: a sentence that says when to come back, and Retry-After in seconds."""
    minutes = -(-wait // MINUTE)
    says = ngettext(
        "That was a lot in a short time. Please try again in a minute.",
        "That was a lot in a short time. Please try again in %(minutes)d minutes.",
        minutes,
    )
    context = {"status": 429, "heading": _("One moment, please"), "says": says % {"minutes": minutes}}
    response = render(request, "web/error.html", context, status=429)
    response["Retry-After"] = str(wait)
    return response


def _counts(request: HttpRequest, rate: Rate) -> bool:
    if rate.strangers and request.user.is_authenticated:
        return False
    return rate.reads or request.method not in ("GET", "HEAD", "OPTIONS")
