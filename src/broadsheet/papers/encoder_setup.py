"""Getting and building the encoder that the settings name."""

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
