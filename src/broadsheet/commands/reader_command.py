"""`broadsheet reader`: not yet built."""

import argparse
import sys

from broadsheet.cli import NOT_YET

HELP = "Accounts and what belongs to them (not yet)."
EXAMPLE = "broadsheet reader list"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take whatever the command will take one day."""
    parser.add_argument("rest", nargs="*", metavar="...", help="what it will take")


def run(options: argparse.Namespace) -> int:
    """Say that it is not yet there."""
    sys.stderr.write("broadsheet reader: not yet; this version has no accounts.\n")
    return NOT_YET
