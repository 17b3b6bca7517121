"""What the worker does for deliveries: prepare what is due, send what waits, forget what is old.

A message and its rows in the ledger are written in one transaction. Whoever sends to a place holds it by a lease, taken
by a conditional update, so that of two workers one sends. A message is marked as on its way before it leaves and as
sent after; a process that is killed in between leaves it to be sent once more, under the same number.

Sending happens in threads that touch no database; all notes are written by the thread that calls.
"""

import logging
import queue
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q
from django.urls import reverse

from broadsheet.delivery import choose, message, places
from broadsheet.delivery.models import Delivery, Hook, Told
from broadsheet.delivery.places import SENDERS, Send
from broadsheet.delivery.sending import Message, Outcome
from broadsheet.editions import lists, named
from broadsheet.editions.named import NamedList, NoSuchList
from broadsheet.lib.clock import Clock
from broadsheet.lib.clock import now as wall_clock
from broadsheet.papers import claims
from broadsheet.papers.models import Paper
from broadsheet.readers import notifications

log = logging.getLogger("broadsheet.delivery")
# Seconds of one step for looking at lists, and messages made of one look: the rest comes with the next step.
LOOK_SECONDS: Final = 10.0
MOST_LOOKED: Final = 1000
MESSAGES_AT_ONCE: Final = 10
# Lists that move by votes alone are looked at this often.
LOOK_AGAIN: Final = timedelta(minutes=10)
# An edition is over when nothing was added to it for so long.
QUIET_FOR: Final = timedelta(hours=1)
# A paper is first seen a little before it stands in the record: the past begins that long before the last message.
OVERLAP: Final = timedelta(hours=6)
PARALLEL: Final = 8
# Places that took long the last time get no more of them than this, so that they only wait for each other.
SLOW_PARALLEL: Final = 2
# Nothing new is begun after so many seconds of a step; what is on its way is waited for that much longer.
STEP_SECONDS: Final = 20.0
GRACE_SECONDS: Final = 25.0
LEASE: Final = timedelta(minutes=3)
# Waits between two tries: about three days together.
WAITS: Final = tuple(timedelta(seconds=seconds) for seconds in (30, 300, 1800, 7200, 18000, 36000, 50400, 64800, 79200))
LONGEST_WAIT: Final = timedelta(days=1)
# So many messages in a row that a place refused for good, and it is paused.
MOST_FAILURES: Final = 5
KEPT_FOR: Final = timedelta(days=30)


def prepare(now: datetime) -> int:
    """Make the messages that are due; give how many."""
    day, change = _over(now), places.latest_change()
    hooks = Hook.objects.filter(state="active", reader__state="active").select_related("reader")
    stale = Q(rhythm="at-once") & (~Q(change=change) | Q(looked__lte=now - LOOK_AGAIN))
    if day is not None:
        stale |= ~Q(rhythm="at-once") & (Q(day__lt=day) | Q(day=None))
    # Digests come at hours of their own.
    stale |= Q(key="digest", looked__lte=now - LOOK_AGAIN)
    begun, made = time.monotonic(), 0
    for hook in list(hooks.filter(stale).order_by("looked", "pk")[:MOST_LOOKED]):
        if time.monotonic() - begun > LOOK_SECONDS:
            break
        made += _prepare(hook, day, change, now)
    return made


def _over(now: datetime) -> date | None:
    """Give the newest edition day once nothing was added to it for a while."""
    day = lists.latest_day(now)
    if day is None:
        return None
    newest = lists.places(day, day).aggregate(newest=Max("first_seen"))["newest"]
    return day if newest and newest + QUIET_FOR <= now else None


def _prepare(hook: Hook, day: date | None, change: int, now: datetime) -> int:
    try:
        if not _is_time(hook, day):
            Hook.objects.filter(pk=hook.pk).update(looked=now, day=day or hook.day)
            return 0
        found, numbers = choose.fresh(hook, now)
    except NoSuchList as wrong:
        # The list is gone, as an organisation that was dissolved.
        _give_up(hook, str(wrong), now)
        return 0
    return _write(hook, found, numbers, day, change, now)


def _is_time(hook: Hook, day: date | None) -> bool:
    """Whether the rhythm of a place lets it be told, where the newest edition that is over is that of a day."""
    if hook.rhythm == "at-once" or (hook.key in named.OWN and named.head(hook.key, reader=hook.reader).paced):
        return True
    if day is None or (hook.day is not None and hook.day >= day):
        return False
    return hook.rhythm != "weekly" or hook.day is None or lists.week_key(day) != lists.week_key(hook.day)


