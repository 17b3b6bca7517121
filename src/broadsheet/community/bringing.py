"""Libraries that readers bring from elsewhere: read, held until they are confirmed, and put on their shelf.

Papers the record knows go into the reader's library. Others come into the record through the one door and by a
curator's hand alone; everyone else submits them.
"""

import json
import secrets
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from io import BytesIO
from itertools import islice
from typing import Final

from django.conf import settings
from django.core.cache import caches
from django.utils.translation import gettext as _

from broadsheet.papers.ingest import ingest, recognise
from broadsheet.papers.models import Paper
from broadsheet.papers.outside import http as site_http
from broadsheet.papers.store import LOOKUP
from broadsheet.readers import filing, library
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused
from broadsheet.record.paper import Item, PaperData, Rejected
from broadsheet.record.wire import from_json, to_json
from broadsheet.sources.batch import SourceError
from broadsheet.sources.files import FORMATS, BadFile
from broadsheet.sources.marks import Marks, Note, marks_of
from broadsheet.sources.zotero import Zotero
from broadsheet.sources.zotero import library as library_named

# The files in which reference managers give a library away.
READ: Final = ("csl-json", "ris", "bibtex")
LARGEST: Final = 5 << 20
MOST: Final = 2000
# A reader waits for Zotero, and a thread of the site with them.
MOST_ASKED: Final = 500
TIMEOUT: Final = 10.0
HELD_FOR: Final = 3600
REASONS: Final = 5


@dataclass(frozen=True, slots=True)
class Brought:
    """What was read of a library: its papers, and what could not be read, with a few of the reasons.

    more: whether it held more than is read at once.
    marks: the keywords and notes of its owner, by `raw_hash` of the paper.
    """

    papers: tuple[PaperData, ...]
    unread: int = 0
    reasons: tuple[str, ...] = ()
    more: bool = False
    marks: Mapping[str, Marks] = field(default_factory=dict)

    @property
    def has_tags(self) -> bool:
        """Whether its owner filed a paper under something."""
        return any(marks.tags for marks in self.marks.values())

    @property
    def has_notes(self) -> bool:
        """Whether its owner noted something to a paper."""
        return any(marks.notes for marks in self.marks.values())


