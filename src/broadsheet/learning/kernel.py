"""How alike papers are: of meaning, of words, of authors and categories, added up."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from broadsheet.learning.background import Background, Prepared, likeness
from broadsheet.learning.features import FloatArray, Words
from broadsheet.learning.gaussian import Array, Landmarks
from broadsheet.learning.vocabulary import MARK_PLACES

# A constant, so that the level of a process is free; and how much authors and categories count.
LEVEL: Final = 1.0
MARKS: Final = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class Alike:
    """How alike n papers are to m others, in parts, each (n, m)."""

    meaning: FloatArray
    words: FloatArray
    marks: FloatArray

    def kernel(self, lexical: float) -> Array:
        """Add the parts up, words `lexical` times as much as meaning, (n, m)."""
        found = share(lexical) * (self.meaning + np.float32(lexical) * self.words)
        return np.asarray(found + (MARKS * self.marks + LEVEL), np.float64)


def share(lexical: float) -> np.float32:
    """Give what makes the kernel as large with few words as with many, so that one variance fits both."""
    return np.float32(2 / (1 + lexical))


class Kernel:
    """How alike one reader's examples are to each other, to the landmarks and to other papers."""

    def __init__(self, background: Background, papers: Prepared) -> None:
        self.papers, self.background = papers, background
        self._turned = papers.words.by_term(len(background.vocabulary)), papers.marks.by_term(MARK_PLACES)
        self.among = self.to_examples(papers)
        self.across = self.to_landmarks(papers)

    def to_examples(self, papers: Prepared) -> Alike:
        """Give how alike papers are to the examples."""
        near = likeness(papers.meaning, self.papers.meaning, papers.sharpness)
        return _alike(papers, near, self._turned)

    def to_landmarks(self, papers: Prepared) -> Alike:
        """Give how alike papers are to the landmarks."""
        return _alike(papers, papers.near, self.background.landmark_words)


def _alike(papers: Prepared, near: FloatArray, turned: tuple[Words, Words]) -> Alike:
    words, marks = turned
    n = near.shape[1]
    return Alike(near, papers.words.products(words, n), papers.marks.products(marks, n))


@lru_cache(maxsize=8)
def ground(background: Background, lexical: float) -> Landmarks:
    """Prepare the kernel among the landmarks, once for all readers."""
    held = background.landmarks
    return Landmarks.of(_alike(held, held.near, background.landmark_words).kernel(lexical))
