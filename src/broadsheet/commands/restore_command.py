"""`broadsheet restore`: not yet built."""

import argparse
import sys

from broadsheet.cli import NOT_YET

HELP = "Bring back what `backup` wrote (not yet)."
EXAMPLE = "broadsheet restore broadsheet.backup"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take whatever the command will take one day."""
    parser.add_argument("rest", nargs="*", metavar="...", help="what it will take")


def run(options: argparse.Namespace) -> int:
    """Say that it is not yet there."""
    sys.stderr.write("broadsheet restore: not yet; this version writes no backups.\n")
    return NOT_YET
