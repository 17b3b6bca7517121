"""usearch: an HNSW graph over int8, with tantivy for the words."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from broadsheet.bench.peer_engines.protocol import Data, Found, InProcess, Question, terms, text_of

SEARCH_WIDTH = 256
# The graph takes no predicate: so many times more are asked for than a filter is thought to keep.
OVER = 1.5
_BATCH = 20_000


class Usearch(InProcess):
    """16 neighbours per paper, 128 looked at when building, 256 when searching; ids and days in memory."""

    packages = ("usearch", "tantivy")

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.library: Any = import_module("usearch.index")
        self.tantivy: Any = import_module("tantivy")

    def build(self, data: Data, tell: Callable[[str], None]) -> None:
        """Words first, then the graph."""
        (self.folder / "words").mkdir()
        schema = self.tantivy.SchemaBuilder()
        schema.add_text_field("text", tokenizer_name="en_stem", index_option="freq")
        schema.add_integer_field("id", fast=True, indexed=True)
        schema.add_integer_field("day", fast=True, indexed=True)
        self.words = self.tantivy.Index(schema.build(), str(self.folder / "words"))
        self._write_words(data, False, 300_000_000, tell)
        self.graph = self.library.Index(ndim=data.dim, metric="cos", dtype="i8", expansion_search=SEARCH_WIDTH)
        self._write_graph(data, False, tell)

    def _write_words(self, data: Data, later: bool, heap: int, tell: Callable[[str], None]) -> None:
        writer = self.words.writer(heap)
        for rows, _ in data.batches(later):
            for row in rows:
                writer.add_document(self.tantivy.Document(id=row["id"], day=row["day"], text=text_of(row)))
        writer.commit()
        writer.wait_merging_threads()
        tell("the words")

    def _write_graph(self, data: Data, later: bool, tell: Callable[[str], None]) -> None:
        for rows, vectors in data.batches(later, _BATCH):
            self.graph.add(np.array([row["id"] for row in rows]), vectors)
            with (self.folder / "days.i8").open("ab") as days:
                days.write(np.array([(row["id"], row["day"]) for row in rows], dtype=np.int64).tobytes())
            tell(f"{len(self.graph):,} vectors in the graph")
        self.graph.save(str(self.folder / "graph.usearch"))

    def add(self, data: Data) -> bool:
        """Add to both; the graph is written whole again, or the new papers would be lost."""
        self._write_words(data, True, 50_000_000, lambda at: None)
        self._write_graph(data, True, lambda at: None)
        self._read()
        return True

    def open(self) -> None:
        """Map the graph and open the words."""
        self.graph = self.library.Index.restore(str(self.folder / "graph.usearch"), view=True)
        self.graph.expansion_search = SEARCH_WIDTH
        self.words = self.tantivy.Index.open(str(self.folder / "words"))
        self._read()

    def _read(self) -> None:
        self.words.reload()
        self.searcher = self.words.searcher()
        rows = np.fromfile(self.folder / "days.i8", dtype=np.int64).reshape(-1, 2)
        self.days = np.zeros(int(rows[:, 0].max()) + 1, dtype=np.int64)
        self.days[rows[:, 0]] = rows[:, 1]

    def lexical(self, question: Question) -> Found:
        """BM25 of any of the words that are no stop words."""
        query_of, occur = self.tantivy.Query, self.tantivy.Occur
        query, _ = self.words.parse_query_lenient(" ".join(terms(question.text)), ["text"])
        if question.since:
            day = query_of.range_query(
                self.words.schema, "day", self.tantivy.FieldType.Integer, question.since, 9_999_999
            )
            query = query_of.boolean_query([(occur.Must, query), (occur.Must, query_of.const_score_query(day, 0.0))])
        hits = self.searcher.search(query, question.k, count=False).hits
        papers = self.searcher.fast_field_values("id", [address for _, address in hits])
        return list(zip(papers, (score for score, _ in hits), strict=True))

    def vector(self, question: Question) -> Found:
        """By cosine; under a filter more are asked for, and those of the wrong day dropped."""
        count = question.k
        if question.since:
            kept = max(1, int(np.count_nonzero(self.days >= question.since)))
            count = min(len(self.graph), int(OVER * count * len(self.graph) / kept))
        matches = self.graph.search(question.vector, count)
        found = zip(matches.keys.tolist(), matches.distances.tolist(), strict=True)
        return [(paper, -score) for paper, score in found if self.days[paper] >= question.since][: question.k]
