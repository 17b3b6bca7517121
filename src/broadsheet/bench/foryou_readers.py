"""Readers to measure "For you" with: what they liked, and what is asked of a method.

No public set of readers is at hand, so these stand in for them. They are PROXIES, made from papers alone:

authors    an author's earlier papers are the likes, the later ones are what should be found
interests  a mix of two narrow pairs of categories
topics     a judged question (Cranfield, CACM): its relevant documents, without time
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from broadsheet.bench import judged
from broadsheet.bench.corpus import sample_papers, vectors_of
from broadsheet.bench.foryou_peers import Content, FloatArray, Rows
from broadsheet.bench.report import CannotMeasure, shared_data
from broadsheet.lib.progress import Progress
from broadsheet.search.types import PaperToIndex

COUNT: Final = 300
LEVELS: Final = (3, 5, 10, 20, 50)
NEGATIVES: Final = 500
OTHERS: Final = 2500
FLIPPED: Final = 0.2
FEWEST_HELD: Final = 3
SEED: Final = 6
# Vocabularies and backgrounds are learned from the papers before this share of the record; tests begin later.
BEFORE: Final = 0.4
UNWANTED: Final = 1000


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """n papers, in order of time where they have one.

    vectors (n, dim), of length 1 or 0; dim 0 without encoder. days (n,): ordinal days, None where there is no time.
    known: the rows from which vocabularies, their weights and backgrounds are learned; sample: fewer rows for
    backgrounds alone.
    """

    contents: tuple[Content, ...]
    vectors: FloatArray
    days: Rows | None
    known: Rows
    sample: Rows | None = None

    def __len__(self) -> int:
        return len(self.contents)


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """A reader as rows of a world. likes: oldest first. others: papers to learn from that bear no mark of the reader.

    tested, grades (m,): what the methods put in order, and how much the reader wants it. unwanted: papers of no
    interest that a flipped like can be replaced by.
    """

    name: str
    likes: Rows
    dislikes: Rows
    others: Rows
    tested: Rows
    grades: NDArray[np.float64]
    unwanted: Rows

    def learning_from(self, count: int | None, world: World) -> "Reader":
        """Give the reader as one who liked `count` papers only: the latest; in a world without time the first."""
        if count is None or count >= len(self.likes):
            return self
        return replace(self, likes=self.likes[-count:] if world.days is not None else self.likes[:count])

    def flipped(self, share: float = FLIPPED) -> "Reader":
        """Give the reader with a share of the likes replaced by papers of no interest, the true ones among the others.

        Where the share is no whole number of likes, chance rounds it, so that it is right over many readers.
        """
        draw = np.random.default_rng([SEED, len(self.likes), *self.likes.tolist()])
        count = min(int(share * len(self.likes) + draw.random()), len(self.unwanted))
        places = draw.choice(len(self.likes), count, replace=False)
        likes, wrong = self.likes.copy(), draw.choice(self.unwanted, count, replace=False)
        true = likes[places]
        likes[places] = wrong
        others = np.concatenate([self.others[~np.isin(self.others, wrong)], true])
        return replace(self, likes=likes, others=others)


@dataclass(frozen=True, slots=True, eq=False)
class Proxy:
    """A set of readers of one world."""

    name: str
    world: World
    readers: tuple[Reader, ...]
    levels: tuple[int | None, ...] = LEVELS


def refuse_leaks(world: World, reader: Reader) -> None:
    """Raise CannotMeasure where a method would learn from a paper that it is tested on, or from a later day.

    In a world with time every tested paper must be of a later day than all that is learned from: the likes, dislikes
    and others of the reader, and the papers that vocabulary and background come from.
    """
    learned = np.concatenate([reader.likes, reader.dislikes, reader.others, reader.unwanted])
    if np.isin(reader.tested, learned).any():
        raise CannotMeasure(f"reader {reader.name} would be tested on papers that were learned from")
    if world.days is None:
        return
    learned = np.concatenate([learned, world.known])
    if len(learned) and len(reader.tested) and world.days[learned].max() >= world.days[reader.tested].min():
        raise CannotMeasure(f"reader {reader.name} would learn from the future")


def proxies(home: Path, progress: Progress, count: int = COUNT) -> list[Proxy]:
    """Make all proxies from the benchmark data. Raises CannotMeasure where data or encoder are not there."""
    papers = sorted(sample_papers(), key=lambda paper: (_day(paper), paper.id))
    known = before(papers)
    # Vectors are kept by what is encoded together, so they are read in the order of the file and put in order here.
    order = np.array([paper.id - 1 for paper in papers])
    vectors = vectors_of(sorted(papers, key=lambda paper: paper.id), home, progress)[order]
    contents = tuple((paper.title, paper.abstract) for paper in papers)
    days = np.array([_day(paper) for paper in papers], np.int64)
    world = World(contents, unit(vectors), days, known)
    found = [
        Proxy("authors", world, authors(papers, world, count)),
        Proxy("interests", world, interests(papers, world, count)),
    ]
    return found + [topics(name, home, progress) for name in judged.COLLECTIONS]


def before(papers: Sequence[PaperToIndex], share: float = BEFORE) -> Rows:
    """Give the rows of the first share of papers in order of time, whole days only."""
    last = _day(papers[int(share * len(papers))])
    return np.array([row for row, paper in enumerate(papers) if _day(paper) < last], np.int64)


def _day(paper: PaperToIndex) -> int:
    return paper.day.toordinal() if paper.day else 0


def unit(vectors: NDArray[np.float16] | FloatArray) -> FloatArray:
    """Give rows of length 1; those of length 0 stay."""
    found = vectors.astype(np.float32)
    length = np.sqrt((found**2).sum(axis=1, keepdims=True))
    return (found / np.where(length > 0, length, 1)).astype(np.float32)


def authors(papers: Sequence[PaperToIndex], world: World, count: int) -> tuple[Reader, ...]:
    """Make readers of authors: names that are likely one person, those with most likes first, then by chance."""
    written: dict[str, list[int]] = defaultdict(list)
    for row, paper in enumerate(papers):
        for name in dict.fromkeys(paper.authors):
            written[name].append(row)
    named = [
        (name, rows)
        for name, rows in sorted(written.items())
        if len(rows) >= min(LEVELS) + FEWEST_HELD and _whole(name)
    ]
    one = [(name, rows) for name, rows in named if one_person(name, rows, papers)]
    return _readers(one, {name: np.array(rows) for name, rows in one}, world, count)


def _whole(name: str) -> bool:
    """Say whether a name is written out; initials are shared by many."""
    return len(name) > 8 and all(len(part.strip(".")) > 1 for part in name.split()[:1])


def one_person(name: str, rows: Sequence[int], papers: Sequence[PaperToIndex], share: float = 0.7) -> bool:
    """Say whether most papers under a name hang together by common co-authors, as one person's do."""
    group = {row: row for row in rows}

    def root(row: int) -> int:
        while group[row] != row:
            row = group[row]
        return row

    first: dict[str, int] = {}
    for row in rows:
        for other in papers[row].authors:
            if other != name:
                group[root(row)] = root(first.setdefault(other, row))
    return max(Counter(map(root, rows)).values()) >= share * len(rows)


