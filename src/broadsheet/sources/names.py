"""Authors' names out of the ways that sources write lists of them."""

import re
from collections.abc import Iterable
from typing import Final

from broadsheet.lib.text import accents, squash
from broadsheet.record.paper import Author

SUFFIXES: Final = frozenset(("jr", "jr.", "sr", "sr.", "ii", "iii", "iv", "m.d.", "md", "ph.d.", "phd"))
DEEPEST: Final = 5
NOBODY: Final = frozenset(("", "and", "et al", "et al.", "others", "...", "…"))

_INNER = re.compile(r"\(([^()]*)\)")
_AND = re.compile(r"(?:^|[,;]?\s+)(?:and|&)(?=[\s,;]|$)[,;]?")
_FOOTNOTE = re.compile(r"[\d\s,;*†‡§¶]+(?:and[\d\s,;*†‡§¶]+)*")
_BRACED = re.compile(r"\{[^{}]*\}")
_NAMED_PARTS = re.compile(r"\s*(?:family|given|prefix|suffix)\s*=", re.IGNORECASE)
_BIBTEX_AND = re.compile(r"\s+and\s+", re.IGNORECASE)


def split_authors(text: str) -> tuple[Author, ...]:
    """Split "A, B (Institute) and C" into authors; parentheses are affiliations, footnote marks "(1)" are dropped."""
    text = accents(text)
    if "(" in text:
        return _with_affiliations(text)
    return tuple(Author(name) for name in _split_names(text))


def _split_names(text: str) -> list[str]:
    if " and" in text or "&" in text or text.startswith("and "):
        text = _AND.sub(",", text)
    names: list[str] = []
    for part in squash(text.replace(";", ",")).split(","):
        name = part.strip(" ")
        lower = name.lower()
        if lower in SUFFIXES and names:
            names[-1] += " " + name
        elif lower not in NOBODY:
            names.append(name)
    return names


def _with_affiliations(text: str) -> tuple[Author, ...]:
    affiliations: list[str] = []

    def keep(match: re.Match[str]) -> str:
        affiliations.append(squash(match[1]))
        return f"\x01{len(affiliations) - 1}\x02"

    # From the inside out, so that "(Institute (Town))" is one affiliation.
    for _ in range(DEEPEST):
        text = _INNER.sub(keep, text)
    authors = []
    for part in _split_names(text.replace("(", " ").replace(")", " ")):
        name, *marks = re.split(r"\x01(\d+)\x02", part)
        told = [_unfold(affiliations[int(mark)], affiliations) for mark in marks[::2]]
        said = ", ".join(one for one in told if one and not _FOOTNOTE.fullmatch(one))
        if name := squash(name):
            authors.append(Author(name, affiliation=said))
    return tuple(authors)


def _unfold(text: str, affiliations: list[str]) -> str:
    return re.sub(r"\x01(\d+)\x02", lambda match: f"({affiliations[int(match[1])]})", text)


def parsed_authors(rows: Iterable[object]) -> tuple[Author, ...]:
    """Read `authors_parsed`: rows of family name, given names, suffix, then affiliations."""
    authors = []
    for row in rows:
        if not isinstance(row, list) or not all(isinstance(part, str) for part in row):
            continue
        family, given, suffix, *places = (*row, "", "", "")[: max(3, len(row))]
        if name := squash(f"{given} {family} {suffix}"):
            authors.append(Author(accents(name), affiliation=accents(squash(", ".join(filter(None, places))))))
    return tuple(authors)


def family_first(text: str) -> Author | None:
    """Read "Family, Given", "Family, Jr, Given" or "Given Family"; None for nobody ("others")."""
    parts = [squash(part) for part in accents(text).split(",")]
    match parts:
        case [family, given]:
            name = f"{given} {family}"
        case [family, suffix, given]:
            name = f"{given} {family} {suffix}"
        case _:
            name = ", ".join(parts)
    name = squash(name)
    return None if name.lower() in NOBODY else Author(name)


def bibtex_authors(text: str) -> tuple[Author, ...]:
    """Read an author field of BibTeX; a name in braces, such as that of a collaboration, is not taken apart."""
    authors = (_bibtex_author(accents(part).replace("\\relax", "").strip()) for part in _split_outside_braces(text))
    return tuple(author for author in authors if author)


def _bibtex_author(part: str) -> Author | None:
    if _is_in_braces(part):
        name = _without_braces(part)
        return Author(name) if name else None
    if _NAMED_PARTS.match(part):
        return _of_named_parts(part)
    # A comma in braces divides nothing.
    held = _BRACED.sub(lambda match: match[0].replace(",", "\x00"), part)
    author = family_first(_without_braces(held))
    return Author(author.name.replace("\x00", ",")) if author else None


def _of_named_parts(part: str) -> Author | None:
    """The extended form of biblatex: "family=Berg, given=Ada, prefix=van"."""
    told = dict(pair.split("=", 1) for pair in re.split(r",\s*", part) if "=" in pair)
    said = {name.strip().lower(): _without_braces(value).strip('"') for name, value in told.items()}
    name = squash(" ".join(said.get(name, "") for name in ("given", "prefix", "family", "suffix")))
    return Author(name) if name else None


def _without_braces(text: str) -> str:
    return squash(text.replace("{", "").replace("}", "").replace("~", " "))


def _is_in_braces(text: str) -> bool:
    """Whether one pair of braces holds all of a text."""
    if not (text.startswith("{") and text.endswith("}")):
        return False
    depth = 0
    for place, char in enumerate(text):
        depth += (char == "{") - (char == "}")
        if depth == 0:
            return place == len(text) - 1
    return False


def _split_outside_braces(text: str) -> list[str]:
    parts, begin, seen, depth = [], 0, 0, 0
    for match in _BIBTEX_AND.finditer(text):
        depth += text.count("{", seen, match.start()) - text.count("}", seen, match.start())
        seen = match.end()
        if depth == 0:
            parts.append(text[begin : match.start()].strip())
            begin = match.end()
    return [*parts, text[begin:].strip()]
