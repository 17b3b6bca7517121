"""Readers from outside: JSON lines of readers and of papers, plain or gzip, read as well as they can be.

What cannot be read is left out and said in a line; the rest goes on.
"""

import gzip
import json
import math
import time
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from broadsheet.bench.corpus import vectors_of
from broadsheet.bench.foryou_peers import Content, FloatArray, Rows
from broadsheet.bench.foryou_readers import LEVELS, OTHERS, SEED, Proxy, Reader, World, unit
from broadsheet.bench.report import CannotMeasure
from broadsheet.lib.progress import Progress
from broadsheet.lib.text import squash
from broadsheet.search.types import PaperToIndex

# A bench that says the same of ten thousand lines says nothing.
TOLD: Final = 5
MOST_GRADE: Final = 30


@dataclass
class Notes:
    """What was left out and why, each kind at most TOLD times, the others counted."""

    lines: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, where: str, what: str) -> None:
        """Say something of a place."""
        self.counts[what] += 1
        if self.counts[what] <= TOLD:
            self.lines.append(f"{where}: {what}")

    def all(self) -> list[str]:
        """Give the lines, and for each kind how often it was besides."""
        more = [(what, count - TOLD) for what, count in self.counts.items() if count > TOLD]
        return self.lines + [f"and {count:,} more: {what}" for what, count in more]


