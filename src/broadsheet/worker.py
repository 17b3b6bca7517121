"""The background work: a loop that does what is due. Every step is an idempotent command whose work list is a query.

Two workers may run side by side, also on several hosts: harvests and mails are claimed, the shard has a lock, a day
closes once, and of what concerns the record as a whole each step is done by one of them.
"""

import logging
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import FrameType
from typing import Final

from django.db import DatabaseError, InterfaceError, close_old_connections, connection

from broadsheet.cli import prepare
from broadsheet.lib.clock import Clock
from broadsheet.lib.clock import now as wall_clock
from broadsheet.lib.processes import end_with_parent

log = logging.getLogger("broadsheet.worker")
# How long the loop sleeps when nothing is due.
IDLE: Final = timedelta(seconds=5)
# What one round of encoding may take, so that new papers are indexed and harvests begin in time.
ENCODE_AT_ONCE: Final = 512
LOOK_AGAIN: Final = timedelta(minutes=10)
# The same failure of a step is logged once in so long.
TELL_AGAIN: Final = timedelta(minutes=10)


class DatabaseGone(Exception):
    """The record cannot be reached at the moment: no step can do anything, and none is to blame."""


@dataclass(frozen=True, slots=True)
class Step:
    """A piece of work: `run` gives how much it did; after nothing, or a failure, it rests for `every`.

    shared: on the record as a whole, so that of several hosts one does it and the others rest. The others are done on
    each host, as its index, or take rows one by one, as its mails.
    """

    name: str
    run: Callable[[datetime], int]
    every: timedelta
    shared: bool = False


def steps() -> tuple[Step, ...]:
    """The steps of one round. What is here comes before what may come: a harvest may wait for minutes."""
    return (
        Step("index", index, timedelta(seconds=5)),
        Step("encoder", build_encoder, timedelta(hours=6)),
        Step("encode", Encoding(), timedelta(seconds=10)),
        Step("index vectors", index, timedelta(seconds=5)),
        Step("background", learn_background, timedelta(minutes=5), shared=True),
        Step("map", draw_map, timedelta(hours=1)),
        Step("harvest", harvest, timedelta(seconds=30)),
        Step("editions", close_editions, timedelta(minutes=10), shared=True),
        Step("standing", assess_standing, timedelta(minutes=10), shared=True),
        # Until the first look a spurt of votes counts as it came.
        Step("steered votes", look_for_steered_votes, timedelta(minutes=5), shared=True),
        Step("origins", forget_origins, timedelta(hours=1), shared=True),
        Step("alerts", alert, timedelta(seconds=30), shared=True),
        Step("profiles", learn_profiles, timedelta(minutes=5), shared=True),
        Step("mails", send_mails, timedelta(minutes=1)),
        Step("deliveries", deliver, timedelta(seconds=30)),
        Step("digests", send_digests, timedelta(minutes=1)),
        Step("bounces", read_bounces, timedelta(minutes=10), shared=True),
        Step("tidying", tidy, timedelta(hours=1), shared=True),
    )


def index(now: datetime) -> int:
    """Bring the shard up to date."""
    from broadsheet.papers import finding

    return finding.index()


def build_encoder(now: datetime) -> int:
    """Build the encoder where it is missing."""
    from broadsheet.papers import encoder_setup

    if encoder_setup.is_built():
        return 0
    encoder_setup.build_encoder()
    return 1


def harvest(now: datetime) -> int:
    """Harvest the sources that are due."""
    from broadsheet.papers import harvesting

    return harvesting.harvest_due(now)


class Encoding:
    """Encode some papers that have no vector yet, by the encoder in use or by one that is being brought in.

    When there was none it waits for the record to change: among millions of papers a look takes seconds. What another
    host has taken may come back when that host dies, so then it goes on looking.
    """

    def __init__(self) -> None:
        self._nothing: tuple[tuple[object, ...], datetime] | None = None

    def __call__(self, now: datetime) -> int:
        """Encode; give how many."""
        from broadsheet.papers import encoder_setup
        from broadsheet.papers.changes import RecordLog

        standing = (RecordLog().head(), *(encoder.id for encoder in encoder_setup.bulk_encoders()))
        if self._nothing and self._nothing[0] == standing and now < self._nothing[1] + LOOK_AGAIN:
            return 0
        done = encoder_setup.encode_some(ENCODE_AT_ONCE)
        self._nothing = None if done or encoder_setup.encoded_elsewhere() else (standing, now)
        return done


def learn_background(now: datetime) -> int:
    """Learn what the papers of the record look like on the whole, where that is missing or out of date."""
    from broadsheet.foryou import features

    return features.build_background(now)


def draw_map(now: datetime) -> int:
    """Draw the map of the record's topics, where it is missing or out of date."""
    from broadsheet.foryou import map as maps

    return int(maps.build(now))


def learn_profiles(now: datetime) -> int:
    """Learn the profiles anew that are out of date."""
    from broadsheet.foryou import profiles

    return profiles.relearn(now)


def close_editions(now: datetime) -> int:
    """Close the days that are over."""
    from broadsheet.editions.closing import close_due

    return close_due(now)


