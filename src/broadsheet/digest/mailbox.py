"""A mailbox that bounces come to, read over IMAP (RFC 3501) with TLS.

What is unread is taken in, then marked as read, then put into the folder "Broadsheet". A message is only marked once
the ledger has it: one that is read twice counts once. What is not understood stays where it is, for a person.
"""

import imaplib
import logging
import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.db import DatabaseError

from broadsheet.digest import bounces
from broadsheet.digest.bounces import Taken
from broadsheet.mail.bounces.parts import LONGEST_MESSAGE

log = logging.getLogger(__name__)
FOLDER: Final = "Broadsheet"
PORT: Final = 993
TIMEOUT: Final = 30.0
BATCH: Final = 100
# Marked for a person, left unread, and not tried again.
STUCK: Final = r"\Flagged"
_UID: Final = re.compile(rb"\d{1,10}")

Take = Callable[[bytes], Taken]


class Unreachable(Exception):
    """The mailbox cannot be read now; says why in words for the operator, without the password."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the mailbox is. folder: its name in ASCII."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    folder: str = "INBOX"


def place(url: str) -> Place:
    """Read imaps://user:password@host:port/folder."""
    parts = urlsplit(url)
    return Place(
        parts.hostname or "",
        parts.port or PORT,
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        unquote(parts.path).strip("/") or "INBOX",
    )


def read_due(now: datetime) -> int:
    """Take in what is unread in the mailbox that the settings name; give how much. A step of the worker."""
    url = settings.CONFIG.bounce_imap
    if not url:
        return 0
    where = place(url)
    try:
        return collect(where, lambda raw: bounces.take(raw, "imap", now=now))
    except Unreachable as problem:
        log.warning("bounces: the mailbox at %s cannot be read: %s; it is tried again later", where.host, problem)
        return 0


def collect(where: Place, take: Take, *, batch: int = BATCH, context: ssl.SSLContext | None = None) -> int:
    """Take in up to so many unread messages; give how many were. Raises Unreachable."""
    with _calmly(where.password), _opened(where, context) as connection:
        moves = _can_move(connection)
        done = 0
        for uid in _unread(connection):
            if done >= batch:
                break
            done += _one(connection, uid, take, moves=moves)
        return done


def _one(connection: imaplib.IMAP4, uid: str, take: Take, *, moves: bool) -> int:
    """Take in one message; give 1, or 0 for one that cannot be: it is put aside and never stops the rest."""
    try:
        raw = _fetched(connection, uid)
        if raw is None:
            return 0
        taken = take(raw)
    except (imaplib.IMAP4.abort, OSError, DatabaseError, Unreachable):
        # Not the message's fault: it stays unread, and is tried again.
        raise
    except Exception:  # The outermost loop over messages that anybody may send.
        log.exception("bounces: message %s of the mailbox cannot be taken in; it is flagged, for a person", uid)
        _mark(connection, uid, STUCK)
        return 0
    log.info("bounces: message %s: %s", uid, taken.says)
    _mark(connection, uid, r"\Seen")
    if moves and taken.kind != "unknown":
        # Where it cannot be moved it is read all the same.
        connection.uid("MOVE", uid, FOLDER)
    return 1


def _mark(connection: imaplib.IMAP4, uid: str, flag: str) -> None:
    status, data = connection.uid("STORE", uid, "+FLAGS.SILENT", f"({flag})")
    if status != "OK":
        # It would come again and again.
        raise Unreachable(f"its messages cannot be marked: {_words(data[0])}")


def _fetched(connection: imaplib.IMAP4, uid: str) -> bytes | None:
    """Give a message as far as it is worth reading, without marking it; None where it is gone."""
    _status, data = connection.uid("FETCH", uid, f"(BODY.PEEK[]<0.{LONGEST_MESSAGE}>)")
    return next((part[1] for part in data if isinstance(part, tuple)), None)


def _unread(connection: imaplib.IMAP4) -> Iterator[str]:
    _status, data = connection.uid("SEARCH", "UNSEEN", "UNFLAGGED", "UNDELETED")
    for line in data:
        for uid in (line or b"").split():
            if _UID.fullmatch(uid):
                yield uid.decode()


def _can_move(connection: imaplib.IMAP4) -> bool:
    """Whether read messages can be put aside (RFC 6851), into a folder that is made where it is missing."""
    if "MOVE" not in connection.capabilities:
        return False
    if any(connection.list('""', FOLDER)[1]):
        return True
    return connection.create(FOLDER)[0] == "OK"


@contextmanager
def _opened(where: Place, context: ssl.SSLContext | None) -> Iterator[imaplib.IMAP4]:
    secure = context or ssl.create_default_context()
    connection = imaplib.IMAP4_SSL(where.host, where.port, ssl_context=secure, timeout=TIMEOUT)
    try:
        _sign_in(connection, where)
        _select(connection, where.folder)
        yield connection
    finally:
        with suppress(imaplib.IMAP4.error, OSError):
            connection.logout()
        # A goodbye that finds nobody leaves the line open.
        with suppress(OSError):
            connection.shutdown()


def _sign_in(connection: imaplib.IMAP4, where: Place) -> None:
    if "AUTH=PLAIN" in connection.capabilities:
        # RFC 4616: takes any letters, where the older command takes ASCII alone.
        connection.authenticate("PLAIN", lambda _asked: f"\0{where.user}\0{where.password}".encode())
    elif (where.user + where.password).isascii():
        connection.login(_quoted(where.user), where.password)
    else:
        raise Unreachable("its server takes names and passwords in ASCII alone")
    # What can be done may be told anew once somebody is known.
    connection.capabilities = _capabilities(connection)


def _capabilities(connection: imaplib.IMAP4) -> tuple[str, ...]:
    _status, data = connection.capability()
    return tuple((data[-1] or b"").decode("ascii", "replace").upper().split()) if data else ()


def _select(connection: imaplib.IMAP4, folder: str) -> None:
    status, data = connection.select(_quoted(folder))
    if status != "OK":
        raise Unreachable(f"it has no folder {folder!r}: {_words(data[0])}")


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@contextmanager
def _calmly(password: str) -> Iterator[None]:
    """Say in a line what servers and networks do."""
    try:
        yield
    except (imaplib.IMAP4.error, OSError, UnicodeError) as problem:
        first = problem.args[0] if problem.args else ""
        says = _words(first if isinstance(first, bytes) else str(problem)) or type(problem).__name__
        raise Unreachable(says.replace(password, "\N{HORIZONTAL ELLIPSIS}") if password else says) from None


def _words(said: object) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return " ".join(text.split())[:300]
