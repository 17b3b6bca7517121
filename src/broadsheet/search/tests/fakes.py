"""A record and an encoder that tests can see through."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np

from broadsheet.search.types import FloatArray, PaperToIndex
from broadsheet.search.words import words


def unit(vector: FloatArray) -> FloatArray:
    return vector / np.float32(max(float(np.linalg.norm(vector)), 1e-9))


@dataclass
class FakeEncoder:
    """A bag of words: each word has a direction of its own, drawn from its hash."""

    id: str = "bag-of-words"
    dim: int = 64

    def encode(self, texts: Sequence[str]) -> FloatArray:
        return np.stack([unit(self._sum(text)) for text in texts])

    def encode_papers(self, papers: Sequence[tuple[str, str]]) -> FloatArray:
        return self.encode([f"{title}. {abstract}" for title, abstract in papers])

    def _sum(self, text: str) -> FloatArray:
        total = np.full(self.dim, 1e-3, dtype=np.float32)
        for word in words(text):
            total += _direction(word[:6], self.dim)
        return total


@lru_cache(maxsize=10_000)
def _direction(stem: str, dim: int) -> FloatArray:
    seed = int.from_bytes(hashlib.sha256(stem.encode()).digest()[:8], "little")
    return np.random.default_rng(seed).standard_normal(dim).astype(np.float32)


@dataclass
class FakeRecord:
    """A change log in memory."""

    now: dict[int, PaperToIndex] = field(default_factory=dict)
    log: list[tuple[int, int, bool]] = field(default_factory=list)
    reads: int = 0

    def head(self) -> int:
        return self.log[-1][0] if self.log else 0

    def since(self, seq: int, limit: int) -> Sequence[tuple[int, int, bool]]:
        return self.log[seq : seq + limit]

    def papers(self, ids: Sequence[int]) -> dict[int, PaperToIndex]:
        self.reads += len(ids)
        return {paper: self.now[paper] for paper in ids if paper in self.now}

    def put(self, *papers: PaperToIndex, text: bool = True) -> None:
        for paper in papers:
            self.now[paper.id] = paper
            self.log.append((self.head() + 1, paper.id, text))

    def withdraw(self, *papers: int) -> None:
        for paper in papers:
            self.now.pop(paper, None)
            self.log.append((self.head() + 1, paper, True))

    def encode(self, encoder: FakeEncoder, papers: Iterable[int] | None = None) -> None:
        for paper in list(self.now) if papers is None else list(papers):
            known = self.now[paper]
            vector = encoder.encode_papers([(known.title, known.abstract)])[0].astype(np.float16)
            self.put(replace(known, vector=vector), text=False)


def encoded(encoder: FakeEncoder, *papers: PaperToIndex) -> list[PaperToIndex]:
    vectors = encoder.encode_papers([(paper.title, paper.abstract) for paper in papers]).astype(np.float16)
    return [replace(paper, vector=vector) for paper, vector in zip(papers, vectors, strict=True)]
