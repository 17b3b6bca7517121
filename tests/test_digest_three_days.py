"""Digests for five hundred readers over a week of editions, handed to a mail server, against what a clerk would send.

Two weeks: one in which clocks go back in America, one in which they go forward in Europe. Each holds a weekend, a
holiday without an edition, and an edition that is whole only hours after it was announced.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from random import Random
from zoneinfo import ZoneInfo

import pytest
from django.db.models import Min
from pytest_django import Settings

from broadsheet.digest import due, run
from broadsheet.digest.models import Digest, Mail, Subscription, Told
from broadsheet.mail.tests.sink import Sink
from broadsheet.papers import schedule
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Harvest, SourceDay
from broadsheet.papers.tests.factory import paper
from broadsheet.record.paper import PaperData
from tests.postfix import postfix

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

READERS = 500
ZONES = (
    "America/Los_Angeles", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "Asia/Tokyo", "Pacific/Auckland",
)  # fmt: skip
QUARTER, HOUR, DAY = timedelta(minutes=15), timedelta(hours=1), timedelta(days=1)
WAIT = 6 * HOUR
FIELDS = ("cs.CL", "cs.LG", "math.CO")
LISTS = (["edition"], ["trending"], ["category/cs.CL"], ["category/hep-th"], ["category/cs.LG", "category/hep-th"])


@dataclass(frozen=True)
class Part:
    """Papers that come at one moment."""

    at: datetime
    numbers: tuple[int, ...]


@dataclass(frozen=True)
class Edition:
    """An edition; `announced` is written by hand, not asked of the calendar. Its last part makes it whole."""

    day: date
    announced: datetime
    parts: tuple[Part, ...]

    @property
    def whole(self) -> datetime:
        return self.parts[-1].at


@dataclass(frozen=True)
class Week:
    """What happens from `begin`, when everybody subscribes, until `end`."""

    begin: datetime
    end: datetime
    holiday: date
    editions: tuple[Edition, ...]

    @property
    def ticks(self) -> list[datetime]:
        return [self.begin + number * QUARTER for number in range((self.end - self.begin) // QUARTER)]

    def newest(self, moment: datetime) -> Edition | None:
        return max((one for one in self.editions if one.announced <= moment), key=lambda one: one.day, default=None)


def edition(number: int, announced: str, *hours_later: float) -> Edition:
    """An edition with a part of its papers so many hours after it was announced; its day is that of Tokyo, just then.

    The third one alone holds papers of a small field.
    """
    moment = datetime.fromisoformat(announced).replace(tzinfo=UTC)
    numbers = range(number * 100, number * 100 + 10)
    share = -(-len(numbers) // len(hours_later))
    parts = [Part(moment + hours * HOUR, tuple(numbers[n * share :][:share])) for n, hours in enumerate(hours_later)]
    return Edition(moment.date(), moment, tuple(parts))


AUTUMN = Week(
    begin=datetime(2026, 10, 29, 12, tzinfo=UTC),
    end=datetime(2026, 11, 6, 0, 45, tzinfo=UTC),
    holiday=date(2026, 11, 2),
    editions=(
        edition(1, "2026-10-29T00:00", 0.5),
        edition(2, "2026-10-30T00:00", 0.5),
        edition(3, "2026-11-02T01:00", 0.5),
        edition(4, "2026-11-04T01:00", 1, 8.5),
        edition(5, "2026-11-05T01:00", 0.5),
    ),
)
SPRING = Week(
    begin=datetime(2026, 3, 26, 12, tzinfo=UTC),
    end=datetime(2026, 4, 2, 23, 45, tzinfo=UTC),
    holiday=date(2026, 3, 30),
    editions=(
        edition(1, "2026-03-26T00:00", 0.5),
        edition(2, "2026-03-27T00:00", 0.5),
        edition(3, "2026-03-30T00:00", 0.5),
        edition(4, "2026-04-01T00:00", 1, 8.5),
        edition(5, "2026-04-02T00:00", 0.5),
    ),
)


def field_of(number: int) -> str:
    return "hep-th" if number // 100 == 3 and number % 10 < 3 else FIELDS[number % 3]


def is_in(number: int, lists: Sequence[str]) -> bool:
    return not {"edition", "trending", f"category/{field_of(number)}"}.isdisjoint(lists)


# What a clerk would do -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Expected:
    """A digest as it should be: when, of which edition, and of which papers; with `fresh` ones it is a mail."""

    at: datetime
    last: date
    offered: frozenset[int]
    fresh: frozenset[int]


@cache
def strikes(week: Week, zone: str, hour: int) -> list[tuple[datetime, date]]:
    """The first quarter of an hour of each local day that is not before the hour on the clock there."""
    seen: dict[date, datetime] = {}
    for number in range(-96, (week.end - week.begin) // QUARTER):
        moment = week.begin + number * QUARTER
        clock = moment.astimezone(ZoneInfo(zone))
        if clock.hour >= hour:
            seen.setdefault(clock.date(), moment)
    return [(moment, day) for day, moment in seen.items()]


def slots(week: Week, wish: Subscription) -> Iterator[datetime]:
    """The moments at which somebody is to be served, if there is something new."""
    months = {week.begin.month}
    for moment, day in strikes(week, wish.time_zone, wish.hour):
        newest = week.newest(moment)
        if wish.paused_until and day < wish.paused_until:
            continue
        if wish.rhythm == "weekly" and day.weekday() != wish.weekday:
            continue
        if wish.rhythm == "monthly":
            if newest is None or day.month in months or newest.day < day.replace(day=1):
                continue
            months.add(day.month)
        yield moment


def expected(week: Week, wish: Subscription) -> list[Expected]:
    if wish.state != "active":
        return []
    served, found = list(slots(week, wish)), []
    told: set[int] = set()
    last = looked = known = None
    for tick in week.ticks:
        slot = max((moment for moment in served if moment <= tick), default=None)
        of = week.newest(slot) if slot else None
        if slot is None or of is None or of.day in (last, looked):
            continue
        # Whoever asked after their hour for an edition had passed begins with the next one.
        if last is None and min(moment for moment in served if moment >= of.announced) < week.begin:
            continue
        if tick < of.whole and tick < slot + WAIT:
            continue
        offered = frozenset(
            number
            for each in week.editions
            if since(wish, of, known) <= each.day <= of.day
            for part in each.parts
            for number in part.numbers
            if part.at <= tick and is_in(number, wish.lists)
        )
        fresh = offered - told
        if wish.rhythm == "when" and len(fresh) < wish.least:
            looked = of.day
            continue
        found.append(Expected(tick, of.day, offered, fresh))
        told |= fresh
        last, known = of.day, of.day if of.whole <= tick else of.day - DAY
    return found


def since(wish: Subscription, of: Edition, known: date | None) -> date:
    """The first day that a digest is of. known: up to where the reader was told all."""
    if wish.rhythm == "daily" and known is None:
        return of.day
    reach = of.day - {"daily": 31, "weekly": 6, "monthly": 30, "when": 30}[wish.rhythm] * DAY
    return max(reach, known + DAY) if known else reach


# The site ------------------------------------------------------------------------------------------------------------


def subscribe(week: Week, seed: int) -> list[Subscription]:
    """Invent readers of every kind; some for the hours that clocks skip or repeat, in the night to Sunday."""
    lot = Random(seed)
    made = []
    for number in range(READERS):
        rhythm = lot.choice(("daily",) * 6 + ("weekly",) * 3 + ("monthly", "when"))
        lists = lot.choice(LISTS)
        short = rhythm != "when" and lists in (["edition"], ["trending"])
        paused = rhythm != "monthly" and number % 9 == 0
        in_the_night = number % 25 < 2
        made.append(
            Subscription(
                address=f"reader{number}@lab{number % 40}.example",
                state="active" if number % 20 else lot.choice(("stopped", "asked", "suppressed")),
                lists=lists,
                rhythm="weekly" if in_the_night else rhythm,
                least=lot.choice((1, 4, 9)),
                weekday=6 if in_the_night else lot.randrange(7),
                hour=1 + number // 25 % 3 if in_the_night else lot.randrange(24),
                time_zone=ZONES[number // 2 % len(ZONES)] if in_the_night else ZONES[number % len(ZONES)],
                length=lot.choice((1, 5, 12)) if short else 50,
                form=lot.choice(("html", "text")),
                paused_until=week.begin.date() + lot.randrange(1, 7) * DAY if paused else None,
                asked=week.begin,
                confirmed=week.begin,
            )
        )
    return Subscription.objects.bulk_create(made)


def arrive(week: Week, until: datetime, done: set[Part]) -> None:
    """Take in what has come by a moment, as a harvest would."""
    for one in week.editions:
        for part in one.parts:
            if part.at <= until and part not in done:
                done.add(part)
                ingest([invented(number, one.day) for number in part.numbers], now=part.at)
                SourceDay.objects.update_or_create(
                    source="arxiv-oai", day=one.day, part="",
                    defaults={"state": "complete" if part.at == one.whole else "partial", "checked": part.at},
                )  # fmt: skip


def invented(number: int, day: date) -> PaperData:
    # Those that end with 8 tell the story of those that end with 5, in the same field.
    told = number - 3 if number % 10 == 8 else number
    title = f"Case {told} of {told * 31} birds and {told * 77} nets"
    submitted = datetime.combine(day, datetime.min.time(), UTC) - DAY
    return paper(number, title=title, categories=(field_of(number),), announced=day, submitted=submitted)


def drive(week: Week) -> None:
    """Let the worker do its step at every quarter of an hour at which something can be due."""
    now, done = week.begin, set[Part]()
    while now < week.end:
        arrive(week, now, done)
        # More often than there is anything to do: a step that is repeated does nothing twice.
        while run.run(now):
            pass
        first = Subscription.objects.filter(state="active").aggregate(first=Min("next_look"))["first"]
        waits = Mail.objects.filter(state__in=("queued", "claimed", "sending")).exists()
        ahead = now if waits else max(first, now)
        now += max(-(-(ahead - now) // QUARTER), 1) * QUARTER


def forget_calendar() -> None:
    """Let go of what is remembered of days and moments for the life of a process."""
    schedule.holidays.cache_clear()
    for remembered in vars(due).values():
        if hasattr(remembered, "cache_clear"):
            remembered.cache_clear()


@pytest.fixture
def week(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Week]:
    """A site with readers, a mail server, and a calendar with the holiday."""
    chosen: Week = request.param
    values = {**settings.CONFIG.values, "holidays": (chosen.holiday,), "sources": ("arxiv-oai",)}
    settings.CONFIG = replace(settings.CONFIG, values=values)
    settings.DEFAULT_FROM_EMAIL = "Papers <papers@site.example>"
    forget_calendar()
    Harvest.objects.create(
        source="arxiv-oai", state="done", started=chosen.begin - 30 * DAY, first_started=chosen.begin - 30 * DAY
    )
    yield chosen
    forget_calendar()


@dataclass(frozen=True)
class Server:
    """A mail server. delivered: waits for so many mails, and gives Message-ID and recipient of all that arrived."""

    url: str
    delivered: Callable[[int], list[tuple[str, str]]]


@pytest.fixture
def server() -> Iterator[Server]:
    """Postfix on loopback where it is installed, else a small server of our own."""
    with ExitStack() as stack:
        try:
            real = stack.enter_context(postfix())
            yield Server(real.url, real.wait_for)
        except pytest.skip.Exception:
            sink = stack.enter_context(Sink())
            taken = sink.taken
            yield Server(f"smtp://127.0.0.1:{sink.port}", lambda _count: [(one.message_id, one.to) for one in taken])


@pytest.mark.parametrize("week", [AUTUMN, SPRING], ids=["clocks back", "clocks forward"], indirect=True)
def test_everybody_gets_what_they_asked_for_at_their_hour_and_nobody_twice(
    week: Week, server: Server, settings: Settings
) -> None:
    values = {**settings.CONFIG.values, "mail_url": server.url, "mail_rate": 0.0}
    settings.CONFIG, settings.MAIL = replace(settings.CONFIG, values=values), True
    wishes = subscribe(week, seed=week.begin.month)
    drive(week)
    made = list(Digest.objects.order_by("made", "pk"))
    assert {wish.address: happened(wish, made) for wish in wishes} == {
        wish.address: [(one.at, one.last, bool(one.fresh)) for one in expected(week, wish)] for wish in wishes
    }
    for wish in wishes:
        holds_what_was_asked(week, wish, [digest for digest in made if digest.subscription_id == wish.pk])
    sent = Mail.objects.filter(digest__in=made)
    assert sent.count() == sum(digest.state == "composed" for digest in made) > 1000
    assert Counter(server.delivered(sent.count())) == Counter(sent.values_list("message_id", "address"))
    assert set(sent.values_list("state", flat=True)) == {"sent"}
    assert all(mail.ended and mail.ended < mail.queued + QUARTER for mail in sent)


def happened(wish: Subscription, made: Sequence[Digest]) -> list[tuple[datetime, date, bool]]:
    return [(one.made, one.last, one.state == "composed") for one in made if one.subscription_id == wish.pk]


def holds_what_was_asked(week: Week, wish: Subscription, made: Sequence[Digest]) -> None:
    """Look into one reader's digests: papers of theirs, each once, and at their hour by the clock on their wall."""
    told = Counter(number for digest in made for number in numbers_of(digest))
    assert set(told.values()) <= {1}
    assert Told.objects.filter(subscription=wish).count() == len(told)
    for digest, asked in zip(made, expected(week, wish), strict=True):
        of_theirs = {number for number in numbers_of(digest) if is_in(number, wish.lists)}
        assert len(digest.picks) <= wish.length
        assert of_theirs == asked.fresh if wish.length == 50 else of_theirs <= asked.offered
        clock, of = digest.made.astimezone(ZoneInfo(wish.time_zone)), week.newest(digest.made)
        assert of and schedule.has_edition(digest.last)
        waited = of.whole >= digest.made
        assert waited or (clock.hour, clock.minute) == (wish.hour, 0) or is_skipped(wish, clock)


def is_skipped(wish: Subscription, clock: datetime) -> bool:
    """Whether there was no such hour on that day."""
    told = clock.replace(hour=wish.hour, minute=0)
    return told.astimezone(UTC).astimezone(clock.tzinfo).hour != wish.hour and clock.hour == wish.hour + 1


def numbers_of(digest: Digest) -> list[int]:
    """The numbers by which this file knows the papers that a digest tells of."""
    keys = [key for pick in digest.picks for key in (pick["paper"], *pick["also"])]
    return [int(key.partition(".")[2]) for key in keys]
