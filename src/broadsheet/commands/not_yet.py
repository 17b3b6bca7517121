"""Commands that have their name and their place, and nothing behind them yet."""

import argparse
import sys
from collections.abc import Callable

from broadsheet.cli import NOT_YET


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take whatever the command will take one day."""
    parser.add_argument("rest", nargs="*", metavar="...", help="what it will take")


def answers(command: str, says: str) -> Callable[[argparse.Namespace], int]:
    """Make the `run` of a command that says in a line that it is not yet there."""

    def run(options: argparse.Namespace) -> int:
        sys.stderr.write(f"broadsheet {command}: not yet; {says}\n")
        return NOT_YET

    return run