def interests(papers: Sequence[PaperToIndex], world: World, count: int) -> tuple[Reader, ...]:
    """Make readers of two narrow pairs of categories each; up to 70 papers of each pair are theirs."""
    pairs: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row, paper in enumerate(papers):
        for one, other in combinations(sorted(set(paper.categories[:4])), 2):
            pairs[one, other].append(row)
    narrow = [(pair, rows) for pair, rows in sorted(pairs.items()) if 60 <= len(rows) <= 400]
    draw = np.random.default_rng(SEED)
    mixes, wanted = [], {}
    for number in range(count):
        chosen = [narrow[place] for place in draw.choice(len(narrow), 2, replace=False)]
        name = f"{number}: " + " and ".join("/".join(pair) for pair, _rows in chosen)
        kept = [draw.choice(rows, min(len(rows), 70), replace=False) for _pair, rows in chosen]
        mixes.append((name, np.unique(np.concatenate(kept)).tolist()))
        wanted[name] = np.concatenate([np.array(rows) for _pair, rows in chosen])
    return _readers(mixes, wanted, world, count)


def _readers(
    liked: Sequence[tuple[str, Sequence[int]]], wanted: Mapping[str, Rows], world: World, count: int
) -> tuple[Reader, ...]:
    """Split each one's papers by time. wanted: all papers of interest, which never count as unwanted."""
    found = [reader for name, rows in liked if (reader := split(name, np.array(rows), wanted[name], world))]
    chance = np.random.default_rng(SEED).permutation(len(found))
    enough = [sum(len(reader.likes) >= level for level in LEVELS) for reader in found]
    chosen = sorted(range(len(found)), key=lambda place: (-enough[place], chance[place]))[:count]
    return tuple(found[place] for place in chosen)


