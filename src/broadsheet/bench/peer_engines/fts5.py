"""SQLite FTS5 with the porter stemmer and any of the words, and vectors scanned with numpy."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

from broadsheet.bench.peer_engines.flat import Flat
from broadsheet.bench.peer_engines.protocol import Data, Found, InProcess, Question, terms, text_of

# Half the time of ORDER BY rank, which sorts inside the full-text table.
_BY_SCORE = "SELECT rowid, bm25(words) AS score FROM words WHERE words MATCH ? ORDER BY score LIMIT ?"
# The full-text table first, or the planner may walk the other; bm25() then counts for papers of the right day only.
_SINCE = (
    "SELECT words.rowid, bm25(words) AS score FROM words CROSS JOIN papers ON papers.id = words.rowid "
    "WHERE words MATCH ? AND papers.day >= ? ORDER BY score LIMIT ?"
)


class Fts5(InProcess):
    """A contentless FTS5 table, optimised after the build, beside a table of days."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.database = sqlite3.connect(folder / "words.sqlite3", isolation_level=None)
        self.database.execute("PRAGMA journal_mode = wal")
        self.database.execute("PRAGMA cache_size = -262144")
        self.database.execute("PRAGMA mmap_size = 8589934592")

    def build(self, data: Data, tell: Callable[[str], None]) -> None:
        """Insert in large transactions, then merge the index into one."""
        self.database.execute("PRAGMA synchronous = off")
        self.database.execute("CREATE TABLE papers (id INTEGER PRIMARY KEY, day INTEGER NOT NULL)")
        self.database.execute("CREATE VIRTUAL TABLE words USING fts5(text, content='', tokenize='porter unicode61')")
        self._insert(data, False, tell)
        tell("the merging of the index")
        self.database.execute("INSERT INTO words(words) VALUES ('optimize')")
        self.database.execute("PRAGMA wal_checkpoint(truncate)")
        tell("vectors")
        Flat(self.folder).write(data, tell=tell)
        self.database.execute("PRAGMA synchronous = normal")

    def _insert(self, data: Data, later: bool, tell: Callable[[str], None]) -> None:
        kept = 0
        for rows, _ in data.batches(later):
            self.database.execute("BEGIN")
            self.database.executemany("INSERT INTO papers VALUES (?, ?)", [(row["id"], row["day"]) for row in rows])
            self.database.executemany(
                "INSERT INTO words (rowid, text) VALUES (?, ?)", [(row["id"], text_of(row)) for row in rows]
            )
            self.database.execute("COMMIT")
            kept += len(rows)
            tell(f"{kept:,} papers")

    def add(self, data: Data) -> bool:
        """Insert, and append the vectors."""
        self._insert(data, True, lambda at: None)
        Flat(self.folder).write(data, later=True)
        self.open()
        return True

    def open(self) -> None:
        """Map the vectors; the words are open."""
        self.flat = Flat(self.folder)
        self.flat.open()

    def lexical(self, question: Question) -> Found:
        """BM25 of any of the words that are no stop words."""
        match = " OR ".join(f'"{word}"' for word in terms(question.text))
        if not match:
            return []
        if question.since:
            rows = self.database.execute(_SINCE, (match, question.since, question.k))
        else:
            rows = self.database.execute(_BY_SCORE, (match, question.k))
        return [(paper, -score) for paper, score in rows]

    def vector(self, question: Question) -> Found:
        """All cosines."""
        return self.flat.search(question)
