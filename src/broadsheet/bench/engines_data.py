"""What the bench of engines works on: papers, queries and true answers, as files that any program can read.

A folder holds papers.jsonl and vectors.npy (n, dim) float16 of the papers 1 … n, more.jsonl and more.npy of those that
are added later, queries.json and queries.npy (q, dim) float32, truth.npy and truth_filtered.npy (q, 50) with the
nearest papers of each query by all cosines in float32, of all and of those since the day in facts.json.
"""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from broadsheet.lib.files import write_whole
from broadsheet.lib.progress import Progress, silent
from broadsheet.search.lexical import day_number
from broadsheet.search.types import FloatArray, PaperToIndex

K: Final = 50
ADDED: Final = 1_000
FILTER_SHARE: Final = 10
FACTS: Final = "facts.json"
_BATCH: Final = 2_000
_BLOCK: Final = 50_000

Papers = Callable[[int, int], Sequence[PaperToIndex]]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many papers a folder has to build with, and how many to add."""

    papers: int
    added: int = ADDED


def made(folder: Path, sizes: Sizes, papers: Papers, queries: Sequence[str], vectors: FloatArray) -> Path:
    """Make the folder where it is not whole; papers(first, last) gives papers by number, both ends included.

    queries and vectors (q, dim): the texts asked for, and their vectors of length 1.
    """
    if not (folder / FACTS).is_file():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        days = [
            _write(folder, "papers", "vectors", 1, sizes.papers, papers),
            _write(folder, "more", "more", sizes.papers + 1, sizes.papers + sizes.added, papers),
        ]
        (folder / "queries.json").write_text(json.dumps(list(queries)))
        np.save(folder / "queries.npy", vectors)
        since = newest(np.concatenate(days))
        _write_truth(folder, np.concatenate(days), since, vectors)
        facts = {"papers": sizes.papers, "added": sizes.added, "since": since, "dim": int(vectors.shape[1])}
        # Written last: a folder that has it is whole.
        write_whole(folder / FACTS, json.dumps(facts).encode())
    return folder


def facts(folder: Path) -> Mapping[str, Any]:
    """Read what a folder holds."""
    read: Mapping[str, Any] = json.loads((folder / FACTS).read_bytes())
    return read


def newest(days: NDArray[np.int32], share: int = FILTER_SHARE) -> int:
    """Give the day since which a share of the papers, in per cent, or a little more, is."""
    at = len(days) - max(1, len(days) * share // 100)
    return int(np.partition(days, at)[at])


def _write(folder: Path, texts: str, rows: str, first: int, last: int, papers: Papers) -> NDArray[np.int32]:
    """Write papers and their vectors batch by batch, and give their days."""
    days: list[int] = []
    vectors: list[NDArray[np.float16]] = []
    with (folder / f"{texts}.jsonl").open("w", encoding="utf-8") as lines:
        for start in range(first, last + 1, _BATCH):
            for paper in papers(start, min(start + _BATCH - 1, last)):
                lines.write(json.dumps(_row(paper), ensure_ascii=False) + "\n")
                days.append(day_number(paper.day))
                assert paper.vector is not None
                vectors.append(paper.vector)
    if vectors:
        np.save(folder / f"{rows}.npy", np.array(vectors, dtype=np.float16))
    return np.array(days, dtype=np.int32)


def _row(paper: PaperToIndex) -> dict[str, object]:
    return {
        "id": paper.id,
        "title": paper.title,
        "abstract": paper.abstract,
        "authors": paper.authors,
        "categories": paper.categories,
        "day": day_number(paper.day),
    }


def _write_truth(folder: Path, days: NDArray[np.int32], since: int, queries: FloatArray) -> None:
    parts = [np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("vectors", "more") if _there(folder, name)]
    ids = np.arange(1, len(days) + 1)
    np.save(folder / "truth.npy", nearest(parts, ids, ids > 0, queries))
    np.save(folder / "truth_filtered.npy", nearest(parts, ids, days >= since, queries))


def _there(folder: Path, name: str) -> bool:
    return (folder / f"{name}.npy").is_file()


def nearest(
    parts: Sequence[NDArray[np.float16]],
    ids: NDArray[np.int64],
    allowed: NDArray[np.bool_],
    queries: FloatArray,
    progress: Progress = silent,
) -> NDArray[np.int64]:
    """Give the (q, 50) papers nearest to each query by all cosines in float32, best first; 0 where there are no more.

    parts: float16 rows, of which all together have the ids (n,); allowed (n,): which may be found.
    """
    best = np.full((len(queries), K), -2.0, dtype=np.float32)
    found = np.zeros((len(queries), K), dtype=np.int64)
    start = 0
    for rows in (part[at : at + _BLOCK] for part in parts for at in range(0, len(part), _BLOCK)):
        these = slice(start, start + len(rows))
        keep = allowed[these]
        scores = np.hstack([best, queries @ rows.astype(np.float32)[keep].T])
        numbers = np.hstack([found, np.broadcast_to(ids[these][keep], (len(queries), int(keep.sum())))])
        top = np.argpartition(-scores, K - 1, axis=1)[:, :K]
        order = np.take_along_axis(top, np.argsort(-np.take_along_axis(scores, top, 1), axis=1), 1)
        best, found = np.take_along_axis(scores, order, 1), np.take_along_axis(numbers, order, 1)
        start += len(rows)
        progress(start, len(ids))
    return found
