"""Encoding many texts at once on a GPU, through onnxruntime's CUDA provider, where there is one.

Only encoders in fp32 go there: int8 is made for processors, and its vectors depend on the batch.
"""

import logging
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np

from broadsheet.lib.progress import Progress, silent
from broadsheet.search.encoder import MODEL_FILE, Card, OnnxEncoder, checked, mixed, open_session, place
from broadsheet.search.types import FloatArray
from broadsheet.search.weights import EncoderError

CUDA: Final = "CUDAExecutionProvider"
# Word pieces in one batch, padding included, and texts that are sorted by length together.
BUDGET: Final = 65_536
SORTED: Final = 8_192
# Vectors are kept as float16; a cosine this near to the processor's is within twice that rounding's reach.
LEAST_COSINE: Final = 0.9999
TRIAL: Final = (
    ("Slow rivers", "We ask how much of the flow in late summer can be foreseen from the snow of spring."),
    ("A lower bound", "No online algorithm for two unequal machines does better than this, and one does as well."),
    ("Loud bees", ""),
)

log = logging.getLogger(__name__)


class BatchedEncoder(OnnxEncoder):
    """An encoder that sends texts through the graph in batches of like length; for graphs in floating point only."""

    budget: int = BUDGET

    def encode(self, texts: Sequence[str], progress: Progress = silent) -> FloatArray:
        """Encode texts to (n, dim) float32 rows of length 1."""
        rows = np.empty((len(texts), self.dim), dtype=np.float32)
        for start in range(0, len(texts), SORTED):
            group = [self.query_prefix + text for text in texts[start : start + SORTED]]
            rows[start : start + len(group)] = self._rows(group)
            progress(start + len(group), len(texts))
        return rows

    def encode_papers(self, papers: Sequence[tuple[str, str]], progress: Progress = silent) -> FloatArray:
        """Encode (title, abstract) pairs to (n, dim) float32 rows of length 1: norm(.85 both + .15 title)."""
        rows = np.empty((len(papers), self.dim), dtype=np.float32)
        for start in range(0, len(papers), SORTED // 2):
            texts = [self._paper_texts(paper) for paper in papers[start : start + SORTED // 2]]
            found = iter(self._rows([text for parts in texts for text in parts]))
            for row, parts in enumerate(texts, start):
                rows[row] = mixed(*islice(found, len(parts)))
            progress(start + len(texts), len(papers))
        return rows

    def _rows(self, texts: Sequence[str]) -> FloatArray:
        pieces = [self.pieces(text) for text in texts]
        rows = np.empty((len(texts), self.dim), dtype=np.float32)
        for places in batches([len(one) for one in pieces], self.budget):
            ids = np.zeros((len(places), len(pieces[places[-1]])), dtype=np.int64)
            mask = np.zeros_like(ids)
            for row, number in enumerate(places):
                ids[row, : len(pieces[number])] = pieces[number]
                mask[row, : len(pieces[number])] = 1
            rows[places] = self._session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
        return rows


def batches(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Divide texts into batches of like length, shortest first; a batch padded to its longest holds `budget` at most.

    Gives the numbers of the texts; a text longer than the budget is a batch of its own.
    """
    batch: list[int] = []
    for number in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[number] > budget:
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch


def find(home: Path, name: str) -> BatchedEncoder | None:
    """Load an encoder of this home onto the GPU; None where it is not in fp32, or there is no GPU that gives the same.

    The processor encodes the queries, so a GPU whose vectors differ from the processor's is not used.
    """
    directory = place(home, name)
    try:
        if Card.read(directory).precision != "fp32" or not _has_cuda():
            return None
        card = checked(directory)
        session = _open(directory / MODEL_FILE)
        return agreed(BatchedEncoder.opened(directory, card, session), OnnxEncoder.load(directory)) if session else None
    except EncoderError as error:
        log.warning("%s", error)
        return None


def agreed(there: BatchedEncoder, here: OnnxEncoder) -> BatchedEncoder | None:
    """Give the encoder back if its vectors are those of the processor; else say so and give None."""
    rows = [encoder.encode_papers(TRIAL) for encoder in (there, here)]
    cosine = float(np.sum(rows[0] * rows[1], axis=1).min())
    if cosine >= LEAST_COSINE:
        return there
    log.warning("the GPU is not used: its vectors are not the processor's (cosine %.5f)", cosine)
    return None


def _has_cuda() -> bool:
    import onnxruntime

    return CUDA in onnxruntime.get_available_providers()


def _open(model: Path) -> Any:  # noqa: ANN401
    """Open a graph on the first GPU; None where that does not work, which is logged."""
    import onnxruntime

    onnxruntime.preload_dlls()
    session = open_session(model, (CUDA, "CPUExecutionProvider"))
    if session.get_providers()[0] == CUDA:
        return session
    log.warning("the GPU is not used: onnxruntime could not open it")
    return None
