"""One paper by its DOI: the resolver hands a request for CSL-JSON on to the agency that registered it.

https://citation.doi.org/docs.html; Crossref and DataCite answer in the form of citations that `csl_json` reads.
"""

from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from typing import Final
from urllib.parse import quote

from broadsheet.lib.http import Http, HttpError
from broadsheet.record.identifiers import Identifier
from broadsheet.record.paper import Author, PaperData
from broadsheet.sources import csl_json
from broadsheet.sources.batch import SourceError
from broadsheet.sources.orcid import is_orcid
from broadsheet.sources.reading import BadFile

BASE: Final = "https://doi.org"
NAME: Final = "doi"
ACCEPT: Final = "application/vnd.citationstyles.csl+json"
# A reference with the abstract of a long article and a thousand authors has room in it.
MAX_BYTES: Final = 2 << 20


def fetch(http: Http, name: Identifier, *, base: str = BASE, timeout: float = 15.0) -> PaperData | None:
    """Ask for the paper with a DOI; None where there is no such DOI. Raises SourceError.

    The DOI comes from a reader, but not the host: that is the resolver's, and a redirect leads to public addresses
    only (`lib.http`).
    """
    if name.scheme != "doi" or any(part in ("", ".", "..") for part in name.value.split("/")):
        raise SourceError(f"{name.value} is no DOI that can be asked for", True)
    url = f"{base}/{quote(name.value, safe='/')}"
    try:
        response = http.get(url, headers={"Accept": ACCEPT}, timeout=timeout, max_bytes=MAX_BYTES)
    except HttpError as error:
        if error.status in (404, 410):
            return None
        raise SourceError(str(error), error.permanent) from error
    return read(response.body, name, http)


def read(body: bytes, name: Identifier, http: Http) -> PaperData:
    """Read the answer for a DOI. Raises SourceError for what is no one reference with a title."""
    try:
        items = list(csl_json.read(BytesIO(body), f"the answer for {name.value}", http.clock))
    except BadFile as wrong:
        raise SourceError(f"{name.value} has no description that can be read: {wrong}", True) from wrong
    papers = [item for item in items if isinstance(item, PaperData)]
    if len(papers) != 1:
        raise SourceError(f"{name.value} has no description that can be read", True)
    (paper,) = papers
    # Its address is that of the publisher's page, which the DOI leads to anyway.
    names = dict.fromkeys((name, *(other for other in paper.identifiers if other.scheme != "url")))
    return replace(paper, source=NAME, identifiers=tuple(names), authors=tuple(_authors(paper.authors)))


def _authors(authors: tuple[Author, ...]) -> Iterator[Author]:
    """An ORCID iD proves a claim, so what only looks like one is left out."""
    for author in authors:
        yield author if not author.orcid or is_orcid(author.orcid) else replace(author, orcid="")
