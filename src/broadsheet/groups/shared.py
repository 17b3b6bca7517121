"""What a group reads next: a profile of the members who share, each of whom weighs the same, and a list by it.

Nothing of it is written down. It is learned anew from what `likes` gives at the moment, and a process remembers the
last list of a group for minutes, under a name made of all that it was learned from: what a member no longer shares
leads to another name, and leaving, or sharing no more, throws the remembered one away at once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Final

import numpy as np
from django.db.models import Model, Q

from broadsheet.community.models import Vote
from broadsheet.editions import lists
from broadsheet.editions.edition import Entry
from broadsheet.editions.order import newest_day
from broadsheet.foryou import features
from broadsheet.foryou.models import Opened, Opinion, Seed, Shown
from broadsheet.groups import likes, members, remembered
from broadsheet.groups.likes import Known
from broadsheet.groups.models import Group, Shelved
from broadsheet.learning.arrange import Candidates, Knobs, arrange
from broadsheet.learning.background import Background, Prepared
from broadsheet.learning.features import FloatArray
from broadsheet.learning.profile import Example, Trained, learn
from broadsheet.learning.stories import stories
from broadsheet.papers import queries
from broadsheet.papers.models import Paper
from broadsheet.readers.models import Reader, Saved

LENGTH: Final = 20
DAYS: Final = 7
KNOBS: Final = Knobs(mine=0.8, width=0.4, days=DAYS, length=LENGTH, explore=0.0)
# Fewer likes together tell too little of a group.
FEWEST_LIKES: Final = 3
MOST_EXAMPLES: Final = 600
# The best so many of a week are compared with each other.
POOL: Final = 300
# A member is named at a paper to which their likes gave at least this share of what the strongest member's gave.
NAMED_FROM: Final = 0.5
# What tells that a reader saw a paper.
SEEN: Final[tuple[type[Model], ...]] = (Shown, Opened, Opinion, Seed, Saved, Vote)
MOST_INTERESTS: Final = 8
# Less than this is one paper by chance.
LEAST_SHARE: Final = 0.03
TYPICAL: Final = 3


@dataclass(frozen=True, slots=True)
class Pick:
    """A place on the list: the paper, and the handles of those whose interests it serves, the most served first."""

    entry: Entry
    serves: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Interest:
    """An interest of the group: the words that name it, its share, typical papers, and the handles of whose it is."""

    words: tuple[str, ...]
    share: float
    papers: tuple[Paper, ...]
    whose: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ForGroup:
    """What a group reads next.

    state: nobody (shares), few (likes), unready (nothing was learned of the record yet) or ready.
    """

    state: str
    sharing: tuple[Reader, ...] = ()
    picks: tuple[Pick, ...] = ()
    interests: tuple[Interest, ...] = ()


@dataclass(frozen=True, slots=True)
class _Kept:
    """What a process remembers: numbers and handles alone."""

    digest: str
    picks: tuple[tuple[int, tuple[str, ...]], ...]
    interests: tuple[tuple[tuple[str, ...], float, tuple[int, ...], tuple[str, ...]], ...]


def list_for(group: Group, now: datetime) -> ForGroup:
    """Give what the group may read next: of the last week, without what all who share saw and what is on its list."""
    sharing = members.sharing(group)
    readers = tuple(place.reader for place in sharing)
    if not readers:
        return ForGroup("nobody")
    known = likes.of(reader.pk for reader in readers)
    background = features.background()
    if background is None:
        return ForGroup("unready", readers)
    if len({like.paper for one in known.values() for like in one.likes}) < FEWEST_LIKES:
        return ForGroup("few", readers)
    day = lists.latest_day(now)
    left_out = _seen_by_all(known, day) | set(Shelved.objects.filter(group=group).values_list("paper_id", flat=True))
    kept = _remembered(group, readers, known, background, day, left_out)
    return ForGroup("ready", readers, _picks(kept), _interests(kept))


def _remembered(
    group: Group,
    readers: Sequence[Reader],
    known: Mapping[int, Known],
    background: Background,
    day: date | None,
    left_out: set[int],
) -> _Kept:
    told = (background.version, day, sorted(left_out), sorted((reader.pk, reader.handle) for reader in readers), known)
    digest = sha256(repr(told).encode()).hexdigest()
    kept = remembered.get(group.pk)
    if not isinstance(kept, _Kept) or kept.digest != digest:
        handles = {reader.pk: reader.handle for reader in readers}
        kept = _made(digest, _Shared.of(known, background), handles, day, left_out)
        remembered.put(group.pk, kept)
    return kept


def _made(digest: str, shared: "_Shared", handles: Mapping[int, str], day: date | None, left_out: set[int]) -> _Kept:
    picked, prepared = _ranked(shared.trained, day, left_out)
    served = shared.served(prepared)
    picks = tuple(
        (number, tuple(handles[reader] for reader in of_one)) for number, of_one in zip(picked, served, strict=True)
    )
    found = []
    for interest in [one for one in shared.trained.interests if one.share >= LEAST_SHARE][:MOST_INTERESTS]:
        whose = tuple(handles[reader] for reader in _most(shared.by_member(interest.papers)))
        found.append((interest.words, interest.share, interest.papers[:TYPICAL], whose))
    return _Kept(digest, picks, tuple(found))


@dataclass(frozen=True, slots=True)
class _Shared:
    """A group's profile, and by paper which member gave which part of its weight."""

    trained: Trained
    parts: Mapping[int, Mapping[int, float]]

    @classmethod
    def of(cls, known: Mapping[int, Known], background: Background) -> "_Shared":
        parts = weights(known)
        numbers = sorted(parts)
        prepared, found = features.prepared_of(numbers, background)
        examples = [Example(number, True, sum(parts[number].values())) for number in found]
        return cls(learn(examples, prepared, background), parts)

    def by_member(self, papers: Iterable[int], points: Mapping[int, float] | None = None) -> dict[int, float]:
        """Give what papers come to by member: their weights, or their points divided as their weights are."""
        given: dict[int, float] = {}
        for paper in papers:
            total = sum(self.parts[paper].values())
            for reader, weight in self.parts[paper].items():
                part = weight if points is None else points[paper] * weight / total
                given[reader] = given.get(reader, 0.0) + part
        return given

    def served(self, prepared: Prepared) -> list[list[int]]:
        """Give for each paper the members whose likes speak for it, the strongest first."""
        found = []
        for why in self.trained.why(prepared, most=len(self.parts)) if len(prepared) else []:
            points = dict(why.likes)
            found.append(_most(self.by_member(points, points)))
        return found