def split(name: str, rows: Rows, wanted: Rows, world: World) -> Reader | None:
    """Hold the last fifth of a reader's papers out (rows ascend in time); None where a part is too small.

    The test begins with the day of the first paper held out, and no earlier than the known part of the world ends.
    """
    days = world.days
    if days is None:
        raise ValueError("a world without time is not split by it")
    if len(rows) < FEWEST_HELD + min(LEVELS):
        return None
    begin = int(days[rows[-max(FEWEST_HELD, len(rows) // 5)]])
    begin = max(begin, int(days[world.known].max()) + 1)
    likes, held = rows[days[rows] < begin][-max(LEVELS) :], rows[days[rows] >= begin]
    if len(likes) < min(LEVELS) or len(held) < FEWEST_HELD:
        return None
    draw = np.random.default_rng([SEED, int(rows[0]), len(rows)])
    early, late = np.flatnonzero(days < begin), np.flatnonzero(days >= begin)
    others = _drawn(draw, early[~np.isin(early, likes)], OTHERS)
    tested = np.concatenate([held, _drawn(draw, late[~np.isin(late, np.union1d(wanted, rows))], NEGATIVES)])
    grades = (np.arange(len(tested)) < len(held)).astype(np.float64)
    unwanted = _drawn(draw, early[~np.isin(early, np.union1d(wanted, rows))], UNWANTED)
    return Reader(name, likes, np.zeros(0, np.int64), others, tested, grades, unwanted)


def _drawn(draw: np.random.Generator, rows: Rows, count: int) -> Rows:
    return draw.choice(rows, min(count, len(rows)), replace=False)


def topics(name: str, home: Path, progress: Progress) -> Proxy:
    """Make readers of a judged collection's questions, out of its documents that have a text.

    One half of the documents is known (vocabulary, background) and never tested; a reader's held-out documents are of
    the other half.
    """
    collection = judged.read(shared_data("judged") / name)
    papers = [paper for paper in collection.papers if (paper.title + paper.abstract).strip()]
    row = {paper.id: place for place, paper in enumerate(papers)}
    known = np.sort(np.random.default_rng(SEED).choice(len(papers), len(papers) // 2, replace=False))
    contents = tuple((paper.title, paper.abstract) for paper in papers)
    world = World(contents, unit(vectors_of(papers, home, progress)), None, known)
    graded = {
        query: {row[paper]: grade for paper, grade in grades.items() if paper in row and grade > 0}
        for query, grades in sorted(collection.grades.items())
    }
    return Proxy("topics", world, tuple(_asked(f"{name} {query}", grades, world) for query, grades in graded.items()))


def _asked(name: str, grades: Mapping[int, int], world: World) -> Reader:
    draw = np.random.default_rng([SEED, len(grades), *grades])
    relevant = draw.permutation(np.array(sorted(grades)))
    testable = relevant[~np.isin(relevant, world.known)]
    held = testable[: max(FEWEST_HELD, len(relevant) // 4)]
    likes = relevant[~np.isin(relevant, held)][: max(LEVELS)]
    rest = np.setdiff1d(np.arange(len(world)), relevant)
    none = _drawn(draw, rest[~np.isin(rest, world.known)], NEGATIVES)
    tested = np.concatenate([held, none])
    others = _drawn(draw, rest[~np.isin(rest, tested)], OTHERS)
    given = np.array([grades.get(int(paper), 0) for paper in tested], np.float64)
    return Reader(name, likes, np.zeros(0, np.int64), others, tested, given, others)


def usable(reader: Reader) -> bool:
    """Say whether a reader can be learned from and tested."""
    return len(reader.likes) >= min(LEVELS) and len(np.unique(reader.grades)) > 1


def trials(proxy: Proxy, reader: Reader) -> Iterator[tuple[int, Reader]]:
    """Give (place in the proxy's levels, the reader with so many likes) for each level that the reader reaches."""
    for place, level in enumerate(proxy.levels):
        if level is None or len(reader.likes) >= level:
            yield place, reader.learning_from(level, proxy.world)
