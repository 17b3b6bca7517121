"""One answer made of all parts' answers, once: lists are merged by keys and scores before anything is fused."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from broadsheet.search.executor import (
    ANY,
    PAGE,
    SIMILAR,
    Deadline,
    Part,
    Parts,
    Question,
    Scored,
    Statistics,
    Wanted,
    WordRow,
)
from broadsheet.search.fuse import DEPTH, fused, min_max
from broadsheet.search.query import parse
from broadsheet.search.types import Encoder, Filter, FloatArray, Hit, Mode, Results

RAREST = 25
WEIGHTS = (0.5, 0.5)

NO_ENCODER = "Search by meaning is off: no encoder is installed. These are the papers that hold the words."
NO_VECTORS = "Search by meaning is not ready: the papers are not encoded yet. These are the papers that hold the words."
OTHER_ENCODER = "Search by meaning is not ready: the papers are encoded by another encoder. These hold the words."
NO_PHRASE = "No paper has the words in quotes next to each other; they were looked for one by one."
NO_SHARD = "Nothing is indexed yet."
DAMAGED = "The search index cannot be read; it will be built anew."
LATE = "Part of the index did not answer in time; some papers may be missing here."


def search(
    parts: Parts, encoder: Encoder | None, text: str, mode: Mode, limit: int, filter: Filter, deadline: Deadline
) -> Results:
    """Search all parts. Never raises on any text."""
    query = parse(text)
    filters = tuple(one for one in (filter, query.filter) if one != ANY)
    question = Question(frozenset(), query, filters, max(0, limit), parts.count())
    return _Search(parts, question, deadline, encoder).results(mode)


def similar(parts: Parts, paper: int, limit: int, filter: Filter, deadline: Deadline) -> Results:
    """Find papers like one in all parts: by vector, or by its rarest words where it has no vector."""
    question = Question(frozenset(), filters=(filter,), limit=max(0, limit), of=parts.count(), paper=paper)
    return _Similar(parts, question, deadline).results()


def nearest(parts: Parts, vector: FloatArray, limit: int, filter: Filter, deadline: Deadline) -> Results:
    """Find the papers nearest to a vector in all parts."""
    question = Question(frozenset(), filters=(filter,), limit=max(0, limit), of=parts.count(), vector=vector)
    return _Nearest(parts, question, deadline).results()


class Gathered:
    """Parts that answer as one. patience: seconds that a search may take; None for as long as it takes."""

    def __init__(self, encoder: Encoder | None, patience: float | None) -> None:
        self.encoder, self.patience = encoder, patience

    def count(self) -> int:
        """Tell how many parts there are."""
        raise NotImplementedError

    def ask(self, question: Question, deadline: Deadline, without: Collection[int] = ()) -> Sequence[Part]:
        """Ask all parts but those `without`; give the answers of those that answered in time."""
        raise NotImplementedError

    def search(self, query: str, mode: Mode = "page", limit: int = PAGE, filter: Filter = ANY) -> Results:
        """Search as `ShardReader.search` does."""
        return search(self, self.encoder, query, mode, limit, filter, Deadline.within(self.patience))

    def similar(self, paper: int, limit: int = SIMILAR, filter: Filter = ANY) -> Results:
        """Find papers like one, itself left out."""
        return similar(self, paper, limit, filter, Deadline.within(self.patience))

    def nearest(self, vector: FloatArray, limit: int = SIMILAR, filter: Filter = ANY) -> Results:
        """Find the papers nearest to a vector (dim,) of length 1."""
        return nearest(self, vector, limit, filter, Deadline.within(self.patience))


class _Gathering:
    def __init__(self, parts: Parts, question: Question, deadline: Deadline) -> None:
        self.parts = parts
        self.question = question
        self.deadline = deadline
        self.missing = False
        self.damaged = False
        self.late: set[int] = set()
        self.encoders: set[str] = set()

    def ask(self, *wants: Wanted) -> list[Part]:
        """Ask all parts; give those that have something, and note whether one is missing."""
        # One part that is late must not take the time of the steps that follow, nor be waited for twice.
        deadline = self.deadline.first_half()
        answers = self.parts.ask(self.question.asking(*wants), deadline, frozenset(self.late))
        self.late |= set(range(self.question.of)) - {part.shard for part in answers}
        there = [part for part in answers if part.state is not None]
        self.damaged |= any(part.damaged for part in answers)
        self.missing |= len(answers) < self.question.of or self.damaged
        # An empty part of several is one that is not built yet.
        self.missing |= 0 < len(there) < self.question.of
        self.encoders |= {part.state.encoder for part in there if part.state and part.state.vectors}
        return there

    def nothing(self) -> Results:
        """Answer where no part has anything."""
        note = NO_SHARD
        if self.missing:
            note = DAMAGED if self.question.of == 1 and self.damaged else LATE
        return Results((), 0, self.missing, self.question.query.identifier, (note,))

    def answer(self, hits: Sequence[Hit], total: int, *notes: str) -> Results:
        """Answer with hits; says whether all parts are in it."""
        late = (LATE,) if self.missing else ()
        return Results(tuple(hits), total, self.missing, self.question.query.identifier, (*notes, *late))

    def by_vector(self, leave_out: int = 0) -> Results:
        """Answer with the papers nearest to the question's vector."""
        found = merged(part.dense for part in self.ask("near"))
        kept = [(paper, score) for paper, score in found if paper != leave_out]
        # The paper itself took a place.
        kept = kept[: self.question.limit - (1 if leave_out else 0)]
        return self.answer([Hit(paper, "", score, {"similarity": score}) for paper, score in kept], len(kept))


