"""What goes into a shard and what comes out of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Mode = Literal["page", "hybrid", "lexical", "semantic"]
FloatArray = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PaperToIndex:
    """A paper as the shard wants it. `vector` (dim,) float16, of length 1; None while it is not encoded.

    `identifiers` are written scheme:value. `day` is the edition day; None where it is not known.
    """

    id: int
    title: str
    abstract: str
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = ()
    source: str = ""
    day: date | None = None
    has_code: bool = False
    vector: NDArray[np.float16] | None = None


class ChangeLog(Protocol):
    """The record's side of `catch_up()`: numbered changes, and the papers as they are now."""

    def head(self) -> int:
        """Number of the newest change; 0 when there is none."""

    def since(self, seq: int, limit: int) -> Sequence[tuple[int, int, bool]]:
        """Changes after `seq` as (seq, paper id, text changed), in order.

        The third is False where only the vector is new, so that the words need not be indexed again.
        """

    def papers(self, ids: Sequence[int]) -> dict[int, PaperToIndex]:
        """The papers with these ids as they are now; those withdrawn or gone are left out."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What a paper must be to be found. Dates are edition days, both ends included; empty means any."""

    since: date | None = None
    until: date | None = None
    categories: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    has_code: bool | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A paper found. `block` is "words", "meaning", or "" where a list has only one block.

    score: higher is better; comparable inside one list of one query only. In the words block it falls with the rank.
    why: the terms of the order, such as {"typos": 0, "proximity": 1, "title_words": 0, "words": ["loss"]}.
    """

    paper: int
    block: Literal["words", "meaning", ""]
    score: float
    why: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Results:
    """Hits in order; `total` counts all that matched where it is known; `partial` if part of the shard did not answer.

    identifier: set when the query names a paper ("arxiv:2406.01234"), so that the caller can go there.
    notes: sentences for the reader, such as why there is no block by meaning.
    """

    hits: tuple[Hit, ...]
    total: int
    partial: bool = False
    identifier: str = ""
    notes: tuple[str, ...] = ()


class Encoder(Protocol):
    """Text to vector. `id` names model, weights, precision, length and text recipe; vectors of two ids never mix."""

    id: str
    dim: int

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Encode texts to (n, dim) float32 rows of length 1."""

    def encode_papers(self, papers: Sequence[tuple[str, str]]) -> FloatArray:
        """Encode (title, abstract) pairs by the encoder's recipe to (n, dim) float32 rows of length 1."""
