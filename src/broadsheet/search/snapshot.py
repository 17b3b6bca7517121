"""A shard as it was at one commit: both halves opened together, never changing, safe to share between threads."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self, cast

import numpy as np
from numpy.typing import NDArray

from broadsheet.search.lexical import Lexicon, day_number, open_index
from broadsheet.search.tables import (
    LEX,
    ROTATION,
    STATE,
    DamagedShard,
    Kind,
    State,
    mapped,
    read_kinds,
    read_state,
)
from broadsheet.search.types import Filter, FloatArray
from broadsheet.search.vectors import Mask, VectorTable, bit_words

_TRIES = 20
_PAUSE = 0.005


@dataclass(frozen=True, slots=True)
class VectorHalf:
    """The vectors of a snapshot and the columns they are filtered by, row by row."""

    table: VectorTable
    ids: NDArray[np.int64]
    days: NDArray[np.int32]
    kind: NDArray[np.int32]
    alive: Mask | None
    kinds: list[Kind]

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
            passing = np.array([kind.passes(one) for kind in self.kinds], dtype=np.bool_)
            parts.append(passing[self.kind])
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

    def nearest(self, query: FloatArray, k: int, mask: Mask | None) -> list[tuple[int, float]]:
        """Give (paper, cosine), nearest first."""
        rows, scores = self.table.nearest(query, k, mask)
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
    def open(cls, path: Path) -> Self | None:
        """Open the newest commit of a shard; None where there is no shard yet. Raises DamagedShard."""
        for left in range(_TRIES, -1, -1):
            state = read_state(path / STATE)
            if state is None:
                return None
            try:
                return cls._opened(path / state.directory, state, torn=left == 0)
            except DamagedShard:
                # A commit or a swap is under way (or was cut short): look again, then take what is there.
                if left == 0:
                    raise
                time.sleep(_PAUSE)
        return None

    @classmethod
    def _opened(cls, files: Path, state: State, torn: bool) -> Self:
        lexicon = _lexicon(files / LEX, state, torn)
        return cls(
            state=state,
            lexicon=lexicon,
            word_ids=mapped(files / "word_id.i8", "<i8", state.words),
            word_days=mapped(files / "word_day.i4", "<i4", state.words),
            word_ends=mapped(files / "word_end.i8", "<i8", state.words),
            words=mapped(files / "words.u1", "u1", state.words_bytes),
            vectors=_vector_half(files, state) if state.vectors else None,
        )

    def text(self, row: int) -> str:
        """Give a row of the words table (`words.row_text`)."""
        start = int(self.word_ends[row - 1]) if row else 0
        return self.words[start : int(self.word_ends[row])].tobytes().decode()

    def known(self, rows: Sequence[int]) -> list[int]:
        """Leave out rows of a batch that tantivy committed and the state does not know yet."""
        return [row for row in rows if row < self.state.words]

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


def _vector_half(files: Path, state: State) -> VectorHalf:
    n, dim = state.vectors, state.dim
    alive = None
    if state.vectors_dead:
        alive = np.ones(n, dtype=np.bool_)
        alive[mapped(files / "dead.i4", "<i4", state.vectors_dead)] = False
    table = VectorTable(
        rotation=np.array(mapped(files / ROTATION, "<f4", dim, dim)),
        bits=np.ascontiguousarray(mapped(files / "bits.u1", "<u8", n, bit_words(dim)).T),
        coarse=mapped(files / "vec.i8", "i1", n, dim),
        scale=mapped(files / "scale.f4", "<f4", n),
        exact=mapped(files / "vec.f2", "<f2", n, dim),
    )
    return VectorHalf(
        table=table,
        ids=mapped(files / "id.i8", "<i8", n),
        days=mapped(files / "date.i4", "<i4", n),
        kind=mapped(files / "kind.i4", "<i4", n),
        alive=alive,
        kinds=read_kinds(files / "kinds.jsonl", state),
    )