def _write(hook: Hook, found: NamedList, numbers: list[int], day: date | None, change: int, now: datetime) -> int:
    """Write messages and ledger in one transaction, if nobody looked at the same place meanwhile."""
    regular = hook.rhythm != "at-once" and not found.paced
    wanted = numbers[: hook.most * (1 if regular else MESSAGES_AT_ONCE)]
    enough = len(numbers) >= hook.least
    papers = choose.whole(wanted) if enough else []
    more = len(numbers) - len(wanted)
    noted: dict[str, object] = {"looked": now, "change": change if not more or regular else hook.change}
    if regular:
        noted["day"] = day
    if enough and (regular or not more):
        noted["since"] = max(hook.since, now - OVERLAP)
    with transaction.atomic():
        unchanged = Hook.objects.filter(pk=hook.pk, state="active", looked=hook.looked, since=hook.since)
        if not unchanged.update(**noted):
            return 0
        batches = [papers[first : first + hook.most] for first in range(0, len(papers), hook.most)]
        for position, batch in enumerate(batches):
            _one(hook, found, batch, more if regular else 0, position, now)
        if enough and regular:
            choose.pass_over(hook, numbers[len(wanted) :], now)
    return len(batches)


def _one(hook: Hook, found: NamedList, batch: list[Paper], more: int, position: int, now: datetime) -> None:
    number = uuid4()
    delivery = Delivery.objects.create(
        id=number,
        hook=hook,
        papers=[paper.key for paper in batch],
        payload=message.payload(hook.kind, number, found, batch, more, now),
        made=now,
        position=position,
        at=now,
    )
    Told.objects.bulk_create([Told(hook=hook, paper=paper, delivery=delivery, at=now) for paper in batch])


@dataclass
class Round:
    """One round of sending: what is under way, and what came back. `clock` and `senders` are there to be replaced."""

    clock: Clock = wall_clock
    senders: Mapping[str, Send] = field(default_factory=lambda: SENDERS)
    seconds: float = STEP_SECONDS
    grace: float = GRACE_SECONDS
    random: Callable[[], float] = random.random
    under_way: dict[UUID, Hook] = field(default_factory=dict)
    back: "queue.SimpleQueue[tuple[UUID, Outcome]]" = field(default_factory=queue.SimpleQueue)

    def run(self) -> int:
        """Send what waits, each place its messages one after the other, the places beside each other; give how many."""
        begun, done = time.monotonic(), 0
        fast, slow = self._waiting()
        while fast or slow or self.under_way:
            if time.monotonic() - begun < self.seconds:
                self._begin(fast, slow)
            if not self.under_way:
                break
            left = begun + self.seconds + self.grace - time.monotonic()
            try:
                number, outcome = self.back.get(timeout=max(left, 0.0))
            except queue.Empty:
                # A look-up that hangs: the lease ends by itself, and the message is sent with a later round.
                break
            hook = self.under_way.pop(number)
            done += 1
            if self.note(hook, number, outcome):
                (slow if outcome.slow else fast).append(hook)
            else:
                release(hook)
        for hook in (*fast, *slow):
            release(hook)
        return done

    def _waiting(self) -> tuple[list[Hook], list[Hook]]:
        now = self.clock()
        waiting = Delivery.objects.filter(hook=OuterRef("pk"), state__in=("waiting", "sending"))
        free = Q(busy_until=None) | Q(busy_until__lte=now)
        due = Q(next_try=None) | Q(next_try__lte=now)
        hooks = Hook.objects.filter(free, due, Exists(waiting), state="active", reader__state="active")
        found = list(hooks.order_by("next_try", "pk")[:1000])
        return [hook for hook in found if not hook.slow], [hook for hook in found if hook.slow]

    def _begin(self, fast: list[Hook], slow: list[Hook]) -> None:
        """Begin as many as there is room for."""
        slow_now = sum(hook.slow for hook in self.under_way.values())
        while slow and slow_now < SLOW_PARALLEL and len(self.under_way) < PARALLEL:
            slow_now += self._start(slow.pop(0))
        while fast and len(self.under_way) < PARALLEL:
            self._start(fast.pop(0))

    def _start(self, hook: Hook) -> bool:
        now = self.clock()
        found = claim(hook, now)
        if found is None:
            return False
        sent = places.parcel(hook, found.id, found.payload, now)
        self.under_way[found.id] = hook
        threading.Thread(target=self._carry, args=(found.id, sent), daemon=True).start()
        return True

    def _carry(self, number: UUID, sent: Message) -> None:
        try:
            outcome = self.senders[sent.kind](sent)
        except Exception:  # The outermost call of a thread: whatever breaks in it must not be lost, nor stop the round.
            log.exception("delivery %s broke while it was sent", number)
            outcome = Outcome("again", says="Something went wrong here while it was sent.")
        self.back.put((number, outcome))

    def note(self, hook: Hook, number: UUID, outcome: Outcome) -> bool:
        """Write down what came of a try; say whether the place may get its next message at once."""
        now = self.clock()
        delivery = Delivery.objects.filter(pk=number, state="sending").first()
        if delivery is None:
            # Removed meanwhile, with its place.
            return False
        delivery.status, delivery.says, delivery.at = outcome.status, outcome.says, now
        hook.slow = outcome.slow
        if outcome.state == "again" and delivery.tries <= len(WAITS):
            delivery.state = "waiting"
            hook.next_try = now + self._wait(delivery.tries, outcome.wait)
        else:
            delivery.state = "sent" if outcome.state == "sent" else "failed"
            hook.failures = 0 if outcome.state == "sent" else hook.failures + 1
            hook.next_try = None
        with transaction.atomic():
            delivery.save(update_fields=["state", "status", "says", "at"])
            Hook.objects.filter(pk=hook.pk).update(slow=hook.slow, failures=hook.failures, next_try=hook.next_try)
        if outcome.state == "gone" or (delivery.state == "failed" and outcome.state == "again"):
            _give_up(hook, outcome.says, now)
            return False
        if hook.failures >= MOST_FAILURES:
            _give_up(hook, outcome.says, now)
            return False
        return delivery.state != "waiting"

    def _wait(self, tries: int, asked: float | None) -> timedelta:
        """Choose the wait after a try: longer each time, a fifth of it by chance; never less than was asked for."""
        wait = WAITS[min(tries, len(WAITS)) - 1] * (0.9 + 0.2 * self.random())
        return min(max(wait, timedelta(seconds=asked or 0)), LONGEST_WAIT)


