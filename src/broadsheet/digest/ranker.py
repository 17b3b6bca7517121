"""What puts papers in order for one reader: a profile where there is one, else what trends in the lists they chose."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from broadsheet.foryou import features, profiles
from broadsheet.learning.background import Background, Prepared
from broadsheet.learning.profile import RANKER, Profile
from broadsheet.readers.models import Reader

# Words named as the reason of one paper.
WORDS: Final = 3
# Pools that are kept prepared: those of one run are few.
POOLS: Final = 4


@dataclass(frozen=True, slots=True)
class Ranker:
    """An order of papers, with name and version, which are kept with each digest.

    score: of papers, by their numbers, higher is better; None where it knows nothing of this reader.
    words: of a paper those that speak most for it, among what was scored last.
    """

    name: str
    version: str
    score: Callable[[Sequence[int]], Sequence[float] | None]
    words: Callable[[int], tuple[str, ...]] = lambda number: ()

    def __str__(self) -> str:
        return f"{self.name}/{self.version}"


TRENDING: Final = Ranker("trending", "1", lambda numbers: None)


def rankers_for(readers: Iterable[Reader]) -> dict[int, Ranker]:
    """Give what ranks papers for those readers of whom something was learned, by their numbers; a dozen queries."""
    background = features.background()
    if background is None:
        return {}
    return {number: _of(profile, background) for number, profile in profiles.many(readers).items()}


def _of(profile: Profile, background: Background) -> Ranker:
    name, _slash, version = RANKER.partition("/")
    scored = _Scored(profile, background)
    return Ranker(name, f"{version} {background.version}", scored.score, scored.words)


class _Scored:
    """The papers of a pool as one reader's profile scores them."""

    def __init__(self, profile: Profile, background: Background) -> None:
        self.profile, self.background = profile, background
        self.numbers: tuple[int, ...] = ()

    def score(self, numbers: Sequence[int]) -> Sequence[float]:
        """Give the log-odds of saving each paper."""
        self.numbers = tuple(numbers)
        papers = _prepared(self.numbers, self.background)
        found: list[float] = (self.profile.slope * self.profile.score(papers) + self.profile.offset).tolist()
        return found

    def words(self, number: int) -> tuple[str, ...]:
        """Give the words of a paper that lift its score most: exactly their part of it."""
        if number not in self.numbers:
            return ()
        held = _prepared(self.numbers, self.background).words.take([self.numbers.index(number)])
        given = held.weight * self.profile.word_weights[held.term]
        best = [place for place in np.argsort(-given, kind="stable")[:WORDS].tolist() if given[place] > 0]
        return tuple(self.background.vocabulary.terms[held.term[place]] for place in best)


@lru_cache(maxsize=POOLS)
def _prepared(numbers: tuple[int, ...], background: Background) -> Prepared:
    """Read the papers of a pool once for all readers."""
    return background.prepare(features.features_of(numbers, background))
