"""The files of a shard: append-only columns, of which the first `n` rows count, and the state that says what `n` is."""

import json
import mmap
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from broadsheet.lib.files import sync
from broadsheet.search.types import Filter
from broadsheet.search.vectors import ROTATION_SEED

FORMAT = 1
STATE = "state.json"
NEXT = "next.json"
LEX = "lex"
COARSE = "vec.i8"
ROTATION = "rotation.f4"


class DamagedShard(Exception):
    """Files of a shard are missing, too short or unreadable. Nothing is lost: the next `catch_up()` builds it anew."""


@dataclass(frozen=True, slots=True)
class State:
    """What a shard holds. The batch that a state tells of exists from the moment the state is written.

    directory: where the files are, inside the shard. seq: the last change applied. opstamp: tantivy's last commit.
    words, vectors, kinds: rows of each table; *_dead: rows of `dead` files; *_bytes: length of the files of text.
    """

    directory: str
    encoder: str = ""
    dim: int = 0
    seed: int = ROTATION_SEED
    format: int = FORMAT
    seq: int = 0
    opstamp: int = 0
    words: int = 0
    words_dead: int = 0
    words_bytes: int = 0
    vectors: int = 0
    vectors_dead: int = 0
    kinds: int = 0
    kinds_bytes: int = 0

    @property
    def papers(self) -> int:
        """Count the papers."""
        return self.words - self.words_dead

    @property
    def encoded(self) -> int:
        """Count the papers that have a vector."""
        return self.vectors - self.vectors_dead

    @property
    def wasteful(self) -> bool:
        """Whether more than a fifth of the rows of a table are dead."""
        return 5 * self.words_dead > self.words or 5 * self.vectors_dead > self.vectors

    def fits(self, encoder: str) -> bool:
        """Whether this program, with this encoder, can go on from here."""
        mine = self.encoder == encoder or self.vectors == 0
        return mine and self.format == FORMAT and self.seed == ROTATION_SEED


def read_state(path: Path) -> State | None:
    """Read a state; None where there is none or it cannot be read (it will be built anew)."""
    try:
        said = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    known = {field.name: field.type for field in fields(State)}
    if not isinstance(said, dict) or set(said) != set(known):
        return None
    sound = all(type(value) is known[name] for name, value in said.items())
    return State(**said) if sound and Path(said["directory"]).name == said["directory"] else None


def write_state(path: Path, state: State) -> None:
    """Write a state so that it is there whole or not at all, also after a power cut."""
    scratch = path.with_suffix(".tmp")
    with scratch.open("wb") as file:
        file.write(json.dumps(asdict(state)).encode())
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)
    sync(path.parent)


class Appender:
    """An append-only file, cut back to its known length when opened. Raises DamagedShard where it is shorter."""

    def __init__(self, path: Path, length: int) -> None:
        self.file = path.open("r+b" if path.exists() else "w+b")
        if self.file.seek(0, os.SEEK_END) < length:
            self.file.close()
            raise DamagedShard(f"{path.name} is shorter than it should be")
        self.file.truncate(length)
        self.file.seek(length)

    def append(self, data: bytes) -> None:
        """Write at the end."""
        self.file.write(data)

    def sync(self) -> None:
        """Make what was written durable."""
        self.file.flush()
        os.fsync(self.file.fileno())

    def close(self) -> None:
        """Close the file."""
        self.file.close()


def mapped(path: Path, dtype: str, *shape: int) -> NDArray[Any]:
    """Map the first rows of a column, read-only. Raises DamagedShard where the file is missing or too short."""
    if shape[0] == 0:
        return np.empty(shape, dtype=dtype)
    try:
        return np.asarray(np.memmap(path, dtype=dtype, mode="r", shape=shape))
    except (OSError, ValueError) as error:
        raise DamagedShard(f"{path.name} cannot be read: {error}") from error


def mapped_here_and_there(path: Path, dtype: str, *shape: int) -> NDArray[Any]:
    """Map a column of which each search reads some rows all over: reading on behind each of them would be a waste."""
    column = mapped(path, dtype, *shape)
    _advise(column, mmap.MADV_RANDOM)
    return column


def unmap_pages(column: NDArray[Any]) -> None:
    """Let the pages of a mapped column no longer count as this process's memory; the kernel keeps them if it can."""
    _advise(column, mmap.MADV_DONTNEED)


def _advise(column: NDArray[Any], advice: int) -> None:
    owner: object = column
    while isinstance(owner, np.ndarray):
        owner = owner.base
    if isinstance(owner, mmap.mmap):
        owner.madvise(advice)


