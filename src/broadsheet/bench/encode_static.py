"""A static table in place of the encoder: each word piece has one row, a text is the mean of its rows.

The rows are the encoder's vectors of the single word pieces, centred and cut to their first principal directions, and
weighted by how common the piece is, a / (a + p), with p after Zipf from its place in the vocabulary (Arora et al. 2017,
"A Simple but Tough-to-Beat Baseline for Sentence Embeddings"). Measured here to show what speed alone would cost.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from broadsheet.lib.files import write_whole
from broadsheet.lib.progress import Progress, silent
from broadsheet.search.encoder import OnnxEncoder
from broadsheet.search.types import FloatArray

DIM: Final = 256
COMMON: Final = 1e-3
# Twelve special pieces and a thousand unused ones come first in this vocabulary.
FIRST_WORD: Final = 999


class StaticTable(OnnxEncoder):
    """The table in memory, as an encoder."""

    def __init__(self, table: FloatArray, tokenizer: Any) -> None:  # noqa: ANN401
        super().__init__(None, tokenizer, f"static-{table.shape[1]}", table.shape[1])
        self.table = table

    def _vector(self, text: str) -> FloatArray:
        mean = self.table[self.pieces(text)[1:-1]].sum(axis=0)
        return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), dtype=np.float32)


def static_table(encoder: OnnxEncoder, place: Path, progress: Progress = silent) -> StaticTable:
    """Make the table of an encoder, or read it from `place`: about a minute of one core the first time."""
    tokenizer = encoder._tokenizer
    if not place.exists():
        words: Sequence[str] = [tokenizer.id_to_token(number) for number in range(tokenizer.get_vocab_size())]
        rows = encoder.encode([word.removeprefix("##") for word in words], progress)
        write_whole(place, reduced(rows).astype("<f4").tobytes())
    table = np.frombuffer(place.read_bytes(), "<f4").reshape(-1, DIM)
    return StaticTable(table, tokenizer)


def reduced(rows: FloatArray, dim: int = DIM) -> FloatArray:
    """Centre the rows, keep their first `dim` principal directions, and weight each by how rare it is."""
    centred = rows - rows.mean(axis=0)
    _values, axes = np.linalg.eigh(centred.T @ centred)
    ranks = np.maximum(np.arange(len(rows)) - FIRST_WORD, 0) + 1
    share = 1 / (ranks * np.log(len(rows)))
    return np.asarray(centred @ axes[:, ::-1][:, :dim] * (COMMON / (COMMON + share))[:, None], dtype=np.float32)
