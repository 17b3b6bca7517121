"""`broadsheet import`: papers from files and from Zotero libraries."""

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import ClassVar, Final

from django.conf import settings

from broadsheet.cli import DONE, FAILED, CommandFailed
from broadsheet.commands import output
from broadsheet.community import bringing
from broadsheet.lib.clock import now
from broadsheet.lib.http import Http
from broadsheet.lib.progress import watched
from broadsheet.papers.database import migrate
from broadsheet.papers.harvesting import harvest
from broadsheet.papers.ingest import BATCH, Report, ingest
from broadsheet.readers import accounts, library
from broadsheet.readers.models import Reader
from broadsheet.record.paper import Item, PaperData
from broadsheet.sources import zotero
from broadsheet.sources.batch import Batch, SourceError
from broadsheet.sources.files import FORMATS, BadFile, files_under, open_items, owners_marks
from broadsheet.sources.marks import Marks

HELP = "Take papers in from files, folders and Zotero libraries; again is harmless."
EXAMPLE = "broadsheet import saved-pages/ 2024-05-27.json references.bib zotero:users/12345 --reader ada"
ZOTERO: Final = "zotero:"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take files, folders and libraries, the format of files, and whose library gains the papers."""
    parser.add_argument(
        "names",
        nargs="+",
        metavar="FILE|DIR|zotero:users/ID|zotero:groups/ID",
        help="what to take in; .gz is understood. A Zotero library that is not public needs a key, in "
        "BROADSHEET_ZOTERO_KEY or the setting zotero_key",
    )
    parser.add_argument(
        "--format", default="auto", choices=["auto", *FORMATS], help="what the files are (default: auto)"
    )
    parser.add_argument("--reader", metavar="HANDLE", help="put the papers into this reader's library too")
    parser.add_argument(
        "--again", action="store_true", help="read Zotero libraries whole, not only what changed since the last time"
    )
    parser.add_argument(
        "--without-notes", action="store_true", help="with --reader: leave the tags and notes of the library out"
    )
    output.json_option(parser)


@dataclass
class Taken:
    """What an import has done so far, and for whom. kinds: formats and sources; notes, refused: for the person.

    marked: whether the tags and notes of libraries come along, too.
    """

    reader: Reader | None
    marked: bool = False
    report: Report = field(default_factory=Report)
    saved: int = 0
    kinds: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def keep(self, items: Iterable[Item]) -> None:
        """Put what is in the record by now into the reader's library."""
        if self.reader:
            papers = [item for item in items if isinstance(item, PaperData)]
            self.saved += library.keep(self.reader, papers, now=now())

    def mark(self, papers: Sequence[PaperData], marks: Mapping[str, Marks]) -> None:
        """Put what was noted on papers that are in the reader's library by now on them."""
        if self.reader:
            bringing.mark(self.reader, papers, marks)

    def refuse(self, says: str) -> None:
        """Say what could not be taken in, and go on."""
        self.refused.append(says)
        sys.stderr.write(f"broadsheet import: {says}\n")


def run(options: argparse.Namespace) -> int:
    """Take everything in; what cannot be read is said and the rest goes on."""
    migrate()
    taken = Taken(_reader(options.reader), marked=not options.without_notes)
    files, libraries = _sorted_out(options.names)
    for path in files:
        _take_file(path, options.format, taken)
    for one in libraries:
        _take_library(one, options.again, taken)
    return _told(taken, options.json)


def _told(taken: Taken, as_json: bool) -> int:
    state = "failed" if taken.refused else "done"
    source = ",".join(dict.fromkeys(taken.kinds))
    if as_json:
        mine = {"saved": taken.saved} if taken.reader else {}
        output.print_json(
            {**taken.report.to_json(), **mine, "source": source, "state": state, "refused": taken.refused}
        )
    else:
        shelf = [f"{taken.saved:,} new in the library of @{taken.reader.handle}"] if taken.reader else []
        output.print_lines([*taken.notes, summary(taken.report), *shelf])
    return FAILED if taken.refused else DONE