def read(readers: Path, papers: Path, home: Path, progress: Progress) -> tuple[Proxy, list[str]]:
    """Read readers and papers from files; give them and notes. Raises CannotMeasure where none can be measured."""
    notes = Notes()
    place, contents = read_papers(papers, notes)
    if not contents:
        raise CannotMeasure(f"{papers} holds no paper that can be read")
    told = list(read_readers(readers, place, notes))
    if not told:
        raise CannotMeasure(f"{readers} holds no reader that can be measured with {papers}; " + "; ".join(notes.all()))
    # Papers that nobody holds out come first, so that one background serves nearly all readers.
    held = np.bincount([row for one in told for row in one.held], minlength=len(contents)) > 0
    pool = np.random.default_rng(SEED).permutation(len(contents))
    pool = pool[np.argsort(held[pool], kind="stable")]
    learned = OTHERS if all(one.is_graded for one in told) else min(OTHERS, len(contents) // 4)
    found = tuple(reader for one in told if (reader := one.reader(pool, notes)))
    vectors = _vectors(contents, home, progress, notes)
    world = World(contents, vectors, None, np.arange(len(contents)), pool[: max(learned, 1)])
    if not found:
        raise CannotMeasure(f"{readers} holds no reader that can be measured with {papers}; " + "; ".join(notes.all()))
    return Proxy("", world, found, (*LEVELS, None)), notes.all()


def _rows(path: Path, notes: Notes) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give each line's place and its object."""
    try:
        with path.open("rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
        with gzip.open(path) if zipped else path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip() and (row := _object(line)) is None:
                    notes.add(f"{path.name}, line {number}", "is no JSON object; left out")
                elif line.strip() and row is not None:
                    yield f"{path.name}, line {number}", row
    except (EOFError, zlib.error, gzip.BadGzipFile):
        notes.add(path.name, "ends in the middle; read up to there")
    except OSError as problem:
        raise CannotMeasure(f"{path} cannot be read: {problem.strerror or problem}") from problem


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def _name(value: object) -> str | None:
    """Give an id or a reader's name as text; None where it is none."""
    if isinstance(value, int | str) and not isinstance(value, bool):
        return str(value).strip() or None
    return None


def read_papers(path: Path, notes: Notes) -> tuple[dict[str, int], tuple[Content, ...]]:
    """Give the row of each paper by its id, and what each says."""
    place: dict[str, int] = {}
    contents: list[Content] = []
    for where, row in _rows(path, notes):
        name, content = _name(row.get("id")), _content(row)
        if name is None:
            notes.add(where, "has no id; left out")
        elif name in place:
            notes.add(where, "has an id that came before; left out")
        elif content is None:
            notes.add(where, "has neither title nor abstract nor words; left out")
        else:
            place[name] = len(contents)
            contents.append(content)
    return place, tuple(contents)


def _content(row: Mapping[str, Any]) -> Content | None:
    title, abstract, words = (row.get(key) for key in ("title", "abstract", "words"))
    told = tuple(squash(text) if isinstance(text, str) else "" for text in (title, abstract))
    if any(told):
        return told[0], told[1]
    if not isinstance(words, dict):
        return None
    counts = {word: float(count) for word, count in words.items() if _number(count) and count > 0 and word.strip()}
    return counts or None


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _vectors(contents: tuple[Content, ...], home: Path, progress: Progress, notes: Notes) -> FloatArray:
    """Encode the papers that have texts; rows of zeros for the others, no columns without an encoder."""
    texts = [(row, content) for row, content in enumerate(contents) if isinstance(content, tuple)]
    if not texts:
        return np.zeros((len(contents), 0), np.float32)
    began = time.monotonic()
    try:
        made = vectors_of([PaperToIndex(row, *content) for row, content in texts], home, progress)
    except CannotMeasure as missing:
        notes.add("words alone", str(missing))
        return np.zeros((len(contents), 0), np.float32)
    vectors = np.zeros((len(contents), made.shape[1]), np.float32)
    vectors[[row for row, _content in texts]] = unit(made)
    notes.add(
        "vectors", f"{len(texts):,} texts encoded or read in {time.monotonic() - began:.0f} s, kept for next time"
    )
    return vectors


def read_readers(path: Path, place: Mapping[str, int], notes: Notes) -> Iterator["Told"]:
    """Give what the lines say of readers who have likes and something held out."""
    seen: set[str] = set()
    for where, row in _rows(path, notes):
        name = _name(row.get("reader"))
        if name is None or name in seen:
            notes.add(where, "is of a reader who came before; left out" if name else "has no reader's name; left out")
            continue
        seen.add(name)
        told = _Line(f"{where} (reader {name})", row, place, notes).told(name)
        if told.likes and told.held:
            yield told
        else:
            notes.add(told.where, "has no like or nothing held out that is among the papers; left out")


@dataclass(frozen=True)
class Told:
    """What a file says of a reader, as rows: likes and dislikes in its order, grades of what is held out."""

    where: str
    name: str
    likes: list[int]
    dislikes: list[int]
    held: Mapping[int, float]

    @property
    def is_graded(self) -> bool:
        """Whether what is held out has several grades, so that nothing else need be tested."""
        return len(set(self.held.values())) > 1

    def reader(self, pool: Rows, notes: Notes) -> Reader | None:
        """Give the reader; None, with a note, where there is nothing to tell apart.

        pool: all papers, shuffled. Where all that is held out has one grade, the other papers count as grade 0: then
        at most a quarter of the papers, and no more than OTHERS, are learned from, and all the rest is tested.
        """
        held, marked = np.array(list(self.held)), np.array([*self.likes, *self.dislikes])
        free = pool[~np.isin(pool, np.concatenate([held, marked]))]
        learned = OTHERS if self.is_graded else min(OTHERS, len(pool) // 4)
        tested = held if self.is_graded else np.concatenate([held, free[learned:]])
        grades = np.array([self.held.get(row, 0.0) for row in tested.tolist()])
        if len(np.unique(grades)) < 2:
            notes.add(self.where, "has nothing held out that is better or worse than another paper; left out")
            return None
        likes, dislikes, none = np.array(self.likes), np.array(self.dislikes, np.int64), np.zeros(0, np.int64)
        return Reader(self.name, likes, dislikes, free[:learned], tested, grades, none)


@dataclass(frozen=True)
class _Line:
    """One line of the readers' file."""

    where: str
    row: Mapping[str, Any]
    place: Mapping[str, int]
    notes: Notes

    def told(self, name: str) -> Told:
        """Read the line; a paper that is liked is not disliked as well."""
        likes, dislikes = self.rows("likes"), self.rows("dislikes")
        both = set(likes) & set(dislikes)
        if both:
            self.notes.add(self.where, "likes and dislikes the same papers; taken as likes")
        return Told(
            self.where, name, likes, [row for row in dislikes if row not in both], self.held({*likes, *dislikes})
        )

    def values(self, key: str) -> list[Any]:
        value = self.row.get(key)
        if not isinstance(value, list):
            self.notes.add(self.where, f"has no list of {key}; taken as none")
            return []
        return value

    def rows(self, key: str) -> list[int]:
        """Give the papers of a list, each once; ids that are no paper's are told."""
        return list(dict.fromkeys(self.found(key, self.values(key))))

    def found(self, key: str, values: list[Any]) -> list[int]:
        known = [name for value in values if (name := _name(value)) in self.place and name is not None]
        if len(known) < len(values):
            self.notes.add(self.where, f"names {key} that are not among the papers; left out")
        if len(set(known)) < len(known):
            self.notes.add(self.where, f"names {key} twice; counted once")
        return [self.place[name] for name in known]

    def held(self, learned: set[int]) -> dict[int, float]:
        """Give the grade of each paper held out; a bare id is one of grade 1."""
        given = self.values("held_out")
        bare = [{"id": value, "grade": 1} if not isinstance(value, dict) else value for value in given]
        if any(not isinstance(value, dict) for value in given):
            self.notes.add(self.where, "holds papers out without a grade; taken as grade 1")
        sound = [value for value in bare if _number(value.get("grade")) and abs(value["grade"]) <= MOST_GRADE]
        if len(sound) < len(bare):
            self.notes.add(self.where, f"holds papers out with a grade that is no number up to {MOST_GRADE}; left out")
        self.found("held_out", [value.get("id") for value in sound])
        graded: dict[int, float] = {}
        for value in sound:
            if (row := self.place.get(_name(value.get("id")) or "")) is not None:
                graded.setdefault(row, float(value["grade"]))
        if learned & graded.keys():
            self.notes.add(self.where, "holds papers out that are likes or dislikes; not tested")
        return {row: grade for row, grade in graded.items() if row not in learned}
