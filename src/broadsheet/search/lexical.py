"""The lexical half of a shard: what tantivy is told of a paper, and how it is asked."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import tantivy
from tantivy import Document, FieldType, Index, Occur, Query

from broadsheet.search.query import ParsedQuery
from broadsheet.search.types import Filter, PaperToIndex
from broadsheet.search.words import LONGEST_WORD, STOP_WORDS, spaced

UNKNOWN_DAY = 0
# So many stems are tried for one that a paper still holds.
_PROBES = 50

Clause = tuple[Occur, Query]
Found = list[tuple[float, Any]]


def day_number(day: date | None) -> int:
    """Number days from 1 January of year 1; 0 is "not known"."""
    return day.toordinal() if day else UNKNOWN_DAY


def families(category: str) -> tuple[str, ...]:
    """Give what a category is found by: itself and its archive ("cs.CL" by "cs.cl" and "cs")."""
    category = category.lower()
    archive = category.partition(".")[0]
    return (category,) if archive == category else (category, archive)


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    # Title and abstract in one field: weighting the title on its own made the ranking worse on judged collections.
    builder.add_text_field("text", tokenizer_name="stems", index_option="freq")
    builder.add_text_field("words", tokenizer_name="words", index_option="position")
    builder.add_text_field("title_words", tokenizer_name="words", index_option="basic")
    builder.add_text_field("authors", tokenizer_name="words", index_option="position")
    for name in ("categories", "source", "identifiers"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    builder.add_integer_field("day", fast=True, indexed=True)
    builder.add_integer_field("code", indexed=True)
    builder.add_integer_field("id", fast=True, indexed=True)
    builder.add_unsigned_field("row", fast=True)
    return builder.build()


def _analyzers() -> dict[str, tantivy.TextAnalyzer]:
    # Marks are words of the folded text but not of the index; whatever is left of them here is dropped.
    plain = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple()).filter(tantivy.Filter.remove_long(LONGEST_WORD))
    stems = (
        tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
        .filter(tantivy.Filter.remove_long(LONGEST_WORD))
        .filter(tantivy.Filter.custom_stopword(list(STOP_WORDS)))
        .filter(tantivy.Filter.stemmer("english"))
    )
    return {"words": plain.build(), "stems": stems.build()}


def open_index(path: Path, create: bool = False) -> Index:
    """Open the tantivy index of a shard, or make an empty one. Raises ValueError where the files are damaged."""
    index = Index(_schema(), str(path)) if create else Index.open(str(path))
    for name, analyzer in _analyzers().items():
        index.register_tokenizer(name, analyzer)
    index.config_reader("manual")
    return index


def document(paper: PaperToIndex, row: int, title: str, abstract: str, authors: str) -> Document:
    """Make the tantivy document of a paper from its spaced words; `row` is its row in the words table."""
    doc = Document()
    doc.add_text("text", f"{title} {abstract}")
    doc.add_text("words", f"{title} {abstract} {authors}")
    doc.add_text("title_words", title)
    doc.add_text("authors", authors)
    for category in paper.categories:
        for name in families(category):
            doc.add_text("categories", name)
    doc.add_text("source", paper.source)
    for identifier in paper.identifiers:
        doc.add_text("identifiers", identifier.lower())
    doc.add_integer("day", day_number(paper.day))
    doc.add_integer("code", int(paper.has_code))
    doc.add_integer("id", paper.id)
    doc.add_unsigned("row", row)
    return doc


@lru_cache(maxsize=1)
def _stems() -> tantivy.TextAnalyzer:
    return _analyzers()["stems"]


def analysed(words: str) -> list[str]:
    """Give the stems of spaced words in order, stop words left out."""
    return list(_stems().analyze(words))


def stems(text: str) -> Counter[str]:
    """Count the stems of a text, stop words left out."""
    return Counter(analysed(spaced(text)))


@dataclass(frozen=True, slots=True)
class Candidates:
    """Rows of the words table that may match, newest first, and how many papers match in all."""

    rows: list[int]
    total: int


class Lexicon:
    """One snapshot of the lexical half, for reading. `rows` below tell rows of the words table."""

    def __init__(self, index: Index) -> None:
        self.schema = index.schema
        self.searcher = index.searcher()
        # All words that begin with a letter, by length; a letter of a large shard is some megabytes.
        self.vocabulary = lru_cache(maxsize=40)(self._vocabulary)
        self._size: tuple[int, float] | None = None

    def _vocabulary(self, letter: str) -> dict[int, list[str]]:
        by_length: dict[int, list[str]] = {}
        for word, _ in self.searcher.terms_with_prefix("words", letter):
            by_length.setdefault(len(word), []).append(word)
        return by_length

    def __len__(self) -> int:
        return self.searcher.num_docs

    def term(self, field: str, value: str | int) -> Query:
        """Ask for one term of a field; it adds nothing to a score by its frequency."""
        return Query.term_query(self.schema, field, value, "freq")

    def any_of(self, field: str, values: Sequence[str | int]) -> Query:
        """Ask for any of several terms."""
        if len(values) == 1:
            return self.term(field, values[0])
        return Query.term_set_query(self.schema, field, list(values))

    def beginning(self, field: str, prefix: str) -> Query:
        """Ask for any word that begins with a prefix."""
        return Query.fuzzy_term_query(self.schema, field, prefix, distance=0, prefix=True)

    def phrase(self, field: str, words: Sequence[str]) -> Query:
        """Ask for words next to each other."""
        if len(words) == 1:
            return self.term(field, words[0])
        return Query.phrase_query(self.schema, field, list(words))

    def clauses(self, filters: Iterable[Filter], query: ParsedQuery | None = None) -> list[Clause]:
        """Give what filters and the fields of a query demand, none of it entering a score."""
        asked = [part for one in filters for part in self._filter(one)]
        refused: list[Query] = []
        if query:
            asked += [self.phrase("words", words) for words in query.phrases]
            asked += [self.phrase("authors", words) for words in query.authors]
            asked += [self.term("identifiers", value.lower()) for value in query.ids]
            refused += [self.phrase("words", words) for words in query.without]
        return [
            *((Occur.Must, Query.const_score_query(part, 0.0)) for part in asked),
            *((Occur.MustNot, part) for part in refused),
        ]

    def _filter(self, one: Filter) -> Iterable[Query]:
        if one.categories:
            yield self.any_of("categories", [category.lower() for category in one.categories])
        if one.sources:
            yield self.any_of("source", list(one.sources))
        if one.has_code is not None:
            yield self.term("code", int(one.has_code))
        if one.since or one.until:
            low = max(1, day_number(one.since))
            high = day_number(one.until or date.max)
            yield Query.range_query(self.schema, "day", FieldType.Integer, low, high)

    def newest(self, wanted: Sequence[Query], clauses: Sequence[Clause], limit: int) -> Candidates:
        """Find the newest papers that fulfil every query."""
        both: list[Clause] = [*((Occur.Must, query) for query in wanted), *clauses]
        if not any(occur == Occur.Must for occur, _ in both):
            both.append((Occur.Must, Query.all_query()))
        found = self.searcher.search(Query.boolean_query(both), limit, order_by_field="day")
        return Candidates(self.values("row", found.hits), cast(Any, found).count)

    def values(self, field: str, hits: Found) -> list[int]:
        """Give a fast field of hits."""
        return cast(list[int], self.searcher.fast_field_values(field, [address for _, address in hits]))

    def best(
        self, field: str, weights: Mapping[str, float], clauses: Sequence[Clause], limit: int
    ) -> list[tuple[int, float]]:
        """Find (row, score) by any of some terms of a field, best first; the BM25 of each term counts by its weight."""
        parts = [(Occur.Should, Query.boost_query(self.term(field, term), by)) for term, by in weights.items()]
        return self._ranked(parts, clauses, limit)

    def _ranked(self, parts: Sequence[Clause], clauses: Sequence[Clause], limit: int) -> list[tuple[int, float]]:
        if not parts or limit < 1:
            return []
        query = Query.boolean_query([(Occur.Must, Query.boolean_query(list(parts))), *clauses])
        hits = self.searcher.search(query, limit, count=False).hits
        return list(zip(self.values("row", hits), (float(score) for score, _ in hits), strict=True))

    def holding(self, field: str, terms: Iterable[str]) -> dict[str, int]:
        """Count the papers that hold each term of a field, deleted ones that are not yet swept among them."""
        return {term: self.searcher.doc_freq(field, term) for term in terms}

    def on_day(self, day: int) -> Query:
        """Ask for one day."""
        return self.term("day", day)

    def size(self) -> tuple[int, float]:
        """Give papers and their mean length in stems as BM25 counts them, those deleted but not yet swept included."""
        if self._size is None:
            # tantivy tells these figures only when it explains a score.
            probes = self.searcher.terms_with_prefix("text", "", limit=_PROBES)
            self._size = next(filter(None, (self._told_by(stem) for stem, _ in probes)), (len(self), 1.0))
        return self._size

    def _told_by(self, stem: str) -> tuple[int, float] | None:
        query = self.term("text", stem)
        hits = self.searcher.search(query, 1, count=False).hits
        if not hits:
            return None
        told = query.explain(self.searcher, hits[0][1]).to_json()
        found = {part["description"].partition(",")[0]: float(part["value"]) for part in _parts(json.loads(told))}
        return int(found["N"]), found["avgdl"]


def _parts(explained: dict[str, Any]) -> Iterable[dict[str, Any]]:
    yield explained
    for part in explained.get("details", ()):
        yield from _parts(part)
