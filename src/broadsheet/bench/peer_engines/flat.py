"""Vectors scanned whole with numpy: what one puts beside an index of words. Needs numpy only."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from broadsheet.bench.peer_engines.protocol import Data, FloatArray, Found, Question

_SPARSE = 4


class Flat:
    """Rows of float32, their papers and their days, in files that are only ever appended to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ids: NDArray[np.int64] = np.empty(0, np.int64)

    def write(self, data: Data, later: bool = False, tell: Callable[[str], None] = lambda at: None) -> None:
        """Append the papers of a folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        kept = 0
        with (self.folder / "vectors.f4").open("ab") as rows, (self.folder / "papers.i8").open("ab") as papers:
            for these, vectors in data.batches(later):
                rows.write(vectors.tobytes())
                papers.write(np.array([(row["id"], row["day"]) for row in these], dtype=np.int64).tobytes())
                kept += len(these)
                tell(f"{kept:,} vectors")

    def open(self) -> None:
        """Map the files."""
        papers = np.fromfile(self.folder / "papers.i8", dtype=np.int64).reshape(-1, 2)
        self.ids, self.days = papers[:, 0].copy(), papers[:, 1].copy()
        rows = np.memmap(self.folder / "vectors.f4", dtype=np.float32, mode="r")
        self.vectors: FloatArray = rows.reshape(len(papers), -1)

    def search(self, question: Question) -> Found:
        """Give the nearest papers by all cosines."""
        rows = np.flatnonzero(self.days >= question.since) if question.since else None
        if rows is None or len(rows) * _SPARSE > len(self.ids):
            scores = self.vectors @ question.vector
            if rows is not None:
                scores[self.days < question.since] = -2
            rows = np.arange(len(self.ids))
        else:
            scores = self.vectors[rows] @ question.vector
        k = min(question.k, len(rows))
        best = np.argpartition(-scores, k - 1)[:k]
        best = best[np.argsort(-scores[best], kind="stable")]
        return list(zip(self.ids[rows[best]].tolist(), scores[best].tolist(), strict=True))
