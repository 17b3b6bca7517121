"""Bring in a paper: name it, look at what was found, confirm; and the list of what was brought in."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from broadsheet.community import submissions
from broadsheet.community.models import Submission
from broadsheet.lib.clock import now
from broadsheet.markup import maths
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused
from broadsheet.web.acting import SeeOther, acting, reader_of, typed
from broadsheet.web.limits import limited
from broadsheet.web.views.errors import NotHere

LONGEST = 50_000
PAGE = 50
STATES = {
    "waiting": gettext_lazy("waits for a curator"),
    "accepted": gettext_lazy("accepted"),
    "declined": gettext_lazy("declined"),
    "taken-back": gettext_lazy("taken back"),
}


@limited("submit")
@acting
def bring(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Show the form; show what was found; submit it once that is confirmed."""
    if request.method != "POST":
        return _page(request, {"given": request.GET.get("given", "")[:LONGEST]})
    given, note = typed(request, "given", LONGEST), typed(request, "note", LONGEST)
    try:
        if "confirm" in request.POST:
            return _submit(request, reader, given, note)
        return _page(request, {"given": given, "note": note, **_found(given)})
    except Refused as refusal:
        return _page(request, {"given": given, "note": note, "says": str(refusal)}, 400)


def _page(request: HttpRequest, context: dict[str, object], status: int = 200) -> HttpResponse:
    return render(request, "web/submit.html", {"section": "submit", **context}, status=status)


def _found(given: str) -> dict[str, object]:
    found = submissions.resolve(given, now=now())
    data = found.data
    return {
        "found": found,
        "title": maths.render(data.title),
        "abstract": maths.render(data.abstract),
        "authors": [author.name for author in data.authors],
        "categories": data.categories,
    }


def _submit(request: HttpRequest, reader: Reader, given: str, note: str) -> HttpResponseBase:
    submission = submissions.submit(reader, given, note, now=now())
    messages.success(request, _("Thank you. A curator decides; you will be told."))
    return SeeOther(f"{reverse('submissions')}#submission-{submission.pk}")


def listed(request: HttpRequest) -> HttpResponse:
    """Show one's own submissions with their state, and those of everyone that were accepted."""
    reader = reader_of(request)
    accepted = Submission.objects.filter(state="accepted").select_related("reader", "paper", "decided_by")
    page = Paginator(accepted.order_by("-decided", "-id"), PAGE).get_page(request.GET.get("page"))
    own = reader.submissions.select_related("paper", "decided_by").order_by("-at", "-id")[:PAGE] if reader else []
    context = {
        "section": "submissions",
        "own": [(submission, STATES.get(submission.state, submission.state)) for submission in own],
        "page": page,
    }
    return render(request, "web/submissions.html", context)


@limited("submit")
@acting
def take_back(request: HttpRequest, reader: Reader, number: int) -> HttpResponseBase:
    """Take back a submission that still waits."""
    submissions.take_back(reader, submission_of(number), now=now())
    return SeeOther(reverse("submissions"))


def submission_of(number: int) -> Submission:
    """Give the submission with that number. Raises NotHere."""
    found = Submission.objects.select_related("reader", "paper").filter(pk=number).first() if number < 2**63 else None
    if found is None:
        raise NotHere(_("There is no such submission."))
    return found
