"""Mails in doubt, asked after by Message-ID where somebody knows what was accepted.

A mail is in doubt when the connection, or the sender, was gone between the end of the message and its answer. Postfix
writes down what it accepted, so its log can tell; a service of mail tells by its events. What is not in a log that
reaches over the moment was not accepted, once the log had time to say so. Without anybody to ask it stays in doubt.
"""

import logging
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Protocol

from broadsheet.digest import outbox
from broadsheet.digest.models import Mail

log = logging.getLogger(__name__)
# A log lags behind the answer it tells of.
GRACE: Final = timedelta(minutes=2)
# What is older is a digest of long ago: a person says whether it goes out again.
LOOK_BACK: Final = outbox.GIVE_UP
MOST: Final = 10_000
_LINE: Final = re.compile(rb"postfix[^ \[]*/(\w+)\[\d+\]: (\w+): (.*)")
_NAMED: Final = re.compile(rb"(?:resent-)?message-id=(<[^>]*>)")
_STAMPED: Final = re.compile(rb"\d{4}-\d\d-\d\dT|[A-Z][a-z]{2} [ \d]\d ")
_NEW_STAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)")
_OLD_STAMP: Final = re.compile(r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d")


@dataclass(frozen=True, slots=True)
class Seen:
    """What a log says: which of the mails asked after were accepted, and from when to when it reaches."""

    accepted: frozenset[str]
    first: datetime
    last: datetime

    def reaches(self, moment: datetime) -> bool:
        """Whether what was accepted at a moment would stand in it; stamps may be whole seconds."""
        return self.first <= moment and self.last >= moment.replace(microsecond=0)


class AcceptLog(Protocol):
    """Somebody who knows what a mail server accepted."""

    def read(self, message_ids: Collection[str], now: datetime) -> Seen | None:
        """Look for mails; None where nobody can tell."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """How many mails in doubt turned out to be sent, were queued again, and stay in doubt."""

    sent: int = 0
    again: int = 0
    held: int = 0


def reconcile(now: datetime, accept_log: AcceptLog | None, *, grace: timedelta = GRACE) -> Reconciled:
    """Ask after the mails in doubt."""
    doubtful = Mail.objects.filter(state="doubtful", claimed_until__gt=now - LOOK_BACK).order_by("pk")[:MOST]
    rows = list(doubtful.only("pk", "message_id", "next_try", "claimed_until"))
    seen = accept_log.read({row.message_id for row in rows}, now) if rows and accept_log else None
    if seen is None:
        return Reconciled(held=len(rows))
    there = [row.pk for row in rows if row.message_id in seen.accepted]
    missing = [row.pk for row in rows if row.message_id not in seen.accepted and _is_over(row, seen, now, grace)]
    done = Reconciled(outbox.sent(there, now, "accepted, says the log of the server"), outbox.again(missing, now))
    return Reconciled(done.sent, done.again, len(rows) - done.sent - done.again)


def _is_over(row: Mail, seen: Seen, now: datetime, grace: timedelta) -> bool:
    since = row.claimed_until
    return since is not None and now >= since + grace and seen.reaches(row.next_try)


def accepted(message_ids: Iterable[str], now: datetime, *, tokens: Iterable[str] = ()) -> int:
    """Take the word of a service of mail that these were accepted; give how many were in doubt.

    tokens: of mails, for services that give messages names of their own.
    """
    names = [name if name.startswith("<") else f"<{name}>" for name in message_ids]
    doubtful = Mail.objects.filter(state="doubtful")
    found = [*doubtful.filter(message_id__in=names), *doubtful.filter(token__in=list(tokens))]
    return outbox.sent(sorted({mail.pk for mail in found}), now, "accepted, says the service of mail")


@dataclass(frozen=True, slots=True)
class PostfixLog:
    """The log of a Postfix on this machine, and the one before it (`path`.1)."""

    path: Path

    def read(self, message_ids: Collection[str], now: datetime) -> Seen | None:
        """Look for mails; None where the log cannot be read or tells no time."""
        wanted = {name.encode(): name for name in message_ids}
        span = _Span(now)
        try:
            taken = frozenset(wanted[name] for name in accepted_in(span.passing(self._lines())) if name in wanted)
        except OSError as problem:
            log.warning("digests: the log of the mail server cannot be read, so mails stay in doubt: %s", problem)
            return None
        return Seen(taken, span.first, span.last) if span.first and span.last else None

    def _lines(self) -> Iterator[bytes]:
        for path in self._parts():
            with path.open("rb") as lines:
                yield from lines

    def _parts(self) -> list[Path]:
        older = self.path.with_name(f"{self.path.name}.1")
        return [*([older] if older.exists() else []), self.path]


class _Span:
    """From when to when the lines reach that passed."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.first: datetime | None = None
        self._latest = b""

    @property
    def last(self) -> datetime | None:
        return _stamp(self._latest, self.now)

    def passing(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        for line in lines:
            if _STAMPED.match(line):
                self.first = self.first or _stamp(line, self.now)
                self._latest = line
            yield line


def accepted_in(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Give the Message-IDs that a Postfix took over, with their angle brackets.

    That the name of a message was read is not enough: it comes before the end of the message. What is in the queue, or
    on its way, was taken. Queue names come again, so lines are read in order.
    """
    names: dict[bytes, bytes] = {}
    for line in lines:
        found = _LINE.search(line)
        if not found:
            continue
        program, queue, says = found.groups()
        if program == b"cleanup" and (named := _NAMED.match(says)):
            names[queue] = named[1]
        elif queue in names and (b"queue active" in says or b"status=" in says):
            yield names.pop(queue)


def _stamp(line: bytes, now: datetime) -> datetime | None:
    """Read the time at the start of a line; the older form has neither year nor zone, so they are this machine's."""
    text = line[:40].decode("ascii", "replace")
    if found := _NEW_STAMP.match(text):
        return datetime.fromisoformat(found[0]).astimezone(UTC)
    if not _OLD_STAMP.match(text):
        return None
    # The year must be there to be read: 29 February is a day in some years alone.
    for year in (now.year, now.year - 1):
        try:
            read = datetime.strptime(f"{year} {text[:15]}", "%Y %b %d %H:%M:%S").astimezone()
        except ValueError:
            continue
        if read <= now + timedelta(days=1):
            return read.astimezone(UTC)
    return None
