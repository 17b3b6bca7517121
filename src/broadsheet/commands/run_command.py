"""`broadsheet run`: the site and its worker, together."""

import argparse
import errno
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.core.management import call_command
from django.db import connections

from broadsheet.cli import DONE, CommandFailed
from broadsheet.commands import output
from broadsheet.lib import ports
from broadsheet.lib.addresses import sending
from broadsheet.lib.clock import now
from broadsheet.lib.files import lock
from broadsheet.papers import finding, sample
from broadsheet.papers.database import migrate
from broadsheet.readers import alone, invitations
from broadsheet.readers.network import note_address
from broadsheet.search.cluster.node import ClusterError

HELP = "Serve the site and do the background work; prints the address."
EXAMPLE = "broadsheet run --host 0.0.0.0 --port 8000"
CONNECTIONS: Final = 1024  # that a process serves at a time; others wait to be accepted
# What is being answered when the site is stopped may take so long; who is slow is cut off then.
END_SECONDS: Final = 10

_log = logging.getLogger(__name__)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take where to listen."""
    parser.add_argument("--host", default="127.0.0.1", metavar="H", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=output.port, default=8000, metavar="P", help="port to listen on (default: 8000)")
    parser.add_argument("--no-worker", action="store_true", help="only answer readers; harvest and index elsewhere")


def run(options: argparse.Namespace) -> int:
    """Prepare what a first start needs, then serve until told to stop."""
    must_be_free(options.host, options.port)
    allow_host(options.host)
    prepare_home()
    place = address(options.host, options.port)
    note_address(place)
    said = signing_in(options.host, place)
    leave_to_others()
    worker = None if options.no_worker else Kept(start_worker)
    output.print_lines([f"Broadsheet is at {place}", *said])
    sys.stdout.flush()
    try:
        serve(options.host, options.port)
    finally:
        if worker:
            worker.end()
    return DONE


def must_be_free(host: str, port: int) -> None:
    """Stop with one clear line where the address cannot be had."""
    try:
        ports.probe(host, port)
    except OSError as problem:
        taken = problem.errno == errno.EADDRINUSE
        reason = "something else listens there; choose another --port" if taken else str(problem)
        raise CommandFailed(f"cannot listen on {host} port {port}: {reason}") from problem


def allow_host(host: str) -> None:
    """Answer to the names of this machine where it listens to others and the settings name no host."""
    if not settings.CONFIG.allowed_hosts and host not in ("127.0.0.1", "localhost", "::1"):
        names = {"localhost", "127.0.0.1", "[::1]", socket.gethostname(), socket.getfqdn(), *own_addresses()}
        allowed = sorted(names | ({host} - {"0.0.0.0", "::"}))
        # For processes that are forked from this one, and for those that are started anew.
        settings.ALLOWED_HOSTS += allowed
        os.environ["BROADSHEET_ALLOWED_HOSTS"] = ",".join(allowed)


def own_addresses() -> set[str]:
    """The addresses under which other machines reach this one."""
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(socket.gethostname(), None)}
    except OSError:
        found = set()
    return {f"[{name}]" if ":" in name else name for name in found.union(sending())}


def prepare_home() -> None:
    """Bring the database and the static files up to date, load the sample into an empty record, index its words."""
    migrate()
    with lock(settings.CONFIG.home / "static.lock"):
        call_command("collectstatic", interactive=False, verbosity=0)
    if sample.load_if_empty():
        try:
            finding.index()
        except ClusterError as problem:
            # The worker goes on with it; until the cluster is there, pages say that the index does not answer.
            output.print_lines([f"the sample is not indexed yet: {problem}"])


def signing_in(host: str, place: str) -> list[str]:
    """Decide whether readers sign in at all, and say what the person at the console has to know of it."""
    if alone.choose(host):
        return [
            "Nobody needs to sign in: only this machine reaches the site.",
            "To let others in, start it with --host 0.0.0.0 or set a public_url; docs/accounts.md tells how.",
        ]
    code = invitations.owner_code(now())
    return [f"Become the owner of this site: {place.rstrip('/')}/join/{code} (once, within 7 days)"] if code else []


def leave_to_others() -> None:
    """Let go of what processes cannot share."""
    # The processes of the site are forked from this one: a connection or an open index must not be shared with them.
    finding.forget()
    connections.close_all()


def start_worker() -> "subprocess.Popen[bytes]":
    """Start the worker as a process of its own, which ends with this one."""
    return subprocess.Popen([sys.executable, "-m", "broadsheet.worker"], env={**os.environ, "BROADSHEET_CHILD": "1"})


class Kept:
    """A process that is started anew when it ends, as one that was killed for want of memory, until it is ended here.

    pause: seconds before it is started anew. patience: seconds it has to end when it is told to.
    """

    def __init__(
        self, start: "Callable[[], subprocess.Popen[bytes]]", pause: float = 5.0, patience: float = 10.0
    ) -> None:
        self.start, self.pause, self.patience = start, pause, patience
        self.over = threading.Event()
        self.changing = threading.Lock()
        self.process = start()
        # The kernel ends a child with the thread that started it: this one lasts as long as the site.
        threading.Thread(target=self._keep, name="keep-worker", daemon=True).start()

    def _keep(self) -> None:
        while not self.over.is_set():
            code = self.process.wait()
            if self.over.wait(self.pause):
                return
            _log.warning("the worker ended with %d; it is started anew", code)
            with self.changing:
                if not self.over.is_set():
                    try:
                        self.process = self.start()
                    except OSError as problem:
                        # What killed it, such as a want of memory, keeps it from being started too: for a while.
                        _log.warning("the worker cannot be started (%s); tried again in %g s", problem, self.pause)

    def end(self) -> None:
        """End it for good."""
        self.over.set()
        with self.changing:
            self.process.terminate()
        try:
            self.process.wait(self.patience)
        except subprocess.TimeoutExpired:
            # Nothing is lost by it: every step can be stopped anywhere.
            self.process.kill()
            self.process.wait()


def address(host: str, port: int) -> str:
    """The address a reader on this machine types."""
    shown = {"0.0.0.0": "localhost", "::": "localhost"}.get(host, host)
    if settings.CONFIG.public_url:
        return f"{settings.CONFIG.public_url}/"
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{port}/"


def serve(host: str, port: int) -> None:
    """Serve until told to stop."""
    from granian.constants import HTTPModes, Interfaces
    from granian.server import Server

    os.environ["BROADSHEET_CHILD"] = "1"
    Server(
        "broadsheet.asgi:application",
        address=host,
        port=port,
        interface=Interfaces.ASGINL,
        workers=settings.CONFIG.web_processes,
        http=HTTPModes.http1,
        backlog=1024,
        backpressure=CONNECTIONS,
        respawn_failed_workers=True,
        workers_kill_timeout=END_SECONDS,
        log_access=False,
        websockets=False,
    ).serve()
