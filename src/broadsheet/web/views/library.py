"""The papers a reader saved: looked through, filed, read in turn, and given away in other formats."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render, resolve_url
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.vary import vary_on_headers

from broadsheet.community import marks
from broadsheet.editions.edition import Entry
from broadsheet.editions.named import NamedList
from broadsheet.export import markdown
from broadsheet.lib.clock import now
from broadsheet.papers.models import Paper
from broadsheet.readers import filing, library_search
from broadsheet.readers.filing import Filed
from broadsheet.readers.library_search import Asked
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused
from broadsheet.web import formats, shelving
from broadsheet.web.acting import SeeOther, acting, next_of, on_to, paper_of, typed, whole
from broadsheet.web.limits import limited
from broadsheet.web.views import exports

# As many as a large library holds: a file of it is to be whole.
MOST_EXPORTED: Final = 20_000
LONGEST_TAGS: Final = 5_000
DOES: Final = ("add", "drop", "state")


@vary_on_headers("HX-Request")
@limited("shelf")
@acting
def show(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Show the library or what is asked of it; for htmx only the results, which it puts in their place."""
    asked = shelving.read(request.GET)
    found = library_search.find(reader, asked)
    page = Paginator(found.rows, shelving.PAGE).get_page(request.GET.get("page"))
    papers = shelving.papers([row.paper for row in page.object_list])
    here = _here(request, asked)
    context = {
        "section": "library",
        "asked": asked,
        "found": found,
        "page": page,
        "rows": shelving.shelved(reader, papers, page.start_index(), asked, found.words),
        "states": shelving.states(asked, found),
        "tags": shelving.tags(asked, found),
        "more_tags": len(found.tags) > shelving.OFFERED,
        "whole": shelving.address(Asked(order=asked.order)),
        "formats": shelving.exports(asked),
        "orders": shelving.ORDERS,
        "choices": shelving.CHOICES,
        "known_tags": filing.tags(reader)[: 10 * shelving.OFFERED] if found.total else (),
        "here": here,
    }
    typing = _by_htmx(request)
    response = render(request, "web/parts/library_results.html" if typing else "web/library.html", context)
    if typing:
        response["HX-Replace-Url"] = here
    return response


def _here(request: HttpRequest, asked: Asked) -> str:
    place, page = shelving.address(asked), whole(request.GET.get("page", ""))
    return place + f"{'&' if '?' in place else '?'}page={page}" if page and page > 1 else place


def _by_htmx(request: HttpRequest) -> bool:
    """Whether htmx asks for a part of the page; when it restores a page it wants all of it."""
    headers = request.headers
    return headers.get("HX-Request") == "true" and headers.get("HX-History-Restore-Request") != "true"


