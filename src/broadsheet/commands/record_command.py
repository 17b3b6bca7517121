"""`broadsheet record`: the record as a whole, moved from one database to another."""

import argparse

from broadsheet.cli import DONE, CommandFailed
from broadsheet.commands import output
from broadsheet.lib.progress import silent, watched
from broadsheet.moving import copying, databases
from broadsheet.moving.refused import Refused

HELP = "Move the record between SQLite and PostgreSQL."
EXAMPLE = "broadsheet record copy --to postgresql://broadsheet:password@db.example/broadsheet"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take what to do."""
    what = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    copy = what.add_parser("copy", help="copy it into an empty database, compared by counts and hashes")
    told = "postgresql://user:password@host:port/name, `sqlite` for the file in the home, or a path (./copy.sqlite3)"
    copy.add_argument("--to", required=True, metavar="ADDRESS", help=told)
    copy.add_argument("--from", dest="source", metavar="ADDRESS", help="the same (default: the record in use)")
    output.json_option(copy)


def run(options: argparse.Namespace) -> int:
    """Copy, and say how to switch."""
    try:
        source = databases.address(options.source) if options.source else databases.in_force()
        done = copying.copy(source, databases.address(options.to), silent if options.json else watched("tables"))
    except Refused as problem:
        raise CommandFailed(str(problem)) from problem
    if options.json:
        output.print_json(done.to_json())
    else:
        output.print_lines(_told(done))
    return DONE


def _told(done: copying.Copied) -> list[str]:
    rows = sum(one.rows for one in done.rows.values())
    on_postgresql = databases.is_postgresql(done.target)
    setting = "the address" if on_postgresql else "empty"
    return [
        f"{rows:,} rows of {len(done.rows)} tables are in {databases.shown(done.target)}, equal by count and hash",
        "left out: who is signed in, and counts of rates and wrong passwords of the last minutes",
        f"to switch: stop the site, make `database` in broadsheet.toml {setting}, and start it",
        "what was written to the old record after this copy began is not in the new one",
    ]