def merged(lists: Iterable[Scored]) -> list[tuple[int, float]]:
    """Put lists of (paper, score) into one, best first; equal scores keep the order of the lists they come from.

    A paper that two lists hold (it may, for a moment, while parts are divided anew) comes once, with its best score.
    """
    lists = list(lists)
    if len(lists) == 1:
        return list(lists[0])
    best: dict[int, float] = {}
    for paper, score in sorted((pair for one in lists for pair in one), key=lambda pair: (-pair[1], pair[0])):
        best.setdefault(paper, score)
    return list(best.items())


def merged_rows(lists: Iterable[Sequence[WordRow]]) -> list[WordRow]:
    """Put rows of the words block into one list in the order of their keys, each paper once."""
    best: dict[int, WordRow] = {}
    for row in sorted(row for one in lists for row in one):
        best.setdefault(row.paper, row)
    return list(best.values())


class _Nearest(_Gathering):
    def results(self) -> Results:
        there = self.ask()
        if not there:
            return self.nothing()
        return self.by_vector() if self.encoders else self.answer((), 0, NO_VECTORS)


class _Similar(_Gathering):
    def results(self) -> Results:
        there = self.ask("paper")
        if not there:
            return self.nothing()
        known = [part for part in there if part.has_paper]
        if not known:
            return self.answer((), 0, "This paper is not indexed.")
        vector = next((part.vector for part in known if part.vector is not None), None)
        if vector is not None:
            self.question = replace(self.question, vector=vector, limit=self.question.limit + 1)
            return self.by_vector(leave_out=self.question.paper)
        return self._alike(known[0].rare)

    def _alike(self, words: tuple[str, ...]) -> Results:
        self.question = replace(self.question, rare=words)
        known = _sum(self.ask("counts"))
        counted = sorted((known.holding.get(word, 0), word) for word in words)
        rare = tuple(word for count, word in counted if count > 1)[:RAREST]
        self.question = replace(self.question, rare=rare, statistics=known if self.question.of > 1 else None)
        answers = self.ask("alike")
        sharing = {paper: words for part in answers for paper, words in part.sharing.items()}
        found = merged(part.lexical for part in answers)[: self.question.limit]
        hits = [Hit(paper, "", score, {"words": list(sharing[paper])}) for paper, score in found]
        return self.answer(hits, len(hits))


def _sum(parts: Sequence[Part]) -> Statistics:
    total = Statistics()
    for part in parts:
        total += part.statistics
    return total


