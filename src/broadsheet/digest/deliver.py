"""Sends what the ledger holds: claims, writes, hands in, and writes down what became of each mail.

Any number of processes may do so at once. Between the commit that says "sending" and the one that says what came of it
lies nothing but the handing in; a process that dies there leaves one mail in doubt, and everywhere else none.
"""

import logging
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import FrameType
from typing import Final

from django.conf import settings

from broadsheet.digest import outbox, reconcile, transport
from broadsheet.digest.letters import Desk
from broadsheet.digest.models import Mail
from broadsheet.digest.outbox import Ended
from broadsheet.digest.transport import Folder, HandIn, Transport
from broadsheet.lib.clock import Clock
from broadsheet.mail.messages import Unsendable
from broadsheet.mail.smtp import Accepted, Lost, Outcome, Refused, Throttle

log = logging.getLogger(__name__)
BATCH: Final = 20
SECONDS: Final = 20.0
# A confirmation is waited for by a person; digests are not looked through for them more often than this.
CONFIRMATIONS_EVERY: Final = 5.0
# Mails of one run that could not be handed in at all, one after the other, before the server counts as gone.
GONE_AFTER: Final = 3


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of the mails of a run.

    put_off: tried again later; written: into files, in a dry run. stopped: why the run ended before its work, "" where
    it did not.
    """

    sent: int = 0
    failed: int = 0
    put_off: int = 0
    doubtful: int = 0
    suppressed: int = 0
    written: int = 0
    stopped: str = ""

    @property
    def done(self) -> int:
        """How many mails came to an end."""
        return self.sent + self.failed + self.suppressed + self.written + self.doubtful


@dataclass
class Stop:
    """Whether a run is asked to end; it does so after the mail at hand."""

    asked: bool = False


@dataclass(frozen=True)
class Rules:
    """How mails are sent. rate: per second and process, 0 for any; per_domain: in the hands of all senders."""

    rate: float = 0.0
    per_domain: int = 20
    batch: int = BATCH
    seconds: float = SECONDS
    lease: timedelta = outbox.LEASE
    most: int = 0


def rules() -> Rules:
    """The rules that the settings make."""
    return Rules(rate=settings.CONFIG.mail_rate, per_domain=settings.CONFIG.mail_per_domain)


def accept_log() -> reconcile.AcceptLog | None:
    """Who can be asked what was accepted, by the settings."""
    path = settings.CONFIG.mail_log
    return reconcile.PostfixLog(settings.CONFIG.home / path) if path else None


def work(now: datetime) -> int:
    """Recover, then send what is due for a while; give how many mails came to an end. For the worker."""
    try:
        way = transport.chosen()
    except ValueError as problem:
        log.error("digests: nothing can be sent: %s", problem)
        return 0
    if way is None:
        return 0
    tidy_up(now, accept_log())
    try:
        done = deliver(now, way, rules())
    finally:
        way.close()
    if done.stopped:
        log.warning("digests: sending stopped: %s", done.stopped)
        return 0
    return done.done


def tidy_up(now: datetime, asked: reconcile.AcceptLog | None, *, grace: timedelta = reconcile.GRACE) -> None:
    """Take up what senders left behind, and ask after what is in doubt."""
    with outbox.durable():
        outbox.recover(now)
        reconcile.reconcile(now, asked, grace=grace)


def advancing(start: datetime) -> Clock:
    """A clock that shows `start` now and goes on from there."""
    began = time.monotonic()
    return lambda: start + timedelta(seconds=time.monotonic() - began)


def deliver(now: datetime, way: Transport, how: Rules | None = None, *, clock: Clock | None = None) -> Delivered:
    """Send mails that are due until there are none, the time is over, or the server is gone.

    clock: tells the moments that are written down. A signal to end is obeyed after the mail at hand.
    """
    with finishing_first() as stop, outbox.durable():
        sender = Sender(way, how or Rules(), clock or advancing(now), stop)
        try:
            return sender.run()
        finally:
            sender.finish()


@contextmanager
def finishing_first() -> Iterator[Stop]:
    """Let signals to end wait for the mail at hand, which would be in doubt otherwise; then they take their course."""
    stop, caught = Stop(), Counter[int]()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def note(signum: int, frame: FrameType | None) -> None:
        stop.asked = True
        caught[signum] += 1

    before = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for caught_one in caught:
            signal.raise_signal(caught_one)


@dataclass
class Sender:
    """One process that sends, for the length of one run."""

    way: Transport
    rules: Rules
    clock: Clock
    stop: Stop
    name: str = field(default_factory=outbox.new_sender)
    desk: Desk = field(default_factory=Desk)
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._throttle = Throttle(self.rules.rate) if self.rules.rate else None
        self._over = time.monotonic() + self.rules.seconds
        self._confirmations_at = 0.0
        self._ended: Ended | None = None
        self._unreached = 0
        self._why = ""

    def run(self) -> Delivered:
        """Send."""
        while not self._is_over() and (mails := self._claim()):
            self.desk.lay_out(mails)
            for mail in mails:
                if self._is_over():
                    break
                self._send(mail)
        self._note(None)
        return Delivered(**self.counts, stopped=self._why)

    def finish(self) -> None:
        """Write what is known, and give back the rest."""
        self._note(None)
        outbox.release(self.name)

    def _is_over(self) -> bool:
        enough = bool(self.rules.most) and sum(self.counts.values()) >= self.rules.most
        return self.stop.asked or bool(self._why) or enough or time.monotonic() >= self._over

    def _claim(self) -> list[Mail]:
        # What became of the last mail must not wait for the next batch to be read.
        self._note(None)
        kinds = [""]
        if time.monotonic() >= self._confirmations_at:
            self._confirmations_at = time.monotonic() + CONFIRMATIONS_EVERY
            kinds = ["confirm", ""]
        left = self.rules.most - sum(self.counts.values()) if self.rules.most else self.rules.batch
        for kind in kinds:
            found = outbox.claim(
                self.name,
                self.clock(),
                batch=min(self.rules.batch, left),
                per_domain=self.rules.per_domain,
                lease=self.rules.lease,
                kind=kind,
            )
            if found:
                return found
        return []

    def _send(self, mail: Mail) -> None:
        hand_in = self._made(mail)
        if hand_in is None:
            return
        if isinstance(self.way, Folder):
            outbox.wrote(mail, hand_in().reply, self.clock())  # type: ignore[union-attr]
            self.counts["written"] += 1
            return
        if self._throttle:
            # While it waits, what became of the mail before is known already.
            self._note(None)
            self._throttle.wait()
        if not self._note(mail):
            self.counts["suppressed"] += 1
            return
        outcome = hand_in()
        self._ended = Ended(mail, outcome)
        self._count(outcome)

    def _made(self, mail: Mail) -> HandIn | None:
        """Make a mail; one that cannot be made is put aside."""
        try:
            return self.way.ready(self.desk.letter(mail), self.desk.envelope(mail), mail.token)
        except Unsendable as problem:
            outbox.reject(mail, str(problem), self.clock())
            self.counts["failed"] += 1
        except Exception:  # Whatever is wrong with one digest, all the others go out.
            log.exception("digests: %s cannot be made; it is tried again later", mail)
            outbox.put_off(mail, "it could not be made; the log says why", self.clock())
            self.counts["put_off"] += 1
        return None

    def _note(self, mail: Mail | None) -> bool:
        """Write down what became of the mail before, together with the beginning of this one."""
        ended, self._ended = self._ended, None
        if ended is None and mail is None:
            return False
        return outbox.advance(ended, mail, self.clock(), lease=self.rules.lease)

    def _count(self, outcome: Outcome) -> None:
        self.counts[kind_of(outcome)] += 1
        says_nothing_of_it = not_handed_in(outcome)
        self._unreached = self._unreached + 1 if says_nothing_of_it else 0
        if says_nothing_of_it and (self._unreached >= GONE_AFTER or _is_closed(outcome)):
            self._why = outcome.reason if isinstance(outcome, Lost) else str(getattr(outcome, "reply", ""))


def kind_of(outcome: Outcome) -> str:
    """Name what became of a mail, as in Delivered."""
    if isinstance(outcome, Accepted):
        return "sent"
    if isinstance(outcome, Refused):
        return "failed" if outcome.permanent and not outbox.is_about_us(outcome) else "put_off"
    return "doubtful" if outcome.in_doubt else "put_off"


def not_handed_in(outcome: Outcome) -> bool:
    """Whether the trouble is with the server, not with the mail."""
    if isinstance(outcome, Lost):
        return not outcome.in_doubt
    return isinstance(outcome, Refused) and outbox.is_about_us(outcome)


def _is_closed(outcome: Outcome) -> bool:
    """Whether trying another mail is useless: nobody is let in."""
    return isinstance(outcome, Refused) and outcome.at == "login"