@limited("shelf")
@acting
def reading(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Show the reading list in the order in which papers came onto the shelf: what is being read, then what waits."""
    asked = Asked(state=library_search.READING_LIST, order="added")
    found = library_search.find(reader, asked)
    # What is being read comes first; the sort keeps the order among the others.
    rows = sorted(found.rows, key=lambda row: row.state != filing.READING)
    page = Paginator(rows, shelving.PAGE).get_page(request.GET.get("page"))
    shown = shelving.shelved(
        reader, shelving.papers([row.paper for row in page.object_list]), page.start_index(), asked
    )
    context = {
        "section": "library",
        "page": page,
        "now": [one for one in shown if one.filed.state == filing.READING],
        "later": [one for one in shown if one.filed.state != filing.READING],
        "found": found,
        "waiting": found.states[filing.TO_READ],
        "formats": shelving.exports(asked),
        "choices": shelving.CHOICES,
        "here": request.get_full_path(),
    }
    return render(request, "web/library_reading.html", context)


@limited("file")
@acting
def file(request: HttpRequest, reader: Reader, key: str) -> HttpResponseBase:
    """Keep the tags, the note and the state of one paper; for htmx its card comes back."""
    paper = paper_of(key)
    wanted = {name: request.POST[name] for name in ("state", "tags", "note") if name in request.POST}
    try:
        filing.file(reader, paper, now=now(), **_typed(request, wanted))
    except Refused as refusal:
        if not _by_htmx(request):
            raise
        return _card(request, reader, paper, wanted, str(refusal))
    return _card(request, reader, paper) if _by_htmx(request) else on_to(request, paper)


def _typed(request: HttpRequest, wanted: dict[str, str]) -> dict[str, str]:
    # One character more than is kept, so that the room can tell that it is too long.
    longest = {"state": 20, "tags": LONGEST_TAGS, "note": 2 * filing.LONGEST_NOTE}
    return {name: typed(request, name, longest[name]) for name in wanted}


def _card(
    request: HttpRequest, reader: Reader, paper: Paper, typed_in: dict[str, str] | None = None, wrong: str = ""
) -> HttpResponse:
    asked = shelving.read_place(next_of(request, ""))
    filed = filing.of(reader, [paper.pk]).get(paper.pk, Filed())
    rank = whole(request.POST.get("rank", "")) or 1
    given = marks.of_papers([paper.pk], reader)
    row = shelving.one(paper, rank, filed, given, asked, library_search.query_words(asked.q))
    if wrong and typed_in is not None:
        # What was typed is not lost, only not kept yet.
        note = typed_in.get("note", filed.note)[: 2 * filing.LONGEST_NOTE]
        row = replace(row, wrong=wrong, written=typed_in.get("tags", row.written)[:LONGEST_TAGS])
        row = replace(row, filed=replace(filed, note=note))
    context = {"row": row, "choices": shelving.CHOICES, "here": next_of(request, reverse("library")), "swapped": True}
    return render(request, "web/parts/library_card.html", context)


@limited("file")
@acting
def move(request: HttpRequest, reader: Reader, key: str) -> HttpResponseBase:
    """Give a paper its next state, by one button."""
    paper = paper_of(key)
    filing.move(reader, paper, typed(request, "state", 20), now=now())
    return _card(request, reader, paper) if _by_htmx(request) else on_to(request, paper)


@limited("file")
@acting
def several(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Put a tag on several papers, take one off, or give them a state."""
    place, does = next_of(request, reverse("library")), request.POST.get("do", "")
    if does not in DOES:
        raise Refused(_("That request could not be understood: it does not say what to do."))
    numbers = shelving.chosen(request, reader, place)
    if not numbers:
        raise Refused(_("Please tick the papers first."))
    given = typed(request, "tag", LONGEST_TAGS)
    if does == "state":
        count = filing.move_all(reader, numbers, typed(request, "state", 20))
    else:
        count = (filing.add_tags if does == "add" else filing.drop_tags)(reader, numbers, given)
    told = ngettext("%(count)d paper was filed anew.", "%(count)d papers were filed anew.", count)
    messages.success(request, told % {"count": count})
    return SeeOther(place.partition("#")[0])


@limited("shelf")
@acting
def tags(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Show all tags, each to be renamed or deleted."""
    found = filing.tags(reader)
    rows = [(tag, shelving.address(Asked(tags=(tag.key,)))) for tag in found]
    return render(request, "web/library_tags.html", {"section": "library", "rows": rows})


@limited("file")
@acting
def change_tag(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Rename a tag everywhere, or delete it."""
    key, does = typed(request, "key", filing.LONGEST_TAG), request.POST.get("do", "")
    if does == "rename":
        count = filing.rename(reader, key, typed(request, "name", LONGEST_TAGS))
        told = ngettext("The tag of %(count)d paper is renamed.", "The tag of %(count)d papers is renamed.", count)
    elif does == "delete":
        count = filing.delete_tag(reader, key)
        told = ngettext("The tag is off %(count)d paper.", "The tag is off %(count)d papers.", count)
    else:
        raise Refused(_("That request could not be understood: it does not say what to do."))
    messages.success(request, told % {"count": count})
    return SeeOther(resolve_url("library-tags"))


@limited("shelf")
@acting
def export(request: HttpRequest, reader: Reader, kind: str) -> HttpResponseBase:
    """Give what is asked of the library in a format, in its order, with tags and notes."""
    asked = shelving.read(request.GET)
    numbers = library_search.find(reader, asked).numbers[:MOST_EXPORTED]
    papers, filed = shelving.papers(numbers), filing.of(reader, numbers)
    if kind != "md":
        return exports.of_papers(papers, kind, _name(asked), filed)
    return formats.answer(kind, markdown.library(_list(asked, papers), filed, request), "library")


def _list(asked: Asked, papers: Sequence[Paper]) -> NamedList:
    entries = tuple(Entry(rank, one) for rank, one in enumerate(papers, 1))
    return NamedList("library", _("Library"), shelving.address(asked), entries, own=True)


def _name(asked: Asked) -> str:
    return " ".join(["library", asked.state, *asked.tags, asked.q]).strip()
