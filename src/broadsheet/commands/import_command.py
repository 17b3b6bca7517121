"""`broadsheet import`: papers from files."""

import argparse
import sys
from itertools import chain
from pathlib import Path

from broadsheet.cli import DONE, FAILED, CommandFailed
from broadsheet.commands import output
from broadsheet.lib.progress import watched
from broadsheet.papers.database import migrate
from broadsheet.papers.ingest import Report, ingest
from broadsheet.sources.files import FORMATS, BadFile, files_under, open_items

HELP = "Take papers in from files and folders; again is harmless."
EXAMPLE = "broadsheet import saved-pages/ 2024-05-27.json arxiv-metadata.jsonl.gz"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take files, folders and their format."""
    parser.add_argument("paths", nargs="+", type=Path, metavar="FILE|DIR", help="what to take in; .gz is understood")
    parser.add_argument(
        "--format", default="auto", choices=["auto", *FORMATS], help="what the files are (default: auto)"
    )
    output.json_option(parser)


def run(options: argparse.Namespace) -> int:
    """Take every file in; one that cannot be read is said and the rest goes on."""
    migrate()
    report, formats, refused = Report(), [], []
    for path in _files(options.paths):
        try:
            name, items = open_items(path, options.format)
            formats.append(name)
            ingest(items, progress=watched(path.name), report=report)
        except BadFile as problem:
            refused.append(str(problem))
            sys.stderr.write(f"broadsheet import: {problem}\n")
    state = "failed" if refused else "done"
    source = ",".join(dict.fromkeys(formats))
    if options.json:
        output.print_json({**report.to_json(), "source": source, "state": state, "refused": refused})
    else:
        output.print_lines([summary(report)])
    return FAILED if refused else DONE


def _files(paths: list[Path]) -> list[Path]:
    for path in paths:
        if not path.exists():
            raise CommandFailed(f"{path} is not there")
    return list(chain.from_iterable(files_under([path]) for path in paths))


def summary(report: Report) -> str:
    """Say in a line what became of the items."""
    return (
        f"{report.seen:,} seen: {report.new:,} new, {report.revised:,} revised, {report.same:,} the same, "
        f"{report.linked:,} linked, {report.quarantined:,} kept aside"
    )
