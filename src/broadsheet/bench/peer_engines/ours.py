"""Broadsheet's own shard, as the other engines are asked."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from broadsheet.bench.peer_engines.protocol import Data, Found, InProcess, Question
from broadsheet.search.shard import ShardReader, catch_up
from broadsheet.search.types import Filter, FloatArray, PaperToIndex, Results

ENCODER = "handed"


class Handed:
    """An encoder that gives the vector it was handed: encoding is in nobody's time."""

    id = ENCODER

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self.vector: FloatArray = np.zeros(dim, dtype=np.float32)

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Give the vector."""
        return self.vector[None, :]

    def encode_papers(self, papers: Sequence[tuple[str, str]]) -> FloatArray:
        """Nothing is encoded here."""
        raise NotImplementedError


class Broadsheet(InProcess):
    """One shard."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.handed = Handed(0)

    def build(self, data: Data, tell: Callable[[str], None]) -> None:
        """Catch up with the papers as with a record."""

        def told(done: int, total: int | None = None) -> None:
            tell(f"{done:,} papers")

        catch_up(self.folder / "shard", FileLog(data), ENCODER, told)

    def add(self, data: Data) -> bool:
        """Catch up with more of them."""
        catch_up(self.folder / "shard", FileLog(data, later=True), ENCODER)
        self.open()
        return True

    def open(self) -> None:
        """Open, which reads the sign bits."""
        self.reader = ShardReader(self.folder / "shard", self.handed)
        self.reader.warm()

    def lexical(self, question: Question) -> Found:
        """BM25 of any of the words: what is left of the fused list without an encoder."""
        self.reader.encoder = None
        return _found(self.reader.search(question.text, "hybrid", question.k, _filter(question)))

    def vector(self, question: Question) -> Found:
        """By cosine."""
        return _found(self.reader.nearest(question.vector, question.k, _filter(question)))

    def hybrid(self, question: Question) -> Found:
        """Both, fused as the site fuses them."""
        self.reader.encoder = self.handed
        self.handed.vector = question.vector
        return _found(self.reader.search(question.text, "hybrid", question.k, _filter(question)))


def _filter(question: Question) -> Filter:
    return Filter(since=date.fromordinal(question.since)) if question.since else Filter()


def _found(results: Results) -> Found:
    return [(hit.paper, hit.score) for hit in results.hits]


class FileLog:
    """The change log of a folder: paper n is change n. Papers are read once, in order, as a build asks for them.

    later: the papers that are added, after a build.
    """

    def __init__(self, data: Data, later: bool = False) -> None:
        self.data, self.n = data, data.papers + (data.added if later else 0)
        self._rows: dict[int, PaperToIndex] = {}
        self._batches = self._read(later)

    def _read(self, later: bool) -> Iterator[list[PaperToIndex]]:
        vectors, start = self.data.vectors(later), 0
        for rows, _ in self.data.batches(later):
            yield [_paper(row, vectors[start + n]) for n, row in enumerate(rows)]
            start += len(rows)

    def head(self) -> int:
        """Number of the newest change."""
        return self.n

    def since(self, seq: int, limit: int) -> Sequence[tuple[int, int, bool]]:
        """Changes after `seq`."""
        return [(n, n, True) for n in range(seq + 1, min(seq + limit, self.n) + 1)]

    def papers(self, ids: Sequence[int]) -> dict[int, PaperToIndex]:
        """The papers with these ids, each of which can be asked for once."""
        while any(paper not in self._rows for paper in ids):
            self._rows |= {paper.id: paper for paper in next(self._batches)}
        return {paper: self._rows.pop(paper) for paper in ids}


def _paper(row: dict[str, Any], vector: np.ndarray[Any, np.dtype[np.float16]]) -> PaperToIndex:
    return PaperToIndex(
        id=row["id"],
        title=row["title"],
        abstract=row["abstract"],
        authors=tuple(row["authors"]),
        categories=tuple(row["categories"]),
        identifiers=(f"made:{row['id']}",),
        source="made",
        day=date.fromordinal(row["day"]) if row["day"] else None,
        vector=vector,
    )
