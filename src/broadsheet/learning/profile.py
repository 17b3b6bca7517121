"""What a reader cares about, learned from a few papers they liked: a Gaussian process with two ways of being alike.

The score of a paper is the mean of a Gaussian process (Rasmussen and Williams 2006, chapter 2) whose kernel adds
likeness of meaning (`background.likeness`), of words (the product of TF-IDF rows) and of authors. What was liked
has the target 1, what was not the target -1, and 600 ordinary papers of the record stand at -1 with little trust each:
most of them the reader would not save, but nobody knows of which. Every interest stays apart, since only what is near
to a liked paper is lifted; nothing is averaged.

Everything follows from the examples in closed form. So there is nothing to update by steps: one vote more and the
profile is learned anew in milliseconds, always the same; a like that is taken back leaves nothing behind; and what the
score owes to one like is known exactly (the leave-one-out identity, ibid., 5.4.2).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from broadsheet.learning.background import Background, Prepared, likeness
from broadsheet.learning.evidence import believed, calibrated
from broadsheet.learning.features import FloatArray, LearningError, Words
from broadsheet.learning.gaussian import Array, Fit, Process
from broadsheet.learning.interests import Interest, interests
from broadsheet.learning.kept import are_places, pack, unpack
from broadsheet.learning.kernel import LEVEL, MARKS, Kernel, ground, share
from broadsheet.learning.vocabulary import MARK_PLACES, MOST_TERMS

RANKER: Final = "likeness/1"
FORMAT: Final = 1
# How much words count beside meaning, which counts 1, by the number of likes from which that holds. A few likes say too
# little of a reader's words. Where there are two, the likes themselves decide: the second is taken where it puts likes
# above ordinary papers this much more often.
LEXICAL: Final = ((8, (4.0, 1.0)), (5, (2.0,)), (0, (0.7,)))
MARGIN: Final = 0.008
# Without vectors meaning is made of words as well, and the words themselves are the surer guide by so much.
WITHOUT_VECTORS: Final = 4.0
# The variance of a target: how wrong a like may be.
NOISE: Final = 0.3


@dataclass(frozen=True, slots=True)
class Example:
    """A paper a reader liked or did not.

    weight: how surely it tells what they want, 1 for a vote; 0 and it counts for nothing. pull: how strongly what is
    like it shall be lifted, 1 where the reader changed nothing. sure: the reader said it for the sake of the list, so
    that it is trusted even where nothing else speaks for it.
    """

    paper: int
    liked: bool
    weight: float = 1.0
    pull: float = 1.0
    sure: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """What was chosen on evidence: the share of words in the kernel, the trust in each example (n,), in landmarks."""

    lexical: float
    trust: tuple[float, ...]
    ordinary: float


@dataclass(frozen=True, slots=True)
class Why:
    """What the score of a paper is made of, strongest first.

    points: 100 times the score. likes: (paper, points that the score loses when this example is removed).
    words: (term, points that the word gives), a part of the points.
    """

    points: float
    likes: tuple[tuple[int, float], ...]
    words: tuple[tuple[str, float], ...]


@dataclass(frozen=True, eq=False)
class Profile:
    """What is kept of a reader to score papers: a few numbers per liked paper, and weights of words.

    background: the version of the background it was learned against, vocabulary: the number of its terms.
    meaning (n, axes), pull (n,): the examples and their coefficients. ordinary (landmarks,): those of the landmarks.
    terms, marks: numbers with weights.
    slope, offset: the log-odds of saving are slope * score + offset.
    """

    background: str
    vocabulary: int
    meaning: FloatArray
    pull: FloatArray
    ordinary: FloatArray
    terms: NDArray[np.int32]
    term_weights: FloatArray
    marks: NDArray[np.int32]
    mark_weights: FloatArray
    level: float
    slope: float
    offset: float

    def score(self, papers: Prepared) -> FloatArray:
        """Give the score of each paper, (n,): about 1 is as good as a like, -1 is an ordinary paper."""
        found = likeness(papers.meaning, self.meaning, papers.sharpness) @ self.pull
        found += papers.near @ self.ordinary
        found += papers.words.times(self.word_weights) + papers.marks.times(self._mark_weights)
        return np.asarray(found + self.level, np.float32)

    def probability(self, papers: Prepared) -> FloatArray:
        """Give how likely the reader would save each paper, (n,)."""
        return self.chance(self.score(papers))

    def chance(self, score: FloatArray) -> FloatArray:
        """Give how likely the reader would save papers of such scores."""
        return np.asarray(1 / (1 + np.exp(-(self.slope * score + self.offset))), np.float32)

    @cached_property
    def word_weights(self) -> FloatArray:
        """What each term of the vocabulary gives to a paper that is full of it, (vocabulary,)."""
        return _dense(self.terms, self.term_weights, self.vocabulary)

    @cached_property
    def _mark_weights(self) -> FloatArray:
        return _dense(self.marks, self.mark_weights, MARK_PLACES)

    def to_bytes(self) -> bytes:
        """Give it as a small file of arrays; `from_bytes` reads it."""
        head = {"format": FORMAT, "background": self.background, "vocabulary": self.vocabulary}
        arrays: dict[str, NDArray[np.generic]] = {
            name: getattr(self, name) for name in ("pull", "ordinary", "terms", "term_weights", "marks", "mark_weights")
        }
        numbers = np.array([self.level, self.slope, self.offset], np.float64)
        return pack(head, arrays | {"meaning": self.meaning.astype(np.float16), "numbers": numbers})

    @classmethod
    def from_bytes(cls, data: bytes) -> "Profile":
        """Read it. Raises LearningError where it is damaged or of another format."""
        head, arrays = unpack(data, FORMAT)
        try:
            level, slope, offset = (float(str(number)) for number in arrays.pop("numbers"))
            meaning = arrays.pop("meaning").astype(np.float32)
            size = int(str(head["vocabulary"]))
            held = cls(str(head["background"]), size, meaning, level=level, slope=slope, offset=offset, **arrays)
            whole = held._is_whole()
        except (KeyError, ValueError, TypeError, OverflowError) as problem:
            raise LearningError("what was learned of a reader is incomplete") from problem
        if not whole:
            raise LearningError("what was learned of a reader does not fit together")
        return held

    def _is_whole(self) -> bool:
        """Whether all parts are numbers of the right kind and fit to each other."""
        real = (self.meaning, self.pull, self.ordinary, self.term_weights, self.mark_weights)
        numbers = np.array([self.level, self.slope, self.offset])
        return (
            all(array.dtype == np.float32 and np.isfinite(array).all() for array in real)
            and bool(np.isfinite(numbers).all())
            and self.meaning.ndim == 2
            and self.pull.shape == (len(self.meaning),)
            and self.ordinary.ndim == 1
            and 0 <= self.vocabulary <= MOST_TERMS
            and are_places(self.terms, self.term_weights, self.vocabulary)
            and are_places(self.marks, self.mark_weights, MARK_PLACES)
        )


def _dense(places: NDArray[np.int32], weights: FloatArray, n: int) -> FloatArray:
    found = np.zeros(n, np.float32)
    found[places] = weights
    return found


@dataclass(frozen=True, eq=False)
class Trained:
    """A profile with all that it was learned from, so that it can say why; not kept."""

    background: Background
    examples: tuple[Example, ...]
    papers: Prepared
    settings: Settings
    kernel: Kernel
    fit: Fit
    profile: Profile
    muted: frozenset[str] = frozenset()

    @cached_property
    def interests(self) -> tuple[Interest, ...]:
        """The reader's interests, the largest first."""
        liked = [row for row, example in enumerate(self.examples) if example.liked and example.weight > 0]
        weights = np.array([self.examples[row].weight * self.examples[row].pull for row in liked], np.float32)
        own = self.papers.take(liked)
        numbers = [self.examples[row].paper for row in liked]
        terms = self.background.vocabulary.terms
        return interests(numbers, weights, own.meaning, own.words, self.background.common, terms)

    @property
    def trust(self) -> dict[int, float]:
        """How much each example is trusted, by paper: less than its weight where the others speak against it."""
        return {example.paper: trust for example, trust in zip(self.examples, self.settings.trust, strict=True)}

    def why(self, papers: Prepared, most: int = 5) -> list[Why]:
        """Say what the score of each paper is made of, with at most so many examples and words that pull each way."""
        papers = _without(papers, self.muted, self.background)
        alike = self.kernel.to_examples(papers), self.kernel.to_landmarks(papers)
        owed = 100 * self.fit.owed(*(each.kernel(self.settings.lexical) for each in alike))
        points = 100 * self.profile.score(papers)
        numbers = [example.paper for example in self.examples]
        told = []
        for row in range(len(papers)):
            held = papers.words.take([row])
            given = 100 * held.weight * self.profile.word_weights[held.term]
            likes = _strongest([(numbers[place], float(owed[row, place])) for place in range(len(numbers))], most)
            named = [
                (self.background.vocabulary.terms[term], float(p)) for term, p in zip(held.term, given, strict=True)
            ]
            told.append(Why(float(points[row]), likes, _strongest(named, most)))
        return told


