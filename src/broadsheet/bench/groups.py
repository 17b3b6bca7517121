"""Whether "who here knows this best?" finds the author of a paper among 50 people who share what they wrote.

People are authors of the sample, drawn at random; a paper of the first is held out, and the other papers of all of them
are what they share. Proxies: a real group is nearer together, and its members save what they did not write.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from broadsheet.bench.corpus import sample_papers, vectors_of
from broadsheet.bench.report import Measured
from broadsheet.groups import who
from broadsheet.learning.background import Background, Prepared
from broadsheet.learning.features import Features, FloatArray
from broadsheet.learning.vocabulary import Text, read_marks
from broadsheet.lib.progress import Progress
from broadsheet.lib.text import fold
from broadsheet.search.types import PaperToIndex

PEOPLE: Final = 50
DRAWS: Final = 3000
# Besides the one that is held out. A name of more papers is often that of several people.
FEWEST, MOST = 5, 25
FEW: Final = 3
LEARNED_FROM: Final = 6000
Rows = NDArray[np.int64]


def measure(progress: Progress) -> Measured:
    """Ask 3,000 times each with all their papers and with three, with the encoder and by words alone."""
    papers = sample_papers()
    vectors = np.asarray(vectors_of(papers, settings.CONFIG.home, progress), np.float32)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    written = [rows for rows in by_author(papers).values() if FEWEST <= len(rows) <= MOST]
    figures: dict[str, float] = {"authors": len(written)}
    for name, known in (("encoder", vectors), ("words", vectors[:, :0])):
        world = World(papers, known)
        for kept, most in (("all", MOST), ("three", FEW)):
            found = ask(world, written, most)
            figures |= {f"{name}.{kept}.{what}": value for what, value in found.items()}
    return Measured(figures, notes=[_said(figures)])


def _said(figures: Mapping[str, float]) -> str:
    return (
        f"who knows best: the right one of {PEOPLE} first in {figures['encoder.all.first']:.1%} "
        f"(words alone {figures['words.all.first']:.1%}); with three papers each {figures['encoder.three.first']:.1%}"
    )


def by_author(papers: Sequence[PaperToIndex]) -> dict[str, list[int]]:
    """Give the papers of each name of at least two words, by their places."""
    found: dict[str, list[int]] = {}
    for place, paper in enumerate(papers):
        for name in {fold(author) for author in paper.authors}:
            if " " in name:
                found.setdefault(name, []).append(place)
    return found


class World:
    """The papers, and what is learned of a part of them, with vectors or (dim 0) by words alone."""

    def __init__(self, papers: Sequence[PaperToIndex], vectors: FloatArray) -> None:
        self.papers, self.vectors = papers, vectors
        rows = np.random.default_rng(7).permutation(len(papers))[:LEARNED_FROM]
        encoder = "bench" if vectors.shape[1] else ""
        self.background = Background.fit(self._texts(rows), vectors[rows], encoder=encoder)

    def prepared(self, rows: Rows) -> Prepared:
        """Give papers as they are compared."""
        texts = self._texts(rows)
        words = self.background.vocabulary.read(texts)
        return self.background.prepare(Features(words, read_marks(texts), self.vectors[rows]))

    def _texts(self, rows: Rows) -> list[Text]:
        return [Text(self.papers[row].title, self.papers[row].abstract) for row in rows]


def ask(world: World, written: Sequence[Sequence[int]], most: int, draws: int = DRAWS) -> dict[str, float]:
    """Hold out a paper of the first of 50 people, so many times, and see where its author comes.

    most: papers that each of them shares. Gives shares: first (with its interval), in the first three and five;
    author_near, author_close, stranger_near, stranger_close: who has such a paper; answered: somebody is near, and
    then first.
    """
    draw = np.random.default_rng(1)
    asked = [_draw(draw, written, most) for _again in range(draws)]
    rows = np.unique(np.concatenate([np.concatenate([[held], *shared]) for held, shared in asked]))
    papers = world.prepared(rows)
    terms = len(world.background.vocabulary)
    places, nearest = [], []
    for held, shared in asked:
        subject = papers.take(np.searchsorted(rows, [held]))
        alike = [who.closeness(papers.take(np.searchsorted(rows, own)), subject, terms) for own in shared]
        scores = np.array([who.summed(sorted(own.tolist(), reverse=True)) for own in alike])
        places.append(int((scores > scores[0]).sum()))
        nearest.append([float(own.max()) for own in alike])
    return _shares(np.array(places), np.array(nearest))


def _draw(draw: np.random.Generator, written: Sequence[Sequence[int]], most: int) -> tuple[int, list[Rows]]:
    people = draw.choice(len(written), PEOPLE, replace=False)
    held = int(draw.choice(written[people[0]]))
    shared = []
    for person in people:
        others = np.array([paper for paper in written[person] if paper != held], np.int64)
        shared.append(np.sort(draw.permutation(others)[:most]))
    return held, shared


def _shares(places: NDArray[np.int64], nearest: NDArray[np.float64]) -> dict[str, float]:
    first = float((places == 0).mean())
    half = 1.96 * float(np.sqrt(first * (1 - first) / len(places)))
    found = {"first": first, "first_lo": first - half, "first_hi": first + half}
    found |= {"first_three": float((places < 3).mean()), "first_five": float((places < 5).mean())}
    for name, least in (("near", who.NEAR), ("close", who.CLOSE)):
        answered = nearest.max(axis=1) >= least
        found[f"author_{name}"] = float((nearest[:, 0] >= least).mean())
        found[f"stranger_{name}"] = float((nearest[:, 1:] >= least).mean())
        found[f"answered_{name}"] = float(answered.mean())
        found[f"first_if_{name}"] = float((places[answered] == 0).mean()) if answered.any() else 0.0
    return found
