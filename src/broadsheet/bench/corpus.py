"""The papers that the benchmarks of search work on, and their real vectors, encoded once and kept."""

import gzip
import json
import os
from collections.abc import Sequence
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from broadsheet.bench.report import CannotMeasure, shared_data
from broadsheet.lib.files import write_whole
from broadsheet.lib.progress import Progress
from broadsheet.lib.text import squash
from broadsheet.search.encoder import OnnxEncoder, find
from broadsheet.search.types import PaperToIndex

# Saved as they come, so that a bench that was stopped goes on: encoding all takes a quarter of an hour on two cores.
PART: Final = 2000


def sample_papers() -> list[PaperToIndex]:
    """Read the sample of arXiv, ids 1, 2, 3, … in order of the file. Raises CannotMeasure where it is not there.

    Rows whose arXiv id is damaged are papers here: their texts are real.
    """
    with gzip.open(shared_data("arxiv/sample_50k.jsonl.gz"), "rt", encoding="utf-8") as lines:
        return [_paper(number, json.loads(line)) for number, line in enumerate(lines, 1)]


def _paper(number: int, row: dict[str, str]) -> PaperToIndex:
    return PaperToIndex(
        id=number,
        title=squash(row["title"]),
        abstract=squash(row["abstract"]),
        authors=tuple(row["author_text"].split(", ")),
        categories=tuple(row["categories"].replace(",", " ").split()),
        source="arxiv-jsonl",
        day=date.fromisoformat(row["created"]),
    )


def built_encoder(home: Path, threads: int = 1) -> OnnxEncoder:
    """Give the encoder of a home. Raises CannotMeasure where none is built."""
    encoder = find(home, threads=threads)
    if encoder is None:
        raise CannotMeasure(f"no encoder is built in {home}: run `broadsheet encoder build`")
    return encoder


def vectors_of(papers: Sequence[PaperToIndex], home: Path, progress: Progress) -> NDArray[np.float16]:
    """Give the papers' vectors, (n, dim) float16; those of an earlier run are read, the others encoded and kept."""
    return vectors_by(built_encoder(home, os.cpu_count() or 1), papers, home, progress)


def vectors_by(
    encoder: OnnxEncoder, papers: Sequence[PaperToIndex], home: Path, progress: Progress
) -> NDArray[np.float16]:
    """The same by an encoder of one's own; a home keeps the vectors of several side by side."""
    folder = home / "bench" / f"vectors-{sha256(encoder.id.encode()).hexdigest()[:12]}"
    parts = []
    for start in range(0, len(papers), PART):
        group = papers[start : start + PART]
        place = folder / f"{_digest(group)}.f2"
        if not place.exists():
            rows = encoder.encode_papers([(paper.title, paper.abstract) for paper in group])
            write_whole(place, rows.astype("<f2").tobytes())
        parts.append(np.frombuffer(place.read_bytes(), "<f2").reshape(len(group), encoder.dim))
        progress(start + len(group), len(papers))
    return np.concatenate(parts)


def _digest(papers: Sequence[PaperToIndex]) -> str:
    told = sha256()
    for paper in papers:
        told.update(f"{paper.title}\0{paper.abstract}\0".encode())
    return told.hexdigest()[:32]