Subject = TypeVar("Subject")


def _strongest(given: Sequence[tuple[Subject, float]], most: int) -> tuple[tuple[Subject, float], ...]:
    """Give those that pull up the most and those that pull down the most, the strongest first."""
    ordered = sorted(given, key=lambda pair: -pair[1])
    pull = [
        *(pair for pair in ordered[:most] if pair[1] > 0),
        *(pair for pair in ordered[max(len(ordered) - most, 0) :] if pair[1] < 0),
    ]
    return tuple(sorted(pull, key=lambda pair: -abs(pair[1])))


def learn(
    examples: Sequence[Example],
    papers: Prepared,
    background: Background,
    *,
    muted: frozenset[str] = frozenset(),
    settings: Settings | None = None,
) -> Trained:
    """Learn a reader's profile from examples and what is known of their papers, row by row.

    muted: terms that shall not count. settings: as chosen before, so that nothing but the examples differs; None to
    choose them on the evidence. Raises LearningError without an example.
    """
    if not examples:
        raise LearningError("nothing to learn from")
    used = _without(papers, muted, background)
    targets = np.array([example.pull if example.liked else -example.pull for example in examples])
    kernel = Kernel(background, used)
    if settings is None:
        settings, fitted = _chosen(kernel, targets, examples)
    else:
        process = _process(kernel, settings.lexical, settings.ordinary)
        fitted = process.fit(targets, _variances(np.array(settings.trust)))
    profile = _profile(kernel, settings, fitted, targets, _places(muted, background))
    return Trained(background, tuple(examples), used, settings, kernel, fitted, profile, muted)


