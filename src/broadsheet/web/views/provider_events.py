"""Where a service of mail reports what became of mails. Only what it signed, or sent with its password, is heard."""

import logging
import warnings
from typing import Any, Final

from anymail.exceptions import AnymailError
from anymail.signals import AnymailTrackingEvent
from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from broadsheet.digest import providers
from broadsheet.export.address import absolute
from broadsheet.lib.clock import now
from broadsheet.web.views.errors import NotHere

log = logging.getLogger(__name__)
# What reading a report raises that is not as the service writes it; all of it comes before anything is entered.
NONSENSE: Final = (
    AnymailError, SuspiciousOperation, AttributeError, LookupError, TypeError, ValueError, AssertionError,
    RecursionError, OverflowError,
)  # fmt: skip


class Heard:
    """Stands where django-anymail has a signal, and keeps what one request told."""

    def __init__(self) -> None:
        self.events: list[AnymailTrackingEvent] = []

    def send(self, sender: object, event: object, esp_name: str) -> None:
        """Keep what is about mails that were sent."""
        if isinstance(event, AnymailTrackingEvent):
            self.events.append(event)


# A service has no cookie that somebody else could use; its signature, or password, is looked at by its view.
@csrf_exempt
@never_cache
def hear(request: HttpRequest, provider: str) -> HttpResponseBase:
    """Take reports of the service that the settings name. A failure to write answers 500: services try again."""
    config = settings.CONFIG
    if provider != config.mail_provider or provider not in providers.PROVIDERS or not config.mail_provider_secret:
        raise NotHere(_("There is no page at this address."))
    heard = Heard()
    try:
        answer = _read(request, provider, heard)
    except NONSENSE as problem:
        log.warning("a report for %s was refused: %s", provider, type(problem).__name__)
        return HttpResponseBadRequest(
            _("This report could not be believed, or not be read."), "text/plain; charset=utf-8"
        )
    for event in heard.events:
        taken = providers.hear(event, provider, now=now())
        if taken:
            log.info("bounces: %s reports: %s", provider, taken.says)
    return answer


def _read(request: HttpRequest, provider: str, heard: Heard) -> HttpResponse:
    """Have a view of django-anymail verify and read what was posted."""
    base, secret = providers.view_of(provider)
    options: dict[str, Any] = {secret: settings.CONFIG.mail_provider_secret}
    if provider == "mandrill":
        # The address is part of what it signs.
        options["webhook_url"] = absolute(request.path)
    # Mandrill's view chooses a signal for itself.
    ears = {"signal": property(lambda view: heard, lambda view, chosen: None), "warn_if_no_basic_auth": False}
    view = type(base.__name__, (base,), dict.fromkeys(options) | ears)
    with warnings.catch_warnings():
        # Of a password that is there, and of a service that it no longer tests.
        warnings.simplefilter("ignore")
        asked = view(**options)
    asked.setup(request)
    answer: HttpResponse = asked.dispatch(request)
    return answer
