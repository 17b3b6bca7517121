"""`broadsheet digest`: not yet built."""

import argparse
import sys

from broadsheet.cli import NOT_YET

HELP = "The mail for each reader (not yet)."
EXAMPLE = "broadsheet digest preview"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take whatever the command will take one day."""
    parser.add_argument("rest", nargs="*", metavar="...", help="what it will take")


def run(options: argparse.Namespace) -> int:
    """Say that it is not yet there."""
    sys.stderr.write("broadsheet digest: not yet; this version sends no mail.\n")
    return NOT_YET