class _Search(_Gathering):
    def __init__(self, parts: Parts, question: Question, deadline: Deadline, encoder: Encoder | None) -> None:
        super().__init__(parts, question, deadline)
        self.encoder = encoder

    def results(self, mode: Mode) -> Results:
        first = self.ask("counts", "named")
        if not first:
            return self.nothing()
        query = self.question.query
        if query.empty and not self.question.filters and not query.identifier:
            return self._answer((), 0)
        if query.phrases and not any(part.exact_phrases for part in first):
            # Take phrases that no paper holds as words.
            query = replace(query, phrases=(), notes=(*query.notes, NO_PHRASE))
        known = _sum(first) if self.question.of > 1 else None
        self.question = replace(self.question, query=query, statistics=known)
        papers = dict.fromkeys(paper for part in first for paper in part.named)
        named = [Hit(paper, "words", 2.0, {"identifier": query.identifier}) for paper in list(papers)[:1]]
        return self._hybrid(named) if mode == "hybrid" else self._blocks(mode, named)

    def _answer(self, hits: Sequence[Hit], total: int, note: str = "") -> Results:
        return self.answer(hits, total, *self.question.query.notes, *filter(None, [note]))

    def _blocks(self, mode: Mode, named: list[Hit]) -> Results:
        hits: list[Hit] = []
        total, limit = 0, self.question.limit
        if mode != "semantic":
            hits, total = self._words()
            if named:
                hits = [*named, *(hit for hit in hits if hit.paper != named[0].paper)]
                total += 1
        if mode != "lexical":
            shown = {hit.paper for hit in hits}
            found = self._near(limit) if len(hits) < limit else []
            rest = [(paper, score) for paper, score in found if paper not in shown]
            hits += [Hit(paper, "meaning", score, {"similarity": score}) for paper, score in rest]
        hits = hits[:limit]
        return self._answer(hits, max(total, len(hits)), self._no_meaning() if mode != "lexical" else "")

    def _words(self) -> tuple[list[Hit], int]:
        limit = self.question.limit
        if self.question.query.identifier:
            return [], 0
        answers = self.ask("words")
        # One part alone has looked for typos already, if too few papers hold the words exactly.
        if self.question.of > 1 and self.question.query.terms and sum(part.total for part in answers) < limit:
            answers = self.ask("typos") or answers
        rows = merged_rows(part.words for part in answers)[:limit]
        # Above every cosine, so that the words block stays first for whoever sorts by score.
        hits = [Hit(row.paper, "words", 2.0 - n / len(rows), row.why) for n, row in enumerate(rows)]
        return hits, sum(part.total for part in answers)

    def _no_meaning(self) -> str:
        query = self.question.query
        if not query.text or query.identifier:
            return ""
        if self.encoder is None:
            return NO_ENCODER
        if not self.encoders:
            return NO_VECTORS
        return "" if self.encoder.id in self.encoders else OTHER_ENCODER

    def _asked_by_meaning(self, k: int) -> Question | None:
        query = self.question.query
        if k < 1 or self.encoder is None or self._no_meaning() or not query.text or query.identifier:
            return None
        vector = self.encoder.encode([query.text])[0]
        return replace(self.question, vector=vector, encoder=self.encoder.id, limit=k)

    def _near(self, k: int) -> list[tuple[int, float]]:
        question = self._asked_by_meaning(k)
        if question is None:
            return []
        self.question = question
        return merged(part.dense for part in self.ask("near"))[:k]

    def _hybrid(self, named: list[Hit]) -> Results:
        limit, depth = self.question.limit, max(DEPTH, self.question.limit)
        asked = self.question
        self.question = self._asked_by_meaning(depth) or asked
        answers = self.ask("bm25", "near")
        self.question = asked
        words = min_max(dict(merged(part.lexical for part in answers)[:depth]))
        meaning = min_max(dict(merged(part.dense for part in answers)[:depth]))
        ranked = fused([words, meaning], WEIGHTS)
        hits = [
            Hit(paper, "", score, {"words": words.get(paper, 0.0), "meaning": meaning.get(paper, 0.0)})
            for paper, score in ranked[:limit]
        ]
        shown = [*named, *hits][:limit]
        if not shown and not self.question.query.terms:
            shown = self._words()[0]
        return self._answer(shown, max(len(ranked), len(shown)), self._no_meaning())
