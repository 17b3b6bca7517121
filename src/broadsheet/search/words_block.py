"""The words block of one part of the papers: those that hold all query words, found by tantivy, ordered exactly."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tantivy import Occur, Query

from broadsheet.search.executor import Question, WordRow
from broadsheet.search.lexical import Candidates, Clause
from broadsheet.search.page_order import (
    Needles,
    Place,
    allowed_typos,
    exact_needles,
    joined,
    misspelt,
    place,
    with_typos,
)
from broadsheet.search.query import ParsedQuery, Term
from broadsheet.search.snapshot import Snapshot

# So many candidates are ordered exactly; of more, the best kinds of match and the newest.
CANDIDATES = 2_000
TIER = 700
SHORTEST_PREFIX = 2
# Papers of one day that are put in order by number where a list ends within that day.
OF_A_DAY = 5_000


@dataclass(frozen=True, slots=True)
class WordsBlock:
    """Rows in order, at most as many as were asked for, and how many papers match in all."""

    rows: tuple[WordRow, ...]
    total: int


@dataclass(frozen=True, slots=True)
class _Asked:
    snapshot: Snapshot
    question: Question
    clauses: Sequence[Clause]

    @property
    def query(self) -> ParsedQuery:
        return self.question.query

    @property
    def limit(self) -> int:
        return self.question.limit

    @property
    def most(self) -> int:
        return max(self.question.share(CANDIDATES), self.limit)

    @property
    def tier(self) -> int:
        return self.question.share(TIER)


def words_block(snapshot: Snapshot, question: Question, clauses: Sequence[Clause], typos: bool | None) -> WordsBlock:
    """Find the papers that hold all words of a query.

    typos: whether words may be misspelt too; None: if not the limit is filled without.
    """
    asked = _Asked(snapshot, question, clauses)
    query = question.query
    if not query.terms:
        return _newest(asked)
    needles = exact_needles(query.terms, _open_ended(query))
    rows, total = _exact_rows(asked)
    places = _placed(asked, rows, needles)
    if typos or (typos is None and total < asked.limit):
        rows, needles = _rows_with_typos(asked, needles)
        places |= _placed(asked, [row for row in rows if row not in places], needles)
        total = len(places)
    return WordsBlock(_in_order(asked, places), max(total, len(places)))


def _newest(asked: _Asked) -> WordsBlock:
    found = _candidates(asked, [], asked.limit)
    why: dict[str, object] = {"words": [word for words in asked.query.authors for word in words]}
    keyed = _keyed(asked, found.rows, [()] * len(found.rows))
    return WordsBlock(tuple(WordRow((), minus_day, paper, why) for _, minus_day, paper, _ in keyed), found.total)


def _candidates(asked: _Asked, wanted: Sequence[Query], limit: int) -> Candidates:
    """Find the newest papers that fulfil every query; of the last day that fits, those of the lowest numbers."""
    snapshot, lexicon = asked.snapshot, asked.snapshot.lexicon
    found = lexicon.newest(wanted, asked.clauses, limit)
    rows = snapshot.known(found.rows)
    if not rows or found.total <= limit:
        return Candidates(rows, found.total)
    # tantivy takes any papers of that day, by how its files are cut: two copies of a shard would not agree.
    last_day = lexicon.on_day(int(_days(snapshot, rows).min()))
    of_that_day = lexicon.newest([*wanted, last_day], asked.clauses, OF_A_DAY).rows
    rows = list({*rows, *snapshot.known(of_that_day)})
    order = np.lexsort((np.asarray(snapshot.papers(rows)), -_days(snapshot, rows)))[:limit]
    return Candidates([rows[at] for at in order], found.total)


def _days(snapshot: Snapshot, rows: Sequence[int]) -> NDArray[np.int64]:
    return snapshot.word_days[np.asarray(rows, dtype=np.int64)].astype(np.int64)


def _open_ended(query: ParsedQuery) -> bool:
    return query.prefix and len(query.terms[-1].word) >= SHORTEST_PREFIX


def _word_queries(asked: _Asked, field: str) -> list[Query]:
    lexicon, terms = asked.snapshot.lexicon, asked.query.terms
    queries = [lexicon.term(field, term.word) for term in terms]
    if _open_ended(asked.query):
        queries[-1] = lexicon.beginning(field, terms[-1].word)
    return queries


def _exact_rows(asked: _Asked) -> tuple[list[int], int]:
    wanted = _word_queries(asked, "words")
    found = _candidates(asked, wanted, asked.most)
    if found.total <= asked.most:
        return found.rows, found.total
    words = [term.word for term in asked.query.terms]
    best = _candidates(asked, [*wanted, *_word_queries(asked, "title_words")], asked.tier).rows
    if len(words) > 1:
        near = [*wanted, asked.snapshot.lexicon.phrase("words", words)]
        best = [*best, *_candidates(asked, near, asked.tier).rows]
    # The newest of the rest fill up what the better kinds of match leave.
    return list(dict.fromkeys([*best, *found.rows]))[: asked.most], found.total


def _rows_with_typos(asked: _Asked, exact: Needles) -> tuple[list[int], Needles]:
    lexicon, terms = asked.snapshot.lexicon, asked.query.terms
    near = [_misspelt(asked, term) for term in terms]
    joins = joined(terms)
    wanted = []
    for n, query in enumerate(_word_queries(asked, "words")):
        words = [word for word in (*(word for word, _ in near[n]), *joins[max(0, n - 1) : n + 1]) if word]
        either = [query, lexicon.any_of("words", words)] if words else [query]
        wanted.append(Query.boolean_query([(Occur.Should, one) for one in either]))
    return _candidates(asked, wanted, asked.most).rows, with_typos(exact, terms, near)


def _misspelt(asked: _Asked, term: Term) -> list[tuple[str, int]]:
    # A first letter is rarely wrong; taking it as right makes the vocabulary to compare with small.
    return misspelt(term, asked.snapshot.lexicon.vocabulary(term.word[0])) if allowed_typos(term) else []


def _placed(asked: _Asked, rows: Sequence[int], needles: Needles) -> dict[int, Place]:
    snapshot = asked.snapshot
    places = {}
    for row in rows:
        text = snapshot.text(row)
        found = place(text, needles)
        if found and all(f" {' '.join(phrase)} " in text for phrase in asked.query.phrases):
            places[row] = found
    return places


def _keyed(
    asked: _Asked, rows: Sequence[int], keys: Sequence[tuple[int, ...]]
) -> list[tuple[tuple[int, ...], int, int, int]]:
    """Give (key, minus day, paper, row) of rows in their order."""
    snapshot = asked.snapshot
    days = (-_days(snapshot, rows)).tolist()
    return sorted(zip(keys, days, snapshot.papers(rows), rows, strict=True))[: asked.limit]


def _in_order(asked: _Asked, places: dict[int, Place]) -> tuple[WordRow, ...]:
    keyed = _keyed(asked, list(places), [place.key for place in places.values()])
    return tuple(WordRow(key, minus_day, paper, _why(places[row])) for key, minus_day, paper, row in keyed)


def _why(found: Place) -> dict[str, object]:
    return {
        "typos": found.typos,
        "proximity": found.proximity,
        "title_words": found.title_words,
        "attribute": ("title", "abstract", "authors")[found.attribute],
        "words": list(found.words),
    }
