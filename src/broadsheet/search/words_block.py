"""The words block of a result page: papers that hold all query words, found by tantivy, ordered exactly."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from tantivy import Occur, Query

from broadsheet.search.lexical import Clause
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
from broadsheet.search.types import Hit

# So many candidates are ordered exactly; of more, the best kinds of match and the newest.
CANDIDATES = 2_000
TIER = 700
SHORTEST_PREFIX = 2


@dataclass(frozen=True, slots=True)
class WordsBlock:
    """Hits in order and how many papers match in all."""

    hits: tuple[Hit, ...]
    total: int


@dataclass(frozen=True, slots=True)
class _Asked:
    snapshot: Snapshot
    query: ParsedQuery
    clauses: Sequence[Clause]
    limit: int

    @property
    def most(self) -> int:
        return max(CANDIDATES, self.limit)


def words_block(snapshot: Snapshot, query: ParsedQuery, clauses: Sequence[Clause], limit: int) -> WordsBlock:
    """Find the papers that hold all words of a query, exactly first, then with typos if the limit is not yet filled."""
    asked = _Asked(snapshot, query, clauses, limit)
    if not query.terms:
        return _newest(asked)
    needles = exact_needles(query.terms, _open_ended(query))
    rows, total = _exact_rows(asked)
    places = _placed(asked, rows, needles)
    if total < limit:
        rows, needles = _rows_with_typos(asked, needles)
        places |= _placed(asked, [row for row in rows if row not in places], needles)
        total = len(places)
    return WordsBlock(_hits(asked, places), max(total, len(places)))


def _newest(asked: _Asked) -> WordsBlock:
    found = asked.snapshot.lexicon.newest([], asked.clauses, asked.limit)
    papers = asked.snapshot.papers(asked.snapshot.known(found.rows))
    why: dict[str, object] = {"words": [word for words in asked.query.authors for word in words]}
    hits = tuple(Hit(paper, "words", _score(n, len(papers)), why) for n, paper in enumerate(papers))
    return WordsBlock(hits, found.total)


def _score(n: int, of: int) -> float:
    # Above every cosine, so that the words block stays first for whoever sorts by score.
    return 1.0 + (of - n) / of


def _open_ended(query: ParsedQuery) -> bool:
    return query.prefix and len(query.terms[-1].word) >= SHORTEST_PREFIX


def _word_queries(asked: _Asked, field: str) -> list[Query]:
    lexicon, terms = asked.snapshot.lexicon, asked.query.terms
    queries = [lexicon.term(field, term.word) for term in terms]
    if _open_ended(asked.query):
        queries[-1] = lexicon.beginning(field, terms[-1].word)
    return queries


def _exact_rows(asked: _Asked) -> tuple[list[int], int]:
    lexicon = asked.snapshot.lexicon
    wanted = _word_queries(asked, "words")
    found = lexicon.newest(wanted, asked.clauses, asked.most)
    if found.total <= asked.most:
        return found.rows, found.total
    words = [term.word for term in asked.query.terms]
    best = lexicon.newest([*wanted, *_word_queries(asked, "title_words")], asked.clauses, TIER).rows
    if len(words) > 1:
        near = [*wanted, lexicon.phrase("words", words)]
        best = [*best, *lexicon.newest(near, asked.clauses, TIER).rows]
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
    return lexicon.newest(wanted, asked.clauses, asked.most).rows, with_typos(exact, terms, near)


def _misspelt(asked: _Asked, term: Term) -> list[tuple[str, int]]:
    # A first letter is rarely wrong; taking it as right makes the vocabulary to compare with small.
    return misspelt(term, asked.snapshot.lexicon.vocabulary(term.word[0])) if allowed_typos(term) else []


def _placed(asked: _Asked, rows: Sequence[int], needles: Needles) -> dict[int, Place]:
    snapshot = asked.snapshot
    places = {}
    for row in snapshot.known(rows):
        text = snapshot.text(row)
        found = place(text, needles)
        if found and all(f" {' '.join(phrase)} " in text for phrase in asked.query.phrases):
            places[row] = found
    return places


def _hits(asked: _Asked, places: dict[int, Place]) -> tuple[Hit, ...]:
    snapshot = asked.snapshot
    rows = list(places)
    days = snapshot.word_days[np.asarray(rows, dtype=np.int64)].tolist()
    papers = snapshot.papers(rows)
    keyed = sorted((places[row].key, -day, paper, row) for row, day, paper in zip(rows, days, papers, strict=True))[
        : asked.limit
    ]
    return tuple(
        Hit(paper, "words", _score(n, len(keyed)), _why(places[row])) for n, (_, _, paper, row) in enumerate(keyed)
    )


def _why(found: Place) -> dict[str, object]:
    return {
        "typos": found.typos,
        "proximity": found.proximity,
        "title_words": found.title_words,
        "attribute": ("title", "abstract", "authors")[found.attribute],
        "words": list(found.words),
    }
