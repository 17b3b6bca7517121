"""The desk: what waits for curators and moderators, and what its pages share."""

from collections.abc import Callable
from datetime import date

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _

from broadsheet.community import claims, integrity, moderation, submissions
from broadsheet.digest import progress
from broadsheet.editions import lists
from broadsheet.editions.edition import NoSuchEdition
from broadsheet.readers import accounts
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused
from broadsheet.web.acting import SeeOther, only, typed, whole

LONGEST = 20_000


@only("curator")
def show(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Show how much waits, by kind."""
    return page(request, reader, "")


def page(request: HttpRequest, reader: Reader, here: str, says: str = "", **more: object) -> HttpResponse:
    """Show a page of the desk, the overview by the name ""; with a sentence, where something was refused there."""
    context = {
        "section": "desk",
        "desk": here,
        "moderates": reader.may("moderator"),
        "counts": waiting(reader),
        "says": says,
        "reason": reason_of(request),
        **more,
    }
    template = f"web/desk/{here or 'overview'}.html"
    return render(request, template, context, status=400 if says else 200)


def waiting(reader: Reader) -> dict[str, int]:
    """Count what waits for a reader of that role, by the page that shows it."""
    counts = {"submissions": submissions.waiting().count(), "claims": claims.waiting().count()}
    if reader.may("moderator"):
        counts |= {
            "reports": len(moderation.queue()),
            "readers": len(accounts.waiting()),
            "votes": len(integrity.findings("new")),
            "digests": progress.doubtful().count(),
        }
    return counts


def decided(
    request: HttpRequest, decide: Callable[[], str], again: Callable[[str], HttpResponseBase]
) -> HttpResponseBase:
    """Do what a form asks and go back to its page; without a form, or where it is refused, show the page itself."""
    if request.method != "POST":
        return again("")
    try:
        messages.success(request, decide())
    except Refused as refusal:
        return again(str(refusal))
    return SeeOther(request.path)


def reason_of(request: HttpRequest) -> str:
    """Give the reason that a form sent."""
    return typed(request, "reason", LONGEST).strip()


def chosen(request: HttpRequest, name: str) -> int:
    """Give the number that a form sent by that name; 0, which nothing has, for anything else."""
    return whole(request.POST.get(name, "")) or 0


def day_of(request: HttpRequest) -> date | None:
    """Give the day that a form sent; None, which is today's edition, for none. Raises Refused where it is no day."""
    given = request.POST.get("day", "").strip()
    try:
        return lists.read_day(given) if given else None
    except NoSuchEdition:
        raise Refused(_("Name the day of the edition, written like 2024-05-27.")) from None


def unclear() -> Refused:
    """Give what is said of a form that asks for nothing the page knows."""
    return Refused(_("Choose what to do."))
