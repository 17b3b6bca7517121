"""What readers tell of their interests: the acts that write it down and take it back, and all of it together."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, NamedTuple

from django.db.models import F, Model, QuerySet, Window
from django.db.models.functions import RowNumber
from django.utils.translation import gettext as _

from broadsheet.community.given import line
from broadsheet.community.models import Vote
from broadsheet.foryou.models import Opened, Opinion, Seed, Taste, Tuned, Wish
from broadsheet.learning.profile import Example
from broadsheet.lib.text import fold
from broadsheet.papers.models import Paper
from broadsheet.papers.store import LOOKUP
from broadsheet.readers.models import Follow, Reader, Saved
from broadsheet.readers.refused import Refused

SEED_ORIGINS: Final = ("ids", "bibtex", "zotero", "author", "orcid", "map")
OPINION_ORIGINS: Final = ("asked", "list", "mail")
TUNED: Final = ("paper", "word", "interest")
MOST_SEEDS: Final = 2000
MOST_OPINIONS: Final = 20_000
MOST_OPENED: Final = 20_000
MOST_WISHES: Final = 100
MOST_TUNED: Final = 2000
LONGEST_WISH: Final = 200
LONGEST_VALUE: Final = 100
LONGEST_NAME: Final = 80
HEAVIEST: Final = 3.0


def opine(reader: Reader, paper: Paper, more: bool, origin: str, now: datetime) -> None:
    """Keep that the reader wants more, or less, like a paper; it takes the place of what they said of it before."""
    _known(origin, OPINION_ORIGINS)
    if not Opinion.objects.filter(reader=reader, paper=paper).exists():
        _room(Opinion, reader, MOST_OPINIONS)
    given = Opinion(reader=reader, paper=paper, more=more, origin=origin, at=now)
    Opinion.objects.bulk_create(
        [given], update_conflicts=True, unique_fields=["reader", "paper"], update_fields=["more", "origin", "at"]
    )


def take_back(reader: Reader, paper: Paper) -> None:
    """Forget what the reader said of a paper."""
    Opinion.objects.filter(reader=reader, paper=paper).delete()


def take_back_less(reader: Reader, paper: Paper) -> None:
    """Forget that the reader wanted less like a paper; that they want more of it, said since, stays."""
    Opinion.objects.filter(reader=reader, paper=paper, more=False).delete()


def seed(reader: Reader, numbers: Iterable[int], origin: str, now: datetime) -> int:
    """Learn from the papers with these numbers; give how many are new. Those that are gone or hidden are passed over.

    Raises Refused where there would be too many.
    """
    _known(origin, SEED_ORIGINS)
    wanted = list(dict.fromkeys(numbers))
    parts = [wanted[start : start + LOOKUP] for start in range(0, len(wanted), LOOKUP)]
    shown = Paper.objects.filter(hidden=False)
    there = {number for part in parts for number in shown.filter(pk__in=part).values_list("pk", flat=True)}
    held = set(Seed.objects.filter(reader=reader).values_list("paper_id", flat=True))
    fresh = [number for number in wanted if number in there and number not in held]
    if len(held) + len(fresh) > MOST_SEEDS:
        raise Refused(_("That would be more than %(most)s papers to learn from.") % {"most": f"{MOST_SEEDS:,}"})
    rows = [Seed(reader=reader, paper_id=number, origin=origin, at=now) for number in fresh]
    Seed.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)
    return len(fresh)


def unseed(reader: Reader, numbers: Iterable[int]) -> None:
    """Learn no longer from the papers with these numbers."""
    wanted = list(numbers)
    for start in range(0, len(wanted), LOOKUP):
        Seed.objects.filter(reader=reader, paper_id__in=wanted[start : start + LOOKUP]).delete()


def opened(reader: Reader, paper: Paper, now: datetime) -> None:
    """Keep that a reader opened a paper, of those who allow it; of others nothing is kept."""
    if not Taste.objects.filter(reader=reader, opens=True).exists():
        return
    if Opened.objects.filter(reader=reader).count() < MOST_OPENED:
        Opened.objects.bulk_create([Opened(reader=reader, paper=paper, at=now)], ignore_conflicts=True)


def wish(reader: Reader, words: str, now: datetime) -> None:
    """Keep an interest in the reader's own words. Raises Refused for none, too long a one, and too many."""
    said = line(words, LONGEST_WISH)
    if not any(char.isalnum() for char in said):
        raise Refused(_("Please write a few words."))
    if not Wish.objects.filter(reader=reader, words=said).exists():
        _room(Wish, reader, MOST_WISHES)
    Wish.objects.bulk_create([Wish(reader=reader, words=said, at=now)], ignore_conflicts=True)


def unwish(reader: Reader, words: str) -> None:
    """Forget an interest that was written in words."""
    Wish.objects.filter(reader=reader, words=words[:LONGEST_WISH].replace("\0", "")).delete()


