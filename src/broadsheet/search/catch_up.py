"""`catch_up()`: the one way into a shard. First build, daily addition, revision, withdrawal, repair and compaction."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tantivy import Index

from broadsheet.lib.files import lock, sync, write_whole
from broadsheet.lib.progress import Progress, silent
from broadsheet.search.lexical import day_number, document, families, open_index
from broadsheet.search.tables import (
    COARSE,
    LEX,
    NEXT,
    ROTATION,
    STATE,
    Appender,
    DamagedShard,
    Kind,
    LiveRows,
    State,
    mapped,
    read_kinds,
    read_state,
    write_state,
)
from broadsheet.search.types import ChangeLog, PaperToIndex
from broadsheet.search.vectors import bit_words, quantise, rotation, sign_bits
from broadsheet.search.words import fields, row_text

BATCH = 5_000
# A commit costs the same for few papers as for many: a build makes one for every four batches.
COMMIT = 20_000
# A compaction, during which the old rows answer, takes so many changes at a call: new papers must not wait for it.
AT_ONCE = 250_000
BUILD_HEAP, BUILD_THREADS = 300_000_000, 2
DAILY_HEAP, DAILY_THREADS = 50_000_000, 1

REFLECTS = "reflects"

_VECTOR_COLUMNS = ("bits.u1", COARSE, "scale.f4", "vec.f2", "id.i8", "date.i4", "kind.i4")


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """What a `catch_up()` did. busy: another process is at it, nothing was done. changes: how many it applied."""

    seq: int
    changes: int = 0
    busy: bool = False
    rebuilt: bool = False


def catch_up(
    path: Path, log: ChangeLog, encoder_id: str = "", progress: Progress = silent, rebuild: bool = False
) -> CaughtUp:
    """Bring the shard in directory `path` up to the newest change of the record; calling it twice is free.

    A shard of another format, encoder or rotation seed, one that is damaged, or one whose record has fewer changes than
    it has seen is built anew beside the old one and swapped in; so, some changes at every call, is one of whose rows
    more than a fifth are dead. With `rebuild` it is built anew whatever it is. Killed anywhere, the next call repairs
    it. Raises ValueError where vectors differ in length from one another.
    """
    path.mkdir(parents=True, exist_ok=True)
    with lock(path / "lock", wait=False) as mine:
        if not mine:
            state = read_state(path / STATE)
            return CaughtUp(state.seq if state else 0, busy=True)
        return _caught_up(path, log, encoder_id, progress, rebuild)


def _caught_up(path: Path, log: ChangeLog, encoder_id: str, progress: Progress, rebuild: bool) -> CaughtUp:
    state = read_state(path / STATE)
    if state and rebuild:
        state = replace(state, format=0)
    changes, rebuilt = 0, False
    if state and state.fits(encoder_id) and state.seq <= log.head():
        try:
            before = state.seq
            state = _follow(path, STATE, replace(state, encoder=encoder_id), log, progress)
            changes = state.seq - before
        except DamagedShard:
            state = replace(state, format=0)
    if state is None or not state.fits(encoder_id) or state.seq > log.head():
        rebuilt = state is not None
        state = _rebuild(path, state, log, encoder_id, progress)
        changes = state.seq
    elif state.wasteful:
        compact = _rebuild(path, state, log, encoder_id, progress, AT_ONCE)
        if compact.directory == state.directory:
            return CaughtUp(state.seq, changes)
        state, changes, rebuilt = compact, compact.seq, True
    _sweep(path, state.directory)
    return CaughtUp(state.seq, changes, rebuilt=rebuilt)


def _rebuild(
    path: Path, old: State | None, log: ChangeLog, encoder_id: str, progress: Progress, most: int | None = None
) -> State:
    """Build beside the old one and swap in; give the old one where `most` changes were not enough to end it."""
    # Without an old shard to answer meanwhile, the new one may be seen growing.
    name = NEXT if old else STATE
    start = read_state(path / name)
    taken = old.directory if old else ""
    if start is None or not start.fits(encoder_id) or start.seq > log.head() or start.directory == taken:
        start = State(directory="g1" if taken != "g1" else "g2", encoder=encoder_id)
        shutil.rmtree(path / start.directory, ignore_errors=True)
    try:
        state = _follow(path, name, replace(start, encoder=encoder_id), log, progress, most)
    except DamagedShard:
        shutil.rmtree(path / start.directory, ignore_errors=True)
        state = _follow(path, name, State(start.directory, encoder_id), log, progress, most)
    if old and most and state.seq < old.seq:
        return old
    if name == NEXT:
        (path / NEXT).replace(path / STATE)
        sync(path)
    return state


def _sweep(path: Path, keep: str) -> None:
    (path / NEXT).unlink(missing_ok=True)
    for other in path.glob("g[12]"):
        if other.name != keep:
            shutil.rmtree(other, ignore_errors=True)


def _follow(path: Path, name: str, state: State, log: ChangeLog, progress: Progress, most: int | None = None) -> State:
    start, head = state.seq, log.head()
    stored = read_state(path / name)
    if start == head and stored == state and (path / state.directory / LEX / "meta.json").exists():
        return state
    writer = _Writer(path / state.directory, state, head, building=head - start > BATCH)
    try:
        seq = committed = start
        while (most is None or seq - start < most) and (changes := log.since(seq, BATCH)):
            writer.apply(changes, log)
            seq = changes[-1][0]
            progress(seq - start, max(head, seq) - start)
            if seq - committed >= COMMIT:
                state, committed = writer.commit(path / name, seq), seq
        if seq > committed or stored is None or stored != state:
            state = writer.commit(path / name, seq)
    finally:
        writer.close()
    return state


def _reflects(directory: Path, state: State, head: int) -> int:
    """Give the newest change that every row of these files reflects, since papers are read as they are now.

    It is the head at the moment when the files were begun. Without it a build would write, and bury, a paper's vector
    once for the paper's own change and again for that of the vector.
    """
    place = directory / REFLECTS
    if state.words == 0 and state.seq == 0:
        write_whole(place, str(head).encode())
        return head
    try:
        return int(place.read_text())
    except (OSError, ValueError):
        return 0


class _Writer:
    """The files of a shard opened for writing."""

    def __init__(self, directory: Path, state: State, head: int, building: bool) -> None:
        directory.mkdir(exist_ok=True)
        self.reflects = _reflects(directory, state, head)
        self.directory = directory
        self.state = state
        self.files: dict[str, Appender] = {}
        try:
            self._open(building)
        except BaseException:
            self._close_files()
            raise

    def _open(self, building: bool) -> None:
        directory, state = self.directory, self.state
        self.index = self._opened_index()
        widths = self._widths(state.dim) if state.dim else {}
        for name, width in widths.items():
            self.files[name] = Appender(directory / name, state.vectors * width)
        for name, length in (
            ("dead.i4", 4 * state.vectors_dead),
            ("words_dead.i4", 4 * state.words_dead),
            ("words.u1", state.words_bytes),
            ("word_end.i8", 8 * state.words),
            ("word_id.i8", 8 * state.words),
            ("word_day.i4", 4 * state.words),
            ("kinds.jsonl", state.kinds_bytes),
        ):
            self.files[name] = Appender(directory / name, length)
        self.words = self._live("word_id.i8", state.words, "words_dead.i4", state.words_dead)
        self.vectors = self._live("id.i8", state.vectors, "dead.i4", state.vectors_dead)
        self.kinds = {kind: n for n, kind in enumerate(read_kinds(directory / "kinds.jsonl", state).kinds)}
        self.words_bytes, self.kinds_bytes = state.words_bytes, state.kinds_bytes
        self.dim = state.dim
        self.rotation = self._read_rotation() if state.dim else np.empty((0, 0), dtype=np.float32)
        self.writer = self.index.writer(*((BUILD_HEAP, BUILD_THREADS) if building else (DAILY_HEAP, DAILY_THREADS)))
        # tantivy may have committed a batch that the state does not know: then even unknown papers may be in it.
        self.ahead = self.writer.commit_opstamp != state.opstamp

    def _opened_index(self) -> Index:
        path = self.directory / LEX
        if self.state.words == 0 and self.state.opstamp == 0:
            shutil.rmtree(path, ignore_errors=True)
            path.mkdir()
            return open_index(path, create=True)
        try:
            return open_index(path)
        except (ValueError, OSError) as error:
            raise DamagedShard(f"the word index cannot be opened: {error}") from error

    @staticmethod
    def _widths(dim: int) -> dict[str, int]:
        return dict(zip(_VECTOR_COLUMNS, (8 * bit_words(dim), dim, 4, 2 * dim, 8, 4, 4), strict=True))

    def _live(self, ids: str, n: int, dead: str, gone: int) -> LiveRows:
        return LiveRows(mapped(self.directory / ids, "<i8", n), mapped(self.directory / dead, "<i4", gone))

    def _read_rotation(self) -> NDArray[np.float32]:
        return mapped(self.directory / ROTATION, "<f4", self.dim, self.dim)

    def apply(self, changes: Sequence[tuple[int, int, bool]], log: ChangeLog) -> None:
        """Apply a batch: the last change of each paper, its words again if any of its changes touched them."""
        ids = np.unique(np.array([paper for _, paper, _ in changes], dtype=np.int64))
        old_words, old_vectors = self.words.find(ids), self.vectors.find(ids)
        touched: dict[int, bool] = {}
        for seq, paper, text in changes:
            if seq > self.reflects or paper not in old_words:
                touched[paper] = touched.get(paper, False) or text
        old_vectors = {paper: row for paper, row in old_vectors.items() if paper in touched}
        papers = log.papers(list(touched))
        self._write_words([p for p in papers.values() if touched[p.id] or p.id not in old_words], old_words)
        gone = [paper for paper in touched if paper not in papers]
        self._remove_words(gone, old_words)
        self._bury("dead.i4", self.vectors, [row for paper, row in old_vectors.items()])
        self._write_vectors([paper for paper in papers.values() if paper.vector is not None])

    def _write_words(self, papers: list[PaperToIndex], old: dict[int, int]) -> None:
        self._remove_words([paper.id for paper in papers], old)
        ends: list[int] = []
        texts: list[bytes] = []
        for row, paper in enumerate(papers, start=self.words.n):
            title, abstract, authors = fields(paper.title, paper.abstract, paper.authors)
            text = row_text(title, abstract, authors).encode()
            texts.append(text)
            self.words_bytes += len(text)
            ends.append(self.words_bytes)
            self.writer.add_document(document(paper, row, title, abstract, authors))
        self.files["words.u1"].append(b"".join(texts))
        self.files["word_end.i8"].append(np.array(ends, dtype="<i8").tobytes())
        ids = np.array([paper.id for paper in papers], dtype="<i8")
        self.files["word_id.i8"].append(ids.tobytes())
        days = np.array([day_number(paper.day) for paper in papers], dtype="<i4")
        self.files["word_day.i4"].append(days.tobytes())
        self.words.add(ids)

    def _remove_words(self, papers: list[int], old: dict[int, int]) -> None:
        for paper in papers:
            if self.ahead or paper in old:
                self.writer.delete_documents_by_term("id", paper)
        self._bury("words_dead.i4", self.words, [old[paper] for paper in papers if paper in old])

    def _bury(self, name: str, table: LiveRows, rows: list[int]) -> None:
        if rows:
            self.files[name].append(table.bury(rows))

    def _write_vectors(self, papers: list[PaperToIndex]) -> None:
        if not papers:
            return
        exact = self._stacked(papers)
        rotated = exact.astype(np.float32) @ self.rotation
        coarse, scale = quantise(rotated)
        ids = np.array([paper.id for paper in papers], dtype="<i8")
        days = np.array([day_number(paper.day) for paper in papers], dtype="<i4")
        kinds = np.array([self._kind(paper) for paper in papers], dtype="<i4")
        columns: tuple[NDArray[Any], ...] = (sign_bits(rotated), coarse, scale, exact, ids, days, kinds)
        for name, column in zip(_VECTOR_COLUMNS, columns, strict=True):
            self.files[name].append(column.tobytes())
        self.vectors.add(ids)

    def _stacked(self, papers: list[PaperToIndex]) -> NDArray[np.float16]:
        vectors = [paper.vector for paper in papers if paper.vector is not None]
        lengths = {vector.shape for vector in vectors}
        if not self.dim and len(lengths) == 1:
            self._begin_vectors(len(vectors[0]))
        if lengths != {(self.dim,)}:
            raise ValueError(f"vectors of one encoder must all have length {self.dim}, not {sorted(lengths)}")
        return np.array(vectors, dtype="<f2")

    def _begin_vectors(self, dim: int) -> None:
        self.dim = dim
        self.rotation = rotation(dim)
        with (self.directory / ROTATION).open("wb") as file:
            file.write(self.rotation.astype("<f4").tobytes())
        for name in _VECTOR_COLUMNS:
            self.files[name] = Appender(self.directory / name, 0)

    def _kind(self, paper: PaperToIndex) -> int:
        names = tuple(sorted({name for category in paper.categories for name in families(category)}))
        kind = Kind(paper.source, paper.has_code, names)
        known = self.kinds.get(kind)
        if known is None:
            known = self.kinds[kind] = len(self.kinds)
            line = kind.line()
            self.files["kinds.jsonl"].append(line)
            self.kinds_bytes += len(line)
        return known

    def commit(self, state_path: Path, seq: int) -> State:
        """Make everything applied so far exist."""
        for file in self.files.values():
            file.sync()
        sync(self.directory)
        opstamp = self.writer.commit()
        self.state = replace(
            self.state,
            dim=self.dim,
            seq=seq,
            opstamp=opstamp,
            words=self.words.n,
            words_dead=self.words.dead,
            words_bytes=self.words_bytes,
            vectors=self.vectors.n,
            vectors_dead=self.vectors.dead,
            kinds=len(self.kinds),
            kinds_bytes=self.kinds_bytes,
        )
        write_state(state_path, self.state)
        return self.state

    def close(self) -> None:
        """Wait for tantivy's merges and close the files; what was not committed is dropped."""
        self.writer.wait_merging_threads()
        self._close_files()

    def _close_files(self) -> None:
        for file in self.files.values():
            file.close()
