"""Papers as numbers: the words they hold, the marks they bear, and their vectors. Rows stay in the order they came."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
Rows = NDArray[np.int64]


class LearningError(Exception):
    """Something kept by this room cannot be read; learning it anew helps."""


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """n sparse rows: row i holds term[start[i]:start[i + 1]], ascending, each with its weight.

    start (n + 1,); term, weight (number of entries,). Rows have length 1, or 0 where nothing is known of a text.
    """

    start: Rows
    term: NDArray[np.int32]
    weight: FloatArray

    def __len__(self) -> int:
        return len(self.start) - 1

    @classmethod
    def empty(cls, n: int) -> Self:
        """Give n rows without a word."""
        return cls(np.zeros(n + 1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32))

    @classmethod
    def of(cls, bags: Sequence[dict[int, float]]) -> Self:
        """Make rows of length 1 from weights by term."""
        start = np.zeros(len(bags) + 1, np.int64)
        np.cumsum([len(bag) for bag in bags], out=start[1:])
        term = np.fromiter((term for bag in bags for term in sorted(bag)), np.int32, int(start[-1]))
        weight = np.fromiter((bag[term] for bag in bags for term in sorted(bag)), np.float32, int(start[-1]))
        return cls(start, term, weight).unit()

    @property
    def row_of_entry(self) -> Rows:
        """The row of each entry."""
        return np.repeat(np.arange(len(self)), np.diff(self.start))

    def unit(self) -> Self:
        """Give the same rows with length 1; those of length 0 stay."""
        squares = np.bincount(self.row_of_entry, self.weight.astype(np.float64) ** 2, minlength=len(self))
        length = np.sqrt(np.where(squares > 0, squares, 1))
        return type(self)(self.start, self.term, (self.weight / length[self.row_of_entry]).astype(np.float32))

    def take(self, rows: Sequence[int] | Rows) -> Self:
        """Give some rows, in the order they are asked for."""
        chosen = np.asarray(rows, np.int64)
        sizes = self.start[chosen + 1] - self.start[chosen]
        start = np.zeros(len(chosen) + 1, np.int64)
        np.cumsum(sizes, out=start[1:])
        entries = np.arange(start[-1]) - np.repeat(start[:-1] - self.start[chosen], sizes)
        return type(self)(start, self.term[entries], self.weight[entries])

    def times(self, vector: FloatArray) -> FloatArray:
        """Give the product of each row with a dense vector over terms, (n,)."""
        total = np.zeros(len(self.term) + 1)
        np.cumsum(self.weight * vector[self.term], dtype=np.float64, out=total[1:])
        return (total[self.start[1:]] - total[self.start[:-1]]).astype(np.float32)

    def sum(self, weights: FloatArray, terms: int) -> FloatArray:
        """Give the sum of the rows, each times its weight (n,), as a dense vector (terms,)."""
        share = np.repeat(weights, np.diff(self.start)) * self.weight
        return np.bincount(self.term, share, minlength=terms).astype(np.float32)

    def by_term(self, terms: int) -> "Words":
        """Give the same entries turned round: row t holds the rows that have term t."""
        order = np.argsort(self.term, kind="stable")
        start = np.zeros(terms + 1, np.int64)
        np.cumsum(np.bincount(self.term, minlength=terms), out=start[1:])
        return Words(start, self.row_of_entry[order].astype(np.int32), self.weight[order])

    def products(self, others: "Words", n: int) -> FloatArray:
        """Give the products of all rows with n others that were turned round by `by_term`, (rows, n)."""
        first = others.start[self.term]
        sizes = others.start[self.term + 1] - first
        ends = np.cumsum(sizes)
        entries = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - sizes - first, sizes)
        place = np.repeat(self.row_of_entry * n, sizes) + others.term[entries]
        share = np.repeat(self.weight, sizes) * others.weight[entries]
        return np.bincount(place, share, minlength=len(self) * n).reshape(len(self), n).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """What is known of n papers: words and marks (sparse rows), vectors (n, dim) of length 1.

    vectors: rows of zeros where a paper has none; dim 0 where there is no encoder.
    """

    words: Words
    marks: Words
    vectors: FloatArray

    def __len__(self) -> int:
        return len(self.words)

    @property
    def dim(self) -> int:
        """The length of the vectors; 0 without any."""
        return int(self.vectors.shape[1])

    def take(self, rows: Sequence[int] | Rows) -> Self:
        """Give some of the papers, in the order they are asked for."""
        chosen = np.asarray(rows, np.int64)
        return type(self)(self.words.take(chosen), self.marks.take(chosen), self.vectors[chosen])


def join(parts: Sequence[Features]) -> Features:
    """Put papers one after the other. The parts are at least one and have vectors of one length."""
    vectors = np.concatenate([part.vectors for part in parts])
    return Features(_joined([part.words for part in parts]), _joined([part.marks for part in parts]), vectors)


def _joined(parts: Sequence[Words]) -> Words:
    sizes = np.concatenate([np.diff(part.start) for part in parts])
    start = np.zeros(len(sizes) + 1, np.int64)
    np.cumsum(sizes, out=start[1:])
    return Words(start, np.concatenate([part.term for part in parts]), np.concatenate([part.weight for part in parts]))
