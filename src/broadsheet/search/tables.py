"""The files of a shard: append-only columns, of which the first `n` rows count, and the state that says what `n` is."""

import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from broadsheet.lib.files import sync_directory
from broadsheet.search.types import Filter
from broadsheet.search.vectors import ROTATION_SEED

FORMAT = 1
STATE = "state.json"
NEXT = "next.json"
LEX = "lex"
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
    sync_directory(path.parent)


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


class LiveRows:
    """Which row of a table is a paper's, and which rows are dead, while writing."""

    def __init__(self, ids: NDArray[np.int64], dead: NDArray[np.int32]) -> None:
        self.n = len(ids)
        self.dead = len(dead)
        self._ids = np.array(ids)
        self._alive = np.ones(self.n, dtype=np.bool_)
        self._alive[dead] = False

    def find(self, papers: NDArray[np.int64]) -> dict[int, int]:
        """Give the live row of each paper that has one."""
        ids = self._ids[: self.n]
        rows = np.flatnonzero(np.isin(ids, papers) & self._alive[: self.n])
        return dict(zip(ids[rows].tolist(), rows.tolist(), strict=True))

    def add(self, papers: NDArray[np.int64]) -> None:
        """Append rows."""
        end = self.n + len(papers)
        if end > len(self._ids):
            spare = max(end, 2 * self.n) - len(self._ids)
            self._ids = np.concatenate([self._ids, np.zeros(spare, dtype=np.int64)])
            self._alive = np.concatenate([self._alive, np.zeros(spare, dtype=np.bool_)])
        self._ids[self.n : end] = papers
        self._alive[self.n : end] = True
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

    def passes(self, one: Filter) -> bool:
        """Whether papers of this kind pass a filter; `categories` here hold the archives too."""
        if one.categories and not {category.lower() for category in one.categories} & set(self.categories):
            return False
        if one.sources and self.source not in one.sources:
            return False
        return one.has_code is None or one.has_code == self.has_code


def read_kinds(path: Path, state: State) -> list[Kind]:
    """Read the table of kinds as far as a state knows it. Raises DamagedShard."""
    if not state.kinds:
        return []
    try:
        with path.open("rb") as file:
            kinds = [Kind.read(line) for line in file.read(state.kinds_bytes).splitlines()]
    except (OSError, ValueError) as error:
        raise DamagedShard(f"{path.name} cannot be read: {error}") from error
    if len(kinds) != state.kinds:
        raise DamagedShard(f"{path.name} has {len(kinds)} kinds, not {state.kinds}")
    return kinds