def _reader(named: str | None) -> Reader | None:
    if named is None:
        return None
    found = accounts.named(named)
    if found is None:
        raise CommandFailed(f"there is no reader {named}: see `broadsheet reader list`")
    return found


def _sorted_out(names: list[str]) -> tuple[list[Path], list[zotero.Zotero]]:
    """Tell files from libraries; all are looked at before anything is taken in."""
    paths = [Path(name) for name in names if not name.startswith(ZOTERO)]
    for path in paths:
        if not path.exists():
            raise CommandFailed(f"{path} is not there")
    config = settings.CONFIG
    try:
        libraries = [
            zotero.Zotero(zotero.library(name), config.zotero_key, config.zotero_url)
            for name in names
            if name.startswith(ZOTERO)
        ]
        return [file for path in paths for file in files_under([path])], libraries
    except (SourceError, BadFile) as problem:
        raise CommandFailed(str(problem)) from problem


def _take_file(path: Path, form: str, taken: Taken) -> None:
    held: list[Item] = []
    marks: dict[str, Marks] = {}
    marked: list[PaperData] = []
    try:
        name, items = open_items(path, form)
        taken.kinds.append(name)
        if taken.reader and taken.marked:
            marks = owners_marks(path, name)
            items = _watched(items, marks, marked)
        noted = _noted(items, held, taken) if taken.reader else items
        ingest(noted, progress=watched(path.name), report=taken.report)
    except BadFile as problem:
        taken.refuse(str(problem))
    taken.keep(held)
    taken.mark(marked, marks)


def _watched(items: Iterable[Item], marks: Mapping[str, Marks], marked: list[PaperData]) -> Iterator[Item]:
    """Remember the papers that something was noted on."""
    for item in items:
        if isinstance(item, PaperData) and item.raw_hash in marks:
            marked.append(item)
        yield item


def _noted(items: Iterable[Item], held: list[Item], taken: Taken) -> Iterator[Item]:
    """Hold the items for the reader's library until they are in the record: all but the last batch are."""
    for item in items:
        held.append(item)
        yield item
        if len(held) == 2 * BATCH:
            taken.keep(held[:BATCH])
            del held[:BATCH]


@dataclass(frozen=True)
class Shelved:
    """A Zotero library whose papers go into the reader's own, each batch as soon as it is in the record."""

    source: zotero.Zotero
    taken: Taken
    whole: bool
    name: str = zotero.SOURCE
    tells_days: ClassVar[bool] = False

    def fetch(self, http: Http, cursor: Mapping[str, str], since: date | None, until: date | None) -> Iterator[Batch]:
        """Give what the library gives. Raises SourceError."""
        known = {name: value for name, value in cursor.items() if not self.whole or name != self.source.remembered}
        papers: list[PaperData] = []
        for batch in self.source.fetch(http, known, since, until):
            if not batch.items:
                # Before the batch that brings the new cursor: killed in between, it is all read again.
                self.taken.mark(papers, self.source.marks or {})
            yield batch
            self.taken.keep(batch.items)
            if self.source.marks is not None:
                papers += [item for item in batch.items if isinstance(item, PaperData)]


def _take_library(source: zotero.Zotero, whole: bool, taken: Taken) -> None:
    """Take a library in. What each reader has of it is remembered by itself: their libraries are their own."""
    place = f"{source.library} {taken.reader.handle}" if taken.reader else source.library
    marks: dict[str, Marks] | None = {} if taken.reader and taken.marked else None
    source = replace(source, remembered=place, marks=marks)
    result = harvest(Shelved(source, taken, whole), progress=watched(source.library))
    taken.kinds.append(zotero.SOURCE)
    taken.report.add(result.report)
    if result.state != "done":
        taken.refuse(result.says)
    elif result.says:
        taken.notes.append(f"{source.library}: {result.says}")


def summary(report: Report) -> str:
    """Say in a line what became of the items."""
    return (
        f"{report.seen:,} seen: {report.new:,} new, {report.revised:,} revised, {report.same:,} the same, "
        f"{report.linked:,} linked, {report.quarantined:,} kept aside"
    )
