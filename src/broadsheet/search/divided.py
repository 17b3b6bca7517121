"""Several shards in one process that answer as one: asked all at once, with a deadline, merged once."""

import logging
import threading
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from functools import partial
from pathlib import Path

from broadsheet.search.dividing import DIVISION, arrangement, place
from broadsheet.search.executor import ANY, PAGE, SIMILAR, Deadline, Part, Question, Searcher
from broadsheet.search.gather import Gathered
from broadsheet.search.shard import ShardReader
from broadsheet.search.tables import State
from broadsheet.search.types import Encoder, Filter, FloatArray, Mode, Results

# Long enough for a disk that has just been started; an answer that is later than this is given without the part.
PATIENCE = 5.0

_log = logging.getLogger(__name__)


class Divided(Gathered):
    """n shards under a directory, for reading. Safe to share between threads.

    patience: seconds that a search may take; a shard that has not answered by then, or that fails, is left out, logged,
    and the answer is marked as partial.
    """

    def __init__(
        self, path: Path, shards: int, encoder: Encoder | None = None, patience: float | None = PATIENCE
    ) -> None:
        super().__init__(encoder, patience)
        self.readers = [ShardReader(place(path, shards, n)) for n in range(shards)]
        # A late answer keeps its thread; the next search must not wait for it.
        self._pool = ThreadPoolExecutor(4 * shards, thread_name_prefix="shard")

    def count(self) -> int:
        """Tell how many shards there are."""
        return len(self.readers)

    def ask(self, question: Question, deadline: Deadline, without: Collection[int] = ()) -> Sequence[Part]:
        """Ask all shards but those `without`; give the answers of those that answered in time, in their order."""
        asked = {
            n: self._pool.submit(reader.part, question, n) for n, reader in enumerate(self.readers) if n not in without
        }
        wait(asked.values(), timeout=deadline.left())
        answers = []
        for n, one in asked.items():
            if not one.done():
                one.cancel()
                _log.warning("shard %d did not answer in time", n)
            elif problem := one.exception():
                _log.error("shard %d could not answer", n, exc_info=problem)
            else:
                answers.append(one.result())
        return answers

    def __len__(self) -> int:
        return sum(len(reader) for reader in self.readers)

    @property
    def state(self) -> State | None:
        """What all shards hold together; `seq` is that of the one furthest behind. None where no shard has anything."""
        return summed([reader.state for reader in self.readers])

    def warm(self) -> None:
        """Open all shards now."""
        list(self._pool.map(ShardReader.warm, self.readers))

    def close(self) -> None:
        """Let the threads end."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def summed(states: Sequence[State | None]) -> State | None:
    """Give the state of several shards as if they were one."""
    there = [state for state in states if state]
    if not there:
        return None
    whole = there[0]
    for state in there[1:]:
        whole = replace(
            whole,
            encoder=whole.encoder if whole.vectors else state.encoder,
            dim=whole.dim or state.dim,
            seq=min(whole.seq, state.seq),
            words=whole.words + state.words,
            words_dead=whole.words_dead + state.words_dead,
            words_bytes=whole.words_bytes + state.words_bytes,
            vectors=whole.vectors + state.vectors,
            vectors_dead=whole.vectors_dead + state.vectors_dead,
        )
    return whole if len(there) == len(states) else replace(whole, seq=0)


class Shards:
    """Whatever division of the papers a directory holds, one shard or several; follows a new division by itself."""

    def __init__(self, path: Path, encoder: Encoder | None = None, patience: float | None = PATIENCE) -> None:
        self.path = path
        self._open = partial(_opened, path, encoder, patience)
        self._lock = threading.Lock()
        self._stamp: tuple[int, int] | None = (0, 0)
        self._now: ShardReader | Divided | None = None

    def now(self) -> Searcher:
        """Give what answers at this moment."""
        try:
            told = (self.path / DIVISION).stat()
            stamp: tuple[int, int] | None = (told.st_ino, told.st_mtime_ns)
        except FileNotFoundError:
            stamp = None
        with self._lock:
            if self._now is None or stamp != self._stamp:
                # Searches under way go on in the old division, whose files stay as long as they are open.
                self._stamp, self._now = stamp, self._open()
            return self._now

    def search(self, query: str, mode: Mode = "page", limit: int = PAGE, filter: Filter = ANY) -> Results:
        """Search as `ShardReader.search` does."""
        return self.now().search(query, mode, limit, filter)

    def similar(self, paper: int, limit: int = SIMILAR, filter: Filter = ANY) -> Results:
        """Find papers like one, itself left out."""
        return self.now().similar(paper, limit, filter)

    def nearest(self, vector: FloatArray, limit: int = SIMILAR, filter: Filter = ANY) -> Results:
        """Find the papers nearest to a vector (dim,) of length 1."""
        return self.now().nearest(vector, limit, filter)

    def __len__(self) -> int:
        return len(self.now())

    @property
    def state(self) -> State | None:
        """What is indexed; None where nothing is yet."""
        return self.now().state

    def warm(self) -> None:
        """Open everything now."""
        self.now().warm()


def _opened(path: Path, encoder: Encoder | None, patience: float | None) -> ShardReader | Divided:
    shards = arrangement(path)
    return ShardReader(path, encoder) if shards == 1 else Divided(path, shards, encoder, patience)
