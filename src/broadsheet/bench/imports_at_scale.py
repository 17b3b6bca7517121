"""How import grows with the papers: a file like arXiv's snapshot into an empty record, again, 1,000 more, the index.

Each step runs in a process of its own, so that its memory is its own. The files are made once and kept.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from broadsheet.bench import made_snapshot
from broadsheet.bench.postgresql import Server, server
from broadsheet.bench.processes import cpu_seconds, peak_mb
from broadsheet.bench.report import CannotMeasure, Measured
from broadsheet.bench.scale_papers import Sample
from broadsheet.lib.progress import Progress

ADDED: Final = 1_000
MODULE: Final = "broadsheet.bench.imports_at_scale"
_sample: Callable[[], Sample] = lru_cache(maxsize=1)(made_snapshot.wordy_sample)


def measure(progress: Progress, size: Sequence[int]) -> Measured:
    """Import so many papers into SQLite and into PostgreSQL, one size after the other. Raises CannotMeasure."""
    from django.conf import settings

    home = Path(settings.CONFIG.home) / "bench"
    figures: dict[str, float] = {}
    notes = list(_notes())
    steps = 2 * len(size)
    for n, papers in enumerate(size):
        files = _files(home, papers)
        for name, value in _measured(home, files, papers, None).items():
            figures[f"{name}_{papers}"] = value
        progress(2 * n + 1, steps)
        try:
            with server() as there:
                for name, value in _measured(home, files, papers, there).items():
                    figures[f"postgres_{name}_{papers}"] = value
        except CannotMeasure as problem:
            notes.append(f"nothing on PostgreSQL at {papers:,}: {problem}")
        progress(2 * n + 2, steps)
    return Measured(figures, notes=notes)


def _notes() -> Iterator[str]:
    yield (
        "the file has the fields of arXiv's snapshot, its papers the sentences, authors and categories of 50,000 real "
        "ones drawn anew; `ingest` reads it as it stands, one process, one core"
    )
    yield (
        "papers_per_cpu_s counts the database server's work too; last_: of the last tenth of the file alone; rss_mb "
        "and index_rss_mb: the most that the process held, mapped files included"
    )
    yield "PostgreSQL with the settings it is installed with, on a socket; SQLite as a site has it"


def _files(home: Path, papers: int) -> tuple[Path, Path]:
    """Give the file of a size and that of 1,000 more, written where they are not there yet."""
    found = home / f"snapshot-{papers}.jsonl", home / f"snapshot-{papers}-more.jsonl"
    for place, first, last in ((found[0], 1, papers), (found[1], papers + 1, papers + ADDED)):
        if not place.exists():
            made_snapshot.write(place, _sample(), first, last)
    return found


def _measured(home: Path, files: tuple[Path, Path], papers: int, there: Server | None) -> dict[str, float]:
    with _place(home, there) as place:
        first = place.step("take", files[0], papers)
        again = place.step("take", files[0], papers)
        more = place.step("take", files[1], ADDED)
        index = place.step("index", files[0], papers)
    if (first["new"], again["same"], more["new"], index["found"]) != (papers, papers, ADDED, 1):
        raise CannotMeasure(f"not all {papers:,} papers came in: {first} {again} {more} {index}")
    return {
        "papers_per_s": papers / first["wall_s"],
        "papers_per_cpu_s": papers / first["cpu_s"],
        "last_papers_per_cpu_s": first.get("last_per_cpu_s", papers / first["cpu_s"]),
        "rss_mb": first["rss_mb"],
        "disk_mb": first["disk_mb"],
        "again_s": again["wall_s"],
        "add_1000_s": more["wall_s"],
        "index_s": index["wall_s"],
        "index_cpu_s": index["cpu_s"],
        "index_rss_mb": index["rss_mb"],
        "index_disk_mb": index["disk_mb"],
    }


@dataclass(frozen=True, slots=True)
class _Place:
    """A home whose record is in it, or in a database of a server."""

    home: Path
    database: str
    there: Server | None

    def step(self, name: str, file: Path, papers: int) -> dict[str, float]:
        """Take a step in a process of its own; it counts the CPU seconds of the server too."""
        others = [str(self.there.process)] if self.there else []
        command = [sys.executable, "-m", MODULE, name, str(file), str(papers), *others]
        done = subprocess.run(command, env=_environment(self), check=False, stdout=subprocess.PIPE, text=True)
        if done.returncode:
            raise CannotMeasure(f"the step {name} at {papers:,} papers ended with {done.returncode}")
        told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return told


def _environment(place: _Place) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BROADSHEET_")}
    return kept | {
        "BROADSHEET_HOME": str(place.home),
        "BROADSHEET_DATABASE": place.database,
        "BROADSHEET_ENCODER": "none",
        "DJANGO_SETTINGS_MODULE": "broadsheet.settings",
    }


@contextmanager
def _place(home: Path, there: Server | None) -> Iterator[_Place]:
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home, prefix="import-") as scratch:
        yield _Place(Path(scratch), there.database("papers") if there else "", there)


class Ticks:
    """Notes the time and the CPU seconds, also of other processes, when nine tenths are done and when all is."""

    def __init__(self, total: int, others: Sequence[int] = ()) -> None:
        self.total, self.others = total, others
        self.begun = self._now(0)
        self.late: tuple[int, float, float] | None = None

    def _now(self, done: int) -> tuple[int, float, float]:
        return done, time.perf_counter(), time.process_time() + cpu_seconds(self.others)

    def __call__(self, done: int, total: int | None = None) -> None:
        """Note it."""
        if self.late is None and done >= 0.9 * self.total:
            self.late = self._now(done)

    def figures(self) -> dict[str, float]:
        """Give wall_s, cpu_s and, where it was taken in more than one part, last_per_cpu_s: papers of the last one."""
        done, wall, cpu = self._now(self.total)
        told = {"wall_s": wall - self.begun[1], "cpu_s": cpu - self.begun[2]}
        if self.late and self.late[0] < done:
            told["last_per_cpu_s"] = (done - self.late[0]) / (cpu - self.late[2])
        return told


def take(file: Path, papers: int, others: Sequence[int]) -> dict[str, float]:
    """Take a file into the record of this process, on one core."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    import django

    django.setup()
    from broadsheet.papers.database import migrate, size_on_disk
    from broadsheet.papers.ingest import ingest
    from broadsheet.sources.files import open_items

    migrate()
    ticks = Ticks(papers, others)
    report = ingest(open_items(file)[1], progress=ticks)
    return ticks.figures() | {
        "rss_mb": peak_mb(),
        "disk_mb": size_on_disk() / 1e6,
        "new": report.new,
        "same": report.same,
    }


def index(file: Path, papers: int, others: Sequence[int]) -> dict[str, float]:
    """Index the words of the record of this process, as `broadsheet index --words-only` does."""
    import django

    django.setup()
    from django.conf import settings

    from broadsheet.papers import finding
    from broadsheet.search.choice import shard_place

    ticks = Ticks(papers, others)
    finding.index()
    spent = ticks.figures() | {"rss_mb": peak_mb()}
    place = shard_place(settings.CONFIG.home, finding.encoder_name())
    found = finding.find(made_snapshot.arxiv_name(papers)).goes_to
    return spent | {
        "disk_mb": sum(one.stat().st_size for one in place.rglob("*") if one.is_file()) / 1e6,
        "found": float(found is not None),
    }


def main() -> None:
    """Take one step in this process and print its figures."""
    step, file, papers, *others = sys.argv[1:]
    print(json.dumps({"take": take, "index": index}[step](Path(file), int(papers), [*map(int, others)])))  # noqa: T201


if __name__ == "__main__":
    main()
