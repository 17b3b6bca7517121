"""A reader's page, as everyone sees it."""

from typing import Final, TypeVar

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from broadsheet.community import subjects
from broadsheet.community.models import Claim, Comment, Membership, Submission
from broadsheet.markup import maths
from broadsheet.readers.models import Reader
from broadsheet.web.views.errors import NotHere
from broadsheet.web.views.invitations import ROLE_NAMES

Row = TypeVar("Row", Claim, Comment, Submission)

NEWEST: Final = 20
LONGEST_HANDLE: Final = 30


def show(request: HttpRequest, handle: str) -> HttpResponseBase:
    """Show a reader: who it is and what they gave. Accounts that wait to be approved have no page yet."""
    reader = _find(handle)
    if reader is None:
        raise NotHere(_("Nobody of that name reads here."))
    if reader.handle != handle:
        return redirect("reader", handle=reader.handle, permanent=True)
    context = {
        "section": "reader",
        "person": reader,
        "subject": subjects.of(reader),
        "role": ROLE_NAMES[reader.role] if reader.role != "reader" else "",
        "claims": [
            {"paper": claim.paper, "title": maths.render(claim.paper.title)}
            for claim in _shown(Claim.objects.filter(reader=reader, state="confirmed")).order_by("-at")
        ],
        "comments": [
            {"row": comment, "title": maths.render(comment.paper.title)}
            for comment in _shown(Comment.objects.filter(author=reader, state="shown")).order_by("-written")[:NEWEST]
        ],
        "submissions": [
            {"paper": submission.paper, "title": maths.render(submission.title)}
            for submission in _shown(Submission.objects.filter(reader=reader, state="accepted")).order_by("-at")[
                :NEWEST
            ]
        ],
        "organisations": [
            membership.organisation
            for membership in Membership.objects.filter(reader=reader, state="confirmed")
            .select_related("organisation")
            .order_by("organisation__name")
        ],
    }
    return render(request, "web/account/reader.html", context)


def _find(handle: str) -> Reader | None:
    if not (handle.isascii() and handle.isprintable() and len(handle) <= LONGEST_HANDLE):
        return None
    return Reader.objects.filter(handle=handle.lower()).exclude(state="waiting").select_related("invited_by").first()


def _shown(rows: QuerySet[Row]) -> QuerySet[Row]:
    """Leave out what belongs to a paper that a moderator hid, or to none."""
    return rows.filter(paper__hidden=False).select_related("paper")
