"""Papers as items of Zotero's Web API, version 3.

Kinds and their fields: https://www.zotero.org/support/dev/web_api/v3/types_and_fields.
"""

from typing import Final

from broadsheet.export import names
from broadsheet.export.reference import Reference, of_paper
from broadsheet.export.tex import readable
from broadsheet.papers.models import Paper

_KINDS: Final = {"preprint": "preprint", "journal": "journalArticle", "conference": "conferencePaper"}
# Where a paper appeared, by the kind of item.
_PLACES: Final = {"journal": "publicationTitle", "conference": "proceedingsTitle"}


def item(paper: Paper, doi: str = "", url: str = "") -> dict[str, object]:
    """Give the item of a paper; what is not known is left out. doi, url: of the paper's other names."""
    told = of_paper(paper, doi, url)
    values: dict[str, object] = {
        "itemType": _KINDS[told.kind],
        "title": readable(told.title),
        "creators": [_creator(name) for name, _orcid in told.authors],
        "abstractNote": readable(told.abstract),
        "date": told.day.isoformat() if told.day else told.published.year,
        "DOI": told.doi,
        "url": told.url,
        **_where(told),
    }
    return {name: value for name, value in values.items() if value}


def _where(told: Reference) -> dict[str, object]:
    """Give where it appeared. Only a preprint has a field for its arXiv id; others name it among what is extra."""
    if told.kind == "preprint":
        named = {"repository": "arXiv", "archiveID": f"arXiv:{told.arxiv}"} if told.arxiv else {}
        return {**named}
    published = told.published
    issue = {"issue": published.issue} if told.kind == "journal" else {}
    extra = {"extra": f"arXiv: {told.arxiv}"} if told.arxiv else {}
    place = {_PLACES[told.kind]: readable(published.place)}
    return {**place, "volume": published.volume, "pages": published.pages, **issue, **extra}


def _creator(written: str) -> dict[str, str]:
    name = names.split(written)
    if name.literal:
        return {"creatorType": "author", "name": name.literal}
    last = " ".join(part for part in (name.particle, name.family) if part)
    given = ", ".join(part for part in (name.given, name.suffix) if part)
    return {"creatorType": "author", "firstName": given, "lastName": last}