def _places(terms: frozenset[str], background: Background) -> list[int]:
    return [place for term in terms if (place := background.vocabulary.place.get(term)) is not None]


def _without(papers: Prepared, muted: frozenset[str], background: Background) -> Prepared:
    places = _places(muted, background)
    if not places:
        return papers
    held = papers.words
    weight = np.where(np.isin(held.term, places), 0, held.weight).astype(np.float32)
    return replace(papers, words=Words(held.start, held.term, weight))


def _process(kernel: Kernel, lexical: float, ordinary: float) -> Process:
    common = ground(kernel.background, lexical)
    return Process(kernel.among.kernel(lexical), kernel.across.kernel(lexical), common, ordinary, -1.0)


def _variances(trust: Array) -> Array:
    return NOISE / np.maximum(trust, 1e-6)


def _chosen(kernel: Kernel, targets: Array, examples: Sequence[Example]) -> tuple[Settings, Fit]:
    """Choose how much words count and how far each example is trusted, by what the others would have said of it."""
    weights = np.array([example.weight for example in examples])
    likes = targets > 0
    # All landmarks together weigh as much as all likes.
    ordinary = NOISE * len(kernel.background.landmarks) / max(float(weights[likes].sum()), 1.0)
    best: tuple[float, float, Process, Fit] | None = None
    for lexical in _choices(kernel.background, int(likes.sum())):
        process = _process(kernel, lexical, ordinary)
        found = process.fit(targets, _variances(weights))
        quality = float(found.above_ordinary[likes].mean()) if likes.any() else 0.0
        if best is None or quality > best[0] + MARGIN:
            best = quality, lexical, process, found
    assert best is not None
    _quality, lexical, process, found = best
    trust = weights.copy()
    doubted = likes & ~np.array([example.sure for example in examples])
    trust[doubted] *= believed(found.left_out[doubted], found.ordinary, int(likes.sum()))
    return Settings(lexical, tuple(trust.tolist()), ordinary), process.fit(targets, _variances(trust))


def _choices(background: Background, likes: int) -> tuple[float, ...]:
    chosen = next(lexical for number, lexical in LEXICAL if likes >= number)
    return chosen if background.has_vectors else tuple(WITHOUT_VECTORS * lexical for lexical in chosen)


def _profile(kernel: Kernel, settings: Settings, found: Fit, targets: Array, muted: list[int]) -> Profile:
    examples, ordinary = found.examples.astype(np.float32), found.landmarks.astype(np.float32)
    papers, others, part = kernel.papers, kernel.background.landmarks, share(settings.lexical)
    size = len(kernel.background.vocabulary)
    words = part * np.float32(settings.lexical) * _summed(papers.words, examples, others.words, ordinary, size)
    # Papers are scored as if they did not hold these words; the landmarks, which all readers share, hold them still.
    words[muted] = 0
    marks = np.float32(MARKS) * _summed(papers.marks, examples, others.marks, ordinary, MARK_PLACES)
    terms, marked = np.flatnonzero(words).astype(np.int32), np.flatnonzero(marks).astype(np.int32)
    slope, offset = calibrated(found, targets, np.array(settings.trust))
    return Profile(
        kernel.background.version,
        size,
        papers.meaning.astype(np.float16).astype(np.float32),
        part * examples,
        part * ordinary,
        terms,
        words[terms],
        marked,
        marks[marked],
        LEVEL * float(examples.sum() + ordinary.sum()),
        slope,
        offset,
    )


def _summed(own: Words, examples: FloatArray, others: Words, ordinary: FloatArray, n: int) -> FloatArray:
    return own.sum(examples, n) + others.sum(ordinary, n)
