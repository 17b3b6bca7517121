"""What the owner of a library noted on its papers: keywords and notes. They go to that reader, never to the record.

A reference manager's file is read for them a second time, apart from its papers: what belongs to which paper is told by
`raw_hash`, the hash of the entry's bytes.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Final

from broadsheet.lib.text import accents, squash
from broadsheet.sources import bibtex, csl_json, ris
from broadsheet.sources.note_text import plain_note
from broadsheet.sources.published import arxiv_categories
from broadsheet.sources.reading import BadFile, chunks, decoded_or_latin, document, hashed

MOST_TAGS: Final = 200
MOST_NOTES: Final = 50
LONGEST_TAG: Final = 200
_DIVIDERS: Final = re.compile(r"[,;\n]")
# Zotero writes what a format has no field for into its note, a line each; that is no note of a person.
_EXTRA: Final = re.compile(
    r"(?:arxiv|doi|pmc?id|isbn|issn|oclc|mag id|zscc|ads bibcode|citation key|tex\.[\w.-]+|_?eprint\w*|comments?"
    r"|publisher|place|version|number|issue|original[- ]date|type|event[- ]\w+|archive\w*|titletranslation)\s*:.*",
    re.IGNORECASE,
)
# So some programs write the HTML of a note.
_ANGLE: Final = re.compile(r"\{\\text(less|greater)\}|\\text(less|greater)(?:\{\}|(?![A-Za-z]))\s?")
_ARXIV: Final = re.compile(r"arxiv:\s*\S+(?:\s*\[[^\]]*\])?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Note:
    """A note as text, its lines kept. name: by which it is known again though its text changed; "" for its text."""

    text: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Marks:
    """What its owner noted on one paper."""

    tags: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return bool(self.tags or self.notes)

    def __or__(self, other: "Marks") -> "Marks":
        """Join what stands in two places."""
        tags, notes = dict.fromkeys((*self.tags, *other.tags)), dict.fromkeys((*self.notes, *other.notes))
        return Marks(tuple(tags)[:MOST_TAGS], tuple(notes)[:MOST_NOTES])


def marks_of(stream: BinaryIO, form: str) -> dict[str, Marks]:
    """Read the marks of a file in one of the formats of reference managers, by `raw_hash`; of other formats none.

    What cannot be read has none: the papers say what is wrong.
    """
    reader = _READERS.get(form)
    found: dict[str, Marks] = {}
    try:
        for raw_hash, marks in reader(stream) if reader else ():
            if marks:
                found[raw_hash] = found.get(raw_hash, Marks()) | marks
    except BadFile:
        pass
    return found


def made(tags: Iterable[str], notes: Iterable[str]) -> Marks:
    """Make marks of what a file holds: keywords as they are written, notes in plain text or HTML."""
    parts = (squash(part) for told in tags for part in _DIVIDERS.split(told))
    kept = dict.fromkeys(part for part in parts if part and len(part) <= LONGEST_TAG)
    categories = set(arxiv_categories(kept))
    texts = (without_extra(plain_note(note)) for note in notes)
    return Marks(
        tuple(tag for tag in kept if tag not in categories)[:MOST_TAGS],
        tuple(dict.fromkeys(Note(text) for text in texts if text)),
    )


def without_extra(text: str) -> str:
    """Leave out the lines of a note that only name the paper or stand for fields of it."""
    lines = text.split("\n")
    return "\n".join(line for line in lines if not _EXTRA.fullmatch(line) and not _ARXIV.fullmatch(line)).strip()


def _of_bibtex(stream: BinaryIO) -> Iterator[tuple[str, Marks]]:
    raw, _broken = document(chunks(stream), "")
    for entry in bibtex.entries(decoded_or_latin(raw).replace("\r\n", "\n")):
        said = {name: entry.fields.get(name, "") for name in ("keywords", "keyword", "annote", "annotation")}
        if any(said.values()):
            tags = [bibtex.unprotected(said["keywords"] or said["keyword"])]
            notes = [_untexed(said["annote"]), _untexed(said["annotation"])]
            yield hashed(entry.text.encode(errors="replace")), made(tags, notes)


def _untexed(text: str) -> str:
    """Read a note out of BibTeX, its braces and lines kept: it is read by people, and is Markdown or HTML."""
    text = _ANGLE.sub(lambda match: "<" if (match[1] or match[2]) == "less" else ">", accents(text))
    text = text.replace(r"\lbrace ", "{").replace(r"\rbrace ", "}")
    return re.sub(r"\\([$%&#_{}])", r"\1", text)


def _of_ris(stream: BinaryIO) -> Iterator[tuple[str, Marks]]:
    for raw in ris.records(stream):
        tags = ris.told(decoded_or_latin(raw))
        yield hashed(raw), made(tags.get("KW", ()), (*tags.get("N1", ()), *tags.get("RN", ())))


def _of_csl(stream: BinaryIO) -> Iterator[tuple[str, Marks]]:
    for row in csl_json.rows(stream, ""):
        if isinstance(row, Mapping):
            keywords = row.get("keyword") or row.get("keywords")
            told = keywords if isinstance(keywords, list) else [keywords]
            notes = [row.get("note"), row.get("annote")]
            yield (
                csl_json.hash_of(row),
                made((tag for tag in told if isinstance(tag, str)), (note for note in notes if isinstance(note, str))),
            )


_READERS: Final[Mapping[str, Callable[[BinaryIO], Iterator[tuple[str, Marks]]]]] = {
    "bibtex": _of_bibtex,
    "ris": _of_ris,
    "csl-json": _of_csl,
}
