"""`broadsheet similar`: the papers nearest to one."""

import argparse

from broadsheet.cli import DONE, CommandFailed
from broadsheet.commands import output
from broadsheet.commands.search_command import hit_json
from broadsheet.papers import queries
from broadsheet.papers.database import migrate
from broadsheet.papers.finding import await_cluster, similar

HELP = "Find the papers nearest to one."
EXAMPLE = "broadsheet similar 2410.05993 --limit 5"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take the paper."""
    parser.add_argument("id", metavar="ID", help="an arXiv id, a DOI, an address or an id of Broadsheet's")
    parser.add_argument("--limit", type=output.at_least_one, default=10, metavar="N")
    output.json_option(parser)


def run(options: argparse.Namespace) -> int:
    """Find, and print."""
    migrate()
    paper = queries.by_key(options.id)
    if paper is None:
        raise CommandFailed(f"no paper here is called {options.id}")
    await_cluster()
    hits = similar(paper, limit=options.limit)
    if options.json:
        output.print_json({"id": paper.key, "total": len(hits), "hits": [hit_json(hit) for hit in hits]})
    else:
        output.print_lines(
            [f"{paper.title}", *(f"{hit.rank:4}  {hit.paper.key:<16} {hit.paper.title}" for hit in hits)]
        )
    return DONE
