"""Encoding beside sentence-transformers: on the same texts, weights and core, by turns."""

import gzip
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import numpy as np

from broadsheet.bench.report import CannotMeasure, Measured, shared_data
from broadsheet.lib.files import lock
from broadsheet.lib.progress import Progress, silent
from broadsheet.lib.text import plain
from broadsheet.search.encoder import OnnxEncoder, find
from broadsheet.search.types import FloatArray
from broadsheet.search.weights import complete

PEER_PACKAGES: Final = ("torch==2.13.0", "sentence-transformers==6.2.0", "transformers==5.23.0")
PEER_SCRIPT: Final = Path(__file__).with_name("peer_sentence_transformers.py")
COUNT: Final = 384
CHUNK: Final = 64
# A peer that computes something else is no peer: first components of the vectors, int8 against fp32.
LEAST_LIKENESS: Final = 0.98


@dataclass(frozen=True, slots=True)
class Peer:
    """The other program, running and ready."""

    requests: IO[str]
    answers: IO[str]
    versions: Mapping[str, str]

    def encode(self, texts: Sequence[str]) -> tuple[float, FloatArray]:
        """Let it encode texts; gives its CPU-seconds and the first components of each vector."""
        self.requests.write(json.dumps(list(texts)) + "\n")
        self.requests.flush()
        answer = read_line(self.answers)
        return float(answer["cpu_s"]), np.array(answer["vectors"], dtype=np.float32)


def measure(progress: Progress = silent) -> Measured:
    """Compare on papers of the shared sample, as `title. abstract`. Raises CannotMeasure."""
    from django.conf import settings

    home = Path(settings.CONFIG.home)
    found = compare(sample_texts(COUNT), home=home, weights=home / "weights", progress=progress)
    ratios = {"encode_vs_sentence_transformers": found["encode_vs_sentence_transformers"]}
    packages = ", ".join(PEER_PACKAGES)
    notes = [
        f"{COUNT} texts of at most 256 word pieces, in chunks of {CHUNK} by turns, one thread each on one core; "
        "medians over the chunks of texts per CPU-second.",
        f"The peer is {packages}, fp32, one text at a time, its fastest way on one core; ours is int8.",
    ]
    return Measured(found, ratios, notes)


def compare(
    texts: Sequence[str],
    count: int = COUNT,
    *,
    home: Path,
    weights: Path,
    encoder: OnnxEncoder | None = None,
    progress: Progress = silent,
) -> dict[str, float]:
    """Encode the first `count` texts by our encoder and by sentence-transformers, chunk by chunk in turns.

    home: holds the built encoder, and the peer's environment in bench/peer-venv, which is made on first use.
    weights: directory of the published files. Returns medians of texts per CPU-second and their ratio. Both keep to
    one core. Raises CannotMeasure.
    """
    encoder = encoder or find(home)
    if encoder is None or not complete(weights):
        raise CannotMeasure(f"the encoder or its weights are not in {home}: run `broadsheet encoder build`")
    python = peer_python(home)
    chunks = [texts[start : start + CHUNK] for start in range(0, min(count, len(texts)), CHUNK)]
    ours, theirs = [], []
    with pinned() as core, running([str(python), str(PEER_SCRIPT), str(weights), str(core)]) as peer:
        _warm_up(encoder, peer, chunks[0])
        for number, chunk in enumerate(chunks, start=1):
            spent, vectors = timed(encoder, chunk)
            ours.append(len(chunk) / spent)
            seconds, shown = peer.encode(chunk)
            theirs.append(len(chunk) / seconds)
            check_alike(vectors, shown)
            progress(number, len(chunks))
    return {
        "encode_docs_per_cpu_s": statistics.median(ours),
        "peer_docs_per_cpu_s": statistics.median(theirs),
        "encode_vs_sentence_transformers": statistics.median(a / b for a, b in zip(ours, theirs, strict=True)),
    }


def timed(encoder: OnnxEncoder, texts: Sequence[str]) -> tuple[float, FloatArray]:
    """Give the CPU-seconds that our encoder takes for texts, and the vectors."""
    started = time.process_time()
    vectors = encoder.encode(texts)
    return time.process_time() - started, vectors


def check_alike(vectors: FloatArray, shown: FloatArray) -> None:
    """Refuse a comparison of two different things: the first components must agree. Raises CannotMeasure."""
    mine = vectors[:, : shown.shape[1]]
    norms = np.linalg.norm(mine, axis=1) * np.linalg.norm(shown, axis=1)
    likeness = float(np.mean(np.sum(mine * shown, axis=1) / norms))
    if not likeness >= LEAST_LIKENESS:
        raise CannotMeasure(f"the peer's vectors are not ours: mean cosine of the first components {likeness:.3f}")


def sample_texts(count: int) -> list[str]:
    """Take texts spread over the shared sample of arXiv. Raises CannotMeasure where it is not there."""
    texts = []
    with gzip.open(shared_data("arxiv/sample_50k.jsonl.gz"), "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            if number % 97 == 0:
                row = json.loads(line)
                # Without TeX, which our encoder would drop: both are to read the same words.
                texts.append(plain(f"{row['title']}. {row['abstract']}"))
                if len(texts) == count:
                    break
    return texts


def peer_python(home: Path, folder: str = "peer-venv", packages: Sequence[str] = PEER_PACKAGES) -> Path:
    """Give the Python of a peer's environment, made on first use (torch: some minutes). Raises CannotMeasure."""
    venv = home / "bench" / folder
    done = venv / "ready.txt"
    wanted = "\n".join(packages)
    with lock(venv.parent / ".peer.lock"):
        if not done.is_file() or done.read_text(encoding="utf-8") != wanted:
            shutil.rmtree(venv, ignore_errors=True)
            _run([sys.executable, "-m", "venv", str(venv)])
            pip = [str(venv / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
            _run([*pip, *packages])
            done.write_text(wanted, encoding="utf-8")
    return venv / "bin" / "python"


@contextmanager
def pinned() -> Iterator[int]:
    """Keep this thread to one core while the block runs and give its number; -1 where the system cannot."""
    if not hasattr(os, "sched_setaffinity"):
        yield -1
        return
    before = os.sched_getaffinity(0)
    core = max(before)
    os.sched_setaffinity(0, {core})
    try:
        yield core
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def running(command: Sequence[str]) -> Iterator[Peer]:
    """Start a peer, wait until it has loaded its model, and end it with the block. Raises CannotMeasure."""
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdin and process.stdout
        try:
            yield Peer(process.stdin, process.stdout, read_line(process.stdout)["ready"])
        finally:
            process.kill()


def _warm_up(encoder: OnnxEncoder, peer: Peer, texts: Sequence[str]) -> None:
    encoder.encode(texts[:16])
    peer.encode(texts[:16])


def read_line(answers: IO[str]) -> dict[str, Any]:
    """Read one answer of a peer. Raises CannotMeasure where it ended."""
    line = answers.readline()
    if not line:
        raise CannotMeasure("the peer ended without an answer")
    found: dict[str, Any] = json.loads(line)
    return found


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if "error" in line.lower()] or ["no reason given"]
        raise CannotMeasure(f"the peer's environment could not be made: {said[-1]}")
