"""`broadsheet backup`: everything that cannot be made again, in one file."""

import argparse
import sys

from broadsheet.cli import DONE, CommandFailed
from broadsheet.commands import output
from broadsheet.lib.clock import now
from broadsheet.lib.progress import silent, watched
from broadsheet.lib.storage import StorageFailed
from broadsheet.moving import backing, contents
from broadsheet.moving.refused import Refused
from broadsheet.papers.database import migrate

HELP = "Write the record, the settings and the secrets into one file, while the site goes on."
EXAMPLE = "broadsheet backup broadsheet.backup"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take where to."""
    parser.add_argument("file", metavar="FILE|ADDRESS", help="a path, or s3://bucket/path; what is there is replaced")
    parser.add_argument("--check", action="store_true", help="write nothing: read a backup and check all of it")
    parser.add_argument("--with-shard", action="store_true", help="put the index in as well, for a quick start")
    output.json_option(parser)


def run(options: argparse.Namespace) -> int:
    """Write a backup, or check one."""
    try:
        return check(options) if options.check else write(options)
    except (Refused, StorageFailed) as problem:
        raise CommandFailed(str(problem)) from problem


def write(options: argparse.Namespace) -> int:
    """Write a backup."""
    migrate()
    progress = silent if options.json else watched("rows")
    done = backing.write(backing.storage(options.file), now=now(), with_shard=options.with_shard, progress=progress)
    if options.json:
        output.print_json(done.to_json())
        return DONE
    rows = sum(done.rows.values())
    output.print_lines(
        [
            f"{rows:,} rows of {len(done.rows)} tables and {output.counted(len(done.files), 'file', 'files')}, "
            f"{done.length / 2**20:,.1f} MiB",
            "It holds secrets: passwords as hashes, the key that signs, tokens of chats. Keep it like a password.",
        ]
    )
    if done.environment:
        sys.stderr.write(f"not in it, because the environment sets them: {', '.join(done.environment)}\n")
    return DONE


def check(options: argparse.Namespace) -> int:
    """Read a backup and check every count and hash."""
    found = contents.verify(backing.storage(options.file), silent if options.json else watched("rows"))
    if options.json:
        output.print_json(found.to_json())
    else:
        rows = sum(found.rows.values())
        told = f"{rows:,} rows of {len(found.rows)} tables and {output.counted(len(found.files), 'file', 'files')}"
        output.print_lines([f"sound: made {found.made} by {found.version}, {told}"])
    return DONE
