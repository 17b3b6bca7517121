"""The recommenders that "For you" is compared with, each by its published rule and settings.

svm: the words of arxiv-sanity-lite and its linear SVM. cosine: zotero-arxiv-daily's weighted mean of cosines.
centroid: the product with the mean of the liked papers. popularity: what other readers liked.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from broadsheet.bench.report import CannotMeasure

Rows = NDArray[np.int64]
FloatArray = NDArray[np.float32]
# One row for each paper: dense vectors (n, dim), or words as a scipy matrix in rows, which has no types of its own.
Matrix = Any
# A paper's title and abstract; or how often it has each word, counted by somebody else.
Content = tuple[str, str] | Mapping[str, float]

PEERS: Final = ("svm", "cosine", "popularity", "centroid")
WORDS: Final[dict[str, Any]] = {
    "max_features": 20_000,
    "ngram_range": (1, 2),
    "min_df": 5,
    "max_df": 0.1,
    "sublinear_tf": True,
    "norm": "l2",
    "smooth_idf": True,
    "strip_accents": "unicode",
    "stop_words": "english",
    "token_pattern": r"(?u)\b[a-zA-Z_][a-zA-Z0-9_]+\b",
    "dtype": np.float32,
}
SVM: Final[dict[str, Any]] = {"class_weight": "balanced", "C": 0.01, "tol": 1e-6, "max_iter": 10_000}
# A word that a file says stands so often in a paper that it would fill the memory stands this often.
MOST_OF_A_WORD: Final = 1000
BLOCK: Final = 2000


def part(name: str) -> Any:  # noqa: ANN401
    """Give a module of scikit-learn, scipy or threadpoolctl. Raises CannotMeasure where it is not installed."""
    try:
        return import_module(name)
    except ModuleNotFoundError as missing:
        raise CannotMeasure(
            "the baselines need scikit-learn, which is among what the tests need: "
            "`.venv/bin/python -m pip install scikit-learn`"
        ) from missing


def words_of(contents: Sequence[Content], known: Sequence[int] | Rows) -> Matrix:
    """Give the peer's words of all papers, (n, terms); the vocabulary and its weights are those of `known` alone.

    With few papers its smallest count of papers (5) may leave no word; then one paper is enough.
    """
    text = part("sklearn.feature_extraction.text")
    plain: Callable[[str], list[str]] = text.TfidfVectorizer(**WORDS).build_analyzer()
    read = partial(_terms, plain)
    given = {key: value for key, value in WORDS.items() if key not in ("ngram_range", "stop_words", "token_pattern")}
    del given["strip_accents"]
    chosen = [contents[row] for row in known]
    try:
        reader = text.TfidfVectorizer(analyzer=read, **given).fit(chosen)
    except ValueError:
        reader = text.TfidfVectorizer(analyzer=read, **given | {"min_df": 1, "max_df": 1.0}).fit(chosen)
    return reader.transform(contents)


def _terms(plain: Callable[[str], list[str]], content: Content) -> Iterator[str]:
    if isinstance(content, tuple):
        yield from plain(" ".join(content))
        return
    for word, count in content.items():
        for _again in range(min(max(round(count), 1), MOST_OF_A_WORD)):
            yield word


def svm(words: Matrix, likes: Rows, others: Rows, tested: Matrix) -> FloatArray:
    """Score papers by arxiv-sanity-lite: the distance from a plane between the likes and all other papers.

    words (n, terms): likes and others are rows of it. tested (m, terms). Without another paper all score 0.
    """
    if not len(others):
        return np.zeros(tested.shape[0], np.float32)
    rows = np.concatenate([likes, others])
    model = part("sklearn.svm").LinearSVC(**SVM).fit(words[rows], np.arange(len(rows)) < len(likes))
    found: FloatArray = model.decision_function(tested)
    return found


def cosine(papers: Matrix, likes: Rows, tested: Matrix) -> FloatArray:
    """Score papers by zotero-arxiv-daily: cosines with the likes, newest first, weighted 1 / (1 + log10(place)).

    papers, tested: rows of length 1. likes: oldest first. Places count from 1; weights are made to sum to 1.
    """
    weights = 1 / (1 + np.log10(np.arange(1, len(likes) + 1)))
    return 10 * _product(tested, papers[likes[::-1]], weights / weights.sum())


def centroid(papers: Matrix, likes: Rows, tested: Matrix) -> FloatArray:
    """Score papers by their product with the mean of the likes."""
    return _product(tested, papers[likes], np.full(len(likes), 1 / len(likes)))


def _product(tested: Matrix, liked: Matrix, weights: NDArray[np.float64]) -> FloatArray:
    found: FloatArray = np.asarray(tested @ (liked.T @ weights.astype(np.float32)), np.float32).ravel()
    return found


def popularity(papers: Matrix, others_likes: Sequence[Rows], tested_rows: Rows, tested: Matrix) -> FloatArray:
    """Score papers by what other readers liked.

    The count of other readers who like this very paper, and, where that is nobody or the same, the mean over the other
    readers of its cosine with the nearest of their likes (0 where that is below). others_likes: per other reader the
    rows of likes that were given before the test.
    """
    known = [rows for rows in others_likes if len(rows)]
    if not known:
        return np.zeros(len(tested_rows), np.float32)
    counts = np.bincount(np.concatenate([np.unique(rows) for rows in known]), minlength=int(tested_rows.max()) + 1)
    starts = np.cumsum([0] + [len(rows) for rows in known[:-1]])
    liked = papers[np.concatenate(known)].T
    nearest = np.empty(len(tested_rows))
    for start in range(0, len(tested_rows), BLOCK):
        cosines = tested[start : start + BLOCK] @ liked
        dense = cosines.toarray() if hasattr(cosines, "toarray") else np.asarray(cosines)
        nearest[start : start + BLOCK] = np.clip(np.maximum.reduceat(dense, starts, axis=1), 0, 1).mean(axis=1)
    # A cosine is below one reader, whatever rounding adds.
    found: FloatArray = (counts[tested_rows] + 0.999 * nearest).astype(np.float32)
    return found
