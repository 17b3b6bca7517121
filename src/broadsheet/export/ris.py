"""Papers as RIS: lines of a tag, two blanks, a hyphen, a blank and a value; ER ends a record."""

from collections.abc import Iterable, Mapping
from typing import Final

from broadsheet.export import names
from broadsheet.export.identifiers import NAMELESS, Names
from broadsheet.export.reference import Reference, of_paper
from broadsheet.export.tex import readable
from broadsheet.papers.models import Paper
from broadsheet.readers.filing import Filed

_KINDS: Final = {"preprint": "UNPB", "journal": "JOUR", "conference": "CONF"}


def entry(paper: Paper, doi: str = "", url: str = "", filed: Filed | None = None) -> str:
    """Give the record of a paper, its lines ended as the format asks. doi, url: of the paper's other names.

    filed: how the reader who asks filed it: tags become keywords. A record holds no line breaks, so those of the note
        become blanks.
    """
    lines = _lines(of_paper(paper, doi, url)) + (_own(filed) if filed else [])
    told = [f"{tag}  - {' '.join(value.split())}" for tag, value in lines if value.strip()]
    return "\r\n".join([*told, "ER  - ", ""])


def entries(papers: Iterable[Paper], known: Mapping[int, Names], filed: Mapping[int, Filed] | None = None) -> str:
    """Give the records of many papers. known: their names, by number; filed: how the reader who asks filed them."""
    told, filed = ((paper, known.get(paper.id, NAMELESS)) for paper in papers), filed or {}
    return "".join(entry(paper, names.doi, names.url, filed.get(paper.id)) for paper, names in told)


def _own(filed: Filed) -> list[tuple[str, str]]:
    return [*(("KW", tag) for tag in filed.tags), ("N1", filed.note)]


def _lines(reference: Reference) -> list[tuple[str, str]]:
    published = reference.published
    first, _hyphen, last = published.pages.partition("-")
    return [
        ("TY", _KINDS[reference.kind]),
        ("TI", readable(reference.title)),
        *(("AU", _author(name)) for name, _orcid in reference.authors),
        ("PY", published.year),
        ("DA", f"{reference.day:%Y/%m/%d}" if reference.day else ""),
        ("T2", readable(published.place)),
        ("VL", published.volume),
        ("IS", published.issue),
        ("SP", first),
        ("EP", last),
        ("AB", readable(reference.abstract)),
        ("DO", reference.doi),
        ("AN", f"arXiv:{reference.arxiv}" if reference.arxiv else ""),
        ("PB", "arXiv" if reference.arxiv and reference.kind == "preprint" else ""),
        *(("KW", code) for code in reference.categories),
        ("UR", reference.url),
    ]


def _author(text: str) -> str:
    name = names.split(text)
    if name.literal:
        # A comma would divide a family name from given ones.
        return name.literal.replace(",", " ")
    return ", ".join(part for part in (name.last, name.given, name.suffix) if part)
