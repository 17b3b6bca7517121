"""How fast papers are encoded: beside sentence-transformers, beside what the core can multiply, and at what quality."""

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np

from broadsheet.bench import encode_beside, encode_openvino, encode_peak, encode_quality, encode_static
from broadsheet.bench.corpus import built_encoder
from broadsheet.bench.report import CannotMeasure, Measured, shared_data
from broadsheet.lib.progress import Progress, silent
from broadsheet.search import bert_onnx
from broadsheet.search.bring import PUBLISHED
from broadsheet.search.choice import FIRST
from broadsheet.search.encoder import MODEL_FILE, OnnxEncoder, place
from broadsheet.search.encoder_gpu import BatchedEncoder
from broadsheet.search.weights import EncoderError

COUNT: Final = 192
TIMED: Final = 96
ROUNDS: Final = 5
EXACT: Final = "minilm-fp32"
# Word pieces in a batch: about eight texts of the usual length.
BATCH: Final = 2048
RATIOS: Final = ("vs_sentence_transformers", "share_of_matmul_peak", "share_of_mixed_peak")
NOTES: Final = [
    f"{COUNT} texts of at most 256 word pieces on one core, one thread; medians of texts per CPU-second. The peer is "
    f"{', '.join(encode_beside.PEER_PACKAGES)}, fp32, one text at a time, its fastest way on one core.",
    "share_of_matmul_peak: all operations of the graph over CPU time, against the most that int8 multiplication "
    "reaches on this core in the same minutes. share_of_mixed_peak holds attention, fp32 inside, against fp32's peak.",
    "*_batches: sorted by length, about eight texts at a time. all_cores_docs_per_s is wall time, which others on the "
    "machine change.",
    "NAME_fused and NAME_dense are nDCG@10; a difference is int8 less fp32, with its 95 % interval by the bootstrap.",
]


def measure(progress: Progress = silent) -> Measured:
    """Measure on papers of the shared sample and on the judged collections. Raises CannotMeasure."""
    from django.conf import settings

    home = Path(settings.CONFIG.home)
    texts = encode_beside.sample_texts(COUNT)
    small, exact = built_encoder(home), exact_encoder(home)
    beside = encode_beside.compare(texts, COUNT, home=home, weights=home / "weights", encoder=small, progress=progress)
    figures = {
        "docs_per_cpu_s": beside["encode_docs_per_cpu_s"],
        "vs_sentence_transformers": beside["encode_vs_sentence_transformers"],
        "sentence_transformers_docs_per_cpu_s": beside["peer_docs_per_cpu_s"],
        **nearness(small, exact, texts),
        **speeds(ways_of(home, small, exact, progress), texts[:TIMED], progress),
        **shares(place(home, FIRST) / MODEL_FILE, small, texts[:TIMED], progress),
        **all_cores(small, texts),
    }
    fp32 = place(home / "bench", EXACT) / MODEL_FILE
    others, missing = encode_openvino.or_nothing(home, fp32, small, texts[:TIMED], ROUNDS, progress)
    figures |= others
    small.threads = exact.threads = os.cpu_count() or 1
    figures |= encode_quality.compare(shared_data("judged"), small, exact, home, progress)
    return Measured(figures, {name: figures[name] for name in RATIOS}, [*NOTES, *missing])


def exact_encoder(home: Path) -> OnnxEncoder:
    """Give the same model in fp32, built under the home's `bench` on first use. Raises CannotMeasure."""
    try:
        bert_onnx.build(home / "bench", home / "weights", name=EXACT, plan=PUBLISHED[EXACT])
        return OnnxEncoder.load(place(home / "bench", EXACT))
    except EncoderError as error:
        raise CannotMeasure(f"the encoder in fp32 cannot be built: {error}") from error


