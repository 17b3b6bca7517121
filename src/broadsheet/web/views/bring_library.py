"""Bring a library from elsewhere: a file or a Zotero library, a look at what was recognised, and the shelf."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters

from broadsheet.community import bringing
from broadsheet.lib.clock import now
from broadsheet.markup import maths
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused
from broadsheet.record.paper import PaperData
from broadsheet.web.acting import SeeOther, acting, typed
from broadsheet.web.limits import limited

LONGEST = 200
# Rows of each list that the page shows; the rest is counted.
SHOWN = 50


@sensitive_post_parameters("key")
@limited("bring")
@acting
def bring(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Show the form; show what was recognised; keep it once that is confirmed."""
    if request.method != "POST":
        return _page(request, {})
    given = typed(request, "library", LONGEST).strip()
    try:
        if "confirm" in request.POST:
            return _keep(request, reader)
        # The key goes to Zotero and nowhere else: not into the page, not into the record.
        found = _read(request, given, typed(request, "key", LONGEST))
        return _page(request, {"library": given, **_preview(reader, found)})
    except Refused as refusal:
        return _page(request, {"library": given, "says": str(refusal)}, 400)


def _page(request: HttpRequest, context: dict[str, object], status: int = 200) -> HttpResponse:
    return render(request, "web/bring_library.html", {"section": "library", **context}, status=status)


def _read(request: HttpRequest, library: str, key: str) -> bringing.Brought:
    file = request.FILES.get("file")
    if file is not None and not library:
        if file.size is None or file.size > bringing.LARGEST:
            raise Refused(_("That file is too large: at most 5 MB are read. Please bring it in parts."))
        return bringing.of_file(file.read(), now())
    if not library:
        raise Refused(_("Please choose a file, or name a Zotero library."))
    if file is not None:
        raise Refused(_("Please bring a file or a Zotero library, one at a time."))
    return bringing.of_zotero(library, key)


def _preview(reader: Reader, found: bringing.Brought) -> dict[str, object]:
    known = bringing.recognised(found.papers)
    return {
        "found": found,
        "name": bringing.hold(reader, found),
        "here": [(paper.key, maths.render(paper.title)) for paper in known.here[:SHOWN]],
        "here_count": len(known.here),
        "here_more": max(0, len(known.here) - SHOWN),
        "unknown": [(maths.render(paper.title[:500]), _id(paper)) for paper in known.unknown[:SHOWN]],
        "unknown_count": len(known.unknown),
        "unknown_more": max(0, len(known.unknown) - SHOWN),
        "curates": reader.may("curator"),
    }


def _id(paper: PaperData) -> str:
    """Give the name under which a paper can be submitted; "" where it has none that can be looked up."""
    return next((name.value for name in paper.identifiers if name.scheme in ("arxiv", "doi")), "")


def _keep(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    name, take_in = typed(request, "name", LONGEST), "take_in" in request.POST
    kept = bringing.keep(
        reader, name, take_in=take_in, now=now(), tags="tags" in request.POST, notes="notes" in request.POST
    )
    says = ngettext("%(count)d paper is new in your library.", "%(count)d papers are new in your library.", kept.saved)
    told = [says % {"count": kept.saved}]
    if take_in:
        says = ngettext("%(count)d is new on this site.", "%(count)d are new on this site.", kept.taken_in)
        told.append(says % {"count": kept.taken_in})
    messages.success(request, " ".join(told))
    return SeeOther(reverse("library"))
