"""A shard: papers in, hits out. `catch_up()` writes it, `ShardReader` reads it, in any process or thread."""

import threading
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

from broadsheet.lib.files import read_through
from broadsheet.search import gather
from broadsheet.search.catch_up import CaughtUp, catch_up
from broadsheet.search.executor import ANY, PAGE, SIMILAR, Deadline, Part, Question
from broadsheet.search.gather import NO_PHRASE
from broadsheet.search.parts import answer
from broadsheet.search.snapshot import Snapshot
from broadsheet.search.tables import COARSE, LEX, STATE, DamagedShard, State
from broadsheet.search.types import Encoder, Filter, FloatArray, Mode, Results

__all__ = ["NO_PHRASE", "CaughtUp", "DamagedShard", "ShardReader", "catch_up"]

NO_DEADLINE = Deadline()
# After so many questions the pages they touched are let go, so that memory does not grow to the size of the files.
UNMAP_EVERY = 32
READING = "read-through"


class ShardReader:
    """A shard for reading. Cheap to keep; looks at every call for a newer commit. Safe to share between threads.

    Without an encoder it answers by words only, and says so.
    """

    def __init__(self, path: Path, encoder: Encoder | None = None) -> None:
        self.path = path
        self.encoder = encoder
        self._lock = threading.Lock()
        self._answered = 0
        self._opened: tuple[tuple[int, int, int], Snapshot] | None = None

    def __len__(self) -> int:
        snapshot = self.snapshot()
        return len(snapshot.lexicon) if snapshot else 0

    @property
    def state(self) -> State | None:
        """What the shard holds; None where there is none yet."""
        snapshot = self.snapshot()
        return snapshot.state if snapshot else None

    def snapshot(self) -> Snapshot | None:
        """Give the newest commit; None where there is no shard yet. Raises DamagedShard where it cannot be opened."""
        try:
            stat = (self.path / STATE).stat()
        except FileNotFoundError:
            # Another division took its place a moment ago, or someone removed it: what is open stays whole.
            return self._opened[1] if self._opened else None
        stamp = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        before = self._opened
        if before and before[0] == stamp:
            return before[1]
        # While one thread opens a commit, the others go on with the one before.
        if not self._lock.acquire(blocking=before is None):
            return before[1] if before else None
        try:
            return self._reopened(stamp)
        finally:
            self._lock.release()

    def _reopened(self, stamp: tuple[int, int, int]) -> Snapshot | None:
        if self._opened and self._opened[0] == stamp:
            return self._opened[1]
        before = self._opened[1] if self._opened else None
        try:
            snapshot = Snapshot.open(self.path, before)
        except DamagedShard:
            if before:
                return before
            raise
        self._opened = (stamp, snapshot) if snapshot else None
        return snapshot

    def part(self, question: Question, shard: int = 0) -> Part:
        """Answer as one part of the papers, or as all of them."""
        try:
            snapshot = self.snapshot()
        except DamagedShard:
            return Part(shard, damaged=True)
        if snapshot is None:
            return Part(shard)
        part = answer(snapshot, question, shard)
        self._answered += 1
        if self._answered % UNMAP_EVERY == 0:
            snapshot.unmap_pages()
        return part

    def count(self) -> int:
        """Tell how many parts there are: this one."""
        return 1

    def ask(self, question: Question, deadline: Deadline, without: Collection[int] = ()) -> Sequence[Part]:
        """Ask the only part, which is in this thread and takes the time it takes."""
        return [self.part(question)]

    def warm(self) -> None:
        """Open the shard now, which reads the sign bits, and begin to read what every search touches all over.

        Were these read as the first searches want them, each of those would take seconds with millions of papers.
        """
        snapshot = self.snapshot()
        if snapshot:
            files = self.path / snapshot.state.directory
            threading.Thread(target=_read_through, args=(files,), name=READING, daemon=True).start()

    def search(self, query: str, mode: Mode = "page", limit: int = PAGE, filter: Filter = ANY) -> Results:
        """Search. Never raises on any text.

        mode: `page` gives the papers that hold all words, then the nearest by meaning, no paper twice; `lexical` and
        `semantic` the one or the other; `hybrid` the best of BM25 and of meaning in one fused list.
        `filter` comes on top of what the query itself asks for.
        """
        return gather.search(self, self.encoder, query, mode, limit, filter, NO_DEADLINE)

    def similar(self, paper: int, limit: int = SIMILAR, filter: Filter = ANY) -> Results:
        """Find papers like one, itself left out: by vector, or by its rarest words where it has no vector."""
        return gather.similar(self, paper, limit, filter, NO_DEADLINE)

    def nearest(self, vector: FloatArray, limit: int = SIMILAR, filter: Filter = ANY) -> Results:
        """Find the papers nearest to a vector (dim,) of length 1, such as the mean of a reader's likes."""
        return gather.nearest(self, vector, limit, filter, NO_DEADLINE)


def _read_through(files: Path) -> None:
    for file in (files / COARSE, *sorted((files / LEX).glob("*"))):
        # A merge or a compaction may take a file away meanwhile.
        with suppress(FileNotFoundError):
            read_through(file)