def assess_standing(now: datetime) -> int:
    """Assess the readers who were not assessed today."""
    from broadsheet.community import standing

    return standing.assess_due(now)


def look_for_steered_votes(now: datetime) -> int:
    """Look for steered votes among those of the last weeks."""
    from broadsheet.community import integrity

    return integrity.look(now)


def forget_origins(now: datetime) -> int:
    """Forget which networks votes came from once they are a month old."""
    from broadsheet.community import origins

    return origins.forget_old(now)


def alert(now: datetime) -> int:
    """Tell readers at once what is new in the lists for which they want it."""
    from broadsheet.editions import alerts

    return alerts.look(now)


def send_mails(now: datetime) -> int:
    """Send the notifications that readers want by mail."""
    from broadsheet.readers import notifications

    return notifications.send_mails(now)


def deliver(now: datetime) -> int:
    """Send lists to the web hooks and chats of readers."""
    from broadsheet.delivery import due

    return due.run(now)


def send_digests(now: datetime) -> int:
    """Choose the digests that are due and send them."""
    from broadsheet.digest import run

    return run.run(now)


def read_bounces(now: datetime) -> int:
    """Read what came back from the mailbox that bounces go to."""
    from broadsheet.digest import mailbox

    return mailbox.read_due(now)


def tidy(now: datetime) -> int:
    """Delete ended sessions and other things of accounts that are over, addresses that never answered, old bounces."""
    from broadsheet.digest import bounces, subscribing
    from broadsheet.readers import tidying

    return tidying.tidy(now) + subscribing.tidy(now) + bounces.forget(now)


class Worker:
    """Runs steps when they are due until it is told to stop."""

    def __init__(self, work: tuple[Step, ...], clock: Clock = wall_clock) -> None:
        self.work = work
        self.clock = clock
        self.stopping = threading.Event()
        self.rests_since: dict[str, datetime] = {}
        self.told: dict[tuple[str, str], datetime] = {}

    def stop(self) -> None:
        """End after the step at hand."""
        self.stopping.set()

    def once(self) -> int:
        """Run every step that is due; give how much was done in all."""
        done = 0
        for step in self.work:
            now = self.clock()
            if self.stopping.is_set() or self.rests(step, now):
                continue
            did = self.attempt(step, now)
            if not did:
                self.rests_since[step.name] = now
            done += did
        return done

    def rests(self, step: Step, now: datetime) -> bool:
        """Tell whether a step is not due yet. One that rests since a later moment is: the clock was set back."""
        since = self.rests_since.get(step.name)
        return since is not None and timedelta() <= now - since < step.every

    def attempt(self, step: Step, now: datetime) -> int:
        """Run a step; a failure is logged with the step's name, and the others go on. Raises DatabaseGone."""
        try:
            return self._take_turn(step, now) if step.shared else step.run(now)
        except Exception as problem:  # The outermost loop: one broken step must not stop the others.
            if isinstance(problem, DatabaseError | InterfaceError) and (was_cut(problem) or not is_there()):
                raise DatabaseGone(f"the step {step.name!r} lost the database: {problem}") from problem
            self._tell(step, problem, now)
            return 0

    def _tell(self, step: Step, problem: Exception, now: datetime) -> None:
        """Log a failure; the same one, which comes every few seconds while a cluster is away, once in a while."""
        self.told = {failure: at for failure, at in self.told.items() if now - at < TELL_AGAIN}
        failure = (step.name, repr(problem))
        if failure not in self.told:
            self.told[failure] = now
            log.exception("the step %r failed; it is tried again in %s", step.name, step.every)

    def _take_turn(self, step: Step, now: datetime) -> int:
        from broadsheet.papers import claims

        with claims.turn(step.name, step.every) as mine:
            done = step.run(now) if mine else 0
        if done:
            claims.again(step.name)
        return done

    def run(self) -> None:
        """Work until told to stop."""
        while not self.stopping.is_set():
            # One that the server ended, as when it was started anew, is of no use any more.
            close_old_connections()
            if not self._round():
                self.stopping.wait(IDLE.total_seconds())

    def _round(self) -> int:
        try:
            return self.once()
        except DatabaseGone as problem:
            log.warning("%s; tried again in %s", " ".join(str(problem).split()), IDLE)
            return 0


def is_there() -> bool:
    """Whether the connection to the database still answers."""
    return connection.connection is not None and connection.is_usable()


def was_cut(problem: Exception) -> bool:
    """Whether PostgreSQL itself ended the connection; another may be open by now.

    By the classes of its codes: connection exceptions, operator intervention (PostgreSQL's documentation, appendix A).
    """
    return str(getattr(problem.__cause__, "sqlstate", "")).startswith(("08", "57P"))


def leave(signum: int, frame: FrameType | None) -> None:
    """End now: every step can be stopped anywhere, and a harvest may be waiting for minutes."""
    raise SystemExit(0)


def main() -> None:
    """Work beside a site, at low priority, until told to stop."""
    if os.environ.get("BROADSHEET_CHILD"):
        end_with_parent()
    prepare()
    os.nice(10)
    worker = Worker(steps())
    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    worker.run()


if __name__ == "__main__":
    main()
