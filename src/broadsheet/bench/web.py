"""What pages and the API cost, and how many a site answers: a real server, 50,000 papers, SQLite and PostgreSQL.

The site is started as `broadsheet run --no-worker` does it and serves on one core with all that serves it; a client
in a process of its own asks from another core.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from broadsheet.bench import web_client
from broadsheet.bench.postgresql import server
from broadsheet.bench.processes import cpu_seconds, memory_mb, peak_mb, tree
from broadsheet.bench.report import CannotMeasure, Measured, shared_data
from broadsheet.bench.web_client import Ask, Job, Told
from broadsheet.lib.files import lock, write_whole
from broadsheet.lib.processes import end_with_parent
from broadsheet.lib.progress import Progress

SAMPLE: Final = "arxiv/sample_50k.jsonl.gz"
HOME: Final = "web-50000"
DONE: Final = "made.json"
# The parts of a run, in seconds; each kind of page is asked until its time is over.
LIGHT, TOGETHER, WITH_WRITES = 2.0, 12.0, 20.0
# So many of a kind however long they take: a clock that ticks every ten milliseconds is right by a hundredth then.
LEAST: Final = 40
WARM: Final = 12
CONNECTIONS: Final = 8
# What readers ask for, by share: most look at a day's papers and at one of them, some search.
MIX: Final = {
    "edition": 0.3, "edition_again": 0.05, "paper": 0.22, "search": 0.08, "typing": 0.15, "trending": 0.05,
    "foryou": 0.05, "feed": 0.04, "daily_papers": 0.04, "api_search": 0.02,
}  # fmt: skip
VOTE_PAUSE: Final = 0.1

Asks = Mapping[str, Sequence[Ask]]


def measure(progress: Progress) -> Measured:
    """Ask a site of 50,000 papers on SQLite and on PostgreSQL. Raises CannotMeasure.

    The site is kept under bench/ in the home, and each run works on copies. cpu_ms: CPU milliseconds of everything that
    serves, the database server too, for a request.
    """
    from django.conf import settings

    home = Path(settings.CONFIG.home)
    made = _made(home, progress)
    figures, notes = floor(), list(_notes())
    progress(1, 3)
    with _copied(made) as copy:
        figures |= {f"sqlite_{name}": value for name, value in _measured(copy, "", (), shared=True).items()}
    progress(2, 3)
    try:
        with server() as there, _copied(made) as copy:
            os.sched_setaffinity(there.process, serving_cores())
            database = there.database("site")
            _broadsheet(copy, "", "record", "copy", "--to", database)
            there.settle("site")
            found = _measured(copy, database, (there.process,), shared=False)
            figures |= {f"postgres_{name}": value for name, value in found.items()}
    except CannotMeasure as problem:
        notes.append(f"nothing on PostgreSQL: {problem}")
    progress(3, 3)
    return Measured(figures, _ratios(figures), notes)


def _notes() -> Iterator[str]:
    yield (
        "the site as `broadsheet run --no-worker` starts it: one process, two threads; it and the database server have "
        "one core, the client and the writers another; cpu_ms counts all that serves, at one request at a time"
    )
    yield f"requests_per_s at {CONNECTIONS} connections, by shares: " + ", ".join(
        f"{kind} {share:g}" for kind, share in MIX.items()
    )
    yield (
        "with_writes_: the same while readers vote, ten times a second, and 100 papers a second come in and are indexed"
    )
    yield (
        "floor_cpu_ms: an empty page by Django and granian without any middleware; floor_of_site_cpu_ms: /robots.txt "
        "with all of it. No peer with pages like these can be installed beside it"
    )
    yield "edition: kept for strangers from the second on; edition_made: each made anew; edition_again: answered by 304"
    yield "shares of CPU time in SQL and in templates: in one process, on SQLite, without the HTTP server"


def _ratios(figures: Mapping[str, float]) -> dict[str, float]:
    ratios = {
        f"{name.removesuffix('_cpu_ms')}_to_floor": value / figures["floor_cpu_ms"]
        for name, value in figures.items()
        if name.startswith("sqlite_") and name.endswith("_cpu_ms")
    }
    if "postgres_edition_cpu_ms" in figures:
        both = ((f"postgres_{kind}_cpu_ms", f"sqlite_{kind}_cpu_ms", kind) for kind in MIX)
        ratios |= {f"{kind}_postgres_to_sqlite": figures[one] / figures[other] for one, other, kind in both}
    return ratios


def serving_cores() -> set[int]:
    """Give the one core on which everything that serves runs."""
    return {min(os.sched_getaffinity(0))}


def _asking_cores() -> list[int]:
    return sorted(os.sched_getaffinity(0) - serving_cores() or serving_cores())


def _environment(home: Path, database: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BROADSHEET_")}
    return kept | {
        "BROADSHEET_HOME": str(home),
        "BROADSHEET_DATABASE": database,
        # Readers come from many addresses through a proxy, so that limits by address hold for each of them.
        "BROADSHEET_TRUSTED_PROXIES": "1",
        "DJANGO_SETTINGS_MODULE": "broadsheet.settings",
    }


def _made(home: Path, progress: Progress) -> Path:
    """Give the home of the site that all runs copy; made where it is not there whole."""
    from broadsheet.bench.corpus import built_encoder, sample_papers, vectors_of

    place, sample = home / "bench" / HOME, shared_data(SAMPLE)
    with lock(home / "bench" / f"{HOME}.lock"):
        if (place / DONE).exists():
            return place
        built_encoder(home)
        vectors_of(sample_papers(), home, progress)
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        (place / "encoders").symlink_to((home / "encoders").resolve())
        _in_home(place, "", "broadsheet.bench.web_site", "make", str(sample), str(home))
        write_whole(place / DONE, b"{}")
    return place


@contextmanager
def _copied(made: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=made.parent, prefix="web-copy-", ignore_cleanup_errors=True) as scratch:
        copy = Path(scratch) / "home"
        shutil.copytree(made, copy, symlinks=True)
        yield copy


def _in_home(home: Path, database: str, module: str, *arguments: str, given: str = "") -> str:
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(
        command, env=_environment(home, database), check=False, input=given, stdout=subprocess.PIPE, text=True
    )
    if done.returncode:
        raise CannotMeasure(f"{module} {arguments[:1]} ended with {done.returncode}")
    return done.stdout


def _broadsheet(home: Path, database: str, *arguments: str) -> None:
    command = [*BROADSHEET, *arguments]
    done = subprocess.run(command, env=_environment(home, database), check=False, stdout=subprocess.DEVNULL)
    if done.returncode:
        raise CannotMeasure(f"broadsheet {arguments[0]} ended with {done.returncode}")


BROADSHEET: Final = [sys.executable, "-c", "import sys; from broadsheet.cli import main; sys.exit(main())"]


@dataclass(frozen=True, slots=True)
class Site:
    """A site that answers. processes: what serves: its first one, and that of the database server."""

    home: Path
    database: str
    port: int
    processes: tuple[int, ...]

    def ask(self, asks: Asks, mix: Mapping[str, float], **how: Any) -> tuple[Told, float]:  # noqa: ANN401 - Job's
        """Ask in a process of its own; give what came of it and the CPU seconds of all that serves."""
        before = cpu_seconds(self.processes)
        asking = web_client.start(Job(self.port, {kind: asks[kind] for kind in mix}, mix, **how), _asking_cores())
        told = web_client.finish(asking)
        return told, cpu_seconds(self.processes) - before


@contextmanager
def started(command: Sequence[str], port: int, environment: Mapping[str, str]) -> Iterator[int]:
    """Start a server on the serving core and wait until it listens; give its process. Raises CannotMeasure."""
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, preexec_fn=partial(_settled, serving_cores())
    )
    try:
        if not web_client.wait_for(port):
            raise CannotMeasure(f"the server did not start: {' '.join(command[-4:])}")
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _settled(cores: set[int]) -> None:
    os.sched_setaffinity(0, cores)
    end_with_parent()


def floor() -> dict[str, float]:
    """Measure the same server and framework with an empty page."""
    port = web_client.free_port()
    command = [sys.executable, "-m", "broadsheet.bench.web_floor", str(port)]
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    with started(command, port, environment) as process:
        site = Site(Path(), "", port, (process,))
        return _light(site, {"floor": [Ask("/")]}) | _together(site, {"floor": [Ask("/")]}, {"floor": 1.0}, "floor_")


def _measured(home: Path, database: str, others: tuple[int, ...], shared: bool) -> dict[str, float]:
    """Measure a site in a home of its own. others: what serves beside it; shared: tell the shares of SQL too."""
    said = json.loads(_in_home(home, database, "broadsheet.bench.web_site", "plan"))
    asks = {kind: [Ask(**ask) for ask in wanted] for kind, wanted in said.items()}
    port = web_client.free_port()
    command = [*BROADSHEET, "run", "--no-worker", "--port", str(port)]
    with started(command, port, _environment(home, database)) as process:
        site = Site(home, database, port, (process, *others))
        pages = {kind: wanted for kind, wanted in asks.items() if kind != "vote"}
        figures = _light(site, pages)
        figures |= _together(site, asks, MIX, "")
        figures |= memory(process, others)
        figures |= _with_writes(site, asks)
    if shared:
        told = _in_home(home, database, "broadsheet.bench.web_shares", given=json.dumps(said))
        figures |= json.loads(told)
    return figures


def _light(site: Site, asks: Asks) -> dict[str, float]:
    """Ask for one page after the other, kind by kind."""
    figures: dict[str, float] = {}
    for kind in asks:
        site.ask(asks, {kind: 1.0}, seconds=LIGHT, least=WARM, times=WARM)
        told, spent = site.ask(asks, {kind: 1.0}, seconds=LIGHT, least=LEAST)
        _must_be_right(told)
        figures[f"{kind}_cpu_ms"] = 1000 * spent / told.requests
        figures |= _wall(told.ms[kind], f"{kind}_")
        figures[f"{kind}_kib"] = told.kib[kind]
    return figures


def _together(site: Site, asks: Asks, mix: Mapping[str, float], name: str) -> dict[str, float]:
    """Ask over several connections at once."""
    told, spent = site.ask(asks, mix, seconds=TOGETHER, connections=CONNECTIONS)
    _must_be_right(told)
    return _rates(told, spent, name) | _wall(told.all_ms, name)


def _with_writes(site: Site, asks: Asks) -> dict[str, float]:
    """Ask while readers vote and papers come in."""
    command = [sys.executable, "-m", "broadsheet.bench.web_site", "add", str(WITH_WRITES)]
    adding = subprocess.Popen(command, env=_environment(site.home, site.database), stdout=subprocess.PIPE, text=True)
    votes = Job(site.port, {"vote": asks["vote"]}, {"vote": 1.0}, WITH_WRITES, pause=VOTE_PAUSE, seed=2)
    voting = web_client.start(votes, _asking_cores())
    told, spent = site.ask(asks, MIX, seconds=WITH_WRITES, connections=CONNECTIONS)
    voted = web_client.finish(voting)
    said, _nothing = adding.communicate()
    if adding.returncode:
        raise CannotMeasure("no papers could be added while the site was asked")
    _must_be_right(told)
    _must_be_right(voted)
    name = "with_writes_"
    added: dict[str, float] = json.loads(said)
    return (
        _rates(told, spent, name)
        | _wall(told.all_ms, name)
        | _wall(voted.all_ms, f"{name}vote_")
        | {f"{name}votes": voted.requests, f"{name}papers": added["papers"]}
        | {f"{name}slowest_batch_s": added["slowest_batch_s"]}
    )


def _must_be_right(told: Told) -> None:
    if told.errors or not told.requests:
        raise CannotMeasure(f"{len(told.errors)} of {len(told.errors) + told.requests} failed: {told.errors[:3]}")


def _rates(told: Told, spent: float, name: str) -> dict[str, float]:
    return {
        f"{name}requests_per_s": told.requests / told.wall_s,
        f"{name}requests_per_cpu_s": told.requests / spent,
        f"{name}errors": len(told.errors),
    }


def _wall(times: Sequence[float], name: str) -> dict[str, float]:
    return {
        f"{name}wall_ms_p50": float(np.percentile(times, 50)),
        f"{name}wall_ms_p99": float(np.percentile(times, 99)),
    }


def memory(process: int, others: Sequence[int] = ()) -> dict[str, float]:
    """Tell what the site holds after it was asked: all of it, the most of one of its processes, and the database."""
    figures = {"rss_mb": memory_mb(process), "process_peak_mb": max(peak_mb(pid) for pid in tree(process))}
    if others:
        figures["database_mb"] = sum(memory_mb(other) for other in others)
    return figures
