"""`broadsheet restore`: what `backup` wrote, brought back."""

import argparse

from broadsheet.cli import DONE, CommandFailed
from broadsheet.commands import output
from broadsheet.lib.progress import silent, watched
from broadsheet.lib.storage import StorageFailed
from broadsheet.moving import backing, restoring
from broadsheet.moving.contents import Restored
from broadsheet.moving.refused import Refused

HELP = "Bring back what `backup` wrote, all of it or nothing."
EXAMPLE = "broadsheet restore broadsheet.backup"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take where from."""
    parser.add_argument("file", metavar="FILE|ADDRESS", help="a path, or s3://bucket/path")
    parser.add_argument("--replace", action="store_true", help="replace the record that is here; stop the site first")
    output.json_option(parser)


def run(options: argparse.Namespace) -> int:
    """Restore, and tell what came back."""
    try:
        place = backing.storage(options.file)
        progress = silent if options.json else watched("rows")
        done = restoring.restore(place, replace=options.replace, progress=progress)
    except (Refused, StorageFailed) as problem:
        raise CommandFailed(str(problem)) from problem
    if options.json:
        output.print_json(done.to_json())
    else:
        output.print_lines(_told(done))
    return DONE


def _told(done: Restored) -> list[str]:
    counts = ", ".join(
        f"{done.rows[table]:,} {name}"
        for table, name in (
            ("papers_paper", "papers"),
            ("readers_reader", "readers"),
            ("community_vote", "votes"),
            ("community_comment", "comments"),
            ("digest_subscription", "subscriptions"),
        )
        if table in done.rows
    )
    came = f"{migrated} steps of an update followed" if (migrated := done.migrated) else "nothing had to be updated"
    return [
        f"restored from {done.made}: {counts}; {sum(done.rows.values()):,} rows and {len(done.files)} files in all",
        f"{came}; readers sign in again, and `broadsheet index` or the worker builds the index",
        *done.notes,
    ]
