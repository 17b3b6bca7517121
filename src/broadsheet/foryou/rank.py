"""One reader's list of the day: signals in, papers in order with their reasons out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

import numpy as np
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from broadsheet.community.models import Vote
from broadsheet.editions import holding, lists, named
from broadsheet.editions.edition import Entry
from broadsheet.editions.named import NamedList, OwnKind
from broadsheet.editions.order import by_heat, newest_day
from broadsheet.foryou import exploring, profiles, signals, why
from broadsheet.foryou import features as known
from broadsheet.foryou import pool as pools
from broadsheet.foryou.models import List, Opened, Opinion, Seed, Shown, Taste
from broadsheet.foryou.pool import Pool
from broadsheet.foryou.signals import Signals
from broadsheet.learning.arrange import Candidates, Knobs, Pick, arrange
from broadsheet.learning.background import Background
from broadsheet.learning.profile import RANKER, Trained
from broadsheet.papers import queries, schedule
from broadsheet.papers.models import Paper
from broadsheet.readers import follows
from broadsheet.readers.models import Reader, Saved

KEY: Final = "foryou"
ARRANGER: Final = "arrange/1"
LENGTH: Final = 50
# A list ends where papers are as unlikely as this to be saved, but has so many in any case.
LEAST_CHANCE: Final = 0.002
SHORTEST: Final = 10
WINDOWS: Final = (1, 3, 7, 14, 30)


@dataclass(frozen=True, slots=True)
class Place:
    """A paper's place in the list. pick: as `List.picks` keeps it; {} without a profile. terms: of trending then."""

    rank: int
    paper: Paper
    pick: Mapping[str, Any] = field(default_factory=dict)
    terms: Mapping[str, object] = field(default_factory=dict)

    @property
    def arm(self) -> str:
        """How a place of exploration was filled; "" for the others."""
        return str(self.pick.get("arm", ""))

    @property
    def chance(self) -> float | None:
        """How likely the reader would save the paper; None without a profile."""
        found = why.of(self.pick, "chance")
        return None if found is None else float(found)


@dataclass(frozen=True, slots=True)
class ForYou:
    """One reader's list of a day.

    day: None where there is no edition yet. ranker: name and version of what ordered it. state: profile, follows (what
    trends in the lists that they follow) or trending. picks: the papers in order, by number under "id".
    told: the signals it was made from. current: of today, and no kept one of another day.
    """

    day: date | None
    ranker: str
    state: str
    picks: tuple[Mapping[str, Any], ...] = ()
    told: Signals = field(default_factory=Signals)
    current: bool = True

    def __len__(self) -> int:
        return len(self.picks)

    def places(self, skip: int = 0, limit: int = LENGTH) -> list[Place]:
        """Give some places with their papers, in one query; without papers that were taken off the lists since."""
        some = list(enumerate(self.picks, 1))[skip : skip + limit]
        papers = {paper.pk: paper for paper in queries.in_order(pick["id"] for _rank, pick in some)}
        kept = [(rank, pick, papers[pick["id"]]) for rank, pick in some if pick["id"] in papers]
        personal = self.state == "profile"
        return [
            Place(rank, paper, pick if personal else {}, {} if personal else pick.get("terms", {}))
            for rank, pick, paper in kept
            if paper.is_shown
        ]


def taste_of(reader: Reader) -> Taste:
    """Give the knobs of a reader, as they stand by themselves where none was turned."""
    return Taste.objects.filter(reader=reader).first() or Taste(reader=reader)


def knobs_of(taste: Taste) -> Knobs:
    """Give knobs as `learning.arrange` takes them, whatever stands in the row."""
    days = taste.days if taste.days in WINDOWS else 7
    return Knobs(mine=_share(taste.mine), width=_share(taste.width), days=days, length=LENGTH)


def _share(value: float) -> float:
    return min(max(value, 0.0), 1.0)


