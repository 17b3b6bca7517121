"""How good the rankings are, by relevance that people judged (Cranfield and CACM)."""

import json
import math
import os
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from broadsheet.bench.corpus import built_encoder
from broadsheet.bench.report import Measured, shared_data
from broadsheet.bench.words import MemoryLog
from broadsheet.lib.progress import Progress
from broadsheet.search.shard import ShardReader, catch_up
from broadsheet.search.types import Encoder, PaperToIndex, Results

COLLECTIONS = ("cranfield", "cacm")
CUT = 10


@dataclass(frozen=True, slots=True)
class Judged:
    """A collection: papers (ids 1, 2, 3, …), queries by name, and per query the grade of each judged paper."""

    papers: tuple[PaperToIndex, ...]
    queries: Mapping[str, str]
    grades: Mapping[str, Mapping[int, int]]


def measure(progress: Progress) -> Measured:
    """Rank the judged collections with the real encoder. Raises CannotMeasure."""
    from django.conf import settings

    encoder = built_encoder(Path(settings.CONFIG.home), os.cpu_count() or 1)
    figures = judged(shared_data("judged"), encoder)
    ratios = {
        f"{name}_fused_to_best_half": figures[f"{name}_ndcg10"]
        / max(figures[f"{name}_ndcg10_bm25"], figures[f"{name}_ndcg10_dense"])
        for name in COLLECTIONS
    }
    return Measured(figures, ratios, ["nDCG@10 over all queries that have a judged paper; the grade is the gain"])


def read(directory: Path) -> Judged:
    """Read corpus.jsonl, queries.jsonl and qrels.tsv (query, paper, grade)."""
    rows = _lines(directory / "corpus.jsonl")
    number = {str(row["id"]): n for n, row in enumerate(rows, start=1)}
    papers = tuple(PaperToIndex(number[str(row["id"])], str(row["title"]), str(row["text"])) for row in rows)
    queries = {str(row["id"]): str(row["text"]) for row in _lines(directory / "queries.jsonl")}
    grades: dict[str, dict[int, int]] = defaultdict(dict)
    for line in (directory / "qrels.tsv").read_text().splitlines():
        query, paper, grade = line.split("\t")
        grades[query][number[paper]] = int(grade)
    return Judged(papers, queries, grades)


def _lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def ndcg(ranked: Sequence[int], grades: Mapping[int, int], cut: int = CUT) -> float:
    """Normalised discounted cumulative gain, the grade as the gain (Järvelin and Kekäläinen 2002, discount log2)."""
    ideal = _gain(sorted(grades.values(), reverse=True)[:cut])
    return _gain(grades.get(paper, 0) for paper in ranked[:cut]) / ideal if ideal else 0.0


def _gain(grades: Iterable[int]) -> float:
    return sum(grade / math.log2(rank + 1) for rank, grade in enumerate(grades, start=1))


def judged(directory: Path, encoder: Encoder, collections: Sequence[str] = COLLECTIONS) -> dict[str, float]:
    """Rank each collection in `directory`; figures: NAME_ndcg10 (fused), NAME_ndcg10_bm25 and NAME_ndcg10_dense."""
    figures: dict[str, float] = {}
    for name in collections:
        for way, each in scores(read(directory / name), encoder).items():
            figures[f"{name}_ndcg10{way}"] = float(np.mean(each))
    return figures


def scores(collection: Judged, encoder: Encoder) -> dict[str, list[float]]:
    """Give nDCG@10 by query, in their order: "" fused, _bm25 and _dense the halves."""
    with tempfile.TemporaryDirectory() as scratch:
        reader = _indexed(collection, encoder, Path(scratch))
        ways: dict[str, Callable[[str], Results]] = {
            "": partial(reader.search, mode="hybrid", limit=CUT),
            "_bm25": partial(ShardReader(reader.path).search, mode="hybrid", limit=CUT),
            "_dense": partial(reader.search, mode="semantic", limit=CUT),
        }
        queries = collection.queries.items()
        return {
            way: [_score(ranked(text), collection, query) for query, text in queries] for way, ranked in ways.items()
        }


def _score(results: Results, collection: Judged, query: str) -> float:
    return ndcg([hit.paper for hit in results.hits], collection.grades.get(query, {}))


def _indexed(collection: Judged, encoder: Encoder, path: Path) -> ShardReader:
    vectors = encoder.encode_papers([(paper.title, paper.abstract) for paper in collection.papers])
    log = MemoryLog([_with(paper, vector) for paper, vector in zip(collection.papers, vectors, strict=True)])
    catch_up(path, log, encoder.id)
    return ShardReader(path, encoder)


def _with(paper: PaperToIndex, vector: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> PaperToIndex:
    return PaperToIndex(paper.id, paper.title, paper.abstract, vector=vector.astype(np.float16))
