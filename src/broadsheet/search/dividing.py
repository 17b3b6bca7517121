"""Papers divided among shards: which shard is whose, and `catch_up()` for all of them.

One shard lives in the directory itself, n shards in `of<n>/0` to `of<n>/<n-1>`; `division.json` tells which is in use.
So another number of shards is built beside the old one, which answers meanwhile, and comes into use at one rename.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from broadsheet.lib.files import lock, write_whole
from broadsheet.lib.processes import end_with_parent
from broadsheet.lib.progress import Progress, silent
from broadsheet.search.catch_up import CaughtUp, catch_up
from broadsheet.search.tables import NEXT, STATE, read_state
from broadsheet.search.types import ChangeLog, PaperToIndex

DIVISION = "division.json"
# From so many changes on, starting processes costs less than it saves.
WORTH_PROCESSES = 50_000
_LOOK = 0.5
_WINDOW = 5_000

OpenLog = Callable[[], ChangeLog]


def shard_of(papers: NDArray[np.int64], shards: int) -> NDArray[np.int64]:
    """Tell which shard each paper number belongs to: the finaliser of SplitMix64 (Steele and others 2014), modulo.

    It is part of the format: neighbouring numbers fall apart, and every machine divides them alike.
    """
    mixed = papers.astype(np.uint64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return (mixed % np.uint64(shards)).astype(np.int64)


def arrangement(path: Path) -> int:
    """Tell how many shards are in use in a directory."""
    try:
        said = json.loads((path / DIVISION).read_bytes())
        shards = said["shards"]
    except (OSError, ValueError, KeyError, TypeError):
        return 1
    return shards if isinstance(shards, int) and shards > 1 else 1


def place(path: Path, shards: int, shard: int) -> Path:
    """Give the directory of a shard."""
    return path if shards == 1 else path / f"of{shards}" / str(shard)


def places(path: Path, shards: int) -> list[Path]:
    """Give the directories of all shards of a division."""
    return [place(path, shards, shard) for shard in range(shards)]


@dataclass(frozen=True, slots=True)
class Share:
    """One shard's share of a change log."""

    log: ChangeLog
    shard: int
    shards: int

    def _mine(self, papers: Sequence[int]) -> list[bool]:
        return cast(list[bool], (shard_of(np.array(papers, dtype=np.int64), self.shards) == self.shard).tolist())

    def head(self) -> int:
        """Number of the newest change, whosever it is."""
        return self.log.head()

    def since(self, seq: int, limit: int) -> Sequence[tuple[int, int, bool]]:
        """Changes of this shard's papers after `seq`, and the last change looked at, whosever it is.

        By that one the shard knows how far it has come; its paper is not this shard's, and never was here.
        """
        found: list[tuple[int, int, bool]] = []
        while len(found) < limit:
            changes = self.log.since(seq, _WINDOW)
            if not changes:
                break
            seq = changes[-1][0]
            mine = self._mine([paper for _, paper, _ in changes])
            found += [change for change, is_mine in zip(changes, mine, strict=True) if is_mine or change[0] == seq]
        return found

    def papers(self, ids: Sequence[int]) -> dict[int, PaperToIndex]:
        """Those of the papers with these ids that are the shard's."""
        if not ids:
            return {}
        return self.log.papers([paper for paper, mine in zip(ids, self._mine(ids), strict=True) if mine])


def catch_up_all(
    path: Path,
    shards: int,
    log: ChangeLog,
    encoder_id: str = "",
    progress: Progress = silent,
    rebuild: bool = False,
    elsewhere: OpenLog | None = None,
) -> CaughtUp:
    """Bring the papers in directory `path` up to the newest change, divided among so many shards.

    As `catch_up()` for each shard. If another number of shards is in use it is kept up first and answers until the new
    ones are ready. elsewhere: opens the log in another process, so that several shards are built at once; it must be
    importable by name. Killed anywhere, the next call goes on.
    """
    if shards == 1 and arrangement(path) == 1 and not any(path.glob("of[0-9]*")):
        return catch_up(path, log, encoder_id, progress, rebuild)
    with lock(path / "division.lock", wait=False) as mine:
        if not mine:
            return CaughtUp(_behind(path, arrangement(path)), busy=True)
        building = _Building(path, log, encoder_id, progress, elsewhere)
        return _divide(building, shards, rebuild)


