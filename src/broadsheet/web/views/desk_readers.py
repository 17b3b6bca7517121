"""The desk's list of readers who wait for approval, and what moderators may do about one reader."""

from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _

from broadsheet.community import moderation
from broadsheet.community.models import Act
from broadsheet.lib.clock import now
from broadsheet.readers import accounts
from broadsheet.readers.models import ROLES, Reader
from broadsheet.readers.refused import Refused
from broadsheet.web import standing
from broadsheet.web.acting import only
from broadsheet.web.limits import limited
from broadsheet.web.views.desk import chosen, decided, page, reason_of, unclear
from broadsheet.web.views.desk_votes import KINDS
from broadsheet.web.views.errors import NotHere

LATEST = 20


@limited("decide")
@only("moderator")
def show(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Show the readers who wait for approval; approve one."""

    def again(says: str) -> HttpResponseBase:
        return page(request, reader, "readers", says, waiting=accounts.waiting())

    def decide() -> str:
        wanted = Reader.objects.filter(pk=chosen(request, "reader"), state="waiting").first()
        if wanted is None:
            raise Refused(_("That reader does not wait any more."))
        accounts.approve(reader, wanted, now=now())
        return _("Approved. They can sign in now.")

    return decided(request, decide, again)


@limited("decide")
@only("moderator")
def one(request: HttpRequest, reader: Reader, handle: str) -> HttpResponseBase:
    """Show how a reader stands; suspend or reinstate them, or change their role, with a reason."""
    found = accounts.by_handle(handle)
    if found is None:
        raise NotHere(_("There is no reader of that name."))

    def again(says: str) -> HttpResponseBase:
        return page(request, reader, "reader", says, **_told(found))

    return decided(request, lambda: _decide(request, reader, found), again)


def _told(reader: Reader) -> dict[str, object]:
    return {
        "person": reader,
        "roles": ROLES,
        "terms": standing.terms(reader),
        "given": {
            "votes": reader.votes.count(),
            "comments": reader.comments.count(),
            "submissions": reader.submissions.count(),
        },
        "findings": [(KINDS.get(one.kind, one.kind), one) for one in reader.findings.order_by("-found")[:LATEST]],
        "acts": Act.objects.filter(subject=f"reader:{reader.handle}").select_related("by").order_by("-pk")[:LATEST],
    }


def _decide(request: HttpRequest, by: Reader, reader: Reader) -> str:
    does, reason, moment = request.POST.get("do", ""), reason_of(request), now()
    if does == "suspend":
        moderation.suspend(by, reader, reason, now=moment)
    elif does == "reinstate":
        moderation.reinstate(by, reader, reason, now=moment)
    elif does == "role" and request.POST.get("role") in ROLES:
        moderation.set_role(by, reader, request.POST["role"], reason, now=moment)
    else:
        raise unclear()
    return _("Done, and noted in the moderation log.")
