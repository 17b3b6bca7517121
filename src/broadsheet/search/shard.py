"""A shard: papers in, hits out. `catch_up()` writes it, `ShardReader` reads it, in any process or thread."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from broadsheet.search.catch_up import CaughtUp, catch_up
from broadsheet.search.fuse import DEPTH, fused, min_max
from broadsheet.search.lexical import Clause
from broadsheet.search.query import ParsedQuery, parse
from broadsheet.search.snapshot import Snapshot
from broadsheet.search.tables import STATE, DamagedShard, State
from broadsheet.search.types import Encoder, Filter, FloatArray, Hit, Mode, Results
from broadsheet.search.vectors import Mask
from broadsheet.search.words import MARK, row_fields
from broadsheet.search.words_block import WordsBlock, words_block

__all__ = ["CaughtUp", "DamagedShard", "ShardReader", "catch_up"]

PAGE = 120
SIMILAR = 20
# So many papers, the newest, may be allowed or refused by words (author:, "phrases", -words) in the block by meaning.
CONSTRAINED = 50_000
RAREST = 25
WEIGHTS = (0.5, 0.5)

ANY = Filter()

NO_ENCODER = "Search by meaning is off: no encoder is installed. These are the papers that hold the words."
NO_VECTORS = "Search by meaning is not ready: the papers are not encoded yet. These are the papers that hold the words."
OTHER_ENCODER = "Search by meaning is not ready: the papers are encoded by another encoder. These hold the words."
NO_PHRASE = "No paper has the words in quotes next to each other; they were looked for one by one."
NO_SHARD = "Nothing is indexed yet."
DAMAGED = "The search index cannot be read; it will be built anew."


class ShardReader:
    """A shard for reading. Cheap to keep; looks at every call for a newer commit. Safe to share between threads.

    Without an encoder it answers by words only, and says so.
    """

    def __init__(self, path: Path, encoder: Encoder | None = None) -> None:
        self.path = path
        self.encoder = encoder
        self._lock = threading.Lock()
        self._opened: tuple[tuple[int, int, int], Snapshot] | None = None

    def __len__(self) -> int:
        snapshot = self.snapshot()
        return len(snapshot.lexicon) if snapshot else 0

    @property
    def state(self) -> State | None:
        """What the shard holds; None where there is none yet."""
        snapshot = self.snapshot()
        return snapshot.state if snapshot else None

    def snapshot(self) -> Snapshot | None:
        """Give the newest commit; None where there is no shard yet. Raises DamagedShard where it cannot be opened."""
        try:
            stat = (self.path / STATE).stat()
        except FileNotFoundError:
            return None
        stamp = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        with self._lock:
            if self._opened and self._opened[0] == stamp:
                return self._opened[1]
            try:
                snapshot = Snapshot.open(self.path)
            except DamagedShard:
                if self._opened:
                    return self._opened[1]
                raise
            self._opened = (stamp, snapshot) if snapshot else None
            return snapshot

    def _readable(self) -> Snapshot | Results:
        try:
            return self.snapshot() or Results((), 0, notes=(NO_SHARD,))
        except DamagedShard:
            return Results((), 0, partial=True, notes=(DAMAGED,))

    def warm(self) -> None:
        """Open the shard now, which reads the sign bits, so that the first search need not wait for the disk."""
        self.snapshot()

    def search(self, query: str, mode: Mode = "page", limit: int = PAGE, filter: Filter = ANY) -> Results:
        """Search. Never raises on any text.

        mode: `page` gives the papers that hold all words, then the nearest by meaning, no paper twice; `lexical` and
        `semantic` the one or the other; `hybrid` the best of BM25 and of meaning in one fused list.
        `filter` comes on top of what the query itself asks for.
        """
        parsed = parse(query)
        snapshot = self._readable()
        if isinstance(snapshot, Results):
            return replace(snapshot, identifier=parsed.identifier)
        return _Search(snapshot, self.encoder, parsed, filter, max(0, limit)).results(mode)

    def similar(self, paper: int, limit: int = SIMILAR, filter: Filter = ANY) -> Results:
        """Find papers like one, itself left out: by vector, or by its rarest words where it has no vector."""
        snapshot = self._readable()
        if isinstance(snapshot, Results):
            return snapshot
        return _similar(snapshot, paper, max(0, limit), filter)

    def nearest(self, vector: FloatArray, limit: int = SIMILAR, filter: Filter = ANY) -> Results:
        """Find the papers nearest to a vector (dim,) of length 1, such as the mean of a reader's likes."""
        snapshot = self._readable()
        if isinstance(snapshot, Results):
            return snapshot
        if snapshot.vectors is None:
            return Results((), 0, notes=(NO_VECTORS,))
        return _list(snapshot.vectors.nearest(vector, max(0, limit), snapshot.vectors.mask([filter])))


