"""Who asks the MCP server, and what of theirs it may tell and change."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest

from broadsheet.api.auth import NOBODY, Caller, allowed, caller_of, of_header
from broadsheet.readers import alone
from broadsheet.readers.models import Reader
from broadsheet.readers.network import client_address

HERE: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks. caller: looked up when it is first needed; most tools are for everybody.

    request: None for a program that runs here. trusted: it is the owner's own, on a site for one person, and may write.
    begin: called before each question, in the thread that answers it.
    """

    caller: Callable[[], Caller]
    request: HttpRequest | None = None
    trusted: bool = False
    begin: Callable[[], None] = lambda: None

    def reader(self, scope: str) -> Reader:
        """Give the reader in whose name it asks. scope: read or write. Raises ApiError as `auth.reader_for`."""
        caller = self.caller()
        if caller.token is None and caller.reader is not None and (self.trusted or scope == "read"):
            return caller.reader
        return allowed(caller, scope)

    @property
    def address(self) -> str:
        """The IP address it asks from; "" for a program that runs here."""
        return client_address(self.request) if self.request else ""


def anybody() -> Asker:
    """Give somebody who has no token."""
    return Asker(lambda: NOBODY)


def by_request(request: HttpRequest) -> Asker:
    """Give who asks by a request."""
    return Asker(lambda: caller_of(request), request)


def from_here(secret: str) -> Asker:
    """Give who runs a program on this machine: the reader of a token; without one the owner of a one-person site."""
    if secret:
        return Asker(lambda: of_header(f"Bearer {secret}"))
    if alone.choose(HERE):
        return Asker(_owner, trusted=True)
    return anybody()


def _owner() -> Caller:
    # A second account may be made while the program runs; from then on the site is not one person's.
    return Caller(alone.the_reader(), None, "") if alone.is_alone() else NOBODY
