"""The product's own way before the readers of a bench: its words, its background, its profile."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from broadsheet.bench.foryou_peers import Content, FloatArray, Rows
from broadsheet.bench.foryou_readers import Reader, World
from broadsheet.learning.background import Background, Prepared
from broadsheet.learning.features import Features, Words, join
from broadsheet.learning.profile import Example, Trained, learn
from broadsheet.learning.vocabulary import Text, Vocabulary, terms_of

ENCODER: Final = "bench"
BLOCK: Final = 2000


@dataclass(frozen=True, slots=True, eq=False)
class Product:
    """A world as the product reads it: all its papers, and what a profile is learned against.

    features, prepared: all papers, as they are and as profiles read them. sample: the rows that the background was
    learned from.
    """

    features: Features
    prepared: Prepared
    background: Background
    sample: Rows

    @classmethod
    def of(cls, world: World) -> "Product":
        """Read a world; the vocabulary and the background come from its known papers alone."""
        vocabulary = Vocabulary.of_bags(bag_of(world.contents[row]) for row in world.known)
        parts = []
        # Counted terms of a whole record would fill gigabytes.
        for start in range(0, len(world), BLOCK):
            bags = [bag_of(content) for content in world.contents[start : start + BLOCK]]
            vectors = world.vectors[start : start + BLOCK]
            parts.append(Features(vocabulary.weigh(bags), Words.empty(len(bags)), vectors))
        features = join(parts)
        return cls.against(features, vocabulary, world.known if world.sample is None else world.sample)

    @classmethod
    def against(cls, features: Features, vocabulary: Vocabulary, sample: Rows) -> "Product":
        """Learn the background from some of the papers."""
        encoder = ENCODER if features.dim else ""
        background = Background.of_features(features.take(sample), vocabulary, encoder=encoder)
        return cls(features, background.prepare(features), background, sample)

    def words_alone(self) -> "Product":
        """Give what the product is where there is no encoder."""
        none = np.zeros((len(self.features), 0), np.float32)
        return self.against(replace(self.features, vectors=none), self.background.vocabulary, self.sample)

    def without(self, reader: Reader) -> "Product":
        """Leave the papers that a reader is tested on out of what the background was learned from."""
        kept = self.sample[~np.isin(self.sample, reader.tested)]
        if len(kept) in (0, len(self.sample)):
            return self
        return self.against(self.features, self.background.vocabulary, kept)

    def learned(self, reader: Reader) -> Trained:
        """Learn a profile as the site does."""
        marked = [*reader.likes.tolist(), *reader.dislikes.tolist()]
        examples = [Example(row, place < len(reader.likes)) for place, row in enumerate(marked)]
        return learn(examples, self.prepared.take(marked), self.background)

    def scores(self, reader: Reader, tested: Prepared) -> FloatArray:
        """Learn a profile and give its scores of the papers tested, (m,)."""
        return self.learned(reader).profile.score(tested)


def bag_of(content: Content) -> Mapping[str, float]:
    """Give how often a paper has each term."""
    return Counter(terms_of(Text(*content))) if isinstance(content, tuple) else content