def _behind(path: Path, shards: int) -> int:
    states = [read_state(one / STATE) for one in places(path, shards)]
    return min((state.seq if state else 0) for state in states)


def _divide(building: "_Building", shards: int, rebuild: bool) -> CaughtUp:
    path, now = building.path, arrangement(building.path)
    if now != shards and not any((one / STATE).exists() for one in places(path, now)):
        # Nothing answers yet, so the new division may be seen growing.
        _use(path, shards)
        now = shards
    done = building.all(now, rebuild and now == shards)
    if now != shards and not done.busy:
        done = building.all(shards, rebuild)
        if not done.busy:
            _use(path, shards)
            done = CaughtUp(done.seq, done.changes, rebuilt=True)
    if arrangement(path) == shards and not done.busy:
        _sweep(path, shards)
    return done


def _use(path: Path, shards: int) -> None:
    if shards == 1:
        (path / DIVISION).unlink(missing_ok=True)
    else:
        write_whole(path / DIVISION, json.dumps({"shards": shards}).encode())


def _sweep(path: Path, keep: int) -> None:
    for other in path.glob("of[0-9]*"):
        if other.name != f"of{keep}":
            shutil.rmtree(other, ignore_errors=True)
    if keep > 1:
        for name in (STATE, NEXT):
            (path / name).unlink(missing_ok=True)
        for generation in path.glob("g[12]"):
            shutil.rmtree(generation, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class _Building:
    path: Path
    log: ChangeLog
    encoder_id: str
    progress: Progress
    elsewhere: OpenLog | None

    def all(self, shards: int, rebuild: bool) -> CaughtUp:
        """Catch up every shard of a division."""
        to_do = 0 if self.elsewhere is None else self.log.head() - (0 if rebuild else _behind(self.path, shards))
        for one in places(self.path, shards):
            one.mkdir(parents=True, exist_ok=True)
        if shards > 1 and to_do >= WORTH_PROCESSES and (os.cpu_count() or 1) > 1:
            done = list(self._at_once(shards, rebuild))
        else:
            done = list(self._in_turn(shards, rebuild))
        return CaughtUp(
            min(one.seq for one in done),
            max(one.changes for one in done),
            busy=any(one.busy for one in done),
            rebuilt=any(one.rebuilt for one in done),
        )

    def _in_turn(self, shards: int, rebuild: bool) -> Iterator[CaughtUp]:
        for shard in range(shards):
            log = self.log if shards == 1 else Share(self.log, shard, shards)
            progress = self.progress if shards == 1 else _nth(self.progress, shard, shards)
            yield catch_up(place(self.path, shards, shard), log, self.encoder_id, progress, rebuild)

    def _at_once(self, shards: int, rebuild: bool) -> Iterator[CaughtUp]:
        assert self.elsewhere
        # A forked process would share this one's connections to the record.
        processes = ProcessPoolExecutor(
            min(shards, os.cpu_count() or 1), get_context("spawn"), initializer=end_with_parent
        )
        head = self.log.head()
        with processes:
            asked = [
                processes.submit(_build, self.path, shard, shards, self.elsewhere, self.encoder_id, rebuild)
                for shard in range(shards)
            ]
            self._watch(asked, shards, head)
            yield from (one.result() for one in asked)

    def _watch(self, asked: Sequence[Future[CaughtUp]], shards: int, head: int) -> None:
        while wait(asked, timeout=_LOOK).not_done:
            reached = 0
            for one in places(self.path, shards):
                state = read_state(one / NEXT) or read_state(one / STATE)
                reached += state.seq if state else 0
            self.progress(reached // shards, head)


def _nth(progress: Progress, shard: int, shards: int) -> Progress:
    def told(done: int, total: int | None = None) -> None:
        progress(shard * (total or 0) + done, shards * (total or 0))

    return told


def _build(path: Path, shard: int, shards: int, opened: OpenLog, encoder_id: str, rebuild: bool) -> CaughtUp:
    return catch_up(place(path, shards, shard), Share(opened(), shard, shards), encoder_id, rebuild=rebuild)
