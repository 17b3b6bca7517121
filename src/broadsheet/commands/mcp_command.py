"""`broadsheet mcp`: the record for an agent on this machine, over standard input and output."""

import argparse
import asyncio
import os
import select
import signal
import sys
import threading
from dataclasses import replace
from typing import Final

from django.db import close_old_connections

from broadsheet.cli import DONE, CommandFailed
from broadsheet.papers.database import migrate

HELP = "Serve the record to an agent on this machine, by the Model Context Protocol over standard input and output."
EXAMPLE = "broadsheet mcp"
TOKEN: Final = "BROADSHEET_TOKEN"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take where the token is."""
    parser.add_argument(
        "--token-env",
        default="",
        metavar="NAME",
        help=f"environment variable that holds a reader's token (default: {TOKEN}, where it is set)",
    )


def run(options: argparse.Namespace) -> int:
    """Serve until standard input ends, or nobody reads standard output any more."""
    # Imported here: the SDK takes half a second, which no other command should wait for.
    from broadsheet.api.mcp.asking import from_here
    from broadsheet.api.mcp.server import make

    token = secret(options.token_env)
    migrate()
    # No request begins and ends here, by which Django would let go of connections that broke.
    asker = replace(from_here(token), begin=close_old_connections)
    server = make(lambda _context: asker)
    # A thread waits for input and cannot be interrupted; nothing has to be kept, so the process just ends.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    leave_with(os.dup(sys.stdout.fileno()))
    asyncio.run(server.run_stdio_async())
    return DONE


def secret(name: str) -> str:
    """Give the token from the environment; a variable that was named must be there."""
    if name and name not in os.environ:
        raise CommandFailed(f"there is no environment variable {name}, which was to hold the token")
    return os.environ.get(name or TOKEN, "").strip()


def leave_with(output: int) -> None:
    """End this process once nobody reads what it writes to a file descriptor, whatever it waits for then."""
    threading.Thread(target=_watch, args=[output], name="reader of output", daemon=True).start()


def _watch(output: int) -> None:
    gone = select.poll()
    # No event is asked for: poll(2) tells of an error or a hang-up all the same.
    gone.register(output, 0)
    gone.poll()
    os._exit(DONE)