def list_for(reader: Reader, now: datetime, *, day: date | None = None) -> ForYou:
    """Give a reader's list: of today, or as it was kept of another day, empty where none was.

    It stays the same all day, until the reader tells something, turns a knob, or papers come in.
    """
    if day is not None and day != pools.today(now):
        return _of_day(reader, day)
    told = signals.gather(reader)
    taste = taste_of(reader)
    background = known.background() if told.teach else None
    pool = pools.of(knobs_of(taste).days, background, now) if background else None
    if background and pool and (found := _personal(reader, told, taste, background, pool, now)):
        return found
    return _trending(reader, told, taste, now)


def _of_day(reader: Reader, day: date) -> ForYou:
    kept = List.objects.filter(reader=reader, day=day).first()
    if kept is None:
        return ForYou(day, "", "profile", current=False)
    return ForYou(day, kept.ranker, "profile", tuple(kept.picks), current=False)


def days_around(reader: Reader, day: date) -> tuple[date | None, date | None]:
    """Give the nearest days before and after of which a list is kept."""
    days = List.objects.filter(reader=reader)
    earlier = days.filter(day__lt=day).order_by("-day").values_list("day", flat=True).first()
    later = days.filter(day__gt=day).order_by("day").values_list("day", flat=True).first()
    return earlier, later


def ranker_name(background: Background) -> str:
    """Give name and version of what orders lists, with what it was learned against."""
    return f"{RANKER}+{ARRANGER} {background.version}"


def _personal(
    reader: Reader, told: Signals, taste: Taste, background: Background, pool: Pool, now: datetime
) -> ForYou | None:
    knobs = knobs_of(taste)
    parts = told.digest, knobs, pool.version
    made_from = sha256(repr(parts).encode()).hexdigest()[:40]
    ranker = ranker_name(background)
    kept = List.objects.filter(reader=reader, day=pool.day, signals=made_from, ranker=ranker).first()
    if kept is not None:
        return ForYou(pool.day, ranker, "profile", tuple(kept.picks), told)
    learned = profiles.trained(reader, told)
    if learned is None:
        return None
    picks = make(
        learned, pool, knobs, seen=seen_by(reader, pool), arms=exploring.arms(now, pool.day), seed=_seed(reader, pool)
    )
    row = List(reader=reader, day=pool.day, ranker=ranker, signals=made_from, picks=picks, made=now)
    changed = ["ranker", "signals", "picks", "made"]
    one = ["reader", "day"]
    _keep(
        reader,
        lambda: List.objects.bulk_create([row], update_conflicts=True, unique_fields=one, update_fields=changed),
    )
    # The profile itself is kept by the worker, and by whoever asks for it first: nobody has to wait for that here.
    return ForYou(pool.day, ranker, "profile", tuple(picks), told)


def _seed(reader: Reader, pool: Pool) -> int:
    return int.from_bytes(sha256(f"{reader.pk} {pool.day}".encode()).digest()[:6])


def make(
    learned: Trained, pool: Pool, knobs: Knobs, *, seen: np.ndarray[Any, Any], arms: Mapping[str, float], seed: int
) -> list[dict[str, Any]]:
    """Put a pool in order for what was learned of a reader; give it as `List.picks` keeps it."""
    scores = learned.profile.score(pool.papers)
    chances = learned.profile.chance(scores).astype(np.float64)
    likely = int(np.count_nonzero((chances >= LEAST_CHANCE) & ~seen & (pool.age < knobs.days)))
    knobs = replace(knobs, length=min(knobs.length, max(likely, SHORTEST)))
    candidates = Candidates(
        numbers=pool.numbers,
        probability=chances,
        points=100 * scores.astype(np.float64),
        votes=pool.votes,
        age=pool.age,
        story=pool.story,
        vectors=pool.papers.meaning,
        seen=seen,
    )
    chosen = arrange(candidates, knobs, arms=arms, seed=seed)
    return _told(chosen, learned, pool, chances)


def _told(chosen: Sequence[Pick], learned: Trained, pool: Pool, chances: np.ndarray[Any, Any]) -> list[dict[str, Any]]:
    rows = [pick.place for pick in chosen]
    reasons = learned.why(pool.papers.take(rows)) if rows else []
    return [why.kept(pick, reason, float(chances[pick.place])) for pick, reason in zip(chosen, reasons, strict=True)]


