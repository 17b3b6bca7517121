"""The entry point of the command line: finds the command, prepares the rooms, turns what went wrong into one line."""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Final, NoReturn

from broadsheet import __version__

# In the order in which a person meets them.
COMMANDS: Final = (
    "run", "import", "export", "harvest", "index", "search", "similar", "edition", "digest", "reader", "encoder",
    "doctor", "backup", "restore", "record", "snapshot", "cluster", "mcp", "bench",
)  # fmt: skip
DONE, FAILED, MISUSED, NOT_YET = 0, 1, 2, 3


class CommandFailed(Exception):
    """A command could not do what it was asked; the message is one line for the person who asked."""


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, and where help is."""

    def error(self, message: str) -> NoReturn:
        """Print the line and leave with MISUSED."""
        self.exit(MISUSED, f"{self.prog}: {message}; see {self.prog} --help\n")


def module_of(command: str) -> ModuleType:
    """Load the module of a command."""
    return importlib.import_module(f"broadsheet.commands.{command}_command")


def parser(only: str = "") -> argparse.ArgumentParser:
    """Make the parser; with `only`, load that command's module and no other, for a quick start."""
    top = Parser(
        prog="broadsheet",
        description="Your field's Daily Papers, on a machine of your own.",
        epilog="Each command has --help with an example. Data and settings: BROADSHEET_HOME.",
    )
    top.add_argument("--version", action="version", version=f"broadsheet {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND")
    for name in COMMANDS:
        if only in ("", name):
            module = module_of(name)
            sub = commands.add_parser(
                name,
                help=module.HELP,
                description=module.HELP,
                epilog=f"example:\n  {module.EXAMPLE}",
                formatter_class=argparse.RawDescriptionHelpFormatter,
            )
            module.arguments(sub)
            sub.set_defaults(run=module.run)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and give its exit status: 0 done, 1 failed, 2 misused, 3 not yet built."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    named = given[0] if given and given[0] in COMMANDS else ""
    try:
        prepare()
        options, unknown = parser(named).parse_known_args(given)
        if unknown:
            Parser(prog=f"broadsheet {named}".rstrip()).error(f"unrecognized arguments: {' '.join(unknown)}")
        if options.command:
            return _run(options)
        parser().print_help()
        return MISUSED
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output went away, as `head` does; the rest is for nobody.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except CommandFailed as problem:
        sys.stderr.write(f"broadsheet{' ' + named if named else ''}: {problem}\n")
        return FAILED


def _run(options: argparse.Namespace) -> int:
    from django.db import OperationalError, connection

    try:
        return int(options.run(options))
    except OperationalError as problem:
        if connection.connection is not None and connection.is_usable():
            raise
        raise CommandFailed(f"the record cannot be reached: {' '.join(str(problem).split())}") from problem


def prepare() -> None:
    """Set up Django; a setting that makes no sense stops here."""
    import django
    from django.core.exceptions import ImproperlyConfigured

    from broadsheet.config import BadSetting

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "broadsheet.settings")
    try:
        django.setup()
    except BadSetting as problem:
        raise CommandFailed(str(problem)) from problem
    except ImproperlyConfigured as problem:
        if "psycopg" not in str(problem):
            raise
        raise CommandFailed("database: PostgreSQL needs its driver: pip install 'broadsheet[postgres]'") from problem


if __name__ == "__main__":
    sys.exit(main())
