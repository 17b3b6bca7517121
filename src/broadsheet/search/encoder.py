"""Text to vector by a small transformer, with onnxruntime and tokenizers alone.

Every text goes through the graph by itself. That is as fast as batches on one core (no padding, and a text fits the
cache), and the vector of a text is always the same: int8 takes its scales from whatever stands in the batch.
"""

import json
import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np

from broadsheet.lib.progress import Progress, silent
from broadsheet.lib.text import plain
from broadsheet.search.types import FloatArray
from broadsheet.search.weights import EncoderError, digest

# Raised when vectors change without a change of weights: the graph, the recipe, the reading of texts.
FORMAT: Final = 1
MODEL_FILE, TOKENIZER_FILE, CARD_FILE = "model.onnx", "tokenizer.json", "encoder.json"
MAX_LENGTH: Final = 256
# Title mixed into the vector of title and abstract: nDCG@10 +.025 [+.012, +.039] and -.001 [-.006, +.005], by
# collection; above .3 it hurts.
TITLE_SHARE: Final = 0.15
# Far more than 256 word pieces of any abstract; keeps a hostile text from being read to its end.
MAX_CHARS: Final = 10_000
GROUP: Final = 16

log = logging.getLogger(__name__)
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Card:
    """What encoder.json says of a built encoder. `sums`: SHA-256 (hex) by file; `cosine`: to fp32, by the self-test."""

    id: str
    dim: int
    max_length: int
    recipe: str
    sums: dict[str, str]
    cosine: float
    format: int = FORMAT

    def write(self, directory: Path) -> None:
        """Write it into the directory of the encoder."""
        (directory / CARD_FILE).write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, directory: Path) -> "Card":
        """Read it. Raises EncoderError where there is none of this format."""
        try:
            card = cls(**json.loads((directory / CARD_FILE).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise EncoderError(f"{directory} holds no encoder") from error
        if card.format != FORMAT:
            raise EncoderError(f"the encoder in {directory} is of format {card.format}, not {FORMAT}: build it again")
        return card


class OnnxEncoder:
    """An encoder in memory. It may be called from several threads at once; `threads` bounds what one call uses."""

    def __init__(self, session: Any, tokenizer: Any, id: str, dim: int, threads: int = 1) -> None:  # noqa: ANN401
        self.id = id
        self.dim = dim
        self.threads = max(1, threads)
        self._session = session
        self._tokenizer = tokenizer

    @classmethod
    def load(cls, directory: Path, threads: int = 1) -> "OnnxEncoder":
        """Load a built encoder. Raises EncoderError where it is missing, damaged or of another format."""
        card = checked(directory)
        tokenizer = open_tokenizer(directory / TOKENIZER_FILE, card.max_length)
        return cls(open_session(directory / MODEL_FILE), tokenizer, card.id, card.dim, threads)

    def encode(self, texts: Sequence[str], progress: Progress = silent) -> FloatArray:
        """Encode texts to (n, dim) float32 rows of length 1; only the first 256 word pieces of a text count."""
        return self._each(self._vector, texts, progress)

    def encode_papers(self, papers: Sequence[tuple[str, str]], progress: Progress = silent) -> FloatArray:
        """Encode (title, abstract) pairs to (n, dim) float32 rows of length 1: norm(.85 both + .15 title)."""
        return self._each(self._paper_vector, papers, progress)

    def _paper_vector(self, paper: tuple[str, str]) -> FloatArray:
        title, abstract = (part.strip() for part in paper)
        if not title or not abstract:
            return self._vector(title or abstract)
        both = self._vector(f"{title}. {abstract}")
        mixed = (1 - TITLE_SHARE) * both + TITLE_SHARE * self._vector(title)
        return np.asarray(mixed / np.linalg.norm(mixed), dtype=np.float32)

    def _vector(self, text: str) -> FloatArray:
        # A lone surrogate is no text; the tokeniser would refuse it.
        text = text[:MAX_CHARS].encode("utf-8", "replace").decode("utf-8")
        pieces = np.array([self._tokenizer.encode(plain(text)).ids], dtype=np.int64)
        feed = {"input_ids": pieces, "attention_mask": np.ones_like(pieces)}
        return np.asarray(self._session.run(None, feed)[0][0], dtype=np.float32)

    def _each(self, function: Callable[[Item], FloatArray], items: Sequence[Item], progress: Progress) -> FloatArray:
        rows = np.empty((len(items), self.dim), dtype=np.float32)

        def fill(start: int) -> None:
            for row in range(start, min(start + GROUP, len(items))):
                rows[row] = function(items[row])

        starts = range(0, len(items), GROUP)
        if self.threads == 1 or len(starts) < 2:
            for start in starts:
                fill(start)
                progress(min(start + GROUP, len(items)), len(items))
            return rows
        with ThreadPoolExecutor(min(self.threads, len(starts)), "encoder") as pool:
            for start, _ in zip(starts, pool.map(fill, starts), strict=True):
                progress(min(start + GROUP, len(items)), len(items))
        return rows


def open_tokenizer(path: Path, max_length: int) -> Any:  # noqa: ANN401
    """Open a tokenizer that cuts at `max_length` word pieces and pads nothing. Raises EncoderError."""
    # Read by the library when it is imported: no threads of its own, and no talk with a hub.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_str(path.read_text(encoding="utf-8"))
    # The library raises bare Exception for a file it cannot read.
    except Exception as error:
        raise EncoderError(f"{path} is not a tokenizer") from error
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length)
    return tokenizer


def open_session(model: Path | bytes) -> Any:  # noqa: ANN401
    """Open a graph on the CPU; a run uses the thread that calls it and no other. Raises EncoderError."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    source = model if isinstance(model, bytes) else str(model)
    try:
        # The fused form of "add and normalise" is not vectorised on the CPU: the plain one saves a fifth of the time.
        return onnxruntime.InferenceSession(
            source, options, providers=["CPUExecutionProvider"], disabled_optimizers=["SkipLayerNormFusion"]
        )
    # The library's exceptions share no base but Exception.
    except Exception as error:
        raise EncoderError(f"onnxruntime cannot open {model if isinstance(model, Path) else 'the graph'}") from error


def place(home: Path, name: str) -> Path:
    """Give the directory where the encoder of this name is or would be."""
    return home / "encoders" / name


def checked(directory: Path) -> Card:
    """Read the card of an encoder and check its files against their sums. Raises EncoderError."""
    card = Card.read(directory)
    for name, sha256 in card.sums.items():
        if not (directory / name).is_file() or digest(directory / name) != sha256:
            raise EncoderError(f"{directory / name} is damaged: build the encoder again")
    return card


def is_built(home: Path, name: str = "minilm-int8") -> bool:
    """Tell whether the encoder of this name is there, undamaged and in a format that this program reads."""
    try:
        checked(place(home, name))
    except EncoderError:
        return False
    return True


def find(home: Path, wanted: str = "minilm-int8", threads: int = 1) -> OnnxEncoder | None:
    """Load the encoder of this name; None where it was not built. One that is damaged is logged and counts as none."""
    directory = place(home, wanted)
    if not directory.is_dir():
        return None
    try:
        return OnnxEncoder.load(directory, threads)
    except EncoderError as error:
        log.warning("%s", error)
        return None