class LiveRows:
    """Which row of a table is a paper's, and which rows are dead, while writing."""

    def __init__(self, ids: NDArray[np.int64], dead: NDArray[np.int32]) -> None:
        self.n = len(ids)
        self.dead = len(dead)
        self._ids = np.array(ids)
        self._alive = np.ones(self.n, dtype=np.bool_)
        self._alive[dead] = False
        self._highest = int(ids.max()) if self.n else -1

    def find(self, papers: NDArray[np.int64]) -> dict[int, int]:
        """Give the live row of each paper that has one."""
        # Papers that are new have the highest numbers: a build then need not look through all rows for every batch.
        papers = papers[papers <= self._highest]
        if not len(papers):
            return {}
        ids = self._ids[: self.n]
        rows = np.flatnonzero(np.isin(ids, papers) & self._alive[: self.n])
        return dict(zip(ids[rows].tolist(), rows.tolist(), strict=True))

    def add(self, papers: NDArray[np.int64]) -> None:
        """Append rows."""
        end = self.n + len(papers)
        if end > len(self._ids):
            spare = max(end, self.n + self.n // 4) - len(self._ids)
            self._ids = np.concatenate([self._ids, np.zeros(spare, dtype=np.int64)])
            self._alive = np.concatenate([self._alive, np.zeros(spare, dtype=np.bool_)])
        self._ids[self.n : end] = papers
        self._alive[self.n : end] = True
        self._highest = max(self._highest, int(papers.max(initial=-1)))
        self.n = end

    def bury(self, rows: list[int]) -> bytes:
        """Mark rows dead; give what `dead` must be told."""
        self._alive[rows] = False
        self.dead += len(rows)
        return np.array(rows, dtype="<i4").tobytes()


@dataclass(frozen=True, slots=True)
class Kind:
    """What papers can be filtered by, other than the day. Many papers share a kind: the column holds its number."""

    source: str
    has_code: bool
    categories: tuple[str, ...]

    def line(self) -> bytes:
        """Give the line of the table of kinds."""
        return json.dumps([self.source, self.has_code, self.categories]).encode() + b"\n"

    @classmethod
    def read(cls, line: bytes) -> Self:
        """Read a line of the table of kinds."""
        source, has_code, categories = json.loads(line)
        return cls(source, has_code, tuple(categories))


class Kinds:
    """The table of kinds for asking: which of them pass a filter. Large sites have a hundred thousand of them."""

    def __init__(self, kinds: list[Kind], length: int) -> None:
        self.kinds = kinds
        self.length = length
        self._index: tuple[dict[str, list[int]], dict[str, list[int]], NDArray[np.bool_]] | None = None

    def passing(self, one: Filter) -> NDArray[np.bool_]:
        """Tell which kinds pass a filter, days aside; the categories of a kind hold the archives too."""
        categories, sources, has_code = self._indexed()
        passing = np.ones(len(self.kinds), dtype=np.bool_)
        if one.categories:
            passing &= self._any(categories, [category.lower() for category in one.categories])
        if one.sources:
            passing &= self._any(sources, one.sources)
        if one.has_code is not None:
            passing &= has_code == one.has_code
        return passing

    def _any(self, numbers: dict[str, list[int]], names: Iterable[str]) -> NDArray[np.bool_]:
        found = np.zeros(len(self.kinds), dtype=np.bool_)
        for name in names:
            found[numbers.get(name, [])] = True
        return found

    def _indexed(self) -> tuple[dict[str, list[int]], dict[str, list[int]], NDArray[np.bool_]]:
        if self._index is None:
            categories: dict[str, list[int]] = {}
            sources: dict[str, list[int]] = {}
            for number, kind in enumerate(self.kinds):
                sources.setdefault(kind.source, []).append(number)
                for category in kind.categories:
                    categories.setdefault(category, []).append(number)
            code = np.array([kind.has_code for kind in self.kinds], dtype=np.bool_)
            self._index = categories, sources, code
        return self._index


def read_kinds(path: Path, state: State, known: Kinds | None = None) -> Kinds:
    """Read the table of kinds as far as a state knows it, from where an earlier reading ended. Raises DamagedShard."""
    if not state.kinds:
        return Kinds([], 0)
    if known is None or known.length > state.kinds_bytes:
        known = Kinds([], 0)
    if known.length == state.kinds_bytes:
        return known
    try:
        with path.open("rb") as file:
            file.seek(known.length)
            lines = file.read(state.kinds_bytes - known.length).splitlines()
            kinds = [*known.kinds, *(Kind.read(line) for line in lines)]
    except (OSError, ValueError) as error:
        raise DamagedShard(f"{path.name} cannot be read: {error}") from error
    if len(kinds) != state.kinds:
        raise DamagedShard(f"{path.name} has {len(kinds)} kinds, not {state.kinds}")
    return Kinds(kinds, state.kinds_bytes)
