"""All papers of a category, of an author, or with a tag."""

from typing import Final

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render

from broadsheet.community import marks
from broadsheet.editions import named
from broadsheet.editions.named import NamedList
from broadsheet.web import cards, following
from broadsheet.web.acting import reader_of, sign_in

PAGE: Final = 50


def category(request: HttpRequest, value: str) -> HttpResponseBase:
    """Show the papers of a category, the newest first."""
    return _show(request, "category", value)


def author(request: HttpRequest, value: str) -> HttpResponseBase:
    """Show the papers of an author, the newest first."""
    return _show(request, "author", value)


def tag(request: HttpRequest, value: str) -> HttpResponseBase:
    """Show the papers with a tag, the newest first."""
    return _show(request, "tag", value)


def _show(request: HttpRequest, kind: str, value: str) -> HttpResponseBase:
    found = following.of_key(f"{kind}/{value}")
    if found.key != f"{kind}/{value}":
        return redirect(found.path)
    return _page(request, kind, found)


def _page(request: HttpRequest, kind: str, found: NamedList) -> HttpResponse:
    value = found.key.partition("/")[2]
    page = Paginator(named.of_kind(kind, value), PAGE).get_page(request.GET.get("page"))
    papers = list(page.object_list)
    given = marks.of_papers([paper.id for paper in papers], reader_of(request))
    context = {
        "section": kind,
        "kind": kind,
        "value": value,
        "list_key": found.key,
        "heading": following.title(found),
        "page": page,
        "cards": cards.of_papers(papers, given, page.start_index()),
        "here": request.get_full_path(),
        "sign_in": sign_in(request.get_full_path()),
        "sample": bool(papers) and all(paper.source == "sample" for paper in papers),
    }
    return render(request, "web/listed.html", context)
