"""A change log in a file, so that another process can read it. A paper's text and vector tell its revision."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from broadsheet.search.catch_up import catch_up
from broadsheet.search.types import PaperToIndex

DIM = 32
WITHDRAWN = -1


@dataclass
class FileLog:
    """One line per change: paper and revision; the revision of a withdrawn paper is -1."""

    path: Path

    def _lines(self) -> list[tuple[int, int]]:
        text = self.path.read_text() if self.path.exists() else ""
        return [(int(paper), int(revision)) for paper, revision in (line.split() for line in text.splitlines())]

    def put(self, papers: Iterable[int], revision: int) -> None:
        with self.path.open("a") as file:
            file.write("".join(f"{paper} {revision}\n" for paper in papers))

    def withdraw(self, papers: Iterable[int]) -> None:
        self.put(papers, WITHDRAWN)

    def revisions(self) -> dict[int, int]:
        return dict(self._lines())

    def head(self) -> int:
        return len(self._lines())

    def since(self, seq: int, limit: int) -> Sequence[tuple[int, int, bool]]:
        lines = self._lines()[seq : seq + limit]
        return [(n, paper, True) for n, (paper, _) in enumerate(lines, start=seq + 1)]

    def papers(self, ids: Sequence[int]) -> dict[int, PaperToIndex]:
        now = self.revisions()
        return {paper: self._paper(paper, now[paper]) for paper in ids if now[paper] != WITHDRAWN}

    def _paper(self, paper: int, revision: int) -> PaperToIndex:
        return PaperToIndex(
            id=paper,
            title=f"Paper {paper}",
            abstract=f"This is revision{revision}x of the text. " * 20,
            vector=vector_of(paper, revision),
        )


def vector_of(paper: int, revision: int) -> NDArray[np.float16]:
    vector = np.random.default_rng([paper, revision + 1]).standard_normal(DIM)
    return (vector / np.linalg.norm(vector)).astype(np.float16)


def main() -> None:
    """Catch up in a process of its own, in small batches: more moments to be killed at."""
    from broadsheet.search import catch_up as module

    module.BATCH, module.COMMIT = 100, 100
    print("begin", flush=True)  # noqa: T201
    catch_up(Path(sys.argv[1]), FileLog(Path(sys.argv[2])), "fake")


if __name__ == "__main__":
    main()
