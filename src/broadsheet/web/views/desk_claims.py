"""The desk's queue of claims."""

from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _

from broadsheet.community import claims
from broadsheet.community.models import Claim
from broadsheet.lib.clock import now
from broadsheet.markup import maths
from broadsheet.readers.models import Reader
from broadsheet.web import cards
from broadsheet.web.acting import only
from broadsheet.web.limits import limited
from broadsheet.web.views.claim import claim_of
from broadsheet.web.views.desk import chosen, decided, page, reason_of, unclear


@limited("decide")
@only("curator")
def show(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Show the claims that wait, with their evidence; confirm, decline or revoke one with a reason."""

    def again(says: str) -> HttpResponseBase:
        waiting = [_told(one) for one in claims.waiting()]
        return page(request, reader, "claims", says, waiting=waiting, which=chosen(request, "claim"))

    return decided(request, lambda: _decide(request, reader), again)


def _told(claim: Claim) -> dict[str, object]:
    return {
        "claim": claim,
        "title": maths.render(claim.paper.title),
        "name": dict(cards.author_places(claim.paper)).get(claim.position, ""),
        "evidence": [(name.replace("_", " "), value) for name, value in sorted(claim.evidence.items())],
    }


def _decide(request: HttpRequest, reader: Reader) -> str:
    ways = {"confirm": claims.confirm, "decline": claims.decline, "revoke": claims.revoke}
    way = ways.get(request.POST.get("do", ""))
    if way is None:
        raise unclear()
    way(reader, claim_of(chosen(request, "claim")), reason_of(request), now=now())
    return _("Done. The reader is told.")
