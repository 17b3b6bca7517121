"""bm25s, its arrays mapped, and vectors scanned with numpy. Nothing can be added: it is built anew."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from broadsheet.bench.peer_engines.flat import Flat
from broadsheet.bench.peer_engines.protocol import Data, Found, InProcess, Question, text_of


class Bm25s(InProcess):
    """Built with the later papers at once."""

    packages = ("bm25s", "PyStemmer")

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.library: Any = import_module("bm25s")
        self.stemmer: Any = import_module("Stemmer").Stemmer("english")

    def build(self, data: Data, tell: Callable[[str], None]) -> None:
        """Tokenise all, index, save."""
        texts = [text_of(row) for later in (False, True) if not later or data.added for row in _rows(data, later)]
        tell(f"the words of {len(texts):,} papers")
        tokens = self._tokens(texts)
        tell("the index")
        index = self.library.BM25()
        index.index(tokens, show_progress=False)
        index.save(str(self.folder / "bm25s"))
        tell("vectors")
        flat = Flat(self.folder)
        flat.write(data)
        if data.added:
            flat.write(data, later=True)

    def _tokens(self, texts: list[str]) -> Any:  # noqa: ANN401
        return self.library.tokenize(texts, stopwords="en", stemmer=self.stemmer, show_progress=False)

    def add(self, data: Data) -> bool:
        """Not possible."""
        return False

    def open(self) -> None:
        """Map both."""
        self.index: Any = self.library.BM25.load(str(self.folder / "bm25s"), mmap=True)
        self.flat = Flat(self.folder)
        self.flat.open()

    def lexical(self, question: Question) -> Found:
        """BM25 (Lucene's) of any of the words."""
        mask = (self.flat.days >= question.since).astype(np.float32) if question.since else None
        rows, scores = self.index.retrieve(
            self._tokens([question.text]), k=min(question.k, len(self.flat.ids)), show_progress=False, weight_mask=mask
        )
        found = zip(self.flat.ids[rows[0]].tolist(), scores[0].tolist(), strict=True)
        return [(paper, score) for paper, score in found if score > 0]

    def vector(self, question: Question) -> Found:
        """All cosines."""
        return self.flat.search(question)


def _rows(data: Data, later: bool) -> list[dict[str, Any]]:
    return [row for rows, _ in data.batches(later) for row in rows]