def tune(reader: Reader, kind: str, value: str, weight: float, name: str, now: datetime) -> None:
    """Keep what a reader changed in the profile by hand, see `Tuned`. Weight 1 without a name forgets the change.

    Raises Refused for a weight or a name that makes no sense.
    """
    _known(kind, TUNED)
    value, name = line(value, LONGEST_VALUE), line(name, LONGEST_NAME)
    if not value or not math.isfinite(weight) or not 0 <= weight <= HEAVIEST:
        raise Refused(_("A weight is a number from 0 to 3."))
    rows = Tuned.objects.filter(reader=reader, kind=kind, value=value)
    if weight == 1 and not name:
        rows.delete()
        return
    if not rows.exists():
        _room(Tuned, reader, MOST_TUNED)
    given = Tuned(reader=reader, kind=kind, value=value, weight=weight, name=name, at=now)
    one, changed = ["reader", "kind", "value"], ["weight", "name", "at"]
    Tuned.objects.bulk_create([given], update_conflicts=True, unique_fields=one, update_fields=changed)


def _known(name: str, names: tuple[str, ...]) -> None:
    if name not in names:
        raise ValueError(f"{name!r} is none of {', '.join(names)}")


def _room(model: type[Model], reader: Reader, most: int) -> None:
    if model._default_manager.filter(reader=reader).count() >= most:
        raise Refused(_("There are %(most)s of these already; please remove some first.") % {"most": f"{most:,}"})


# What a signal says of the wish for more of the same; opening a paper says little.
VOTED: Final = 1.0
SAVED: Final = 1.2
SEEDED: Final = 1.0
SAID: Final = 1.0
# What is asked about lies close to what is liked, so a "not for me" there says little against it.
ANSWERED_NO: Final = 0.2
OPENED: Final = 0.2
WISHED: Final = 1.0
FOLLOWED: Final = 0.3
# Of one reader the newest so many papers are learned from: more cost time and hardly teach more.
MOST_EXAMPLES: Final = 400
# Lists that are followed as words or marks, and as a paper.
_BY_WORDS: Final = ("search", "like", "tag")
_BY_MARK: Final = ("author", "category")


@dataclass(frozen=True, slots=True)
class Wished:
    """Something without a paper that a reader wants: words, or a mark that papers bear, with how surely.

    number: negative, stands for it among the examples. source: "wish", or the key of the list that is followed.
    """

    number: int
    words: str = ""
    mark: str = ""
    weight: float = WISHED
    source: str = "wish"
    pull: float = 1.0


@dataclass(frozen=True, slots=True)
class Signals:
    """All that a reader told, as it is learned from.

    examples: papers, each once, by number. wished: words and marks. muted: terms that shall not count.
    interests: (number of a paper, weight) of those interests that the reader changed, the last changed last. digest:
        names the content.
    left_out: papers beyond the newest 400.
    """

    examples: tuple[Example, ...] = ()
    wished: tuple[Wished, ...] = ()
    muted: frozenset[str] = frozenset()
    interests: tuple[tuple[int, float], ...] = ()
    digest: str = ""
    left_out: int = 0

    @property
    def likes(self) -> int:
        """How many papers the reader liked."""
        return sum(example.liked and example.weight > OPENED for example in self.examples)

    @property
    def teach(self) -> bool:
        """Whether there is anything liked to learn from; lists that are followed are not enough by themselves."""
        return any(example.liked and example.weight > FOLLOWED for example in self.examples) or any(
            wished.source == "wish" for wished in self.wished
        )


class _Told(NamedTuple):
    """One thing that was told of a paper. sure: it was said for the sake of the list."""

    weight: float
    liked: bool
    at: datetime
    sure: bool = False


@dataclass(slots=True)
class _Given:
    """What one reader gave, as it is read. papers: what was told of each, by number. weights: by number, as tuned."""

    papers: dict[int, list[_Told]] = field(default_factory=dict)
    wished: list[Wished] = field(default_factory=list)
    weights: dict[int, float] = field(default_factory=dict)
    muted: set[str] = field(default_factory=set)
    interests: list[tuple[int, float]] = field(default_factory=list)

    def add(self, paper: int, told: _Told) -> None:
        self.papers.setdefault(paper, []).append(told)


def gather(reader: Reader) -> Signals:
    """Read all that a reader told; see the weights above. About ten short queries.

    The strongest signal of a paper counts, and of one that the reader wants less of the later one.
    """
    return gather_many([reader])[reader.pk]


def gather_many(readers: Iterable[Reader]) -> dict[int, Signals]:
    """Read it for many readers, by their numbers, in as many queries as for one per 200 readers."""
    wanted = [reader.pk for reader in readers]
    found: dict[int, Signals] = {}
    for start in range(0, len(wanted), READERS_AT_ONCE):
        found |= _gathered(wanted[start : start + READERS_AT_ONCE])
    return found


READERS_AT_ONCE: Final = 200


