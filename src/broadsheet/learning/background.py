"""What the papers of a record look like on the whole: what every profile is learned against.

A profile needs to know how rare a word is, in which directions papers differ, and what an ordinary paper looks like.
That is the same for all readers, so it is learned once from a sample of the record and kept in a few megabytes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from itertools import chain
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from broadsheet.learning.features import Features, FloatArray, LearningError, Words
from broadsheet.learning.kept import are_places, pack, unpack
from broadsheet.learning.vocabulary import MARK_PLACES, Text, Vocabulary, read_marks

FORMAT: Final = 1
# Vectors keep this many directions, in which nearly all of what tells papers apart lies; 192 of 384 ranked as well.
AXES: Final = 192
# Without an encoder the directions come from the words alone, and of these only the common ones have a part in it.
AXES_OF_WORDS: Final = 128
TERMS_OF_AXES: Final = 20_000
LANDMARKS: Final = 600
SAMPLE: Final = 3_000
# How fast likeness falls with the cosine: at 3 a neighbour at .5 counts four times as much as a stranger. Places that
# come from words alone are less sure, so the fall is slower there.
SHARPNESS: Final = 3.0
SHARPNESS_OF_WORDS: Final = 1.5
_SEED: Final = 20240527


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """Papers as profiles read them: words, marks, places among the axes, likeness to the landmarks.

    meaning (n, axes): rows of length 1, or 0 where nothing is known. near (n, landmarks): see `likeness`.
    sharpness: how fast likeness falls.
    """

    words: Words
    marks: Words
    meaning: FloatArray
    near: FloatArray
    sharpness: float = SHARPNESS

    def __len__(self) -> int:
        return len(self.meaning)

    def take(self, rows: Sequence[int] | NDArray[np.int64]) -> "Prepared":
        """Give some of the papers, in the order they are asked for."""
        chosen = np.asarray(rows, np.int64)
        return replace(
            self,
            words=self.words.take(chosen),
            marks=self.marks.take(chosen),
            meaning=self.meaning[chosen],
            near=self.near[chosen],
        )


def likeness(rows: FloatArray, others: FloatArray, sharpness: float) -> FloatArray:
    """Give how alike papers are by their places, (rows, others): exp(sharpness (cosine - 1)), at most 1."""
    found = rows @ others.T
    found -= 1
    found *= np.float32(sharpness)
    return np.asarray(np.exp(found, out=found))


@dataclass(frozen=True, eq=False)
class Background:
    """Vocabulary, axes and a sample of ordinary papers.

    version: names the content. encoder: whose vectors it is for; "" for words alone. papers: how many it was learned
    from. centre, axes (dim, axes): a vector v stands at (v - centre) @ axes, made length 1; where there is no encoder
    the same is done with the words. sample: ordinary papers, the first 600 of which are the landmarks.
    """

    encoder: str
    papers: int
    vocabulary: Vocabulary
    centre: FloatArray
    axes: FloatArray
    sample: Features
    version: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if not self.version:
            object.__setattr__(self, "version", sha256(self._content()).hexdigest()[:16])

    @classmethod
    def fit(
        cls, texts: Sequence[Text], vectors: FloatArray | None, *, encoder: str = "", more: Iterable[Text] = ()
    ) -> "Background":
        """Learn it from a sample of papers: texts, and their vectors (n, dim); None or dim 0 where there are none.

        more: texts that only the vocabulary is learned from: a rare word is seen in a large record alone.
        """
        vocabulary = Vocabulary.fit(chain(texts, more))
        features = Features(vocabulary.read(texts), read_marks(texts), _rows(vectors, len(texts)))
        return cls.of_features(features, vocabulary, encoder=encoder)

    @classmethod
    def of_features(cls, features: Features, vocabulary: Vocabulary, *, encoder: str = "") -> "Background":
        """Do the same with what is known of papers already. Raises LearningError where there is no paper."""
        if not len(features):
            raise LearningError("no paper to learn from")
        order = np.random.default_rng(_SEED).permutation(len(features))[:SAMPLE]
        if features.dim:
            known = features.vectors[np.any(features.vectors, axis=1)]
            centre, axes = _principal(known if len(known) else features.vectors)
        else:
            centre, axes = _principal_of_words(features.words, len(vocabulary))
        return cls(encoder, len(features), vocabulary, centre, axes, features.take(np.sort(order)))

    def prepare(self, features: Features) -> Prepared:
        """Make papers ready to be learned from and to be scored, once for all readers."""
        meaning = self.places(features)
        near = likeness(meaning, self._landmark_places, self.sharpness)
        return Prepared(features.words, features.marks, meaning, near, self.sharpness)

    def places(self, features: Features) -> FloatArray:
        """Give where papers stand among the axes, (n, axes), rows of length 1 or 0."""
        if self.centre.shape[0] == features.dim and features.dim:
            found = np.asarray((features.vectors - self.centre) @ self.axes, np.float32)
            found[~np.any(features.vectors, axis=1)] = 0
        else:
            found = np.asarray(_times_axes(features.words, self.axes) - self.centre, np.float32)
            found[np.diff(features.words.start) == 0] = 0
        length = np.linalg.norm(found, axis=1, keepdims=True)
        return np.asarray(found / np.where(length > 0, length, 1), np.float32)

    @property
    def has_vectors(self) -> bool:
        """Whether the places of papers come from an encoder's vectors."""
        return bool(self.encoder)

    @property
    def sharpness(self) -> float:
        """How fast likeness falls with the cosine."""
        return SHARPNESS if self.has_vectors else SHARPNESS_OF_WORDS

    @cached_property
    def landmarks(self) -> Prepared:
        """Ordinary papers, which stand for all that a reader did not like."""
        return self.prepare(self.sample.take(range(min(LANDMARKS, len(self.sample)))))

    @cached_property
    def landmark_words(self) -> tuple[Words, Words]:
        """Words and marks of the landmarks, turned round."""
        held = self.landmarks
        return held.words.by_term(len(self.vocabulary)), held.marks.by_term(MARK_PLACES)

    @cached_property
    def _landmark_places(self) -> FloatArray:
        return self.places(self.sample.take(range(min(LANDMARKS, len(self.sample)))))

    @cached_property
    def common(self) -> FloatArray:
        """Give the mean weight of each term in an ordinary paper, (terms,)."""
        share = np.full(len(self.sample), 1 / len(self.sample), np.float32)
        return self.sample.words.sum(share, len(self.vocabulary))

    def to_bytes(self) -> bytes:
        """Give it as a file of arrays; `from_bytes` reads it."""
        head = {"format": FORMAT, "encoder": self.encoder, "papers": self.papers, "version": self.version}
        return pack(head, self._arrays())

    @classmethod
    def from_bytes(cls, data: bytes) -> "Background":
        """Read it. Raises LearningError where it is damaged or of another format."""
        head, arrays = unpack(data, FORMAT)
        try:
            _check(arrays)
            terms = tuple(bytes(arrays["terms"]).decode().split("\n")) if len(arrays["terms"]) else ()
            vocabulary = Vocabulary(terms, arrays["idf"].astype(np.float32))
            words, marks = (
                Words(arrays[f"{name}_start"], arrays[f"{name}_term"], arrays[f"{name}_weight"].astype(np.float32))
                for name in ("words", "marks")
            )
            sample = Features(words, marks, arrays["vectors"].astype(np.float32))
            centre, axes = arrays["centre"], arrays["axes"].astype(np.float32)
            papers, encoder = int(str(head["papers"])), str(head["encoder"])
            found = cls(encoder, papers, vocabulary, centre, axes, sample)
        except (KeyError, ValueError, TypeError, OverflowError, IndexError) as problem:
            raise LearningError("what is kept of the record is incomplete") from problem
        # The version is made from the content, so it tells whether this is what was written.
        if found.version != head.get("version"):
            raise LearningError("what is kept of the record is not what was written")
        return found

    def _arrays(self) -> dict[str, NDArray[np.generic]]:
        terms = np.frombuffer("\n".join(self.vocabulary.terms).encode(), np.uint8)
        kept: dict[str, NDArray[np.generic]] = {"terms": terms, "idf": self.vocabulary.idf, "centre": self.centre}
        for name, words in (("words", self.sample.words), ("marks", self.sample.marks)):
            kept |= {f"{name}_start": words.start, f"{name}_term": words.term}
            kept[f"{name}_weight"] = words.weight.astype(np.float16)
        return kept | {"axes": self.axes.astype(np.float16), "vectors": self.sample.vectors.astype(np.float16)}

    def _content(self) -> bytes:
        told = sha256(self.encoder.encode())
        for name, array in sorted(self._arrays().items()):
            told.update(name.encode() + np.ascontiguousarray(array).tobytes())
        return told.digest()


