"""Text to vector by a small transformer, with onnxruntime and tokenizers alone.

Every text goes through the graph by itself. That is as fast as batches on one core (no padding, and a text fits the
cache), and the vector of a text is always the same: int8 takes its scales from whatever stands in the batch.
"""

import json
import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import numpy as np

from broadsheet.lib.progress import Progress, silent
from broadsheet.lib.text import plain
from broadsheet.search.choice import FIRST, name_in_use
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
    """What encoder.json says of a built encoder.

    sums: SHA-256 (hex) by file. cosine: to fp32, by the self-test. precision: int8 or fp32. pooling: mean or cls.
    weights: SHA-256 by file of what it was built from, as pinned on first use. *_prefix: what a model wants to stand
    before queries and before papers.
    """

    id: str
    dim: int
    max_length: int
    recipe: str
    sums: dict[str, str]
    cosine: float
    format: int = FORMAT
    precision: str = "int8"
    pooling: str = "mean"
    weights: dict[str, str] = field(default_factory=dict)
    query_prefix: str = ""
    paper_prefix: str = ""

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

    def __init__(
        self,
        session: Any,  # noqa: ANN401
        tokenizer: Any,  # noqa: ANN401
        id: str,
        dim: int,
        threads: int = 1,
        *,
        query_prefix: str = "",
        paper_prefix: str = "",
    ) -> None:
        self.id = id
        self.dim = dim
        self.threads = max(1, threads)
        self.query_prefix, self.paper_prefix = query_prefix, paper_prefix
        self._session = session
        self._tokenizer = tokenizer

    @classmethod
    def load(cls, directory: Path, threads: int = 1) -> Self:
        """Load a built encoder. Raises EncoderError where it is missing, damaged or of another format."""
        return cls.opened(directory, checked(directory), open_session(directory / MODEL_FILE), threads)

    @classmethod
    def opened(cls, directory: Path, card: Card, session: Any, threads: int = 1) -> Self:  # noqa: ANN401
        """Make it of an open graph and the tokenizer in the directory. Raises EncoderError."""
        tokenizer = open_tokenizer(directory / TOKENIZER_FILE, card.max_length)
        prefixes = {"query_prefix": card.query_prefix, "paper_prefix": card.paper_prefix}
        return cls(session, tokenizer, card.id, card.dim, threads, **prefixes)

    def encode(self, texts: Sequence[str], progress: Progress = silent) -> FloatArray:
        """Encode texts to (n, dim) float32 rows of length 1; only the first word pieces of a text count."""
        return self._each(self._vector, [self.query_prefix + text for text in texts], progress)

    def encode_papers(self, papers: Sequence[tuple[str, str]], progress: Progress = silent) -> FloatArray:
        """Encode (title, abstract) pairs to (n, dim) float32 rows of length 1: norm(.85 both + .15 title)."""
        return self._each(self._paper_vector, papers, progress)

    def _paper_vector(self, paper: tuple[str, str]) -> FloatArray:
        texts = self._paper_texts(paper)
        return mixed(*(self._vector(text) for text in texts))

    def _paper_texts(self, paper: tuple[str, str]) -> list[str]:
        """Give what is encoded of a paper: its title and abstract together, then its title, if it has both."""
        title, abstract = (part.strip() for part in paper)
        texts = [f"{title}. {abstract}", title] if title and abstract else [title or abstract]
        return [self.paper_prefix + text for text in texts]

    def pieces(self, text: str) -> list[int]:
        """Give the numbers of the word pieces of a text that count."""
        # A lone surrogate is no text; the tokeniser would refuse it.
        text = text[:MAX_CHARS].encode("utf-8", "replace").decode("utf-8")
        found: list[int] = self._tokenizer.encode(plain(text)).ids
        return found

    def _vector(self, text: str) -> FloatArray:
        pieces = np.array([self.pieces(text)], dtype=np.int64)
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


def mixed(both: FloatArray, title: FloatArray | None = None) -> FloatArray:
    """Mix the vector of a paper's title into that of its whole text: norm(.85 both + .15 title), (dim,)."""
    if title is None:
        return both
    sum_of_both = (1 - TITLE_SHARE) * both + TITLE_SHARE * title
    return np.asarray(sum_of_both / np.linalg.norm(sum_of_both), dtype=np.float32)


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


def open_session(model: Path | bytes, providers: Sequence[str] = ("CPUExecutionProvider",)) -> Any:  # noqa: ANN401
    """Open a graph, on the CPU unless told else; there a run uses the thread that calls it and no other.

    Raises EncoderError.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    source = model if isinstance(model, bytes) else str(model)
    try:
        # The fused form of "add and normalise" is not vectorised on the CPU: the plain one saves a fifth of the time.
        return onnxruntime.InferenceSession(
            source, options, providers=list(providers), disabled_optimizers=["SkipLayerNormFusion"]
        )
    # The library's exceptions share no base but Exception.
    except Exception as error:
        raise EncoderError(f"onnxruntime cannot open {model if isinstance(model, Path) else 'the graph'}") from error


def place(home: Path, name: str) -> Path:
    """Give the directory where the encoder of this name is or would be; `auto` names the one in use."""
    return home / "encoders" / name_in_use(home, name)


def stamp(directory: Path) -> int:
    """Tell one building of an encoder from the next; 0 where there is none."""
    try:
        return (directory / CARD_FILE).stat().st_mtime_ns
    except OSError:
        return 0


def checked(directory: Path) -> Card:
    """Read the card of an encoder and check its files against their sums. Raises EncoderError."""
    card = Card.read(directory)
    for name, sha256 in card.sums.items():
        if not (directory / name).is_file() or digest(directory / name) != sha256:
            raise EncoderError(f"{directory / name} is damaged: build the encoder again")
    return card


def is_built(home: Path, name: str = FIRST) -> bool:
    """Tell whether the encoder of this name is there, undamaged and in a format that this program reads."""
    try:
        checked(place(home, name))
    except EncoderError:
        return False
    return True


def find(home: Path, wanted: str = FIRST, threads: int = 1) -> OnnxEncoder | None:
    """Load the encoder of this name; None where it was not built. One that is damaged is logged and counts as none."""
    directory = place(home, wanted)
    if not directory.is_dir():
        return None
    try:
        return OnnxEncoder.load(directory, threads)
    except EncoderError as error:
        log.warning("%s", error)
        return None