def _gathered(readers: list[int]) -> dict[int, Signals]:
    given = {number: _Given() for number in readers}
    allowed = list(Taste.objects.filter(reader__in=readers, opens=True).values_list("reader_id", flat=True))
    for model, at, weight, whose in (
        (Vote, "cast", VOTED, readers),
        (Saved, "at", SAVED, readers),
        (Seed, "at", SEEDED, readers),
        (Opened, "at", OPENED, allowed),
    ):
        for reader, paper, moment in _newest(model, at, whose).values_list("reader_id", "paper_id", at):
            given[reader].add(paper, _Told(weight, True, moment, model is Seed))
    opinions = _newest(Opinion, "at", readers).values_list("reader_id", "paper_id", "more", "origin", "at")
    for reader, paper, more, origin, moment in opinions:
        weight = ANSWERED_NO if origin == "asked" and not more else SAID
        given[reader].add(paper, _Told(weight, more, moment, sure=True))
    for reader, number, words in Wish.objects.filter(reader__in=readers).values_list("reader_id", "pk", "words"):
        given[reader].wished.append(Wished(-2 * number, words))
    _read_follows(given)
    _read_tuned(given)
    return {number: _signals(one) for number, one in given.items()}


def _newest(model: type[Model], at: str, readers: list[int]) -> QuerySet[Any]:
    """Give the newest rows of each reader, as many as may count."""
    rows: QuerySet[Any] = model._default_manager.filter(reader__in=readers)
    if len(readers) == 1:
        newest: QuerySet[Any] = rows.order_by(f"-{at}", "-pk")[:MOST_EXAMPLES]
        return newest
    order = [F(at).desc(), F("pk").desc()]
    place = Window(RowNumber(), partition_by=[F("reader")], order_by=order)
    counted: QuerySet[Any] = rows.annotate(newest_first=place).filter(newest_first__lte=MOST_EXAMPLES)
    return counted


def _read_follows(given: dict[int, _Given]) -> None:
    rows = list(Follow.objects.filter(reader__in=list(given)).values_list("reader_id", "pk", "key", "at"))
    keys = {value for _r, _n, key, _at in rows for kind, _s, value in [key.partition("/")] if kind == "similar"}
    papers = dict(Paper.objects.filter(key__in=keys).values_list("key", "id")) if keys else {}
    for reader, number, key, at in rows:
        kind, _slash, value = key.partition("/")
        place = -2 * number - 1
        if kind in _BY_WORDS:
            given[reader].wished.append(Wished(place, value, "", FOLLOWED, key))
        elif kind in _BY_MARK:
            mark = f"{kind}:{fold(value) if kind == 'author' else value}"
            given[reader].wished.append(Wished(place, "", mark, FOLLOWED, key))
        elif value in papers and kind == "similar":
            given[reader].add(papers[value], _Told(FOLLOWED, True, at))


def _read_tuned(given: dict[int, _Given]) -> None:
    # Of two edits of one interest the later counts.
    edits = Tuned.objects.filter(reader__in=list(given)).order_by("at", "pk")
    rows = edits.values_list("reader_id", "kind", "value", "weight")
    for reader, kind, value, weight in rows:
        if kind == "word" and weight == 0:
            given[reader].muted.add(value)
        elif kind == "paper" and value.removeprefix("-").isdecimal():
            given[reader].weights[int(value)] = weight
        elif kind == "interest" and value.removeprefix("-").isdecimal():
            given[reader].interests.append((int(value), weight))


def _signals(given: _Given) -> Signals:
    counted = [(number, _strongest(told)) for number, told in given.papers.items()]
    kept = [row for row in counted if given.weights.get(row[0], 1.0) > 0]
    # The newest count, but what was only opened does not drive out what was liked.
    kept.sort(key=lambda row: (row[1].weight > OPENED, row[1].at, row[0]), reverse=True)
    examples = tuple(
        Example(number, told.liked, told.weight, given.weights.get(number, 1.0), told.sure)
        for number, told in sorted(kept[:MOST_EXAMPLES])
    )
    wished = tuple(
        replace(one, pull=given.weights.get(one.number, 1.0))
        for one in sorted(given.wished, key=lambda one: -one.number)
        if given.weights.get(one.number, 1.0) > 0
    )
    muted, interests = frozenset(given.muted), tuple(given.interests)
    told = repr((examples, wished, sorted(muted), interests))
    digest = sha256(told.encode()).hexdigest()[:40]
    return Signals(examples, wished, muted, interests, digest, max(0, len(kept) - MOST_EXAMPLES))


def _strongest(told: list[_Told]) -> _Told:
    """Give the signal of a paper that counts: the strongest like, unless less of it was wished later."""
    likes = [one for one in told if one.liked]
    less = [one for one in told if not one.liked]
    if less and all(one.at <= less[0].at for one in likes):
        return less[0]
    return max(likes, key=lambda one: (one.sure, one.weight, one.at)) if likes else less[0]
