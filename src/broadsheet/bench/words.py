"""How fast words alone are indexed."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from broadsheet.search.catch_up import catch_up
from broadsheet.search.types import PaperToIndex


@dataclass(frozen=True, slots=True)
class MemoryLog:
    """A record in memory: one change per paper, in order. Paper ids count from 1."""

    all: Sequence[PaperToIndex]

    def head(self) -> int:
        """Number of the newest change."""
        return len(self.all)

    def since(self, seq: int, limit: int) -> Sequence[tuple[int, int, bool]]:
        """Changes after `seq`."""
        return [(n, n, True) for n in range(seq + 1, min(seq + limit, len(self.all)) + 1)]

    def papers(self, ids: Sequence[int]) -> dict[int, PaperToIndex]:
        """The papers with these ids."""
        return {paper: self.all[paper - 1] for paper in ids}


def words_only(papers: Sequence[PaperToIndex], directory: Path) -> dict[str, float]:
    """Index papers (ids 1, 2, 3, … in order) without vectors in an empty directory.

    Figures: words_papers_per_s (wall), words_papers_per_cpu_s, words_bytes_per_paper on disk.
    """
    wall, cpu = time.perf_counter(), time.process_time()
    catch_up(directory, MemoryLog(papers))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    size = sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())
    return {
        "words_papers_per_s": len(papers) / wall,
        "words_papers_per_cpu_s": len(papers) / cpu,
        "words_bytes_per_paper": size / len(papers),
    }
