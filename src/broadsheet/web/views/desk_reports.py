"""The desk's queue of reports, and what moderators do to comments and papers."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _

from broadsheet.community import moderation, submissions
from broadsheet.community.models import AddedLink, Comment
from broadsheet.community.moderation import Reported
from broadsheet.lib.clock import now
from broadsheet.papers.models import Paper
from broadsheet.readers.models import Reader
from broadsheet.web.acting import SeeOther, next_of, only, paper_of, typed
from broadsheet.web.limits import limited
from broadsheet.web.views.comment import address, comment_of
from broadsheet.web.views.desk import day_of, decided, page, reason_of, unclear

LONGEST_SUBJECT = 220


@limited("decide")
@only("moderator")
def show(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Show the open reports by their subject; uphold or dismiss those of one, with a reason."""
    which = typed(request, "subject", LONGEST_SUBJECT)

    def again(says: str) -> HttpResponseBase:
        return page(request, reader, "reports", says, queue=[_told(item) for item in moderation.queue()], which=which)

    def decide() -> str:
        if request.POST.get("do") not in ("uphold", "dismiss"):
            raise unclear()
        moderation.decide(reader, which, request.POST["do"] == "uphold", reason_of(request), now=now())
        return _("Decided. Those who reported it are told.")

    return decided(request, decide, again)


def _told(item: Reported) -> dict[str, object]:
    """Give what was reported with what can be done about it right there, beside deciding on the reports."""
    labels = dict(moderation.CAUSES)
    for report in item.reports:
        report.label = labels.get(report.cause, report.cause)  # type: ignore[attr-defined]
    row, action, does = item.subject.row if item.subject else None, "", "remove"
    if isinstance(row, Comment) and row.state == "shown":
        action = reverse("desk-comment", args=[row.pk])
    elif isinstance(row, AddedLink) and row.state == "shown":
        action = reverse("remove-link", args=[row.pk])
    elif isinstance(row, Paper) and not row.hidden:
        action, does = reverse("desk-paper", args=[row.key]), "hide"
    return {
        "item": item,
        "comment": row if isinstance(row, Comment) else None,
        "person": row.handle if isinstance(row, Reader) else "",
        "action": action,
        "does": does,
    }


@limited("decide")
@only("moderator")
def comment(request: HttpRequest, reader: Reader, number: int) -> HttpResponseBase:
    """Remove a comment, or restore it, with a reason."""
    found = comment_of(number)
    way = {"remove": moderation.remove, "restore": moderation.restore}.get(request.POST.get("do", ""))
    if way is None:
        raise unclear()
    way(reader, found, reason_of(request), now=now())
    messages.success(request, _("Done, and noted in the moderation log."))
    return SeeOther(next_of(request, address(found)))


@limited("decide")
@only("curator")
def paper(request: HttpRequest, reader: Reader, key: str) -> HttpResponseBase:
    """Place a paper in an edition or take it out; hide or show it; freeze or reopen its discussion; with a reason."""
    found, does, reason = paper_of(key), request.POST.get("do", ""), reason_of(request)
    ways = {
        "unplace": submissions.unplace,
        "hide": moderation.hide,
        "show": moderation.show,
        "freeze": moderation.freeze,
        "thaw": moderation.thaw,
    }
    if does == "place":
        submissions.place(reader, found, day_of(request), reason, now=now())
    elif does in ways:
        ways[does](reader, found, reason, now=now())
    else:
        raise unclear()
    messages.success(request, _("Done, and noted in the moderation log."))
    return SeeOther(next_of(request, reverse("paper", args=[found.key])))
