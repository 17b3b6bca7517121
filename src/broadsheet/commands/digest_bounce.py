"""`broadsheet digest bounce`: a message that came back, taken into the ledger; or only read."""

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import Final

from django.db import DatabaseError

from broadsheet.cli import DONE, CommandFailed
from broadsheet.commands import output
from broadsheet.digest import bounces
from broadsheet.lib.clock import now
from broadsheet.mail.bounces.parts import LONGEST_MESSAGE
from broadsheet.mail.bounces.read import read
from broadsheet.papers.database import migrate

HELP = "Take in a message that came back, as a mail server hands it over; with --json only say what it means."
EXAMPLE = "broadsheet digest bounce --json message.eml"
# As sysexits.h has it: the mail server keeps the message, and hands it over again later.
TRY_AGAIN: Final = 75


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take the message."""
    parser.add_argument("file", nargs="?", default="-", metavar="FILE", help="a message; standard input without one")
    output.json_option(parser)


def run(options: argparse.Namespace) -> int:
    """Enter a message and say what followed; or print what it says of each recipient, none for what is no bounce."""
    raw = _message(options.file)
    if not options.json:
        return _take(raw)
    told = read(raw)
    recipients = told.recipients if told.kind in ("bounce", "delivered") else ()
    output.print_json([dataclasses.asdict(recipient) for recipient in recipients])
    return DONE


def _take(raw: bytes) -> int:
    try:
        migrate()
        taken = bounces.take(raw, "pipe", now=now())
    except DatabaseError as problem:
        sys.stderr.write(f"broadsheet digest bounce: not now, try again later: {problem}\n")
        return TRY_AGAIN
    output.print_lines([taken.says])
    return DONE


def _message(file: str) -> bytes:
    """What a file or standard input holds, as far as it is looked at."""
    if file == "-":
        raw = sys.stdin.buffer.read(LONGEST_MESSAGE)
        # A mail server that cannot hand over all of it takes that for a failure.
        while sys.stdin.buffer.read(65_536):
            pass
        return raw
    try:
        with Path(file).open("rb") as stream:
            return stream.read(LONGEST_MESSAGE)
    except OSError as problem:
        raise CommandFailed(f"{file} cannot be read: {problem.strerror}") from problem
