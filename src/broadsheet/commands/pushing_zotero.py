"""`broadsheet reader push-zotero`: a reader's library into Zotero, without what is there already."""

import argparse

from django.conf import settings

from broadsheet.cli import CommandFailed
from broadsheet.commands import output
from broadsheet.export import identifiers, zotero
from broadsheet.papers.ingest import recognise
from broadsheet.papers.outside import http
from broadsheet.readers import accounts, filing, library
from broadsheet.readers.models import Reader
from broadsheet.record.paper import PaperData
from broadsheet.sources.batch import SourceError
from broadsheet.sources.zotero import Zotero
from broadsheet.sources.zotero import library as library_named
from broadsheet.sources.zotero_writing import Added, add

HELP = "add a reader's library to a Zotero library; what is there already is left alone"
KEY = "BROADSHEET_ZOTERO_KEY or the setting zotero_key"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take whose library, and where to."""
    parser.add_argument("who", metavar="HANDLE|EMAIL")
    parser.add_argument(
        "library", metavar="users/ID|groups/ID", help=f"or one collection, …/collections/KEY; the key is {KEY}"
    )
    parser.add_argument(
        "--tags", action="store_true", help="with the reader's tags; in a group's library all its members see them"
    )
    output.json_option(parser)


def push(options: argparse.Namespace) -> None:
    """Read what is there, add what is not, and say so."""
    reader = accounts.named(options.who)
    if reader is None:
        raise CommandFailed(f"there is no reader {options.who}: see `broadsheet reader list`")
    if not settings.CONFIG.zotero_key:
        raise CommandFailed(f"writing to Zotero needs a key: give it in {KEY}")
    try:
        there, added = _pushed(reader, library_named(options.library), tags=options.tags)
    except SourceError as problem:
        raise CommandFailed(str(problem)) from problem
    if options.json:
        output.print_json({"added": added.items, "there": there, "refused": added.refused})
    else:
        output.print_lines([f"{added.items:,} added, {there:,} were there already", *added.refused])


def _pushed(reader: Reader, named: str, *, tags: bool) -> tuple[int, Added]:
    root, _, collection = named.partition("/collections/")
    config = settings.CONFIG
    source = Zotero(root, config.zotero_key, config.zotero_url)
    batches = list(source.fetch(http(), {}))
    known = set(recognise([item for batch in batches for item in batch.items if isinstance(item, PaperData)]))
    mine = list(library.papers(reader))
    fresh = [paper for paper in mine if paper.id not in known]
    told = identifiers.of_papers([paper.id for paper in fresh])
    placed = {"collections": [collection]} if collection else {}
    filed = filing.of(reader, [paper.id for paper in fresh]) if tags else {}
    items = [
        zotero.item(paper, names.doi, names.url) | placed | _tagged(filed.get(paper.id))
        for paper in fresh
        for names in (told.get(paper.id, identifiers.NAMELESS),)
    ]
    return len(mine) - len(fresh), add(http(), config.zotero_url, root, config.zotero_key, items)


def _tagged(filed: filing.Filed | None) -> dict[str, object]:
    return {"tags": [{"tag": name} for name in filed.tags]} if filed and filed.tags else {}
