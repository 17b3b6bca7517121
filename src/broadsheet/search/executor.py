"""The small interface of whatever answers searches, and what its parts tell each other.

A search is asked of parts: shards in this process, or elsewhere. Each part answers a `Question` with a `Part`; whoever
asked makes one answer of all the parts, once (`search.gather`). So one shard, four shards and shards on other machines
give the same answer.
"""

import math
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol, Self

from broadsheet.search.query import ParsedQuery
from broadsheet.search.tables import State
from broadsheet.search.types import Filter, FloatArray, Mode, Results
from broadsheet.search.vectors import share

PAGE = 120
SIMILAR = 20
ANY = Filter()

Scored = tuple[tuple[int, float], ...]
Wanted = Literal["counts", "named", "words", "typos", "bm25", "near", "paper", "alike"]


class Searcher(Protocol):
    """Whatever answers searches: a shard, several in one process, or a cluster. Safe to share between threads."""

    def search(self, query: str, mode: Mode = "page", limit: int = PAGE, filter: Filter = ANY) -> Results:
        """Search. Never raises on any text."""

    def similar(self, paper: int, limit: int = SIMILAR, filter: Filter = ANY) -> Results:
        """Find papers like one, itself left out."""

    def nearest(self, vector: FloatArray, limit: int = SIMILAR, filter: Filter = ANY) -> Results:
        """Find the papers nearest to a vector (dim,) of length 1."""

    @property
    def state(self) -> State | None:
        """What is indexed; None where nothing is yet."""

    def __len__(self) -> int:
        """Count the papers that can be found."""

    def warm(self) -> None:
        """Open everything now, so that the first search need not wait for the disk."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment that an answer must not be later than. `at` is a reading of `tick`, in seconds; None is never."""

    at: float | None = None
    tick: Callable[[], float] = time.monotonic

    @classmethod
    def within(cls, seconds: float | None, tick: Callable[[], float] = time.monotonic) -> Self:
        """Make the deadline that is so many seconds away."""
        return cls(None if seconds is None else tick() + seconds, tick)

    def first_half(self) -> Self:
        """Give the deadline for a step after which others follow: half of what is left."""
        left = self.left()
        return self if left is None else replace(self, at=self.tick() + left / 2)

    def left(self) -> float | None:
        """Tell how many seconds are left, 0 when it has passed; None where there is no deadline."""
        return None if self.at is None else max(0.0, self.at - self.tick())


@dataclass(frozen=True, slots=True)
class Statistics:
    """What BM25 needs to know of a collection: papers, words in all, and how many papers hold each term."""

    papers: int = 0
    tokens: float = 0.0
    holding: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: "Statistics") -> "Statistics":
        terms = {*self.holding, *other.holding}
        both = {term: self.holding.get(term, 0) + other.holding.get(term, 0) for term in terms}
        return Statistics(self.papers + other.papers, self.tokens + other.tokens, both)

    @property
    def mean_length(self) -> float:
        """Words per paper."""
        return self.tokens / self.papers if self.papers else 1.0

    def idf(self, term: str) -> float:
        """Weigh a term: log(1 + (N - n + 0.5) / (n + 0.5)), as tantivy and Lucene do; always above 0."""
        n = self.holding.get(term, 0)
        return math.log1p((max(self.papers, n) - n + 0.5) / (n + 0.5))


@dataclass(frozen=True, slots=True)
class Question:
    """What a part is asked. Nothing in it depends on the part, so that it can be sent to all of them.

    wants: what to answer. of: how many parts there are. text: the words to rank by. vector (dim,): of length 1.
    statistics: those of all parts together, for scores that do not depend on the division; None to take one's own.
    exact: exact words that may be too few for the limit, so that typos are allowed ("typos").
    """

    wants: frozenset[Wanted]
    query: ParsedQuery = field(default_factory=ParsedQuery)
    filters: tuple[Filter, ...] = ()
    limit: int = PAGE
    of: int = 1
    vector: FloatArray | None = None
    encoder: str = ""
    statistics: Statistics | None = None
    paper: int = 0
    rare: tuple[str, ...] = ()

    def asking(self, *wants: Wanted) -> "Question":
        """Give the same question, for something else."""
        return replace(self, wants=frozenset(wants))

    def share(self, first: int) -> int:
        """Tell how many of the first so many of all parts one part must give (`vectors.share`)."""
        return share(first, self.of)


@dataclass(frozen=True, slots=True, order=True)
class WordRow:
    """A paper of the words block and the keys of its place: what `page_order` says, the newer day, the number."""

    key: tuple[int, ...]
    minus_day: int
    paper: int
    why: dict[str, object] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Part:
    """What one part answers. Lists are best first, of papers with scores; only what was asked for is filled in.

    shard: which part. state: what it holds; None where it holds nothing yet. damaged: it cannot be read.
    total: papers that match. exact_phrases: whether any paper has the phrases of the query.
    lexical: BM25 scores under the statistics of the question. dense: cosines. vector and words: those of the paper
    asked for, where this part has it ("paper").
    """

    shard: int = 0
    state: State | None = None
    damaged: bool = False
    statistics: Statistics = field(default_factory=Statistics)
    exact_phrases: bool = False
    named: tuple[int, ...] = ()
    words: tuple[WordRow, ...] = ()
    total: int = 0
    lexical: Scored = ()
    dense: Scored = ()
    vector: FloatArray | None = None
    rare: tuple[str, ...] = ()
    has_paper: bool = False
    sharing: Mapping[int, tuple[str, ...]] = field(default_factory=dict)


class Parts(Protocol):
    """Parts that can be asked all at once."""

    def count(self) -> int:
        """Tell how many there are."""

    def ask(self, question: Question, deadline: Deadline, without: Collection[int] = ()) -> Sequence[Part]:
        """Ask all of them, but for those `without`; give the answers of those that answered in time."""
