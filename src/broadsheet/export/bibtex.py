"""Papers as BibTeX entries."""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from broadsheet.export import names
from broadsheet.export.identifiers import NAMELESS, Names
from broadsheet.export.reference import Reference, of_paper
from broadsheet.export.tex import pieces
from broadsheet.lib.text import fold
from broadsheet.papers.models import Paper
from broadsheet.readers.filing import Filed
from broadsheet.sources.names import NOBODY

# Words that say nothing of a paper; the first other word of the title goes into the entry's key.
_EMPTY: Final = "a an the on of in for to and from with towards toward is are do does how what why"
_SPECIAL: Final = re.compile(r"(?<!\\)((?:\\\\)*)([%&#_$])")
_SPECIAL_IN_FORMULA: Final = re.compile(r"(?<!\\)((?:\\\\)*)([%#])")
_BRACE: Final = re.compile(r"\\.|[{}]", re.DOTALL)
_KINDS: Final = {"preprint": "misc", "journal": "article", "conference": "inproceedings"}


def entry(paper: Paper, doi: str = "", url: str = "") -> str:
    """Give the entry, ready to paste. TeX in the title stays as it is; braces keep its capitals.

    doi, url: of the paper's other names (`identifiers.of_papers`).
    """
    return _entry(of_paper(paper, doi, url))


def entries(papers: Iterable[Paper], known: Mapping[int, Names], filed: Mapping[int, Filed] | None = None) -> str:
    """Give the entries of many papers, each under a key of its own. known: their names, by number.

    filed: how the reader who asks filed them: tags become keywords, the note is the annotation.
    """
    papers, filed = list(papers), filed or {}
    told = [(paper, of_paper(paper, *_named(known.get(paper.id, NAMELESS)))) for paper in papers]
    first: dict[str, int] = {}
    for paper, reference in sorted(told, key=lambda pair: pair[0].id):
        first.setdefault(_key(reference), paper.id)
    made = []
    for paper, reference in told:
        wanted = _key(reference)
        # Whoever came into the record first keeps the short key, whatever the order of the list.
        alone = first[wanted] == paper.id
        wanted = wanted if alone else f"{wanted}-{re.sub('[^A-Za-z0-9.]', '-', paper.key)}"
        made.append(_entry(reference, wanted, _own(filed.get(paper.id))))
    return "\n".join(made)


def key(authors: list[str], year: str, title: str) -> str:
    """Make the key of an entry: the first author's last name, the year, the first telling word of the title."""
    named = names.split(authors[0]) if authors else names.Name()
    words = fold(named.family or named.literal).split()
    last = re.sub(r"[^a-z]", "", words[-1]) if words else ""
    told = re.findall(r"[a-z0-9]+", fold(title))
    return (last or "anon") + year + next((word for word in told if word not in _EMPTY.split()), "")


def _named(known: Names) -> tuple[str, str]:
    return known.doi, known.url


def _key(reference: Reference) -> str:
    return key([name for name, _orcid in reference.authors], reference.published.year, reference.title)


def _own(filed: Filed | None) -> Mapping[str, str]:
    if filed is None:
        return {}
    return {"keywords": ", ".join(escaped(tag) for tag in filed.tags), "annote": _annotation(filed.note)}


def _annotation(note: str) -> str:
    """Escape a note, its lines kept: it is read by people, and Markdown without its lines is another text."""
    return _balanced("\n".join(escaped(line) for line in note.split("\n"))) if note else ""


def _entry(reference: Reference, wanted: str = "", own: Mapping[str, str] = MappingProxyType({})) -> str:
    fields = {**_fields(reference), **own}
    lines = [f"  {name} = {{{value}}}" for name, value in fields.items() if value and value != "{}"]
    return "@" + _KINDS[reference.kind] + "{" + ",\n".join([wanted or _key(reference), *lines]) + "\n}\n"


def _fields(reference: Reference) -> dict[str, str]:
    published = reference.published
    return {
        "title": "{" + escaped(reference.title) + "}",
        "author": " and ".join(_author(name) for name, _orcid in reference.authors),
        "journal" if reference.kind == "journal" else "booktitle": escaped(published.place),
        "volume": escaped(published.volume),
        "number": escaped(published.issue),
        "pages": escaped(published.pages).replace("-", "--"),
        "year": published.year,
        **_eprint(reference),
        "doi": _doi(reference.doi),
        "url": _address(reference.url),
    }


def _eprint(reference: Reference) -> dict[str, str]:
    if not reference.arxiv:
        return {}
    return {
        "eprint": reference.arxiv,
        "archivePrefix": "arXiv",
        "primaryClass": next(iter(reference.categories), ""),
    }


def _author(text: str) -> str:
    name = names.split(text)
    if name.suffix:
        return escaped(f"{name.last}, {name.suffix}, {name.given}")
    # Braces tell that a name of several words, as a group's, is not a person's.
    group = re.search(r"[ ,]", name.literal) or (name.literal and name.literal.lower() in NOBODY)
    return "{" + escaped(name.literal) + "}" if group else escaped(text)


def _doi(doi: str) -> str:
    return f"https://doi.org/{_address(doi)}" if re.search(r"[{}\\]", doi) else doi


def _address(url: str) -> str:
    """Programs take an address as it stands, so what would break the entry is percent-encoded, not escaped."""
    return re.sub(r"[{}\\\s]", lambda match: f"%{ord(match[0]):02X}", url)


def escaped(text: str) -> str:
    """Escape what TeX would choke on, formulas left as they are, and drop braces that have no partner."""
    text = " ".join(text.split())
    escaped_pieces = (
        (_SPECIAL_IN_FORMULA if formula else _SPECIAL).sub(r"\1\\\2", piece) for piece, formula in pieces(text)
    )
    return _balanced("".join(escaped_pieces))


def _balanced(text: str) -> str:
    """Drop braces without a partner. BibTeX counts escaped braces too, so those are written by name where they must."""
    if text.count(r"\{") != text.count(r"\}"):
        text = re.sub(r"\\([{}])", lambda match: r"\lbrace " if match[1] == "{" else r"\rbrace ", text)
    kept: list[str] = []
    opened: list[int] = []
    end = 0
    for match in _BRACE.finditer(text):
        kept += [text[end : match.start()], match[0]]
        end = match.end()
        if match[0] == "{":
            opened.append(len(kept) - 1)
        elif match[0] == "}" and (not opened or opened.pop() < 0):
            kept[-1] = ""
    for place in opened:
        kept[place] = ""
    kept.append(text[end:])
    joined = "".join(kept)
    # A backslash at the end would take the closing brace with it.
    return joined[:-1] if (len(joined) - len(joined.rstrip("\\"))) % 2 else joined
