"""As many papers as one likes, made of real ones: their sentences and vectors drawn anew, the same at every run."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from broadsheet.bench.corpus import sample_papers, vectors_of
from broadsheet.lib.progress import silent
from broadsheet.search.types import PaperToIndex

BLOCK: Final = 2_000
SEED: Final = 20240527
# How far a vector lies on the way from one real vector to another of its category, and the noise that is added.
NEAREST, FARTHEST = 0.2, 0.5
NOISE: Final = 0.15
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Sample:
    """The real papers taken apart, with the rows of each primary category."""

    papers: Sequence[PaperToIndex]
    vectors: NDArray[np.float32]
    sentences: Sequence[tuple[str, ...]]
    titles: Sequence[tuple[str, str]]
    fields: Sequence[NDArray[np.int64]]


def taken_apart(papers: Sequence[PaperToIndex], vectors: NDArray[np.float16]) -> Sample:
    """Take papers apart into what new ones are made of; vectors (n, dim)."""
    rows: dict[str, list[int]] = defaultdict(list)
    for n, paper in enumerate(papers):
        rows[paper.categories[0] if paper.categories else ""].append(n)
    arrays = {name: np.array(these) for name, these in rows.items()}
    return Sample(
        papers,
        vectors.astype(np.float32),
        [tuple(_SENTENCE.split(paper.abstract)) for paper in papers],
        [_halves(paper.title) for paper in papers],
        [arrays[paper.categories[0] if paper.categories else ""] for paper in papers],
    )


def _halves(title: str) -> tuple[str, str]:
    words = title.split()
    middle = (len(words) + 1) // 2
    return " ".join(words[:middle]), " ".join(words[middle:])


@lru_cache(maxsize=1)
def real_sample(home: Path) -> Sample:
    """Give the sample of arXiv with its vectors. Raises CannotMeasure."""
    papers = sample_papers()
    return taken_apart(papers, vectors_of(papers, home, silent))


@dataclass(frozen=True, slots=True)
class MadeLog:
    """A change log of `n` papers, ids 1 to n, one change each, made when they are asked for.

    Paper i is like a real one drawn at random: as many sentences, each from any paper of the same category; the first
    half of one title and the second of another; categories, authors and day of the real one. Its vector lies 0.2 to 0.5
    of the way from the real one's to that of another paper of the category, plus noise of length 0.15 in any direction.
    """

    sample: Sample
    n: int

    def head(self) -> int:
        """Number of the newest change."""
        return self.n

    def since(self, seq: int, limit: int) -> Sequence[tuple[int, int, bool]]:
        """Changes after `seq`."""
        return [(n, n, True) for n in range(seq + 1, min(seq + limit, self.n) + 1)]

    def papers(self, ids: Sequence[int]) -> dict[int, PaperToIndex]:
        """The papers with these ids."""
        blocks: dict[int, list[int]] = defaultdict(list)
        for paper in ids:
            blocks[(paper - 1) // BLOCK].append(paper)
        return {made.id: made for block, wanted in blocks.items() for made in self._made(block, wanted)}

    def _made(self, block: int, wanted: Sequence[int]) -> list[PaperToIndex]:
        sample, draw = self.sample, np.random.default_rng([SEED, block])
        base = draw.integers(len(sample.papers), size=BLOCK)
        # What one paper draws must not depend on which others are asked for.
        chance = draw.random((BLOCK, 64))
        at = np.array(wanted) - 1 - block * BLOCK
        vectors = self._vectors(base, chance, draw)[at]
        return [
            self._paper(number, int(base[n]), chance[n], vector)
            for number, n, vector in zip(wanted, at.tolist(), vectors, strict=True)
        ]

    def _vectors(
        self, base: NDArray[np.int64], chance: NDArray[np.float64], draw: np.random.Generator
    ) -> NDArray[np.float16]:
        sample = self.sample
        other = [_one(sample.fields[row], chance[n, 0]) for n, row in enumerate(base.tolist())]
        way = (NEAREST + (FARTHEST - NEAREST) * chance[:, 1:2]).astype(np.float32)
        rows = (1 - way) * sample.vectors[base] + way * sample.vectors[other]
        dim = rows.shape[1]
        rows += draw.standard_normal(rows.shape, dtype=np.float32) * np.float32(NOISE / np.sqrt(dim))
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows.astype(np.float16)

    def _paper(self, number: int, base: int, chance: NDArray[np.float64], vector: NDArray[np.float16]) -> PaperToIndex:
        sample = self.sample
        real, field, draws = sample.papers[base], sample.fields[base], chance.tolist()
        texts = []
        for n in range(min(len(sample.sentences[base]), 20)):
            sentences = sample.sentences[_one(field, draws[4 + 2 * n])]
            texts.append(sentences[int(draws[5 + 2 * n] * len(sentences))])
        title = f"{sample.titles[_one(field, draws[2])][0]} {sample.titles[_one(field, draws[3])][1]}"
        return PaperToIndex(
            id=number,
            title=title.strip(),
            abstract=" ".join(texts),
            authors=real.authors,
            categories=real.categories,
            identifiers=(f"made:{number}",),
            source="made",
            day=real.day or date(2024, 5, 27),
            vector=vector,
        )


def _one(rows: NDArray[np.int64], chance: float) -> int:
    return int(rows[int(chance * len(rows))])
