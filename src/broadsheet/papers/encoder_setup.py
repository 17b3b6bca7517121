"""Getting and building the encoder that the settings name."""

import os
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from broadsheet.lib.files import lock
from broadsheet.lib.progress import Progress, silent
from broadsheet.papers.outside import http
from broadsheet.search import bert_onnx, weights
from broadsheet.search import encoder as encoders


def is_built() -> bool:
    """Tell whether the encoder of the settings is there, or none is wanted."""
    config = settings.CONFIG
    return config.encoder == "none" or encoders.is_built(config.home, config.encoder)


def build_encoder(origin: str = "", progress: Progress = silent) -> Path:
    """Get the weights, from `origin` if one is named, and build the encoder. Raises EncoderError.

    Two processes that build at once build it once.
    """
    config = settings.CONFIG
    with lock(config.home / "encoder.lock"):
        folder = config.home / "weights"
        weights.fetch(folder, http(), origin or config.encoder_weights, progress=progress)
        return bert_onnx.build(config.home, folder, progress=progress)


def bulk_encoder() -> encoders.OnnxEncoder | None:
    """The encoder for encoding papers, on all the cores it may have; None where none is built or wanted."""
    if settings.CONFIG.encoder == "none":
        return None
    if _loaded() is None:
        # It may be built while the worker runs.
        _loaded.cache_clear()
    return _loaded()


@lru_cache(maxsize=1)
def _loaded() -> encoders.OnnxEncoder | None:
    config = settings.CONFIG
    return encoders.find(config.home, config.encoder, threads=config.encoder_threads or os.cpu_count() or 1)
