"""Everything about one paper."""

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from broadsheet.community import marks
from broadsheet.export import address, bibtex
from broadsheet.export.reference import of_paper
from broadsheet.foryou import signals
from broadsheet.lib.clock import now
from broadsheet.markup import maths
from broadsheet.papers import finding, queries
from broadsheet.papers.models import Paper
from broadsheet.web import cards, cover, formats, tasting, together
from broadsheet.web.acting import reader_of
from broadsheet.web.badges import KINDS, all_links, told
from broadsheet.web.views import exports
from broadsheet.web.views.errors import NotHere

LONGEST_KEY = 500
KNOWN_BY = {
    "feed": gettext_lazy("from the announcement itself"),
    "listing": gettext_lazy("from a daily list that shows it"),
    "estimate": gettext_lazy("estimated from the time of submission and the announcement schedule"),
}
CHANGES = {
    "insert": gettext_lazy("Came in"),
    "revise": gettext_lazy("Revised"),
    "withdraw": gettext_lazy("Withdrawn"),
    "restore": gettext_lazy("Restored"),
    "link": gettext_lazy("Linked"),
}


@formats.negotiated
def show(request: HttpRequest, key: str) -> HttpResponseBase:
    """Show a paper, or give it in the format that is asked for; any other name it has leads to its one address."""
    paper = queries.by_key(key) if len(key) <= LONGEST_KEY and key.isprintable() else None
    if paper is None:
        raise NotHere(_("We have no paper of that name. It may not have come in yet."))
    if kind := formats.asked(request, *formats.FORMATS):
        return exports.of_paper(request, paper, kind)
    if paper.key != key:
        return redirect("paper", key=paper.key, permanent=True)
    return _page(request, paper)


def _page(request: HttpRequest, paper: Paper) -> HttpResponse:
    identifiers = [name.name.split(":", 1) for name in paper.identifiers.order_by("name")]
    doi = next((value for scheme, value in identifiers if scheme == "doi"), "")
    reader, similar = reader_of(request), finding.similar(paper)
    given = marks.of_papers([hit.paper.id for hit in similar], reader)
    if reader and request.method == "GET":
        signals.opened(reader, paper, now())
    context = {
        "section": "paper",
        "paper": paper,
        "title": maths.render(paper.title),
        "plain_title": maths.as_text(paper.title),
        "abstract": maths.render(paper.abstract),
        "description": maths.as_text(paper.abstract)[:200],
        "categories": cards.categories_of(paper),
        "cover": cover.draw(paper.title, next(iter(paper.category_list), ""), wide=True),
        "links": [{"label": KINDS[link["kind"]], **link} for link in all_links(paper)],
        "outside": address.outside(paper),
        "doi": doi,
        "identifiers": [(scheme, value, _address(scheme, value)) for scheme, value in identifiers],
        "facts": told(paper),
        "versions": list(paper.versions.order_by("number")),
        "known_by": KNOWN_BY.get(paper.announced_by, ""),
        "sightings": list(paper.sightings.order_by("seen", "source")),
        "signals": list(paper.signals.order_by("source", "name")),
        "changes": [
            {"change": change, "label": CHANGES.get(change.kind, change.kind), "fields": sorted(change.old)}
            for change in paper.changes.exclude(kind="vector").order_by("-seq")[:30]
        ],
        "similar": [cards.of_hit(hit, given) for hit in similar],
        "bibtex": bibtex.entry(paper, doi, _elsewhere(identifiers)),
        "formats": formats.links("paper", paper.key),
        "markdown": reverse(formats.route("paper", "md"), args=[paper.key]),
        "citation": _citation(request, paper, doi),
        "sample": paper.source == "sample",
        "here": request.path,
        "for_me": tasting.line(reader, paper),
        **together.of_paper(paper, reader),
    }
    return render(request, "web/paper.html", context)


def _citation(request: HttpRequest, paper: Paper, doi: str) -> list[tuple[str, str]]:
    """What reference managers read in a page's head (Highwire Press tags, as Google Scholar asks for them)."""
    told = of_paper(paper, doi)
    outside = address.outside(paper)
    day = paper.submitted.date() if paper.submitted else paper.announced
    published = told.published
    tags = [
        ("title", maths.as_text(paper.title)),
        *(("author", name) for name, _orcid in told.authors),
        ("publication_date", f"{day:%Y/%m/%d}" if told.kind == "preprint" and day else published.year),
        ("online_date", f"{day:%Y/%m/%d}" if day else ""),
        ("conference_title" if told.kind == "conference" else "journal_title", published.place),
        ("volume", published.volume),
        ("issue", published.issue),
        ("firstpage", published.pages.partition("-")[0]),
        ("lastpage", published.pages.partition("-")[2]),
        ("arxiv_id", told.arxiv),
        ("doi", doi),
        ("pdf_url", outside.pdf),
        ("abstract_html_url", address.of_paper(paper, request)),
        ("abstract", maths.as_text(paper.abstract)),
    ]
    return [(f"citation_{name}", value) for name, value in tags if value]


def _elsewhere(names: list[list[str]]) -> str:
    """An address of the paper, where it has no other name to go by."""
    return next((address for scheme, value in names if (address := _address(scheme, value))), "")


def _address(scheme: str, value: str) -> str:
    """Give the address an identifier stands for; "" where it has none that is safe to link."""
    patterns = {
        "arxiv": "https://arxiv.org/abs/{}",
        "doi": "https://doi.org/{}",
        "openreview": "https://openreview.net/forum?id={}",
    }
    if scheme == "url":
        return value if value.startswith(("https://", "http://")) else ""
    return patterns[scheme].format(value) if scheme in patterns else ""
