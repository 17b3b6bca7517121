"""One part's answer to a question: what its snapshot holds, with the keys and scores that other parts' go by too."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from broadsheet.search.bm25 import in_stems, score
from broadsheet.search.executor import Part, Question, Scored, Statistics
from broadsheet.search.fuse import DEPTH
from broadsheet.search.lexical import Clause, stems
from broadsheet.search.snapshot import Snapshot
from broadsheet.search.types import FloatArray
from broadsheet.search.vectors import Mask
from broadsheet.search.words import FIELD_END, MARK, row_fields
from broadsheet.search.words_block import words_block

# So many papers, the newest, may be allowed or refused by words (author:, "phrases", -words) in the block by meaning.
CONSTRAINED = 50_000
# Mean lengths so near to each other move no score by more than 6 in 10,000; scoring anew costs 50 microseconds a paper.
SAME_LENGTH = 0.001


def answer(snapshot: Snapshot, question: Question, shard: int = 0) -> Part:
    """Answer a question from one snapshot."""
    return _Answering(snapshot, question).part(Part(shard=shard, state=snapshot.state))


class _Answering:
    def __init__(self, snapshot: Snapshot, question: Question) -> None:
        self.snapshot = snapshot
        self.question = question
        self.query = question.query
        self.lexicon = snapshot.lexicon
        self.clauses: list[Clause] = self.lexicon.clauses(question.filters, question.query)

    def part(self, part: Part) -> Part:
        wants = self.question.wants
        if "counts" in wants:
            part = self._counts(part)
        if "named" in wants:
            part = replace(part, named=self._named())
        if "words" in wants or "typos" in wants:
            alone = self.question.of == 1
            block = words_block(self.snapshot, self.question, self.clauses, None if alone else "typos" in wants)
            part = replace(part, words=block.rows, total=block.total)
        if "bm25" in wants:
            part = replace(part, lexical=self._bm25())
        if "near" in wants:
            part = replace(part, dense=self._near())
        if "paper" in wants:
            part = self._paper(part)
        if "alike" in wants:
            part = self._alike(part)
        return part

    def _counts(self, part: Part) -> Part:
        question, query = self.question, self.query
        if question.rare:
            part = replace(part, statistics=self.snapshot.statistics("words", question.rare))
        elif question.of > 1:
            part = replace(part, statistics=self.snapshot.statistics("text", stems(query.text)))
        phrases = bool(query.phrases) and self.lexicon.newest([], self.clauses, 1).total > 0
        return replace(part, exact_phrases=phrases)

    def _named(self) -> tuple[int, ...]:
        if not self.query.identifier:
            return ()
        found = self.lexicon.newest([self.lexicon.term("identifiers", self.query.identifier.lower())], [], 1)
        return tuple(self.snapshot.papers(self.snapshot.known(found.rows)))

    def _bm25(self) -> Scored:
        asked = stems(self.query.text)
        if self.query.identifier or not asked:
            return ()
        found = self._ranked("text", asked, self.question.share(max(DEPTH, self.question.limit)))
        whole = self.question.statistics
        if whole is not None and self._lengths_differ(whole):
            # The terms weigh as in all parts already; what is left is the mean length of a paper.
            found = [(row, score(asked, self._stems(row), whole)) for row, _ in found]
        rows = [row for row, _ in found]
        return tuple(zip(self.snapshot.papers(rows), (points for _, points in found), strict=True))

    def _lengths_differ(self, whole: Statistics) -> bool:
        return abs(self.lexicon.size()[1] / whole.mean_length - 1) > SAME_LENGTH

    def _ranked(self, field: str, asked: dict[str, int], limit: int) -> list[tuple[int, float]]:
        weights = {term: float(count) for term, count in asked.items()}
        whole = self.question.statistics
        if whole is not None:
            mine = self.snapshot.statistics(field, asked)
            weights = {term: by * whole.idf(term) / mine.idf(term) for term, by in weights.items()}
        found = self.lexicon.best(field, weights, self.clauses, limit)
        return [(row, points) for row, points in found if row < self.snapshot.state.words]

    def _stems(self, row: int) -> list[str]:
        # All but the authors: what the field that BM25 ranks by holds.
        return in_stems(self.snapshot.text(row).rpartition(FIELD_END)[0])

    def _near(self) -> Scored:
        vectors, question = self.snapshot.vectors, self.question
        if vectors is None or question.vector is None or question.limit < 1:
            return ()
        if question.encoder and question.encoder != self.snapshot.state.encoder:
            return ()
        mask = self._constrained(vectors.mask(question.filters))
        return tuple(vectors.nearest(question.vector, question.share(question.limit), mask, question.of))

    def _constrained(self, mask: Mask | None) -> Mask | None:
        """Apply what only words can tell (phrases, authors, identifiers, exclusions) to the rows of the vectors."""
        vectors, query = self.snapshot.vectors, self.query
        if vectors is None or not (query.phrases or query.authors or query.ids or query.without):
            return mask
        if query.phrases or query.authors or query.ids:
            part = np.isin(vectors.ids, self._papers(self.lexicon.clauses([], query)))
        else:
            part = np.ones(len(vectors.ids), dtype=np.bool_)
            for words in query.without:
                found = self.lexicon.newest([self.lexicon.phrase("words", words)], [], self._constrained_rows)
                part &= ~np.isin(vectors.ids, self.snapshot.papers(self.snapshot.known(found.rows)))
        return part if mask is None else mask & part

    @property
    def _constrained_rows(self) -> int:
        return self.question.share(CONSTRAINED)

    def _papers(self, clauses: Sequence[Clause]) -> list[int]:
        found = self.lexicon.newest([], clauses, self._constrained_rows)
        return self.snapshot.papers(self.snapshot.known(found.rows))

    def _row(self) -> int | None:
        found = self.lexicon.newest([self.lexicon.term("id", self.question.paper)], [], 1)
        return next(iter(self.snapshot.known(found.rows)), None)

    def _paper(self, part: Part) -> Part:
        vectors = self.snapshot.vectors
        at = vectors.row(self.question.paper) if vectors else None
        if vectors is not None and at is not None:
            vector: FloatArray = vectors.table.exact[at].astype(np.float32)
            return replace(part, has_paper=True, vector=vector / (np.linalg.norm(vector) or 1.0))
        row = self._row()
        if row is None:
            return part
        texts = row_fields(self.snapshot.text(row))[:2]
        words = {word for text in texts for word in text.split() if word != MARK}
        return replace(part, has_paper=True, rare=tuple(sorted(words)))

    def _alike(self, part: Part) -> Part:
        words, mine = self.question.rare, self._row()
        found = self._ranked("words", dict.fromkeys(words, 1), self.question.limit + 1)
        rows = [(row, points) for row, points in found if row != mine]
        papers = self.snapshot.papers([row for row, _ in rows])
        held = {}
        for paper, (row, _) in zip(papers, rows, strict=True):
            there = set(self.snapshot.text(row).split())
            held[paper] = tuple(word for word in words if word in there)
        return replace(part, lexical=tuple((p, s) for p, (_, s) in zip(papers, rows, strict=True)), sharing=held)
