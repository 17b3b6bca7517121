"""The papers a reader saved."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse

from broadsheet.community import marks
from broadsheet.readers import library
from broadsheet.readers.models import Reader
from broadsheet.web import cards, formats
from broadsheet.web.acting import acting

PAGE = 50


@acting
def show(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Show the library, the newest saved first."""
    page = Paginator(library.papers(reader), PAGE).get_page(request.GET.get("page"))
    papers = list(page.object_list)
    given = marks.of_papers([paper.id for paper in papers], reader)
    context = {
        "section": "library",
        "page": page,
        "cards": cards.of_papers(papers, given, page.start_index()),
        "formats": formats.links("library"),
        "bring": _bring(),
        "here": request.get_full_path(),
    }
    return render(request, "web/library.html", context)


def _bring() -> str:
    """The page on which a library is brought here; "" where the site has none."""
    try:
        return reverse("bring-library")
    except NoReverseMatch:
        return ""
