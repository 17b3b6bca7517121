"""The whole sum behind one paper's score, for who wants to see all of it."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from broadsheet.foryou import features, profiles, signals
from broadsheet.learning.background import Prepared
from broadsheet.learning.profile import Trained
from broadsheet.papers.models import Paper
from broadsheet.readers.models import Reader

Points = tuple[tuple[Any, float], ...]


@dataclass(frozen=True, slots=True)
class Terms:
    """What a score is made of, in points.

    points = meaning + marks + level + all words. likes: (number of an example, what the score loses without it): these
    overlap, so they do not add up. words: (term, points), the strongest first. own: the paper is itself an example.
    """

    points: float
    chance: float
    meaning: float
    marks: float
    level: float
    likes: Points
    words: Points
    own: bool = False

    @property
    def worded(self) -> float:
        """What all words give together."""
        return sum(points for _term, points in self.words)


def of(reader: Reader, paper: Paper) -> Terms | None:
    """Give the terms of a paper's score for a reader; None where nothing is known of them yet."""
    found = profiles.trained(reader, signals.gather(reader))
    if found is None:
        return None
    prepared, numbers = features.prepared_of([paper.pk], found.background)
    return terms(found, prepared, paper.pk) if numbers else None


def terms(found: Trained, paper: Prepared, number: int) -> Terms:
    """Give the terms of one paper's score."""
    (why,) = found.why(paper, most=len(found.background.vocabulary) + len(found.examples))
    profile = found.profile
    wordless = replace(paper, words=paper.words.empty(1))
    bare = replace(wordless, marks=paper.marks.empty(1))
    without_words, without_both = (100 * float(profile.score(some)[0]) for some in (wordless, bare))
    level = 100 * profile.level
    return Terms(
        points=why.points,
        chance=float(profile.chance(np.array([why.points / 100], np.float32))[0]),
        meaning=without_both - level,
        marks=without_words - without_both,
        level=level,
        likes=why.likes,
        words=why.words,
        own=any(example.paper == number for example in found.examples),
    )
