"""Getting and building the encoder that the settings name, and opening it for encoding papers."""

import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from broadsheet.lib.files import lock
from broadsheet.lib.progress import Progress, silent
from broadsheet.papers import bulk, claims
from broadsheet.papers.outside import http
from broadsheet.papers.vectors import encode_missing, unencoded
from broadsheet.search import bert_onnx, encoder_gpu, weights
from broadsheet.search import encoder as encoders
from broadsheet.search.bring import PUBLISHED
from broadsheet.search.choice import AUTO, FIRST, Choice, name_in_use


def is_built() -> bool:
    """Tell whether the encoder of the settings is there, or none is wanted."""
    config = settings.CONFIG
    return config.encoder == "none" or encoders.is_built(config.home, config.encoder)


def build_encoder(origin: str = "", progress: Progress = silent, name: str = FIRST) -> Path:
    """Get the published weights, from `origin` if one is named, and build an encoder of them. Raises EncoderError.

    Two processes that build at once build it once.
    """
    config = settings.CONFIG
    with lock(config.home / "encoder.lock"):
        folder = config.home / "weights"
        weights.fetch(folder, http(), origin or config.encoder_weights, progress=progress)
        return bert_onnx.build(config.home, folder, progress=progress, name=name, plan=PUBLISHED[name])


def bulk_encoder(name: str = AUTO) -> encoders.OnnxEncoder | None:
    """The encoder for encoding papers, on the GPU or on all the cores it may have; None where none is built or wanted.

    name: `auto` for the one that answers, or another of this home.
    """
    config = settings.CONFIG
    if config.encoder == "none":
        return None
    known = name_in_use(config.home, config.encoder if name == AUTO else name)
    # It may be built while the worker runs.
    built = encoders.stamp(encoders.place(config.home, known))
    return _loaded(config.home, known, built) if built else None


@lru_cache(maxsize=2)
def _loaded(home: Path, name: str, built: int) -> encoders.OnnxEncoder | None:
    threads = settings.CONFIG.encoder_threads or os.cpu_count() or 1
    return encoder_gpu.find(home, name) or encoders.find(home, name, threads=threads)


def bulk_encoders() -> Iterator[encoders.OnnxEncoder]:
    """The encoders that papers are to be encoded by: the one that answers, then those that are being brought in."""
    names = [AUTO, *Choice.read(settings.CONFIG.home).coming]
    yield from (encoder for name in names if (encoder := bulk_encoder(name)))


def encode_some(most: int) -> int:
    """Encode at most `most` papers by the first encoder that has any left, or a round's worth through the cluster."""
    return next((done for encoder in bulk_encoders() if (done := encode(encoder, most=most))), 0)


def encoded_elsewhere() -> bool:
    """Tell whether papers wait for a vector that other hosts have taken; a host alone has left none."""
    return claims.among_hosts() and any(unencoded(encoder.id).order_by().exists() for encoder in bulk_encoders())


def encode(encoder: encoders.OnnxEncoder, progress: Progress = silent, most: int | None = None) -> int:
    """Encode what has no vector yet, at most `most` papers, or through the cluster a round's worth; give how many.

    Through the cluster where there is one and enough to do; where that fails, this host goes on alone.
    """
    done = 0
    if bulk.wanted(encoder.id):
        done, ended = bulk.encode(encoder, progress, one_round=most is not None)
        if ended:
            return done
    return done + encode_missing(encoder, progress=progress, most=most)