def _most(given: Mapping[int, float]) -> list[int]:
    best = max(given.values(), default=0.0)
    enough = [(part, reader) for reader, part in given.items() if part > 0 and part >= NAMED_FROM * best]
    return [reader for _part, reader in sorted(enough, key=lambda pair: (-pair[0], pair[1]))]


def weights(known: Mapping[int, Known]) -> dict[int, dict[int, float]]:
    """Give what each like counts, by paper and member: the likes of each member come to the same in total.

    Their sum over all members is the number of likes that are learned from.
    """
    telling = {reader: one.likes for reader, one in known.items() if one.likes}
    if not telling:
        return {}
    most = max(1, MOST_EXAMPLES // len(telling))
    counted = {reader: of_one[:most] for reader, of_one in telling.items()}
    each = sum(len(of_one) for of_one in counted.values()) / len(counted)
    found: dict[int, dict[int, float]] = {}
    for reader, of_one in sorted(counted.items()):
        for like in of_one:
            found.setdefault(like.paper, {})[reader] = each / len(of_one)
    return found


def _ranked(trained: Trained, day: date | None, left_out: set[int]) -> tuple[list[int], Prepared]:
    """Give the numbers of the papers to show, in order, and what is known of them."""
    papers = _of_the_week(day, left_out)
    learned = {example.paper for example in trained.examples}
    papers = [paper for paper in papers if paper.pk not in learned]
    prepared, found = features.prepared_of([paper.pk for paper in papers], trained.background)
    if not found or day is None:
        return [], prepared.take([])
    by_number = {paper.pk: paper for paper in papers}
    scores = trained.profile.score(prepared)
    best = np.argsort(-scores, kind="stable")[:POOL]
    rows = prepared.take(best)
    chosen = [by_number[found[row]] for row in best]
    picks = arrange(_candidates(chosen, rows, scores[best], trained, day), KNOBS, arms={}, seed=0)
    return [pick.number for pick in picks], rows.take([pick.place for pick in picks])


def _of_the_week(day: date | None, left_out: set[int]) -> list[Paper]:
    if day is None:
        return []
    found = lists.places(day - timedelta(days=DAYS - 1), day).only(
        "id", "title", "categories", "announced", "placed", "votes_outside", "votes_here", "votes"
    )
    return [paper for paper in found.order_by("pk") if paper.pk not in left_out]


def _candidates(papers: Sequence[Paper], rows: Prepared, scores: FloatArray, trained: Trained, day: date) -> Candidates:
    fields = [next(iter(paper.category_list), "") for paper in papers]
    # What a story is was measured on the encoder's own vectors.
    vectors = features.features_of([paper.pk for paper in papers], trained.background).vectors
    story, _told = stories([paper.title for paper in papers], vectors if vectors.shape[1] else None, fields)
    return Candidates(
        numbers=np.array([paper.pk for paper in papers], np.int64),
        probability=trained.profile.chance(scores).astype(np.float64),
        points=100 * scores.astype(np.float64),
        votes=np.array([max(0, paper.votes) for paper in papers], np.float64),
        age=np.array([max(0, (day - (newest_day(paper) or day)).days) for paper in papers], np.float64),
        story=story,
        vectors=rows.meaning,
        seen=np.zeros(len(papers), bool),
    )


def _seen_by_all(known: Mapping[int, Known], day: date | None) -> set[int]:
    """Give the papers of the week that every member who shares saw, saved, voted for or judged."""
    if day is None:
        return set()
    first = day - timedelta(days=DAYS - 1)
    of_the_week = Q(paper__announced__gte=first) | Q(paper__placed__gte=first)
    saw: dict[int, set[int]] = {}
    for model in SEEN:
        rows = model._default_manager.filter(of_the_week, reader__in=list(known))
        for reader, paper in rows.values_list("reader_id", "paper_id"):
            saw.setdefault(paper, set()).add(reader)
    return {paper for paper, readers in saw.items() if len(readers) == len(known)}


def _picks(kept: _Kept) -> tuple[Pick, ...]:
    papers = queries.in_order(number for number, _serves in kept.picks)
    serves = dict(kept.picks)
    shown = [paper for paper in papers if paper.is_shown]
    return tuple(Pick(Entry(rank, paper), serves[paper.pk]) for rank, paper in enumerate(shown, 1))


def _interests(kept: _Kept) -> tuple[Interest, ...]:
    papers = {
        paper.pk: paper for paper in queries.in_order({n for _w, _s, typical, _h in kept.interests for n in typical})
    }
    return tuple(
        Interest(words, share, tuple(papers[number] for number in typical if number in papers), whose)
        for words, share, typical, whose in kept.interests
    )