def _rows(vectors: FloatArray | None, n: int) -> FloatArray:
    return np.zeros((n, 0), np.float32) if vectors is None else np.asarray(vectors, np.float32)


def _principal(rows: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Give the mean of rows and the directions in which they differ most, (dim, axes) (Pearson 1901)."""
    centre = rows.mean(axis=0)
    spread = (rows - centre).T.astype(np.float64) @ (rows - centre)
    _sizes, directions = np.linalg.eigh(spread)
    return centre, np.ascontiguousarray(directions[:, ::-1][:, :AXES], np.float32)


def _principal_of_words(words: Words, terms: int) -> tuple[FloatArray, FloatArray]:
    """Do the same with words: latent semantic analysis (Deerwester et al. 1990), by a randomised range finder.

    Halko, Martinsson and Tropp 2011, algorithms 4.4 and 5.1, with two power iterations.
    """
    held = np.bincount(words.term, minlength=terms)
    # Common terms alone: the axes of 20,000 terms fit in a few megabytes, and rare terms hardly shape them.
    rare = np.ones(terms, bool)
    rare[np.argsort(-held, kind="stable")[:TERMS_OF_AXES]] = False
    used = Words(words.start, words.term, np.where(rare[words.term], 0, words.weight).astype(np.float32))
    wanted = min(AXES_OF_WORDS, len(words), max(terms, 1))
    basis = np.random.default_rng(_SEED).standard_normal((terms, min(wanted + 16, max(terms, 1)))).astype(np.float32)
    turned = used.by_term(terms)
    for _ in range(3):
        basis = np.linalg.qr(_times_axes(used, basis))[0].astype(np.float32)
        basis = _times_axes(turned, basis)
    directions, _sizes, _rest = np.linalg.svd(basis, full_matrices=False)
    axes = np.ascontiguousarray(directions[:, :wanted], np.float32)
    axes[rare] = 0
    return _times_axes(words, axes).mean(axis=0), axes


def _times_axes(words: Words, axes: FloatArray, block: int = 512) -> FloatArray:
    """Give each row's product with a dense matrix (terms, k), (n, k)."""
    found = np.zeros((len(words), axes.shape[1]), np.float32)
    for first in range(0, len(words), block):
        last = min(first + block, len(words))
        low, high = int(words.start[first]), int(words.start[last])
        if low == high:
            continue
        parts = axes[words.term[low:high]] * words.weight[low:high, None]
        starts = words.start[first:last] - low
        filled = np.diff(words.start[first : last + 1]) > 0
        found[first:last][filled] = np.add.reduceat(parts, starts[filled], axis=0)
    return found


def _check(arrays: Mapping[str, NDArray[Any]]) -> None:
    """Raise ValueError where the parts of a background are not numbers of the right kind, or do not fit together."""
    rows, terms = len(arrays["vectors"]), len(arrays["idf"])
    named = bytes(arrays["terms"]).count(b"\n") + 1 if len(arrays["terms"]) else 0
    right = named == terms and arrays["idf"].shape == (terms,) and rows > 0
    for name, most in (("words", terms), ("marks", MARK_PLACES)):
        parts = Words(arrays[f"{name}_start"], arrays[f"{name}_term"], arrays[f"{name}_weight"])
        right = right and _are_rows(parts, rows, most)
    centre, axes, vectors = arrays["centre"], arrays["axes"], arrays["vectors"]
    right = right and axes.ndim == 2 and vectors.ndim == 2 and centre.ndim == 1
    across = (vectors.shape[1], axes.shape[1])
    right = right and (axes.shape[0], len(centre)) == ((across[0], across[0]) if across[0] else (terms, across[1]))
    real = all(np.isfinite(arrays[name]).all() for name in ("idf", "centre", "axes", "vectors"))
    if not (right and real):
        raise ValueError("the parts do not fit together")


def _are_rows(words: Words, rows: int, most: int) -> bool:
    start = words.start
    return (
        start.dtype == np.int64
        and start.shape == (rows + 1,)
        and bool((np.diff(start) >= 0).all())
        and int(start[0]) == 0
        and int(start[-1]) == len(words.term)
        and are_places(words.term, words.weight, most)
        and bool(np.isfinite(words.weight).all())
    )
