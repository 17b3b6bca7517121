"""A shard as it was at one commit: both halves opened together, never changing, safe to share between threads."""

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from broadsheet.search.executor import Statistics
from broadsheet.search.lexical import Lexicon, day_number, open_index
from broadsheet.search.tables import (
    COARSE,
    LEX,
    ROTATION,
    STATE,
    DamagedShard,
    Kinds,
    State,
    mapped,
    mapped_here_and_there,
    read_kinds,
    read_state,
    unmap_pages,
)
from broadsheet.search.types import Filter, FloatArray
from broadsheet.search.vectors import Mask, VectorTable, bit_words

_TRIES = 20
_PAUSE = 0.005
# Room for papers to come, in rows; the rows turned at a time; those compared before rows in memory are trusted.
_ROOM = 20_000
_TURNED = 8_192
_PROBES = 500


@dataclass(frozen=True, slots=True)
class VectorHalf:
    """The vectors of a snapshot and the columns they are filtered by, row by row."""

    table: VectorTable
    ids: NDArray[np.int64]
    days: NDArray[np.int32]
    kind: NDArray[np.int32]
    alive: Mask | None
    kinds: Kinds

    def mask(self, filters: Sequence[Filter]) -> Mask | None:
        """Tell which rows may be found; None where all may."""
        mask = self.alive
        for one in filters:
            for part in self._parts(one):
                mask = part if mask is None else mask & part
        return mask

    def _parts(self, one: Filter) -> list[Mask]:
        parts: list[Mask] = []
        if one.categories or one.sources or one.has_code is not None:
            parts.append(np.take(self.kinds.passing(one), self.kind))
        if one.since or one.until:
            # Day 0 is "not known": no range holds it.
            parts.append(self.days >= max(1, day_number(one.since)))
        if one.until:
            parts.append(self.days <= day_number(one.until))
        return parts

    def row(self, paper: int) -> int | None:
        """Give the live row of a paper."""
        rows = np.flatnonzero(self.ids == paper)
        if self.alive is not None:
            rows = rows[self.alive[rows]]
        return int(rows[-1]) if len(rows) else None

    def nearest(self, query: FloatArray, k: int, mask: Mask | None, of: int = 1) -> list[tuple[int, float]]:
        """Give (paper, cosine), nearest first; `of` parts like this one are asked."""
        rows, scores = self.table.nearest(query, k, mask, of)
        return list(zip(self.ids[rows].tolist(), scores.tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One commit of a shard."""

    state: State
    lexicon: Lexicon
    word_ids: NDArray[np.int64]
    word_days: NDArray[np.int32]
    word_ends: NDArray[np.int64]
    words: NDArray[np.uint8]
    vectors: VectorHalf | None

    @classmethod
    def open(cls, path: Path, before: "Snapshot | None" = None) -> Self | None:
        """Open the newest commit of a shard; None where there is no shard yet. Raises DamagedShard.

        before: a snapshot opened earlier, of whose rows in memory those that are still right are taken over.
        """
        for left in range(_TRIES, -1, -1):
            state = read_state(path / STATE)
            if state is None:
                return None
            try:
                return cls._opened(path / state.directory, state, left == 0, before)
            except DamagedShard:
                # A commit or a swap is under way (or was cut short): look again, then take what is there.
                if left == 0:
                    raise
                time.sleep(_PAUSE)
        return None

    @classmethod
    def _opened(cls, files: Path, state: State, torn: bool, before: "Snapshot | None") -> Self:
        lexicon = _lexicon(files / LEX, state, torn)
        # The files of another generation have other rows.
        earlier = before.vectors if before and before.state.directory == state.directory else None
        return cls(
            state=state,
            lexicon=lexicon,
            word_ids=mapped(files / "word_id.i8", "<i8", state.words),
            word_days=mapped(files / "word_day.i4", "<i4", state.words),
            word_ends=mapped(files / "word_end.i8", "<i8", state.words),
            words=mapped_here_and_there(files / "words.u1", "u1", state.words_bytes),
            vectors=_vector_half(files, state, earlier) if state.vectors else None,
        )

    def text(self, row: int) -> str:
        """Give a row of the words table (`words.row_text`)."""
        start = int(self.word_ends[row - 1]) if row else 0
        return self.words[start : int(self.word_ends[row])].tobytes().decode()

    def known(self, rows: Sequence[int]) -> list[int]:
        """Leave out rows of a batch that tantivy committed and the state does not know yet."""
        return [row for row in rows if row < self.state.words]

    def unmap_pages(self) -> None:
        """Let go of pages of the files that are read here and there; reading them again costs little."""
        columns: list[NDArray[Any]] = [self.words, self.word_ends]
        if self.vectors:
            # The bytes, of which every search reads thousands, stay: they are a third of the vectors.
            columns.append(self.vectors.table.exact)
        for column in columns:
            unmap_pages(column)

    def statistics(self, field: str, terms: Iterable[str]) -> Statistics:
        """Give what BM25 knows of this shard and some terms of a field; `tokens` are stems."""
        papers, mean = self.lexicon.size()
        return Statistics(papers, papers * mean, self.lexicon.holding(field, terms))

    def papers(self, rows: Sequence[int]) -> list[int]:
        """Give the papers of rows of the words table."""
        return cast(list[int], self.word_ids[np.asarray(rows, dtype=np.int64)].tolist())


def _lexicon(path: Path, state: State, torn: bool) -> Lexicon:
    try:
        before = _opstamp(path)
        lexicon = Lexicon(open_index(path))
        after = _opstamp(path)
    except (OSError, ValueError) as error:
        raise DamagedShard(f"the word index cannot be opened: {error}") from error
    if not torn and not before == after == state.opstamp:
        raise DamagedShard("the word index is not at the commit of the state")
    return lexicon


def _opstamp(path: Path) -> int:
    return int(json.loads((path / "meta.json").read_bytes())["opstamp"])


def _sign_columns(rows: NDArray[np.uint64], before: VectorHalf | None) -> NDArray[np.uint64]:
    """Put sign bits (n, words) into columns (words, n), which are scanned in half the time.

    Rows that an earlier snapshot of the same files has in memory are not read again: only the room behind them, which
    that snapshot does not look at, is written to.
    """
    n, words = rows.shape
    known = before.table.bits if before else rows[:0].T
    store = known.base if known.base is not None else known
    have = known.shape[1]
    same = 0 < have <= n <= store.shape[-1] and store.shape[0] == words and _agree(rows, known)
    if not same:
        store, have = np.empty((words, n + max(_ROOM, n // 50)), dtype=np.uint64), 0
    # Block by block, so that what is read once is written to all columns while it is near.
    for start in range(have, n, _TURNED):
        end = min(n, start + _TURNED)
        store[:, start:end] = rows[start:end].T
    return store[:, :n]


def _agree(rows: NDArray[np.uint64], columns: NDArray[np.uint64]) -> bool:
    some = np.linspace(0, columns.shape[1] - 1, _PROBES).astype(np.int64)
    return bool(np.array_equal(rows[some].T, columns[:, some]))


def _vector_half(files: Path, state: State, before: VectorHalf | None) -> VectorHalf:
    n, dim = state.vectors, state.dim
    alive = None
    if state.vectors_dead:
        alive = np.ones(n, dtype=np.bool_)
        alive[mapped(files / "dead.i4", "<i4", state.vectors_dead)] = False
    table = VectorTable(
        rotation=np.array(mapped(files / ROTATION, "<f4", dim, dim)),
        bits=_sign_columns(mapped(files / "bits.u1", "<u8", n, bit_words(dim)), before),
        coarse=mapped(files / COARSE, "i1", n, dim),
        scale=mapped(files / "scale.f4", "<f4", n),
        exact=mapped_here_and_there(files / "vec.f2", "<f2", n, dim),
    )
    return VectorHalf(
        table=table,
        ids=mapped(files / "id.i8", "<i8", n),
        days=mapped(files / "date.i4", "<i4", n),
        kind=mapped(files / "kind.i4", "<i4", n),
        alive=alive,
        kinds=read_kinds(files / "kinds.jsonl", state, before.kinds if before else None),
    )