@dataclass(frozen=True, slots=True)
class Recognised:
    """What the record knows of a library: papers that are here, and those that are not."""

    here: list[Paper]
    unknown: list[PaperData]


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of a library: how many papers are new on the shelf, and how many new in the record."""

    saved: int
    taken_in: int


def of_file(raw: bytes, now: datetime) -> Brought:
    """Read a BibTeX, RIS or CSL-JSON file. Raises Refused for another one, or one that is too large."""
    if len(raw) > LARGEST:
        raise Refused(_("That file is too large: at most 5 MB are read. Please bring it in parts."))
    form = next((FORMATS[name] for name in READ if FORMATS[name].recognises(raw[: 64 << 10], "")), None)
    if form is None:
        raise Refused(_("That is no library we can read. Please give a BibTeX, RIS or CSL-JSON file."))
    try:
        found = _brought(form.read(BytesIO(raw), _("your file"), lambda: now))
    except BadFile as problem:
        raise Refused(_("The file cannot be read: %(why)s") % {"why": str(problem)[:300]}) from None
    return replace(found, marks=_with(found.papers, marks_of(BytesIO(raw), form.name)))


def _with(papers: Iterable[PaperData], marks: Mapping[str, Marks]) -> dict[str, Marks]:
    """Give the marks of these papers, as far as there is room to hold them."""
    found: dict[str, Marks] = {}
    room = LARGEST
    for paper in papers:
        told = marks.get(paper.raw_hash)
        room -= sum(len(note.text) for note in told.notes) if told else 0
        if told and room > 0:
            found[paper.raw_hash] = told
    return found


def of_zotero(named: str, key: str) -> Brought:
    """Read a Zotero library. The key is used for this and nowhere kept. Raises Refused.

    Waits for the network: not to be called inside a transaction. The server asked is the one of the settings, so that
    no reader can make the site ask another.
    """
    http = replace(site_http(), tries=1, patience=TIMEOUT)
    marks: dict[str, Marks] = {}
    try:
        source = Zotero(
            library_named(named), key.strip(), settings.CONFIG.zotero_url, most=MOST_ASKED, timeout=TIMEOUT, marks=marks
        )
        found = _brought(item for batch in source.fetch(http, {}) for item in batch.items)
    except SourceError as problem:
        raise Refused(_("Zotero: %(why)s.") % {"why": str(problem)[:300]}) from None
    more = len(found.papers) + found.unread >= MOST_ASKED
    return replace(found, more=more, marks=_with(found.papers, marks))


def _brought(items: Iterable[Item]) -> Brought:
    read = list(islice(items, MOST + 1))
    unread = [item for item in read[:MOST] if isinstance(item, Rejected)]
    papers = {item.raw_hash: item for item in read[:MOST] if isinstance(item, PaperData)}
    if not papers and not unread:
        raise Refused(_("There are no papers in it."))
    reasons = tuple(f"{item.subject}: {item.reason}"[:200] for item in unread[:REASONS])
    return Brought(tuple(papers.values()), len(unread), reasons, len(read) > MOST)


def recognised(papers: Sequence[PaperData]) -> Recognised:
    """Tell which papers are here, as they are shown, and which are not."""
    numbers = recognise(papers)
    found = _shown(number for number in numbers if number is not None)
    unknown = [paper for paper, number in zip(papers, numbers, strict=True) if number is None]
    return Recognised(found, unknown)


def _shown(numbers: Iterable[int]) -> list[Paper]:
    wanted = list(dict.fromkeys(numbers))
    there: dict[int, Paper] = {}
    for start in range(0, len(wanted), LOOKUP):
        there |= Paper.objects.filter(hidden=False).in_bulk(wanted[start : start + LOOKUP])
    return [there[number] for number in wanted if number in there]


def hold(reader: Reader, found: Brought) -> str:
    """Hold what was read until the reader confirms it, for an hour and the last one alone; give its name."""
    name = secrets.token_urlsafe(16)
    marks = {raw_hash: asdict(told) for raw_hash, told in found.marks.items() if told}
    kept = {"papers": [to_json(paper) for paper in found.papers], "marks": marks}
    told = json.dumps(kept, ensure_ascii=False).encode(errors="replace")
    caches["default"].set(_place(reader), (name, zlib.compress(told)), HELD_FOR)
    return name


def held(reader: Reader, name: str) -> Brought:
    """Give what is held under that name. Raises Refused where nothing is, or something else by now."""
    there, told = caches["default"].get(_place(reader)) or ("", b"")
    if not name or not secrets.compare_digest(name.encode(errors="replace"), there.encode()):
        raise Refused(_("That was an hour ago, or you have brought another library since. Please bring it again."))
    kept = json.loads(zlib.decompress(told))
    marks = {
        raw_hash: Marks(tuple(told["tags"]), tuple(Note(**note) for note in told["notes"]))
        for raw_hash, told in kept["marks"].items()
    }
    return Brought(tuple(from_json(paper) for paper in kept["papers"]), marks=marks)


def keep(reader: Reader, name: str, *, take_in: bool, now: datetime, tags: bool = False, notes: bool = False) -> Kept:
    """Put what is held into the reader's library; with `take_in`, into the record too what is not there yet.

    tags: keywords become tags, beside those that the papers have in the library. notes: they are appended to those in
        the library, each once, however often it is brought.

    Raises Refused, also where a reader who is no curator wants to take papers in.
    """
    found = held(reader, name)
    papers = found.papers
    if take_in and not reader.may("curator"):
        raise Refused(_("Only curators take papers into the record. You can submit them, one by one."))
    # What a reader collected adds nothing to papers that are here already.
    unknown = recognised(papers).unknown if take_in else []
    taken_in = ingest(unknown, now=now).new
    saved = library.add(reader, (paper.id for paper in recognised(papers).here), now=now)
    mark(reader, papers, found.marks, tags=tags, notes=notes)
    caches["default"].delete(_place(reader))
    return Kept(saved, taken_in)


def mark(
    reader: Reader, papers: Sequence[PaperData], marks: Mapping[str, Marks], *, tags: bool = True, notes: bool = True
) -> None:
    """Put what its owner noted on papers on those of them that are in the reader's library.

    marks: by `raw_hash`. A tag that is none here, as it is too long, is left out.
    """
    marked = [paper for paper in papers if marks.get(paper.raw_hash)] if tags or notes else []
    words: dict[int, list[str]] = {}
    texts: dict[int, list[tuple[str, str]]] = {}
    for paper, number in zip(marked, recognise(marked), strict=True):
        if number is not None:
            told = marks[paper.raw_hash]
            words.setdefault(number, []).extend(told.tags)
            texts.setdefault(number, []).extend((note.name, note.text) for note in told.notes)
    if tags and words:
        filing.import_tags(reader, words)
    if notes and texts:
        filing.import_notes(reader, texts)


def _place(reader: Reader) -> str:
    return f"bring:{reader.pk}"
