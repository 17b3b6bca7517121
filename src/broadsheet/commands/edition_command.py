"""`broadsheet edition`: the dated list, or the hot one."""

import argparse

from broadsheet.cli import DONE, CommandFailed
from broadsheet.commands import output
from broadsheet.editions import lists
from broadsheet.editions.edition import Edition, NoSuchEdition
from broadsheet.papers.database import migrate

HELP = "Print an edition: of a day, a week, a month, or what is trending."
EXAMPLE = "broadsheet edition 2024-W22 --limit 10"
EMPTY = {
    "holiday": "No papers are announced on this day.",
    "waiting": "This day's papers are not here yet.",
    "empty": "Nothing is known of this day.",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take the key of the list."""
    parser.add_argument(
        "key", nargs="?", default="", metavar="DATE|WEEK|MONTH|trending", help="default: the newest day"
    )
    parser.add_argument("--limit", type=output.at_least_one, metavar="N")
    parser.add_argument("--why", action="store_true", help="show the terms of the order")
    output.json_option(parser)


def run(options: argparse.Namespace) -> int:
    """Make the list, and print it."""
    migrate()
    newest = lists.latest_day()
    if not options.key and newest is None:
        raise CommandFailed(
            "no papers are here yet; `broadsheet harvest` fetches some, `broadsheet import` reads files"
        )
    try:
        edition = lists.by_key(options.key or str(newest))
    except NoSuchEdition as problem:
        raise CommandFailed(str(problem)) from problem
    if options.json:
        output.print_json(as_json(edition, options.limit))
    else:
        print_edition(edition, options.limit, options.why)
    return DONE


def as_json(edition: Edition, limit: int | None) -> dict[str, object]:
    """Give a list in the form that scripts rely on."""
    return {
        "key": edition.key,
        "state": edition.state,
        "total": edition.total,
        "papers": [
            {
                "rank": entry.rank,
                "id": entry.paper.key,
                "title": entry.paper.title,
                "votes": entry.paper.votes,
                "comments": entry.paper.comments,
                "categories": entry.paper.category_list,
                "late": entry.late,
                "why": entry.why,
            }
            for entry in edition.entries[:limit]
        ],
    }


def print_edition(edition: Edition, limit: int | None, why: bool) -> None:
    """Print a list for a person."""
    output.print_lines([f"{edition.key} ({edition.state}, {edition.total} papers)"])
    if not edition.entries:
        output.print_lines([EMPTY.get(edition.state, "")])
    for entry in edition.entries[:limit]:
        late = " (late)" if entry.late else ""
        output.print_lines([f"{entry.rank:4} {entry.paper.votes:5}  {entry.paper.key:<16} {entry.paper.title}{late}"])
        if why:
            # Under the title, so that titles stay in their column.
            output.print_lines([" " * 12 + ", ".join(f"{name}={value}" for name, value in entry.why.items())])