def nearness(small: OnnxEncoder, exact: OnnxEncoder, texts: Sequence[str]) -> dict[str, float]:
    """Tell how near the vectors by int8 are to those by fp32."""
    cosines = np.sum(small.encode(texts) * exact.encode(texts), axis=1)
    return {"cosine_to_fp32": float(cosines.mean()), "cosine_to_fp32_least": float(cosines.min())}


def ways_of(home: Path, small: OnnxEncoder, exact: OnnxEncoder, progress: Progress = silent) -> dict[str, OnnxEncoder]:
    """Name the ways of encoding that are timed beside one another."""
    return {
        "int8": small,
        "int8_batches": batched(place(home, FIRST)),
        "fp32": exact,
        "fp32_batches": batched(place(home / "bench", EXACT)),
        "static_table": encode_static.static_table(small, home / "bench" / "static-table.f4", progress),
    }


def batched(directory: Path) -> BatchedEncoder:
    """Open an encoder so that it takes texts in batches sorted by length."""
    encoder = BatchedEncoder.load(directory)
    encoder.budget = BATCH
    return encoder


def speeds(
    ways: Mapping[str, OnnxEncoder], texts: Sequence[str], progress: Progress = silent, rounds: int = ROUNDS
) -> dict[str, float]:
    """Time the ways by turns on one core; figures: WAY_docs_per_cpu_s, medians over the rounds."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    with encode_beside.pinned():
        for number in range(rounds):
            for name, encoder in ways.items():
                found[name].append(len(texts) / cpu_seconds(encoder, texts))
            progress(number + 1, rounds)
    return {f"{name}_docs_per_cpu_s": median(each) for name, each in found.items()}


def cpu_seconds(encoder: OnnxEncoder, texts: Sequence[str]) -> float:
    """Give the CPU-seconds that an encoder takes for texts."""
    return encode_beside.timed(encoder, texts)[0]


def shares(
    model: Path, encoder: OnnxEncoder, texts: Sequence[str], progress: Progress = silent, rounds: int = ROUNDS
) -> dict[str, float]:
    """Time encoding and matrix multiplication by turns on one core, and tell the share of the peak that is reached.

    share_of_matmul_peak: all operations over CPU time, against the peak of int8. share_of_mixed_peak: the time that
    the operations would take at the peak of their own precision, over CPU time; attention is fp32 inside.
    """
    counted = encode_peak.operations(model)
    lengths = [len(encoder.pieces(text)) for text in texts]
    linear = encode_peak.Operations(counted.linear, 0).of(lengths)
    square = encode_peak.Operations(0, counted.square).of(lengths)
    rows = []
    with encode_beside.pinned():
        for number in range(rounds):
            peaks = encode_peak.peak("int8"), encode_peak.peak("fp32")
            rows.append((*peaks, cpu_seconds(encoder, texts)))
            progress(number + 1, rounds)
    of_int8 = median((linear + square) / seconds / int8 for int8, _fp32, seconds in rows)
    mixed = median((linear / int8 + square / fp32) / seconds for int8, fp32, seconds in rows)
    return {
        "share_of_matmul_peak": of_int8,
        "share_of_mixed_peak": mixed,
        "int8_peak_gop_per_s": median(row[0] for row in rows) / 1e9,
        "fp32_peak_gflop_per_s": median(row[1] for row in rows) / 1e9,
        "gop_per_text": (linear + square) / len(texts) / 1e9,
        "pieces_per_text": sum(lengths) / len(lengths),
    }


def all_cores(encoder: OnnxEncoder, texts: Sequence[str]) -> dict[str, float]:
    """Encode on every core: texts per CPU-second, and per second, which others on the machine change."""
    one, encoder.threads = encoder.threads, os.cpu_count() or 1
    wall = time.perf_counter()
    spent = cpu_seconds(encoder, texts)
    wall = time.perf_counter() - wall
    encoder.threads = one
    return {"all_cores_docs_per_cpu_s": len(texts) / spent, "all_cores_docs_per_s": len(texts) / wall}
