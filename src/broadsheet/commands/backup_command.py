"""`broadsheet backup`: not yet built."""

import argparse
import sys

from broadsheet.cli import NOT_YET

HELP = "Write everything into one file (not yet)."
EXAMPLE = "broadsheet backup broadsheet.backup"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take whatever the command will take one day."""
    parser.add_argument("rest", nargs="*", metavar="...", help="what it will take")


def run(options: argparse.Namespace) -> int:
    """Say that it is not yet there."""
    sys.stderr.write(
        "broadsheet backup: not yet; until then stop Broadsheet and copy its home, or use VACUUM INTO of SQLite.\n"
    )
    return NOT_YET
