"""Encoding beside OpenVINO, which runs the same graph in fp32 and, where the processor has it, in bfloat16."""

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np

from broadsheet.bench import encode_beside
from broadsheet.bench.report import CannotMeasure
from broadsheet.lib.progress import Progress, silent
from broadsheet.search.encoder import OnnxEncoder

PACKAGES: Final = ("openvino==2026.4.1",)
SCRIPT: Final = Path(__file__).with_name("peer_openvino.py")
PRECISIONS: Final = ("f32", "bf16")


def compare(
    home: Path, model: Path, encoder: OnnxEncoder, texts: Sequence[str], rounds: int, progress: Progress = silent
) -> dict[str, float]:
    """Time it by turns with our encoder on one core, one text at a time; it gets the word pieces ready made.

    model: the graph in fp32. figures: openvino_f32_docs_per_cpu_s, openvino_bf16_docs_per_cpu_s and, against each,
    vs_openvino_f32 and vs_openvino_bf16. Raises CannotMeasure where its environment cannot be made.
    """
    python = encode_beside.peer_python(home, "openvino-venv", PACKAGES)
    pieces = [encoder.pieces(text) for text in texts]
    ours: list[float] = []
    theirs: dict[str, list[float]] = {precision: [] for precision in PRECISIONS}
    with (
        encode_beside.pinned() as core,
        encode_beside.running([str(python), str(SCRIPT), str(model), str(core)]) as peer,
    ):
        for number in range(-1, rounds):
            seconds, vectors = encode_beside.timed(encoder, texts)
            for precision in PRECISIONS:
                peer.requests.write(json.dumps({"precision": precision, "pieces": pieces}) + "\n")
                peer.requests.flush()
                answer = encode_beside.read_line(peer.answers)
                encode_beside.check_alike(vectors, np.array(answer["vectors"], dtype=np.float32))
                if number >= 0:  # the round before warms up
                    theirs[precision].append(float(answer["cpu_s"]))
            if number >= 0:
                ours.append(seconds)
            progress(number + 1, rounds)
    figures = {f"openvino_{name}_docs_per_cpu_s": len(texts) / median(each) for name, each in theirs.items()}
    figures |= {f"vs_openvino_{name}": median(_ratios(each, ours)) for name, each in theirs.items()}
    return figures


def _ratios(theirs: Sequence[float], ours: Sequence[float]) -> list[float]:
    return [one / other for one, other in zip(theirs, ours, strict=True)]


def or_nothing(
    home: Path, model: Path, encoder: OnnxEncoder, texts: Sequence[str], rounds: int, progress: Progress = silent
) -> tuple[dict[str, float], list[str]]:
    """The same, or no figures and a note of why, where OpenVINO cannot be had."""
    try:
        return compare(home, model, encoder, texts, rounds, progress), []
    except CannotMeasure as problem:
        return {}, [f"OpenVINO was not measured: {problem}"]
