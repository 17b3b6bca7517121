"""The profile: what was learned of a reader, as a page they can read and change."""

from datetime import datetime
from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from broadsheet.foryou import editing, signals
from broadsheet.foryou import terms as all_terms
from broadsheet.foryou.portrait import portrait
from broadsheet.lib.clock import now
from broadsheet.markup import maths
from broadsheet.papers.models import Paper
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused
from broadsheet.web import tasting
from broadsheet.web.acting import SeeOther, acting, next_of, paper_of, typed
from broadsheet.web.limits import limited

LONGEST: Final = 300


@never_cache
@acting
def show(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Show all of the profile."""
    told = portrait(reader)
    sections, briefs = tasting.sections(told)
    context = {
        "section": "foryou",
        "told": told,
        "sections": sections,
        "briefs": briefs,
        "choices": tasting.CHOICES,
        "words_shown": f":{tasting.WORDS}",
        "words_rest": f"{tasting.WORDS}:",
        "up": tasting.bars(told.up),
        "down": tasting.bars(told.down),
        "doubted": tasting.headlines(told.doubted),
        "dislikes": tasting.headlines(told.dislikes),
        "follows": tasting.headlines([held for held in told.follows if held.number < 0]),
        "removed": [(group, tasting.headlines(group.papers)) for group in told.removed],
        "seeds": [(origin, tasting.ORIGINS.get(origin, origin), count) for origin, count in told.seeds],
        "chances": [(round(points), round(100 * chance)) for points, chance in told.chances],
        "here": request.path,
    }
    return render(request, "web/taste.html", context)


@never_cache
@acting
def why(request: HttpRequest, reader: Reader, key: str) -> HttpResponseBase:
    """Show the whole sum behind a paper's score."""
    paper = paper_of(key)
    terms = all_terms.of(reader, paper)
    context = {
        "section": "foryou",
        "paper": paper,
        "title": maths.render(paper.title),
        "plain_title": maths.as_text(paper.title),
        "sum": tasting.summed(reader, terms) if terms else None,
        "here": request.path,
    }
    return render(request, "web/taste_why.html", context)


@limited("taste")
@acting
def interest(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Rename an interest, weigh it, or delete it."""
    number, name = _number(request.POST.get("number", "")), typed(request, "name", LONGEST)
    match request.POST.get("do"):
        case "name":
            editing.name_interest(reader, number, name, now())
        case "weigh":
            editing.weigh_interest(reader, number, _weight(request.POST.get("weight", "")), now())
        case "delete":
            count = editing.delete_interest(reader, number, name, now())
            says = _("“%(name)s” is gone, with its %(count)d examples. Below, one click brings it back.")
            messages.success(request, says % {"name": name, "count": count})
            return SeeOther(reverse("taste"))
    return SeeOther(f"{reverse('taste')}#interest-{number}")


@limited("taste")
@acting
def not_this(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Learn nothing from a paper, or let a word count for nothing."""
    value = typed(request, "value", LONGEST)
    if request.POST.get("kind") == "word":
        editing.not_word(reader, value, now())
        says = _("“%(word)s” counts for nothing now. You can undo that on your profile.") % {"word": value}
    else:
        editing.not_this(reader, _number(value), now())
        says = _("Nothing is learned from that any longer. You can undo that on your profile.")
    messages.success(request, says)
    return SeeOther(next_of(request, reverse("taste")))


@limited("taste")
@acting
def undo(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Take an edit back."""
    kind, value = request.POST.get("kind", ""), typed(request, "value", LONGEST)
    if kind == "together":
        editing.undo_together(reader, value, _moment(request.POST.get("at", "")))
    elif kind in signals.TUNED:
        editing.undo(reader, kind, value, now())
    return SeeOther(f"{reverse('taste')}#taken-out")


@limited("taste")
@acting
def forget(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Forget what was told: words, papers that were named, an opinion."""
    kind, value = request.POST.get("kind", ""), typed(request, "value", LONGEST)
    if kind == "wish":
        signals.unwish(reader, value)
    elif kind == "seeds":
        editing.forget_seeds(reader, value)
    elif kind == "opinion":
        paper = Paper.objects.filter(pk=_number(value)).first()
        if paper is not None:
            signals.take_back(reader, paper)
    return SeeOther(f"{reverse('taste')}#told")


@limited("taste")
@acting
def start_over(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Ask whether all shall be forgotten, and do it."""
    if request.method == "POST":
        editing.start_over(reader, now(), keep_votes=request.POST.get("votes") != "out")
        messages.success(request, _("All that was learned of you is erased."))
        return SeeOther(reverse("taste"))
    return render(request, "web/taste_over.html", {"section": "foryou"})


@never_cache
@limited("taste")
@acting
def export(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Give the profile as a file."""
    response = HttpResponse(editing.export(reader), content_type="application/json")
    response["Content-Disposition"] = 'attachment; filename="broadsheet-profile.json"'
    return response


def _number(text: str) -> int:
    """Read the number of an example. Raises Refused."""
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 19):
        raise Refused(_("That is no longer on the page."))
    return int(text)


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise Refused(_("That is no weight.")) from None


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(_("That is no longer on the page.")) from None
    if found.tzinfo is None:
        raise Refused(_("That is no longer on the page."))
    return found