class _Search:
    def __init__(
        self, snapshot: Snapshot, encoder: Encoder | None, query: ParsedQuery, filter: Filter, limit: int
    ) -> None:
        self.snapshot = snapshot
        self.encoder = encoder
        self.filters = [one for one in (filter, query.filter) if one != ANY]
        self.limit = limit
        self.query = self._relaxed(query)
        self.clauses = snapshot.lexicon.clauses(self.filters, self.query)

    def _relaxed(self, query: ParsedQuery) -> ParsedQuery:
        """Take phrases that no paper holds as words."""
        if not query.phrases:
            return query
        lexicon = self.snapshot.lexicon
        if lexicon.newest([], lexicon.clauses(self.filters, query), 1).total:
            return query
        return replace(query, phrases=(), notes=(*query.notes, NO_PHRASE))

    def results(self, mode: Mode) -> Results:
        if self.query.empty and not self.filters and not self.query.identifier:
            return self._answer((), 0)
        if mode == "hybrid":
            return self._hybrid()
        named = self._named()
        block = self._words() if mode in ("page", "lexical") else WordsBlock((), 0)
        if named and mode != "semantic":
            block = WordsBlock((*named, *(hit for hit in block.hits if hit.paper != named[0].paper)), block.total + 1)
        meaning: tuple[Hit, ...] = ()
        if mode in ("page", "semantic"):
            meaning = self._meaning({hit.paper for hit in block.hits}, self.limit - len(block.hits))
        hits = (*block.hits, *meaning)[: self.limit]
        return self._answer(hits, max(block.total, len(hits)), self._missing() if mode != "lexical" else "")

    def _answer(self, hits: tuple[Hit, ...], total: int, note: str = "") -> Results:
        notes = (*self.query.notes, note) if note else self.query.notes
        return Results(hits, total, identifier=self.query.identifier, notes=notes)

    def _named(self) -> tuple[Hit, ...]:
        if not self.query.identifier:
            return ()
        lexicon = self.snapshot.lexicon
        found = lexicon.newest([lexicon.term("identifiers", self.query.identifier.lower())], [], 1)
        papers = self.snapshot.papers(self.snapshot.known(found.rows))
        return tuple(Hit(paper, "words", 2.0, {"identifier": self.query.identifier}) for paper in papers)

    def _words(self) -> WordsBlock:
        if self.query.identifier:
            return WordsBlock((), 0)
        return words_block(self.snapshot, self.query, self.clauses, self.limit)

    def _missing(self) -> str:
        if not self.query.text or self.query.identifier:
            return ""
        if self.encoder is None:
            return NO_ENCODER
        if self.snapshot.vectors is None:
            return NO_VECTORS
        return OTHER_ENCODER if self.encoder.id != self.snapshot.state.encoder else ""

    def _meaning(self, shown: set[int], wanted: int) -> tuple[Hit, ...]:
        found = self._nearest(wanted + len(shown)) if wanted > 0 else []
        rest = [(paper, score) for paper, score in found if paper not in shown][:wanted]
        return tuple(Hit(paper, "meaning", score, {"similarity": score}) for paper, score in rest)

    def _nearest(self, k: int) -> list[tuple[int, float]]:
        vectors = self.snapshot.vectors
        if self._missing() or vectors is None or self.encoder is None or not self.query.text or self.query.identifier:
            return []
        mask = self._constrained(vectors.mask(self.filters))
        return vectors.nearest(self.encoder.encode([self.query.text])[0], k, mask)

    def _constrained(self, mask: Mask | None) -> Mask | None:
        """Apply what only words can tell (phrases, authors, identifiers, exclusions) to the rows of the vectors."""
        vectors, query = self.snapshot.vectors, self.query
        if vectors is None or not (query.phrases or query.authors or query.ids or query.without):
            return mask
        lexicon = self.snapshot.lexicon
        if query.phrases or query.authors or query.ids:
            part = np.isin(vectors.ids, self._papers(lexicon.clauses([], query)))
        else:
            refused = [lexicon.phrase("words", words) for words in query.without]
            part = np.ones(len(vectors.ids), dtype=np.bool_)
            for one in refused:
                found = lexicon.newest([one], [], CONSTRAINED)
                part &= ~np.isin(vectors.ids, self.snapshot.papers(self.snapshot.known(found.rows)))
        return part if mask is None else mask & part

    def _papers(self, clauses: Sequence[Clause]) -> list[int]:
        found = self.snapshot.lexicon.newest([], clauses, CONSTRAINED)
        return self.snapshot.papers(self.snapshot.known(found.rows))

    def _hybrid(self) -> Results:
        named = self._named()
        words = min_max(self._bm25())
        meaning = min_max(dict(self._nearest(max(DEPTH, self.limit))))
        ranked = fused([words, meaning], WEIGHTS)
        hits = [
            Hit(paper, "", score, {"words": words.get(paper, 0.0), "meaning": meaning.get(paper, 0.0)})
            for paper, score in ranked[: self.limit]
        ]
        shown = (*named, *hits)[: self.limit]
        if not shown and not self.query.terms:
            shown = self._words().hits
        return self._answer(shown, max(len(ranked), len(shown)), self._missing())

    def _bm25(self) -> dict[int, float]:
        if self.query.identifier:
            return {}
        snapshot = self.snapshot
        found = snapshot.lexicon.best(self.query.text, self.clauses, max(DEPTH, self.limit))
        return {int(snapshot.word_ids[row]): score for row, score in found if row < snapshot.state.words}