def seen_by(reader: Reader, pool: Pool) -> np.ndarray[Any, Any]:
    """Say which papers of a pool a reader knows: what they judged, kept, opened, or were shown on an earlier day."""
    mine = {"reader": reader, "paper__gte": int(pool.numbers.min(initial=0))}
    numbers: set[int] = set()
    for model in (Vote, Saved, Seed, Opinion, Opened):
        numbers.update(model._default_manager.filter(**mine).values_list("paper_id", flat=True))
    numbers.update(Shown.objects.filter(**mine, day__lt=pool.day).values_list("paper_id", flat=True))
    return np.isin(pool.numbers, np.fromiter(numbers, np.int64, len(numbers)))


def _trending(reader: Reader, told: Signals, taste: Taste, now: datetime) -> ForYou:
    """Give what trends in the lists that a reader follows, or of all, until there is something to learn from."""
    day = pools.today(now)
    if day is None:
        return ForYou(None, "trending/1", "trending", told=told)
    first, days = day - timedelta(days=2 * knobs_of(taste).days + 7), knobs_of(taste).days
    unwanted = {example.paper for example in told.examples if not example.liked}
    recent = (paper for paper in lists.places(first, day) if schedule.age(newest_day(paper) or day, day) < days)
    papers = [paper for paper in recent if paper.pk not in unwanted]
    keys = [key for key in follows.of(reader) if key not in named.OWN]
    held = holding.Holding({paper.pk: paper.categories for paper in papers}, first)
    followed = {number for key in keys for number in held.of(key)}
    state = "follows" if followed else "trending"
    ranked = by_heat([paper for paper in papers if not followed or paper.pk in followed], day)
    picks = [{"id": paper.pk, "terms": terms.to_json()} for paper, terms in ranked[:LENGTH]]
    return ForYou(day, "trending/1", state, tuple(picks), told)


def show(reader: Reader, found: ForYou, places: Sequence[Place], now: datetime) -> None:
    """Keep that a reader was shown these places: tomorrow they are not shown again.

    A list that is no profile's, or not of today, leaves no trace.
    """
    if found.state != "profile" or not found.current or found.day is None:
        return
    there = set(
        Shown.objects.filter(reader=reader, paper__in=[place.paper.pk for place in places]).values_list(
            "paper_id", flat=True
        )
    )
    rows = [
        Shown(reader=reader, paper=place.paper, day=found.day, place=place.rank, arm=place.arm, at=now)
        for place in places
        if place.paper.pk not in there
    ]
    if rows:
        _keep(reader, lambda: Shown.objects.bulk_create(rows, ignore_conflicts=True))


def _keep(reader: Reader, keep: Callable[[], object]) -> None:
    """Keep rows of a reader. Of one who left meanwhile nothing is kept."""
    try:
        with transaction.atomic():
            if Reader.objects.filter(pk=reader.pk).exists():
                keep()
    except IntegrityError:
        return


def register() -> None:
    """Give the list `foryou` to feeds, chats and programs."""
    named.provide(KEY, OwnKind(head, entries))


def head(reader: Reader) -> NamedList:
    """Give the list without its papers."""
    return NamedList(KEY, _("For you"), reverse("foryou"), (), own=True)


def entries(reader: Reader, skip: int, limit: int, now: datetime) -> Iterable[Entry]:
    """Give its papers with their reasons, and keep that they were shown."""
    found = list_for(reader, now)
    places = found.places(skip, limit)
    show(reader, found, places, now)
    return [replace(one, day=found.day) for one in as_entries(reader, places)]


def as_entries(reader: Reader, places: Sequence[Place]) -> list[Entry]:
    """Give places as entries of a list, with sentences why."""
    explained = why.explain(reader, [place.pick for place in places])
    told = [why.public(one) if place.pick else dict(place.terms) for one, place in zip(explained, places, strict=True)]
    return [Entry(place.rank, place.paper, why=terms) for place, terms in zip(places, told, strict=True)]
