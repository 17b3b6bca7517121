"""Whether int8 costs quality: the judged collections ranked with int8 and with fp32, query by query."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from broadsheet.bench.corpus import vectors_by
from broadsheet.bench.judged import COLLECTIONS, read, scores
from broadsheet.lib.progress import Progress, silent
from broadsheet.search.encoder import OnnxEncoder
from broadsheet.search.types import FloatArray, PaperToIndex

RESAMPLES: Final = 10_000
# The ways of `judged.scores` that an encoder has a part in.
WAYS: Final = {"": "fused", "_dense": "dense"}


class Remembering:
    """An encoder that keeps the vectors of papers under a home, for the next run."""

    def __init__(self, encoder: OnnxEncoder, home: Path, progress: Progress = silent) -> None:
        self.encoder, self.home, self.progress = encoder, home, progress
        self.id, self.dim = encoder.id, encoder.dim

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Encode texts."""
        return self.encoder.encode(texts)

    def encode_papers(self, papers: Sequence[tuple[str, str]]) -> FloatArray:
        """Encode papers, or read what an earlier run made of them."""
        rows = [PaperToIndex(number, *paper) for number, paper in enumerate(papers, 1)]
        return vectors_by(self.encoder, rows, self.home, self.progress).astype(np.float32)


def compare(
    data: Path, small: OnnxEncoder, exact: OnnxEncoder, home: Path, progress: Progress = silent
) -> dict[str, float]:
    """Rank each collection with both; figures: NAME_WAY_int8, _fp32, and their difference with its 95 % interval."""
    figures: dict[str, float] = {}
    for name in COLLECTIONS:
        collection = read(data / name)
        found = [scores(collection, Remembering(encoder, home, progress)) for encoder in (small, exact)]
        for way, says in WAYS.items():
            ours, theirs = np.array(found[0][way]), np.array(found[1][way])
            low, high = interval(ours - theirs)
            figures |= {
                f"{name}_{says}_int8": float(ours.mean()),
                f"{name}_{says}_fp32": float(theirs.mean()),
                f"{name}_{says}_difference": float((ours - theirs).mean()),
                f"{name}_{says}_difference_low": low,
                f"{name}_{says}_difference_high": high,
            }
    return figures


def interval(differences: np.ndarray[tuple[int, ...], np.dtype[np.float64]], seed: int = 7) -> tuple[float, float]:
    """Give the 95 % interval of a mean by the bootstrap over queries (Efron 1979)."""
    chance = np.random.default_rng(seed)
    drawn = chance.integers(0, len(differences), (RESAMPLES, len(differences)))
    low, high = np.quantile(differences[drawn].mean(axis=1), (0.025, 0.975))
    return float(low), float(high)