def _list(found: Sequence[tuple[int, float]]) -> Results:
    hits = tuple(Hit(paper, "", score, {"similarity": score}) for paper, score in found)
    return Results(hits, len(hits))


def _similar(snapshot: Snapshot, paper: int, limit: int, filter: Filter) -> Results:
    vectors = snapshot.vectors
    row = vectors.row(paper) if vectors else None
    if vectors is None or row is None:
        return _alike(snapshot, paper, limit, filter)
    query = vectors.table.exact[row].astype(np.float32)
    found = vectors.nearest(query / (np.linalg.norm(query) or 1.0), limit + 1, vectors.mask([filter]))
    return _list([(other, score) for other, score in found if other != paper][:limit])


def _alike(snapshot: Snapshot, paper: int, limit: int, filter: Filter) -> Results:
    lexicon = snapshot.lexicon
    rows = snapshot.known(lexicon.newest([lexicon.term("id", paper)], [], 1).rows)
    if not rows:
        return Results((), 0, notes=("This paper is not indexed.",))
    texts = row_fields(snapshot.text(rows[0]))[:2]
    words = lexicon.rarest((word for text in texts for word in text.split() if word != MARK), RAREST)
    found = lexicon.alike(words, lexicon.clauses([filter]), limit + 1)
    hits = []
    for row, score in found:
        if row < snapshot.state.words and row != rows[0]:
            held = set(snapshot.text(row).split())
            why: dict[str, object] = {"words": [word for word in words if word in held]}
            hits.append(Hit(int(snapshot.word_ids[row]), "", score, why))
    return Results(tuple(hits[:limit]), len(hits[:limit]))
