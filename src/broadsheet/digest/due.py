"""Who gets a digest now, and of which editions.

A subscription has a moment in each local day, week or month at which its hour strikes: its slot. A digest is of the
newest edition that was announced by the last slot, unless it was told of that one before. So there is one digest in a
slot at most, and after a weekend or a holiday, when nothing new was announced, none.

The moment before which nothing can be due is kept with each subscription, so that the work list is one short look into
an index while nothing is due.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.db.models import OuterRef, Q, QuerySet, Subquery

from broadsheet.digest.models import Digest, Subscription
from broadsheet.papers import completeness, schedule
from broadsheet.papers.models import Harvest, Paper
from broadsheet.sources import calendar

BATCH: Final = 500
DAY: Final = timedelta(days=1)
# How far back a digest reaches at most: a daily one that many editions, the others that many days.
DAILY_EDITIONS: Final = 3
REACH: Final = {"weekly": timedelta(days=7), "monthly": timedelta(days=31), "when": timedelta(days=31)}
# Who waits for an edition looks again after so long.
LOOK_AGAIN: Final = timedelta(minutes=5)
# Of the sources, those that tell what was announced; lists kept elsewhere fill during the day.
ANNOUNCING: Final = ("arxiv-feeds", "arxiv-oai")
WHOLE: Final = frozenset({"complete", "late", "holiday"})


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When somebody wants digests. See `models.Subscription` for what the fields mean."""

    rhythm: str
    hour: int
    time_zone: str
    weekday: int = 0
    paused_until: date | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """A digest to be made: of the editions from `first` to `last`; partial where the last one is not complete."""

    subscription: Subscription
    first: date
    last: date
    partial: bool


def due(now: datetime, batch: int = BATCH) -> Iterator[list[Due]]:
    """Give the digests that are due, in batches; who has to wait is noted not to be looked at before."""
    states, above = States(now), 0
    while numbers := list(_numbers(now).filter(pk__gt=above)[:batch]):
        above, found = numbers[-1], list(_whole(numbers))
        looked = [(one, _look(one, now, states)) for one in found]
        postpone([(one, seen) for one, seen in looked if isinstance(seen, datetime)])
        if chosen := [seen for _one, seen in looked if isinstance(seen, Due)]:
            yield chosen


def _numbers(now: datetime) -> QuerySet[Subscription, int]:
    has_reader = Q(reader=None) | Q(reader__state="active")
    looked_at = Subscription.objects.filter(has_reader, state="active", next_look__lte=now)
    return looked_at.order_by("pk").values_list("pk", flat=True)


def _whole(numbers: Sequence[int]) -> QuerySet[Subscription]:
    """Give subscriptions with what their last digest was of: asked of a batch alone, for it takes a look at each."""
    told = Digest.objects.filter(subscription=OuterRef("pk")).order_by("-last")
    last, partial = Subquery(told.values("last")[:1]), Subquery(told.values("partial")[:1])
    found = Subscription.objects.filter(pk__in=numbers).annotate(last_told=last, last_partial=partial)
    return found.select_related("reader").order_by("pk")


def postpone(looks: Sequence[tuple[Subscription, datetime]]) -> None:
    """Note when subscriptions are looked at next, unless their wish changed meanwhile."""
    groups: dict[tuple[datetime, datetime], list[int]] = {}
    for subscription, moment in looks:
        groups.setdefault((subscription.next_look, moment), []).append(subscription.pk)
    for (before, moment), numbers in groups.items():
        Subscription.objects.filter(pk__in=numbers, next_look=before).update(next_look=moment)


def _look(subscription: Subscription, now: datetime, states: "States") -> Due | datetime:
    """Give what is due for a subscription, or when to look again."""
    wish, last = wish_of(subscription), getattr(subscription, "last_told", None)
    slot = last_slot(wish, now)
    since = subscription.confirmed or subscription.asked
    edition = latest_due(slot) if slot else None
    # The first digest is that of an edition whose slot comes after the wish for it.
    if slot is None or edition is None or (edition <= last if last else _told_at(wish, edition) < since):
        return next_look(wish, last, now)
    deadline = slot + timedelta(hours=settings.CONFIG.digest_wait)
    partial = not states.is_complete(edition)
    if partial and now < deadline:
        return min(deadline, now + LOOK_AGAIN)
    known = last - DAY if last and getattr(subscription, "last_partial", False) else last
    return Due(subscription, _first(wish, edition, known, since), edition, partial)


def wish_of(subscription: Subscription) -> Rhythm:
    """Give when a subscription wants digests."""
    return Rhythm(
        subscription.rhythm,
        subscription.hour,
        subscription.time_zone,
        subscription.weekday,
        subscription.paused_until,
    )


def of_edition(subscription: Subscription, edition: date, last: Digest | None) -> Due:
    """Give the digest of an edition for a subscription, due or not. last: its digest before that one."""
    known = last.last - (DAY if last.partial else timedelta(0)) if last else None
    since = subscription.confirmed or subscription.asked
    return Due(subscription, _first(wish_of(subscription), edition, known, since), edition, partial=False)


