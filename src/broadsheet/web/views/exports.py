"""Papers and lists in other formats than pages."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from broadsheet.editions import lists
from broadsheet.editions.edition import Edition, NoSuchEdition
from broadsheet.export import bibtex, csl, identifiers, markdown, ris
from broadsheet.export.markdown import MOST
from broadsheet.papers import queries
from broadsheet.papers.finding import Found
from broadsheet.papers.models import Paper
from broadsheet.readers.filing import Filed
from broadsheet.web import formats
from broadsheet.web.reasons import sentences
from broadsheet.web.views.errors import NotHere


def of_paper(request: HttpRequest, paper: Paper, kind: str) -> HttpResponse:
    """Give a paper in a format."""
    if kind == "md":
        return formats.answer(kind, markdown.paper(paper, request), paper.key)
    return of_papers([paper], kind, paper.key)


def of_papers(papers: Sequence[Paper], kind: str, name: str, filed: Mapping[int, Filed] | None = None) -> HttpResponse:
    """Give papers in a format of reference managers, at most MOST. name: of the file.

    filed: how the reader who asks filed them, by number, where they are of the reader's library; that is given whole.
    """
    papers = papers if filed is not None else papers[:MOST]
    known = identifiers.of_papers(paper.id for paper in papers)
    made = {
        "bib": lambda: bibtex.entries(papers, known, filed),
        "ris": lambda: ris.entries(papers, known, filed),
        "csl.json": lambda: csl.text(csl.items(papers, known, filed)),
    }
    return formats.answer(kind, made[kind](), name)


def of_edition(request: HttpRequest, edition: Edition, kind: str) -> HttpResponse:
    """Give an edition in a format; ?cat= keeps the papers of a category, ?why=1 gives the reasons of the order."""
    edition = _chosen(edition, request.GET.get("cat", ""))
    if kind == "md":
        return formats.answer(kind, markdown.edition(edition, reasons=_reasons(request), request=request), edition.key)
    return of_papers([entry.paper for entry in lists.whole(edition.entries[:MOST])], kind, edition.key)


def of_found(request: HttpRequest, found: Found, kind: str) -> HttpResponse:
    """Give what a search found in a format."""
    if kind == "md":
        return formats.answer(kind, markdown.hits(found, reasons=_reasons(request), request=request), "search")
    named = [found.goes_to] if found.goes_to and not found.hits else []
    return of_papers([*named, *(hit.paper for hit in found.hits)], kind, f"search {found.query}")


def paper(request: HttpRequest, key: str, kind: str) -> HttpResponseBase:
    """Give the paper of any of its names in a format."""
    found = queries.by_key(key) if key.isprintable() else None
    if found is None:
        # A name that ends like a format, as a DOI may.
        whole = queries.by_key(f"{key}.{kind}") if key.isprintable() else None
        if whole is None:
            raise NotHere(_("We have no paper of that name. It may not have come in yet."))
        return redirect("paper", key=whole.key)
    return of_paper(request, found, kind)


def edition(request: HttpRequest, key: str, kind: str, span: str) -> HttpResponseBase:
    """Give the edition of a day, a week or a month in a format."""
    try:
        found = lists.by_key(key)
    except NoSuchEdition as wrong:
        raise NotHere(str(wrong)) from None
    if found.kind != span:
        raise NotHere(_("There is no such edition."))
    return of_edition(request, found, kind)


def trending(request: HttpRequest, kind: str) -> HttpResponseBase:
    """Give the hot list in a format."""
    return of_edition(request, lists.trending(), kind)


def _chosen(edition: Edition, category: str) -> Edition:
    if not category:
        return edition
    entries = tuple(entry for entry in edition.entries if category in entry.paper.category_list)
    return replace(edition, entries=entries, total=len(entries))


def _reasons(request: HttpRequest) -> markdown.Reasons | None:
    return sentences if request.GET.get("why") == "1" else None