def claim(hook: Hook, now: datetime) -> Delivery | None:
    """Take a place, and mark its next message as on its way; None where somebody else has it, or nothing waits."""
    mine = Q(busy_until=hook.busy_until) if hook.busy_until and hook.busy_until > now else Q(busy_until__lte=now)
    free = mine | Q(busy_until=None)
    with transaction.atomic():
        until = now + LEASE
        if not Hook.objects.filter(free, pk=hook.pk, state="active").update(busy_until=until):
            return None
        hook.refresh_from_db()
        found = _next(hook, now)
        if found is None:
            Hook.objects.filter(pk=hook.pk).update(busy_until=None)
            return None
        found.state, found.tries, found.first_try = "sending", found.tries + 1, found.first_try or now
        found.save(update_fields=["state", "tries", "first_try", "payload"])
    return found


def _next(hook: Hook, now: datetime) -> Delivery | None:
    """Give the message whose turn it is, without papers that were hidden or withdrawn since it was made."""
    for found in hook.deliveries.filter(state__in=("waiting", "sending")).order_by("made", "position"):
        shown = {paper.key for paper in Paper.objects.filter(key__in=found.papers) if paper.is_shown}
        if shown >= set(found.papers):
            return found
        found.payload = message.still_shown(found.payload, shown)
        if found.payload["papers"]:
            return found
        says = "Its papers are no longer shown here."
        Delivery.objects.filter(pk=found.pk).update(state="failed", says=says, payload=found.payload, at=now)
    return None


def release(hook: Hook) -> None:
    """Let others send to a place that we hold."""
    Hook.objects.filter(pk=hook.pk, busy_until=hook.busy_until).update(busy_until=None)


def _give_up(hook: Hook, says: str, now: datetime) -> None:
    """Pause a place that nothing reaches, and tell its reader."""
    if Hook.objects.filter(pk=hook.pk, state="active").update(state="failing", says=says, busy_until=None):
        data = {"did": "failing", "title": hook.name or hook.key, "reason": says}
        notifications.notify([hook.reader], "delivery", data, reverse("deliveries"), now=now)


def forget(now: datetime) -> int:
    """Delete messages that are a month old; the ledger stays."""
    old = Delivery.objects.filter(at__lt=now - KEPT_FOR).filter(
        Q(state__in=("sent", "failed")) | ~Q(hook__state="active")
    )
    numbers = list(old.values_list("pk", flat=True)[:1000])
    Told.objects.filter(delivery__in=numbers).update(delivery=None)
    Delivery.objects.filter(pk__in=numbers).delete()
    return len(numbers)


def run(now: datetime) -> int:
    """Prepare, send and forget; give how much was done. A step of the worker."""
    from broadsheet.delivery import websub

    with claims.alone("deliveries") as mine:
        # Whoever is second would look for the same papers, and throw them away.
        made = prepare(now) if mine else 0
    return made + Round().run() + forget(now) + websub.ping(now)
