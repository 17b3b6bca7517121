"""Papers as CSL-JSON, what citation programs read (schema csl-data of CSL 1.0.2)."""

import json
from collections.abc import Iterable, Mapping
from typing import Final

from broadsheet.export import names
from broadsheet.export.identifiers import NAMELESS, Names
from broadsheet.export.reference import Reference, of_paper
from broadsheet.export.tex import readable
from broadsheet.papers.models import Paper
from broadsheet.readers.filing import Filed

_KINDS: Final = {"preprint": "article", "journal": "article-journal", "conference": "paper-conference"}


def item(paper: Paper, doi: str = "", url: str = "") -> dict[str, object]:
    """Give the item of a paper, its id the paper's. doi, url: of the paper's other names."""
    told = of_paper(paper, doi, url)
    published = told.published
    values: dict[str, object] = {
        "id": paper.key,
        "type": _KINDS[told.kind],
        "title": readable(told.title),
        "author": [_author(name) for name, _orcid in told.authors],
        "issued": _date(told),
        "submitted": _submitted(paper, told),
        "container-title": readable(published.place),
        "volume": published.volume,
        "issue": published.issue,
        "page": published.pages,
        "abstract": readable(told.abstract),
        "DOI": told.doi,
        "URL": told.url,
        **_eprint(told),
        "categories": list(told.categories),
        "custom": _custom(told),
    }
    return {name: value for name, value in values.items() if value}


def items(
    papers: Iterable[Paper], known: Mapping[int, Names], filed: Mapping[int, Filed] | None = None
) -> list[dict[str, object]]:
    """Give the items of many papers. known: their names, by number; filed: how the reader who asks filed them."""
    told, filed = ((paper, known.get(paper.id, NAMELESS)) for paper in papers), filed or {}
    return [{**item(paper, names.doi, names.url), **_own(filed.get(paper.id))} for paper, names in told]


def _own(filed: Filed | None) -> dict[str, str]:
    if filed is None:
        return {}
    told = {"keyword": ", ".join(filed.tags), "note": filed.note}
    return {name: value for name, value in told.items() if value}


def text(found: list[dict[str, object]]) -> str:
    """Write items as a document."""
    return json.dumps(found, ensure_ascii=False, indent=1) + "\n"


def _author(written: str) -> dict[str, str]:
    name = names.split(written)
    parts = {
        "family": name.family,
        "given": name.given,
        "non-dropping-particle": name.particle,
        "suffix": name.suffix,
        "literal": name.literal,
    }
    return {part: value for part, value in parts.items() if value}


def _date(told: Reference) -> dict[str, object]:
    if told.day:
        return {"date-parts": [[told.day.year, told.day.month, told.day.day]]}
    return {"date-parts": [[int(told.published.year)]]} if told.published.year else {}


def _submitted(paper: Paper, told: Reference) -> dict[str, object]:
    if told.day or not paper.submitted:
        return {}
    day = paper.submitted.date()
    return {"date-parts": [[day.year, day.month, day.day]]}


def _eprint(told: Reference) -> dict[str, object]:
    if not told.arxiv:
        return {}
    number = {"number": f"arXiv:{told.arxiv}", "publisher": "arXiv"} if told.kind == "preprint" else {}
    return {"archive": "arXiv", "archive_location": told.arxiv, **number}


def _custom(told: Reference) -> dict[str, object]:
    """The schema has no place for ORCID iDs in a name, so they stand here in the order of the authors."""
    found = [orcid for _name, orcid in told.authors]
    return {"orcid": found} if any(found) else {}
