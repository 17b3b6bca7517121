"""The public log of what moderators and curators did, and why."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy

from broadsheet.community import moderation, subjects
from broadsheet.community.models import Act
from broadsheet.community.subjects import Subject
from broadsheet.web.acting import whole

PAGE = 50
DID = {
    "remove": gettext_lazy("removed"),
    "restore": gettext_lazy("restored"),
    "hide": gettext_lazy("hid"),
    "show": gettext_lazy("showed again"),
    "freeze": gettext_lazy("froze"),
    "thaw": gettext_lazy("reopened"),
    "suspend": gettext_lazy("suspended"),
    "reinstate": gettext_lazy("reinstated"),
    "dismiss": gettext_lazy("dismissed a report of"),
    "uphold": gettext_lazy("upheld a report of"),
    "accept": gettext_lazy("accepted"),
    "decline": gettext_lazy("declined"),
    "place": gettext_lazy("placed"),
    "unplace": gettext_lazy("took out of an edition"),
    "confirm": gettext_lazy("confirmed"),
    "revoke": gettext_lazy("revoked"),
    "discount": gettext_lazy("took weight from"),
    "give-back": gettext_lazy("gave weight back to"),
    "role": gettext_lazy("changed the role of"),
}


def log(request: HttpRequest) -> HttpResponse:
    """Show the acts, the newest first, a page at a time."""
    acts = moderation.log(PAGE + 1, whole(request.GET.get("before", "")))
    shown = acts[:PAGE]
    about = subjects.find_all(act.subject for act in shown)
    context = {
        "section": "moderation",
        "acts": [_told(act, about.get(act.subject)) for act in shown],
        "older": shown[-1].pk if len(acts) > PAGE else None,
        "paged": bool(request.GET.get("before")),
    }
    return render(request, "web/moderation.html", context)


def _told(act: Act, subject: Subject | None) -> dict[str, object]:
    return {"act": act, "did": DID.get(act.did, act.did), "url": subject.url if subject else ""}
