"""The formats in which papers and lists are given beside pages, and which of them a request asks for."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, Final, ParamSpec

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils.cache import patch_vary_headers

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


@dataclass(frozen=True, slots=True)
class Format:
    """A format: what it is called for a reader, its media type, and whether a browser is told to keep it as a file."""

    label: str
    media_type: str
    kept: bool = True


HTML: Final = "text/html"
FORMATS: Final = {
    "bib": Format("BibTeX", "application/x-bibtex"),
    "ris": Format("RIS", "application/x-research-info-systems"),
    "csl.json": Format("CSL-JSON", "application/vnd.citationstyles.csl+json"),
    "md": Format("Markdown", "text/markdown", kept=False),
}


def asked(request: HttpRequest, *kinds: str) -> str:
    """Give which of these formats a request prefers to a page, by its Accept header; "" for the page.

    A format has to be asked for: where HTML is as welcome, as to a browser or to a program that takes anything, the
    page comes.
    """
    by_type = {FORMATS[kind].media_type: kind for kind in kinds}
    for media_type, kind in list(by_type.items()):
        by_type[f"{media_type}; charset=utf-8"] = kind
    preferred = request.get_preferred_type([HTML, *by_type])
    return by_type.get(preferred or "", "")


def links(page: str, *args: str) -> list[tuple[str, str]]:
    """Give a page in each format, as (name of the format, address). page: the page's name, as in `urls`."""
    return [(told.label, reverse(route(page, kind), args=args)) for kind, told in FORMATS.items()]


def route(page: str, kind: str) -> str:
    """Give the name of the address at which a page is given in a format."""
    return f"{page}-{kind.replace('.', '-')}"


def negotiated(view: View[P]) -> View[P]:
    """Say that what a view answers depends on the Accept header, whatever the answer."""

    @wraps(view)
    def varied(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        patch_vary_headers(response, ["Accept"])
        return response

    return varied


def answer(kind: str, text: str, name: str) -> HttpResponse:
    """Answer with a text in a format. name: of the file, without its ending; what is not safe in one is replaced."""
    told = FORMATS[kind]
    response = HttpResponse(text, content_type=f"{told.media_type}; charset=utf-8")
    if told.kept:
        safe = re.sub(r"[^A-Za-z0-9.-]+", "-", name).strip("-.")[:80] or "papers"
        response["Content-Disposition"] = f'attachment; filename="{safe}.{kind}"'
    return response
