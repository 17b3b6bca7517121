"""How fast and how complete search is, on papers with real vectors."""

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from broadsheet.bench.corpus import built_encoder, sample_papers, vectors_of
from broadsheet.bench.report import Measured
from broadsheet.bench.words import MemoryLog
from broadsheet.lib.progress import Progress
from broadsheet.search.lexical import families
from broadsheet.search.shard import ShardReader, catch_up
from broadsheet.search.types import Encoder, Filter, FloatArray, Mode, PaperToIndex
from broadsheet.search.words import STOP_WORDS, words

K = 50
SHARE = 0.05
SEED = 20240527


def measure(progress: Progress) -> Measured:
    """Search the sample of 50,000 papers with their real vectors. Raises CannotMeasure."""
    from django.conf import settings

    home = Path(settings.CONFIG.home)
    papers = sample_papers()
    vectors = vectors_of(papers, home, progress)
    figures = search_figures(papers, vectors, built_encoder(home))
    note = f"{len(papers):,} papers, one thread; hybrid and page times include encoding the query"
    return Measured(figures, notes=[note])


def search_figures(
    papers: Sequence[PaperToIndex], vectors: NDArray[np.float16], encoder: Encoder, queries: int = 300
) -> dict[str, float]:
    """Index papers (ids 1, 2, 3, … in order) with their vectors (n, dim) and search them.

    Figures: hybrid_cpu_ms_p50, hybrid_wall_ms_p50, hybrid_wall_ms_p99 (the encoder included), the same for page_,
    build_papers_per_s, recall_at_50 against all cosines in float32, and recall_at_50_filtered by a category that keeps
    about 5 % of the papers.
    """
    with tempfile.TemporaryDirectory() as scratch:
        log = MemoryLog([replace(paper, vector=vector) for paper, vector in zip(papers, vectors, strict=True)])
        began = time.perf_counter()
        catch_up(Path(scratch), log, encoder.id)
        figures = {"build_papers_per_s": len(papers) / (time.perf_counter() - began)}
        reader = ShardReader(Path(scratch), encoder)
        reader.warm()
        texts = made_queries(papers, queries)
        modes: tuple[Mode, ...] = ("hybrid", "page")
        for mode in modes:
            figures |= _timed(mode, texts, partial(reader.search, mode=mode, limit=K))
        encoded = encoder.encode(texts)
        figures["recall_at_50"] = _recall(reader, papers, vectors, encoded, None)
        category = common_category(papers)
        figures["recall_at_50_filtered"] = _recall(reader, papers, vectors, encoded, category)
        return figures


def made_queries(papers: Sequence[PaperToIndex], count: int, seed: int = SEED) -> list[str]:
    """Make queries from the papers: by turns three to six neighbouring words of a title, and two or three keywords."""
    draw = np.random.default_rng(seed)
    made: list[str] = []
    while len(made) < count:
        paper = papers[int(draw.integers(len(papers)))]
        source = words(paper.title) if len(made) % 2 == 0 else _keywords(paper)
        length = int(draw.integers(3, 7) if len(made) % 2 == 0 else draw.integers(2, 4))
        if len(source) < length:
            continue
        start = int(draw.integers(len(source) - length + 1))
        picked = source[start : start + length] if len(made) % 2 == 0 else draw.choice(source, length, replace=False)
        made.append(" ".join(str(word) for word in picked))
    return made


def _keywords(paper: PaperToIndex) -> list[str]:
    return sorted({word for word in words(paper.abstract) if len(word) > 3 and word not in STOP_WORDS})


def common_category(papers: Sequence[PaperToIndex], share: float = SHARE) -> str:
    """Give the category whose share of the papers is nearest to `share`."""
    counts = Counter(category for paper in papers for category in paper.categories if "." in category)
    return min(counts, key=lambda category: (abs(counts[category] / len(papers) - share), category))


def _timed(name: str, texts: Sequence[str], search: Callable[[str], object]) -> dict[str, float]:
    for text in texts[:20]:
        search(text)
    wall, cpu = [], []
    for text in texts:
        began, spent = time.perf_counter(), time.process_time()
        search(text)
        cpu.append(1000 * (time.process_time() - spent))
        wall.append(1000 * (time.perf_counter() - began))
    return {
        f"{name}_cpu_ms_p50": float(np.median(cpu)),
        f"{name}_wall_ms_p50": float(np.median(wall)),
        f"{name}_wall_ms_p99": float(np.percentile(wall, 99)),
    }


def _recall(
    reader: ShardReader,
    papers: Sequence[PaperToIndex],
    vectors: NDArray[np.float16],
    queries: FloatArray,
    category: str | None,
) -> float:
    exact = vectors.astype(np.float32)
    kept = [category is None or category.lower() in _categories(paper) for paper in papers]
    mask = np.array(kept, dtype=np.bool_)
    one = Filter(categories=(category,)) if category else Filter()
    shares = []
    for query in queries:
        best = np.argsort(-np.where(mask, exact @ query, -np.inf), kind="stable")[: min(K, int(mask.sum()))]
        found = {hit.paper for hit in reader.nearest(query, K, one).hits}
        shares.append(len(found & {papers[n].id for n in best.tolist()}) / len(best))
    return float(np.mean(shares))


def _categories(paper: PaperToIndex) -> set[str]:
    return {name for category in paper.categories for name in families(category)}
