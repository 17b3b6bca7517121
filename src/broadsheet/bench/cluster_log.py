"""A change log in a file of SQLite: what was acknowledged is there for every process that opens it."""

import pickle
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from broadsheet.search.types import PaperToIndex

_TABLES = """
CREATE TABLE IF NOT EXISTS changes (seq INTEGER PRIMARY KEY, paper INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS papers (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
"""
# SQLite takes more in a statement, but not everywhere.
_AT_ONCE = 500


class StoredLog:
    """A change log that grows; safe to use from several processes and threads at once."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, papers: Sequence[PaperToIndex]) -> int:
        """Add papers, and a change for each; when this returns they are acknowledged. Gives the newest change."""
        with self._open() as base, base:
            base.executescript(_TABLES)
            base.execute("PRAGMA synchronous = FULL")
            rows = [(paper.id, pickle.dumps(paper)) for paper in papers]
            base.execute("BEGIN IMMEDIATE")
            base.executemany("INSERT INTO papers VALUES (?, ?)", rows)
            base.executemany("INSERT INTO changes (paper) VALUES (?)", [(paper.id,) for paper in papers])
        return self.head()

    def head(self) -> int:
        """Number of the newest change; 0 when there is none."""
        with self._open() as base:
            return int(base.execute("SELECT coalesce(max(seq), 0) FROM changes").fetchone()[0])

    def since(self, seq: int, limit: int) -> Sequence[tuple[int, int, bool]]:
        """Changes after `seq`."""
        with self._open() as base:
            found = base.execute("SELECT seq, paper FROM changes WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit))
            return [(number, paper, True) for number, paper in found]

    def papers(self, ids: Sequence[int]) -> dict[int, PaperToIndex]:
        """The papers with these ids."""
        found: dict[int, PaperToIndex] = {}
        with self._open() as base:
            for start in range(0, len(ids), _AT_ONCE):
                part = ids[start : start + _AT_ONCE]
                marks = ", ".join("?" * len(part))
                rows = base.execute(f"SELECT id, data FROM papers WHERE id IN ({marks})", list(part))
                found.update((number, pickle.loads(data)) for number, data in rows)
        return found

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, timeout=30, isolation_level=None)) as base:
            base.execute("PRAGMA journal_mode = WAL")
            yield base
