"""Which papers one reader gets out of a pool: a pure function over plain data; the same in gives the same out."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from broadsheet.digest import reasons
from broadsheet.digest.ranker import TRENDING, Ranker

Places = NDArray[np.int32]
T = TypeVar("T")
# One place in ten shows what the lists would not, from this length on one at least.
DISCOVERY_SHARE: Final = 10
DISCOVERY_FROM: Final = 5
# Near-duplicates named under a paper.
MOST_ALSO: Final = 4
# Of the lists that hold a paper, the reason names the first of these: the more special says more.
SPECIAL_FIRST: Final = (
    "author", "organisation", "search", "similar", "like", "tag", "category", "foryou", "trending", "edition"
)  # fmt: skip
FOR_YOU: Final = "foryou"


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """The papers that all digests of one span of editions choose from, by place: the most trending stands at 0.

    numbers: (n,) the papers' numbers; keys, fields (primary categories), votes, heat (trending scores): by place.
    story: (n,) papers with the same number tell one story. stories: places of those that more than one paper tells.
    lists: places, ascending, by the key of a list as `canonical` gives it. names: how lists are called, by key, where
        it is not what follows the slash.
    """

    numbers: NDArray[np.int64]
    keys: tuple[str, ...]
    fields: tuple[str, ...]
    votes: tuple[int, ...]
    heat: tuple[float, ...]
    story: Places
    stories: Mapping[int, tuple[int, ...]]
    lists: Mapping[str, Places]
    names: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.keys)


@dataclass(frozen=True, slots=True)
class Wish:
    """What one reader asked for. told: numbers of papers they were told of; least: new papers that make a digest."""

    lists: tuple[str, ...]
    length: int
    least: int = 1
    told: frozenset[int] = frozenset()
    rank: Ranker = TRENDING


@dataclass(frozen=True, slots=True)
class Pick:
    """A paper chosen: its number and key, the list it stands for, the terms why, and near-duplicates by number, key."""

    number: int
    key: str
    list: str
    why: tuple[Mapping[str, Any], ...]
    also: tuple[tuple[int, str], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Give it as `models.Digest.picks` keeps it."""
        return {
            "paper": self.key,
            "id": self.number,
            "list": self.list,
            "why": list(self.why),
            "also": [key for _number, key in self.also],
        }

    @property
    def told(self) -> tuple[int, ...]:
        """The papers that a reader is told of by it."""
        return (self.number, *(number for number, _key in self.also))


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a reader gets, the best first, discoveries last; without picks `says` tells why.

    found: how many papers of the wished lists were new to the reader.
    """

    picks: tuple[Pick, ...]
    says: str = ""
    found: int = 0


def choose(pool: Pool, wish: Wish) -> Chosen:
    """Choose from a pool for one reader.

    Lists take turns, each giving its best paper that was not taken; in a turn the better paper stands first. So a
    small list is not lost beside a large one, and the order in which lists were wished does not matter.
    """
    places = _wished(pool, wish)
    if not len(pool):
        return Chosen((), reasons.nothing("empty"))
    if not wish.lists:
        return Chosen((), reasons.nothing("lists"))
    table = _Table(pool, wish, places)
    if table.found < max(wish.least, 1):
        return Chosen((), reasons.nothing("least" if table.found else "told"), table.found)
    return Chosen(tuple(table.picks()), found=table.found)


def _wished(pool: Pool, wish: Wish) -> dict[str, Places]:
    found = {key: pool.lists[key] for key in sorted(set(wish.lists)) if key != FOR_YOU and key in pool.lists}
    if FOR_YOU in wish.lists:
        everything = np.arange(len(pool), dtype=np.int32)
        # Without a profile it is what trends in the lists wished beside it; of all, where there are none.
        others = [found[key] for key in found]
        known = wish.rank.score is not TRENDING.score
        found[FOR_YOU] = everything if known or not others else np.unique(np.concatenate(others))
    return found


class _Table:
    """One reader's choice while it is made."""

    def __init__(self, pool: Pool, wish: Wish, lists: Mapping[str, Places]) -> None:
        self.pool, self.wish = pool, wish
        self.rank = _ranks(pool, wish.rank)
        self.is_new = _untold(pool, wish.told)
        self.keys = sorted(lists, key=lambda key: (_special(key), key))
        # By place the most special list that holds the paper, -1 where none does.
        self.label = np.full(len(pool), -1, np.int16)
        for number in range(len(self.keys) - 1, -1, -1):
            self.label[lists[self.keys[number]]] = number
        self.found = int(np.count_nonzero(self.is_new & (self.label >= 0)))
        self.offers = [self._offers(lists[key]) for key in self.keys]
        self.taken: set[int] = set()

    def _offers(self, places: Places) -> Iterator[int]:
        """Give the new papers of a list, the best first, without stories that were taken by the time they come up."""
        places = places[self.is_new[places]]
        if self.rank is not None:
            places = places[np.argsort(self.rank[places], kind="stable")]
        return iter(places.tolist())

    def picks(self) -> Iterator[Pick]:
        """Give what is chosen, in order."""
        length = max(self.wish.length, 1)
        kept = max(length // DISCOVERY_SHARE, int(length >= DISCOVERY_FROM))
        turns = self._turns()
        chosen = _some(turns, length - kept)
        fields = {self.pool.fields[place] for place in chosen}
        discovered = _some(self._discoveries(fields), kept) if chosen else []
        chosen += _some(turns, length - len(chosen) - len(discovered))
        yield from map(self._pick, chosen)
        yield from (self._pick(place, discovery) for place, discovery in discovered)

    def _turns(self) -> Iterator[int]:
        """Give places turn by turn; each list gives one in a turn, as long as it has any."""
        offers = list(self.offers)
        while offers:
            turn, going_on = [], []
            for offer in offers:
                place = next((one for one in offer if self._story(one) not in self.taken), None)
                if place is None:
                    continue
                going_on.append(offer)
                self.taken.add(self._story(place))
                turn.append(self._best_of_story(place))
            yield from sorted(turn, key=self._rank)
            offers = going_on

    def _discoveries(self, fields: set[str]) -> Iterator[tuple[int, str]]:
        """Give places that the wished lists do not show, each of another field; where they show all, of new fields."""
        outside = np.flatnonzero(self.is_new & (self.label < 0))
        elsewhere = len(outside) > 0
        shown = set() if elsewhere else set(fields)
        # As they trend, whatever the profile says: it would show more of the same.
        for place in (outside if elsewhere else np.flatnonzero(self.is_new)).tolist():
            if self._story(place) in self.taken or self.pool.fields[place] in shown:
                continue
            self.taken.add(self._story(place))
            shown.add(self.pool.fields[place])
            yield place, ("liked" if self.pool.votes[place] > 0 else "new") if elsewhere else "field"

    def _rank(self, place: int) -> float:
        return place if self.rank is None else float(self.rank[place])

    def _story(self, place: int) -> int:
        return int(self.pool.story[place])

    def _best_of_story(self, place: int) -> int:
        """Give the best paper of a story among those that the wished lists hold."""
        told = self.pool.stories.get(self._story(place))
        if not told:
            return place
        return min((one for one in told if self.is_new[one] and self.label[one] >= 0), key=self._rank, default=place)

    def _pick(self, place: int, discovery: str = "") -> Pick:
        pool, label = self.pool, int(self.label[place])
        key = "" if discovery else self.keys[label]
        if discovery:
            head: dict[str, Any] = {"discovery": discovery, "name": pool.fields[place]}
        else:
            kind, _slash, value = key.partition("/")
            if key == FOR_YOU and self.rank is None:
                # Nothing was learned of this reader: it stands there because it trends, and says so.
                kind = "trending"
            head = {"kind": kind, "name": pool.names.get(key, value)}
            if key == FOR_YOU and (words := self.wish.rank.words(int(pool.numbers[place]))):
                head["words"] = list(words)
        counted = {"votes": pool.votes[place], "heat": pool.heat[place]}
        others = [one for one in pool.stories.get(self._story(place), ()) if one != place and self.is_new[one]]
        also = tuple((int(pool.numbers[one]), pool.keys[one]) for one in others[:MOST_ALSO])
        return Pick(int(pool.numbers[place]), pool.keys[place], key, (head, counted), also)


def _ranks(pool: Pool, ranker: Ranker) -> NDArray[np.float64] | None:
    """Give by place where a paper stands for this reader, the best at 0; None where that is the pool's own order."""
    if ranker.score is TRENDING.score:
        return None
    scores = ranker.score(pool.numbers.tolist())
    if scores is None:
        return None
    ranks = np.empty(len(pool))
    # Equal scores keep the order of the pool.
    ranks[np.argsort(-np.asarray(scores, float), kind="stable")] = np.arange(len(pool))
    return ranks


def _untold(pool: Pool, told: frozenset[int]) -> NDArray[np.bool_]:
    if not told:
        return np.ones(len(pool), bool)
    return np.isin(pool.numbers, np.fromiter(told, np.int64, len(told)), invert=True)


def _special(key: str) -> int:
    kind = key.partition("/")[0]
    return SPECIAL_FIRST.index(kind) if kind in SPECIAL_FIRST else len(SPECIAL_FIRST)


def _some(places: Iterator[T], count: int) -> list[T]:
    return [place for _number, place in zip(range(count), places, strict=False)]


def as_places(places: Iterable[int]) -> Places:
    """Give places as a list of a pool holds them."""
    return np.array(sorted(set(places)), np.int32)
