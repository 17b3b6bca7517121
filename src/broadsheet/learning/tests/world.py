"""An invented record for the tests of learning: papers of eight fields, as words, marks and vectors."""

from dataclasses import dataclass

import numpy as np

from broadsheet.learning.background import Background, Prepared
from broadsheet.learning.features import Features
from broadsheet.learning.profile import Example
from broadsheet.learning.vocabulary import Text, Vocabulary, read_marks

FIELDS = 8
DIM = 24


@dataclass(frozen=True, eq=False)
class World:
    """Papers, what is known of them, and the field of each, (n,)."""

    background: Background
    features: Features
    papers: Prepared
    field: np.ndarray

    def examples(self, seed: int, likes: int = 8, dislikes: int = 3, fields: int = 2) -> tuple[Example, ...]:
        """A reader who likes papers of some fields and dislikes papers of others; now and then by mistake."""
        random = np.random.default_rng(seed)
        own = random.permutation(FIELDS)[:fields]
        inside = np.flatnonzero(np.isin(self.field, own))
        liked = random.choice(inside, likes, replace=False)
        others = np.setdiff1d(np.arange(len(self.field)), liked)
        against = random.choice(others, dislikes, replace=False)
        rows = [*liked.tolist(), *against.tolist()]
        weights = random.choice([0.5, 1.0, 1.2], len(rows)).tolist()
        return tuple(Example(row, place < likes, weights[place]) for place, row in enumerate(rows))

    def of(self, examples: tuple[Example, ...]) -> Prepared:
        """What is known of the papers of examples; their numbers are rows."""
        return self.papers.take([example.paper for example in examples])


def texts(papers: int, seed: int = 1) -> tuple[list[Text], np.ndarray]:
    """Invented papers, and the field of each."""
    random = np.random.default_rng(seed)
    field = random.integers(0, FIELDS, papers)
    made = []
    for own in field.tolist():
        mine = [f"field{chr(97 + own)}{chr(97 + word)}" for word in random.integers(0, 20, 8).tolist()]
        shared = [f"common{chr(97 + word)}" for word in random.integers(0, 26, 8).tolist()]
        words = random.permutation([*mine, *shared]).tolist()
        author = f"author:{own}-{random.integers(0, 6)}"
        made.append(Text(" ".join(words[:4]), " ".join(words[4:]), (author, f"category:{own // 2}")))
    return made, field


def world(papers: int = 600, *, vectors: bool = True, seed: int = 1) -> World:
    """Make a record."""
    made, field = texts(papers, seed)
    random = np.random.default_rng(seed + 1)
    rows = np.zeros((papers, 0), np.float32)
    if vectors:
        axes = random.standard_normal((FIELDS, DIM))
        rows = (axes[field] + 0.9 * random.standard_normal((papers, DIM))).astype(np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    vocabulary = Vocabulary.fit(made)
    features = Features(vocabulary.read(made), read_marks(made), rows)
    background = Background.of_features(features, vocabulary, encoder="invented" if vectors else "")
    return World(background, features, background.prepare(features), field)
