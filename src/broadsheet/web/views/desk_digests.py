"""The desk's view of digests: how today's stand, which domains are slow, what bounced, what is in doubt.

Moderators see counts. Addresses, domains and what was chosen for somebody are for the owner alone, and shortened.
"""

import re
from typing import Any, Final

from csp.decorators import csp
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from broadsheet.digest import deciding, preview, progress
from broadsheet.digest.compose import span
from broadsheet.digest.models import Bounced, Digest, Mail
from broadsheet.digest.progress import Domain, Progress
from broadsheet.lib.clock import now
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused
from broadsheet.web.acting import only
from broadsheet.web.limits import limited
from broadsheet.web.views.desk import chosen, decided, page, unclear
from broadsheet.web.views.errors import NotHere

STATES: Final = {
    "queued": gettext_lazy("wait"),
    "claimed": gettext_lazy("are with a sender"),
    "sending": gettext_lazy("are being sent"),
    "sent": gettext_lazy("were sent"),
    "failed": gettext_lazy("were refused"),
    "doubtful": gettext_lazy("are in doubt"),
    "suppressed": gettext_lazy("were held back"),
}
KINDS: Final = {
    "hard": gettext_lazy("for good"),
    "soft": gettext_lazy("for now"),
    "complaint": gettext_lazy("complaint"),
    "unknown": gettext_lazy("not understood"),
}
BOUNCES: Final = 20
# A mail brings its own style and nothing else: no script, no picture, no form, nothing of this site.
MAIL_POLICY: Final[dict[str, Any]] = {
    "default-src": ["'none'"],
    "style-src": ["'unsafe-inline'"],
    "form-action": ["'none'"],
    "base-uri": ["'none'"],
    "frame-ancestors": ["'none'"],
    "sandbox": [],
}
_ADDRESS: Final = re.compile(r"[^\s<>()\[\]:;,\"']+@[^\s<>()\[\]:;,\"']+")


@never_cache
@limited("decide")
@only("moderator")
def show(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Show how today's digests stand; the owner decides on mails in doubt."""

    def again(says: str) -> HttpResponseBase:
        stands = progress.today(now())
        owner = reader.may("owner")
        more = _for_the_owner(stands) if owner else {}
        counted = [(label, stands.states[state]) for state, label in STATES.items()]
        return page(request, reader, "digests", says, stands=stands, states=counted, owner=owner, **more)

    return decided(request, lambda: _decide(request, reader), again)


def _for_the_owner(stands: Progress) -> dict[str, object]:
    return {
        "domains": [_domain(one) for one in stands.domains],
        "bounces": [_bounce(one) for one in progress.bounces(BOUNCES)],
        "doubtful": [{"mail": mail, "address": preview.veil(mail.address)} for mail in stands.doubtful],
        "sample": [{"digest": one, "days": span(one.first, one.last)} for one in progress.sample(now())],
    }


def _domain(domain: Domain) -> dict[str, object]:
    return {"domain": domain, "says": without_addresses(domain.says)}


def _bounce(bounced: Bounced) -> dict[str, object]:
    return {
        "bounced": bounced,
        "kind": KINDS.get(bounced.kind, bounced.kind),
        "address": preview.veil(bounced.address),
    }


def without_addresses(text: str) -> str:
    """Shorten the addresses in what a server said."""
    return _ADDRESS.sub(lambda found: preview.veil(found[0]), text)


def _decide(request: HttpRequest, reader: Reader) -> str:
    if not reader.may("owner"):
        raise Refused(_("The owner of the site decides on mails."))
    mail = Mail.objects.filter(pk=chosen(request, "mail"), state="doubtful").first()
    if mail is None:
        raise Refused(_("This mail is not in doubt any more."))
    who, moment = f"@{reader.handle}", now()
    if request.POST.get("do") == "again":
        _done(deciding.again([mail.pk], who=who, now=moment))
        return _("It is in the queue again, under the same Message-ID.")
    if request.POST.get("do") == "arrived":
        _done(deciding.arrived([mail.pk], who=who, now=moment))
        return _("Noted: it arrived.")
    raise unclear()


def _done(done: int) -> None:
    if not done:
        raise Refused(_("Somebody else decided on it meanwhile."))


@never_cache
@only("owner")
def sample(request: HttpRequest, reader: Reader, number: int) -> HttpResponseBase:
    """Show a mail of today as it was sent, without telling to whom; `?part=text` gives its plain text."""
    moment = now()
    today = Digest.objects.filter(made__gte=moment - progress.DAY, state__in=("composed", "dry"))
    digest = today.select_related("subscription").filter(pk=number).first()
    if digest is None:
        raise NotHere(_("This digest is not one of today’s."))
    seen = preview.shown(digest, preview.veiled(digest.subscription), moment)
    if seen.mail is None:
        raise NotHere(_("There is no mail of this digest."))
    if request.GET.get("part") == "text" or not seen.mail.html:
        return HttpResponse(seen.mail.text, content_type="text/plain; charset=utf-8")
    return _alone(request, seen.mail.html)


def _alone(request: HttpRequest, html: str) -> HttpResponseBase:
    return csp(MAIL_POLICY)(lambda _request: HttpResponse(html))(request)
