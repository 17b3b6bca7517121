"""Report what should not be here to the moderators."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _

from broadsheet.community import moderation, subjects
from broadsheet.lib.clock import now
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused
from broadsheet.web.acting import SeeOther, acting, typed
from broadsheet.web.limits import limited

LONGEST = 20_000


@limited("report")
@acting
def file(request: HttpRequest, reader: Reader, subject: str) -> HttpResponseBase:
    """Show the form; hand the report in."""
    found = subjects.find(subject)
    context = {"subject": found, "causes": moderation.CAUSES, "cause": "", "text": "", "says": ""}
    if request.method != "POST":
        return render(request, "web/report.html", context)
    cause, text = typed(request, "cause", 40), typed(request, "says", LONGEST)
    try:
        moderation.report(reader, subject, cause, text, now=now())
    except Refused as refusal:
        context |= {"cause": cause, "text": text, "says": str(refusal)}
        return render(request, "web/report.html", context, status=400)
    messages.success(request, _("Thank you. A moderator will look at it; you will be told what was decided."))
    return SeeOther(found.url)
