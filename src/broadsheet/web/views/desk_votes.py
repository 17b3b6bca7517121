"""The desk's findings of steered votes, with the evidence."""

from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from broadsheet.community import integrity
from broadsheet.community.models import Finding
from broadsheet.lib.clock import now
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused
from broadsheet.web.acting import only
from broadsheet.web.limits import limited
from broadsheet.web.views.desk import chosen, decided, page, reason_of, unclear

KINDS = {
    "ring": gettext_lazy("Accounts that vote together more than their taste explains"),
    "burst": gettext_lazy("Many new accounts voted for one paper in a few hours"),
    "origin": gettext_lazy("Many new accounts voted for one paper from one network"),
}
# What is measured for a finding, as `community.integrity` keeps it.
MEASURES = {
    "pairs": gettext_lazy("Pairs among them"),
    "common papers": gettext_lazy("Papers that a pair has in common"),
    "expected common papers": gettext_lazy("Expected by chance"),
    "turnout": gettext_lazy("Share of them that votes for each paper"),
    "votes by others": gettext_lazy("Votes of others for each paper"),
    "votes for each other": gettext_lazy("Votes for papers of each other"),
    "share for each other": gettext_lazy("Their share of all votes they cast"),
    "expected share": gettext_lazy("Share that taste explains"),
    "votes": gettext_lazy("Votes of new accounts"),
    "peak votes": gettext_lazy("Most within the hours looked at"),
    "peak expected": gettext_lazy("Expected in those hours"),
    "window hours": gettext_lazy("Hours looked at"),
    "highest standing": gettext_lazy("Highest standing among them"),
    "voters": gettext_lazy("Voters"),
    "new voters": gettext_lazy("New accounts among them"),
    "usual share": gettext_lazy("Share of all voters this network has"),
    "expected": gettext_lazy("Expected by that share"),
    "first": gettext_lazy("First vote"),
    "last": gettext_lazy("Last vote"),
}
SHOWN = 20


@limited("decide")
@only("moderator")
def show(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Show the findings that wait, and those decided; confirm one, or clear it and give its weight back."""
    state = request.GET.get("state", "new")

    def again(says: str) -> HttpResponseBase:
        known = state if state in ("new", "confirmed", "cleared") else "new"
        found = integrity.findings(known)
        told = [_told(one) for one in found[:SHOWN]]
        which, more = chosen(request, "finding"), max(len(found) - SHOWN, 0)
        return page(request, reader, "votes", says, findings=told, more=more, state=known, which=which)

    return decided(request, lambda: _decide(request, reader), again)


def _told(finding: Finding) -> dict[str, object]:
    """Give a finding with its evidence."""
    evidence = integrity.evidence(finding)
    votes = [{"vote": vote, "origin": evidence.origins.get(vote.pk, "")} for vote in evidence.votes]
    return {
        "finding": finding,
        "kind": KINDS.get(finding.kind, finding.kind),
        "share": round(100 * finding.discount),
        "evidence": evidence,
        "lines": [(MEASURES.get(name, name), value) for name, value in evidence.lines],
        "votes": votes,
        "networks": any(line["origin"] for line in votes),
    }


def _decide(request: HttpRequest, reader: Reader) -> str:
    finding = Finding.objects.filter(pk=chosen(request, "finding")).first()
    if finding is None:
        raise Refused(_("There is no such finding."))
    if request.POST.get("do") == "confirm":
        integrity.confirm(finding, reader, reason_of(request), now=now())
        return _("Confirmed. The votes keep the lower weight.")
    if request.POST.get("do") == "clear":
        integrity.clear(finding, reader, reason_of(request), now=now())
        return _("Cleared. The votes have their weight back.")
    raise unclear()
