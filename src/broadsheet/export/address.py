"""Addresses as they stand in what leaves the site: absolute, because it is read elsewhere."""

from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from broadsheet.papers.models import Paper
from broadsheet.readers.network import site_address
from broadsheet.record.identifiers import BadIdentifier, arxiv_id

# arXiv makes web pages of papers submitted since then.
FIRST_HTML: Final = "2023-12"


@dataclass(frozen=True, slots=True)
class Outside:
    """Where the paper itself lives: addresses at arXiv, empty where it is not there."""

    abs: str = ""
    pdf: str = ""
    html: str = ""


def outside(paper: Paper) -> Outside:
    """Give the addresses of a paper at arXiv."""
    try:
        found = arxiv_id(paper.key)
    except BadIdentifier:
        return Outside()
    html = f"https://arxiv.org/html/{found.value}" if found.month >= FIRST_HTML else ""
    return Outside(f"https://arxiv.org/abs/{found.value}", f"https://arxiv.org/pdf/{found.value}", html)


def absolute(path: str, request: HttpRequest | None = None) -> str:
    """Give the whole address of a path of this site: under its public address, else under the one it was asked by."""
    return _base(request) + path


def of_paper(paper: Paper, request: HttpRequest | None = None) -> str:
    """Give the whole address of a paper's page."""
    return absolute(reverse("paper", args=[paper.key]), request)


def _base(request: HttpRequest | None) -> str:
    if request is None or settings.CONFIG.public_url:
        return site_address().rstrip("/")
    return f"{request.scheme}://{request.get_host()}"
