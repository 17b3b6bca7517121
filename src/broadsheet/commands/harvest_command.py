"""`broadsheet harvest`: fetch from the sources, now."""

import argparse
import logging
import sys

from django.conf import settings

from broadsheet.cli import DONE, FAILED, CommandFailed
from broadsheet.commands import output
from broadsheet.commands.import_command import summary
from broadsheet.lib.progress import watched
from broadsheet.papers.database import migrate
from broadsheet.papers.harvesting import Harvested, harvest, site_source
from broadsheet.sources.batch import SourceError
from broadsheet.sources.registry import LIVE

HELP = "Fetch what is new from the sources; a stopped harvest goes on where it stopped."
EXAMPLE = "broadsheet harvest arxiv-oai --from 2026-11-01"
SOURCES = f"{', '.join(LIVE)}, arxiv-api:IDS, arxiv-api:QUERY or broadsheet:ADDRESS"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take the sources and the span."""
    parser.add_argument("sources", nargs="*", metavar="SOURCE", help=f"{SOURCES}; default: those of the settings")
    parser.add_argument("--from", dest="since", type=output.day_of, metavar="D", help="from this day on")
    parser.add_argument("--until", type=output.day_of, metavar="D", help="up to this day")
    output.json_option(parser)


def run(options: argparse.Namespace) -> int:
    """Harvest each source; one that fails is said and the others go on."""
    if options.since and options.until and options.since > options.until:
        raise CommandFailed(f"--from {options.since} is after --until {options.until}")
    migrate()
    # What fails is said here, once, and not in the log as well.
    logging.getLogger("broadsheet.harvest").setLevel(logging.ERROR)
    try:
        sources = [site_source(name) for name in options.sources or settings.CONFIG.sources]
    except SourceError as problem:
        raise CommandFailed(str(problem)) from problem
    results = []
    for source in sources:
        bar = watched(source.name)
        results.append(harvest(source, since=options.since, until=options.until, progress=bar))
        report(results[-1], options.json)
    if options.json:
        output.print_json(results[0].to_json() if len(results) == 1 else total(results))
    return DONE if all(result.state == "done" for result in results) else FAILED


def report(result: Harvested, as_json: bool) -> None:
    """Say what a harvest brought, or why it did not."""
    if result.state != "done":
        sys.stderr.write(f"broadsheet harvest: {result.source}: {result.says}\n")
    elif not as_json:
        output.print_lines([f"{result.source}: {summary(result.report)}", *([result.says] if result.says else [])])


def total(results: list[Harvested]) -> dict[str, object]:
    """Add up several harvests in the form of one, with each beside it."""
    counts: dict[str, int] = {}
    for result in results:
        for name, value in result.report.to_json().items():
            counts[name] = counts.get(name, 0) + value
    states = {result.state for result in results}
    state = "done" if states == {"done"} else "failed"
    names = ",".join(result.source for result in results)
    return {**counts, "source": names, "state": state, "sources": [result.to_json() for result in results]}
