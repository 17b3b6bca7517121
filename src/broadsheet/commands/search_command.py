"""`broadsheet search`: papers by words and by meaning."""

import argparse

from broadsheet.cli import DONE
from broadsheet.commands import output
from broadsheet.papers.database import migrate
from broadsheet.papers.finding import Found, FoundPaper, await_cluster, find
from broadsheet.search.types import Filter

HELP = "Find papers: first those that hold all the words, then those near in meaning."
EXAMPLE = 'broadsheet search "consistency loss" --category cs.LG --from 2024-01-01'
TITLES = {"words": "-- papers that hold all the words", "meaning": "-- papers near in meaning"}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take a query and its filters."""
    parser.add_argument("query", help='words, "phrases", author:, cat:, id:, from:, until:, has:code')
    parser.add_argument("--mode", default="page", choices=["page", "hybrid", "lexical", "semantic"])
    parser.add_argument("--limit", type=output.at_least_one, default=20, metavar="N")
    parser.add_argument("--from", dest="since", type=output.day_of, metavar="D", help="from this edition day on")
    parser.add_argument("--until", type=output.day_of, metavar="D", help="up to this edition day")
    parser.add_argument("--category", action="append", default=[], metavar="C", help="such as cs.LG; may be repeated")
    parser.add_argument("--why", action="store_true", help="say why each paper stands where it stands")
    output.json_option(parser)


def run(options: argparse.Namespace) -> int:
    """Find, and print."""
    migrate()
    wanted = Filter(since=options.since, until=options.until, categories=tuple(options.category))
    await_cluster()
    found = find(options.query, mode=options.mode, limit=options.limit, wanted=wanted)
    if options.json:
        output.print_json(as_json(found))
    else:
        print_found(found, options.why)
    return DONE


def as_json(found: Found) -> dict[str, object]:
    """Give an answer in the form that scripts rely on."""
    return {
        "query": found.query,
        "mode": found.mode,
        "total": found.total,
        "partial": found.partial,
        "hits": [hit_json(hit) for hit in found.hits],
        "identifier": found.identifier,
        "goes_to": found.goes_to.key if found.goes_to else "",
        "notes": list(found.notes),
    }


def hit_json(hit: FoundPaper) -> dict[str, object]:
    """Give a hit in the form that scripts rely on."""
    return {
        "rank": hit.rank,
        "id": hit.paper.key,
        "title": hit.paper.title,
        "block": hit.block,
        "score": hit.score,
        "why": hit.why,
    }


def print_found(found: Found, why: bool) -> None:
    """Print an answer for a person."""
    block = ""
    if found.goes_to:
        output.print_lines([f"{found.goes_to.key}  {found.goes_to.title}"])
    for hit in found.hits:
        if hit.block != block:
            block = hit.block
            output.print_lines([TITLES.get(block, "")])
        reason = "  " + ", ".join(f"{name}={value}" for name, value in hit.why.items()) if why else ""
        output.print_lines([f"{hit.rank:4}  {hit.paper.key:<16} {hit.paper.title}{reason}"])
    output.print_lines([*found.notes] if found.hits or found.goes_to else ["No papers found.", *found.notes])