def _first(wish: Rhythm, edition: date, last: date | None, since: datetime) -> date:
    """Give the first day of a digest. last: what is known to the reader already; None before the first digest."""
    if wish.rhythm == "daily":
        reach = _editions_back(edition, DAILY_EDITIONS)
        return max(reach, last + DAY) if last else edition
    reach = edition - REACH[wish.rhythm] + DAY
    if last:
        return max(reach, last + DAY)
    return max(reach, latest_due(since)) if wish.rhythm == "when" else reach


@lru_cache(maxsize=64)
def _editions_back(edition: date, count: int) -> date:
    while count > 1:
        edition -= DAY
        count -= schedule.has_edition(edition)
    return edition


def due_moment(wish: Rhythm, announced: datetime) -> datetime:
    """Tell when somebody is told of an edition announced at that moment: at their first slot from then on."""
    return next_slot(wish, announced - timedelta(microseconds=1))


@lru_cache(maxsize=4096)
def _told_at(wish: Rhythm, edition: date) -> datetime:
    announced = calendar.announcement_time(edition, schedule.holidays())
    return due_moment(wish, announced or schedule.begins(edition))


@lru_cache(maxsize=4096)
def next_look(wish: Rhythm, known: date | None, now: datetime) -> datetime:
    """Tell the next slot at which an edition newer than the known one, if any is, will have been announced."""
    slot = next_slot(wish, now)
    # A holiday or a weekend may lie between; who wants a digest now and then does not want one without news either.
    for _try in range(10):
        if known is None or latest_due(slot) > known:
            break
        slot = next_slot(wish, slot)
    return slot


@lru_cache(maxsize=4096)
def last_slot(wish: Rhythm, now: datetime) -> datetime | None:
    """Tell somebody's last slot up to a moment; None where there was none in the last five weeks, as in a pause."""
    day = now.astimezone(zone(wish.time_zone)).date() + DAY
    for back in range(40):
        slot = _slot(wish, day - back * DAY)
        if slot and slot <= now:
            return slot
    return None


@lru_cache(maxsize=4096)
def next_slot(wish: Rhythm, after: datetime) -> datetime:
    """Tell somebody's first slot after a moment."""
    day = after.astimezone(zone(wish.time_zone)).date()
    if wish.paused_until:
        day = max(day, wish.paused_until)
    # A local day may begin late in the one before, where a zone changed; nothing is lost by a day too early.
    day -= DAY
    while not (slot := _slot(wish, day)) or slot <= after:
        day += DAY
    return slot


def _slot(wish: Rhythm, day: date) -> datetime | None:
    """Tell the slot of a local day; None where it has none."""
    if wish.paused_until and day < wish.paused_until:
        return None
    if wish.rhythm == "weekly" and day.weekday() != wish.weekday:
        return None
    slot = strikes(day, wish.hour, wish.time_zone)
    if wish.rhythm == "monthly":
        first = day.replace(day=1)
        before = strikes(day - DAY, wish.hour, wish.time_zone)
        if latest_due(slot) < first or (day > first and latest_due(before) >= first):
            return None
    return slot


@lru_cache(maxsize=4096)
def latest_due(moment: datetime) -> date:
    """Tell the newest edition announced by a moment."""
    return schedule.latest_due(moment)


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """Give a time zone; UTC for a name that is none, so that a digest comes at all."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


@lru_cache(maxsize=4096)
def strikes(day: date, hour: int, time_zone: str) -> datetime:
    """Tell, in UTC, when an hour strikes on a day in a zone.

    An hour that clocks are put back over strikes the first time; one that they skip strikes when they do.
    """
    local = datetime.combine(day, time(hour), zone(time_zone))
    moment = local.astimezone(UTC)
    if moment.astimezone(local.tzinfo).replace(tzinfo=None) == local.replace(tzinfo=None):
        return moment
    # PEP 495: in a gap, fold 0 takes the offset before the change, fold 1 that after; the change lies between.
    low, high = local.replace(fold=1).astimezone(UTC), moment
    after = high.astimezone(local.tzinfo).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) // 2
        low, high = (low, middle) if middle.astimezone(local.tzinfo).utcoffset() == after else (middle, high)
    return high.replace(microsecond=0)


class States:
    """Which editions are complete, read once in a run."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self._known: dict[date, bool] = {}

    def is_complete(self, day: date) -> bool:
        """Tell whether all that announces papers here gave the whole of a day."""
        if day not in self._known:
            self._known[day] = _is_complete(day, self.now)
        return self._known[day]


def _is_complete(day: date, now: datetime) -> bool:
    there = Paper.objects.filter(announced=day).exists()
    known = Harvest.objects.exclude(started=None).values_list("source", flat=True)
    sources = [name for name in known if name in ANNOUNCING and name in settings.CONFIG.sources]
    if not sources:
        # What is imported by hand, or by a program, comes whole as far as anybody can tell.
        return there
    back = (latest_due(now) - day).days + 1
    health = completeness.recent_days(now, sources, max(back, 1))
    by_source: dict[str, list[str]] = {name: [] for name in sources}
    for part in (part for one in health if one.day == day for part in one.parts if part.source in by_source):
        by_source[part.source].append(part.state)
    # They announce the same papers: it is enough that one of them gave all of its parts.
    return there and any(states and set(states) <= WHOLE for states in by_source.values())
