"""LanceDB: its full text, its vectors without an index or with IVF_PQ, and its own hybrid search."""

import os
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from broadsheet.bench.peer_engines.protocol import Data, Found, InProcess, Question, text_of

REFINE = 10
PROBES = 60


class LanceDb(InProcess):
    """One table; a BTREE index on the day, as the documentation advises for filters; no vector index."""

    packages = ("lancedb", "pyarrow")
    vector_index: ClassVar[bool] = False

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        # It warns at every hybrid search of a change that does not touch us.
        os.environ.setdefault("LANCE_LOG", "error")
        self.arrow: Any = import_module("pyarrow")
        self.indexes: Any = import_module("lancedb.index")
        self.database: Any = import_module("lancedb").connect(str(folder))

    def build(self, data: Data, tell: Callable[[str], None]) -> None:
        """Write the rows, then the indexes."""
        kept = 0
        for rows, vectors in data.batches():
            self._write(rows, vectors)
            kept += len(rows)
            tell(f"{kept:,} rows")
        tell("the full text index")
        self.table.create_index("text", config=self.indexes.FTS())
        self.table.create_index("day", config=self.indexes.BTree())
        if self.vector_index:
            tell("the IVF_PQ index")
            self.table.create_index("vector", config=self.indexes.IvfPq(distance_type="cosine"))
        # Rows came in batches; this makes large files of small ones.
        tell("the compaction")
        self._optimize()

    def _optimize(self) -> None:
        # Older versions of the table are kept a week unless it is told that nobody reads them.
        self.table.optimize(cleanup_older_than=timedelta(0))

    def _write(self, rows: list[dict[str, Any]], vectors: np.ndarray[Any, Any]) -> None:
        arrow = self.arrow
        columns = {
            "id": arrow.array([row["id"] for row in rows], arrow.int64()),
            "day": arrow.array([row["day"] for row in rows], arrow.int32()),
            "text": arrow.array([text_of(row) for row in rows]),
            "vector": arrow.FixedSizeListArray.from_arrays(arrow.array(vectors.ravel()), vectors.shape[1]),
        }
        table = arrow.table(columns)
        if "papers" in self.database.table_names():
            self.table = self.database.open_table("papers")
            self.table.add(table)
        else:
            self.table = self.database.create_table("papers", table)

    def add(self, data: Data) -> bool:
        """Rows that no index knows yet are found by a scan."""
        for rows, vectors in data.batches(later=True):
            self._write(rows, vectors)
        return True

    def rest(self) -> None:
        """Bring the indexes up to the new rows, as the documentation advises."""
        self._optimize()

    def open(self) -> None:
        """Open the table."""
        self.table = self.database.open_table("papers")

    def lexical(self, question: Question) -> Found:
        """BM25; words are joined by OR."""
        asked = self.table.search(question.text, query_type="fts", fts_columns="text")
        return self._found(asked, question, "_score", 1)

    def vector(self, question: Question) -> Found:
        """By cosine."""
        asked = self._tuned(self.table.search(question.vector, query_type="vector"))
        return self._found(asked, question, "_distance", -1)

    def hybrid(self, question: Question) -> Found:
        """Its own: both lists, fused by reciprocal rank."""
        asked = self.table.search(query_type="hybrid").vector(question.vector).text(question.text)
        return self._found(self._tuned(asked), question, "_relevance_score", 1)

    def _tuned(self, asked: Any) -> Any:  # noqa: ANN401
        asked = asked.distance_type("cosine")
        return asked.nprobes(PROBES).refine_factor(REFINE) if self.vector_index else asked

    def _found(self, asked: Any, question: Question, score: str, sign: int) -> Found:  # noqa: ANN401
        if question.since:
            asked = asked.where(f"day >= {question.since}", prefilter=True)
        columns = ["id"] if score == "_relevance_score" else ["id", score]
        rows = asked.select(columns).limit(question.k).to_arrow()
        return [
            (paper, sign * float(one))
            for paper, one in zip(rows["id"].to_pylist(), rows[score].to_pylist(), strict=True)
        ]


class LanceDbPq(LanceDb):
    """The same with an IVF_PQ index on the vectors: 60 probes, refined by factor 10."""

    vector_index = True
