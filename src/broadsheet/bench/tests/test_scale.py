"""The papers of the bench of scale, and its measures, on a sample of invented ones."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from broadsheet.bench import scale
from broadsheet.bench.scale_papers import BLOCK, MadeLog, Sample, taken_apart
from broadsheet.search.divided import Shards
from broadsheet.search.dividing import catch_up_all
from broadsheet.search.types import PaperToIndex

DIM = 32


@pytest.fixture(scope="module")
def sample() -> Sample:
    draw = np.random.default_rng(5)
    vectors = draw.standard_normal((40, DIM)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    papers = [
        PaperToIndex(
            id=n,
            title=f"On the number {n} and more",
            abstract=f"First of {n}. Then of {n}. Last of {n}.",
            authors=("Ada Berg",),
            categories=(("cs.LG", "math.CO")[n % 2],),
            day=date(2024, 1, 1) + timedelta(days=n),
        )
        for n in range(40)
    ]
    return taken_apart(papers, vectors.astype(np.float16))


def test_a_paper_is_the_same_whoever_asks_for_it_with_which_others(sample: Sample) -> None:
    log = MadeLog(sample, 3 * BLOCK)
    some = [1, 2, BLOCK, BLOCK + 1, 3 * BLOCK]
    together, larger = log.papers(some), MadeLog(sample, 9 * BLOCK)
    assert sorted(together) == some
    for paper in some:
        one = larger.papers([paper])[paper]
        assert (one.title, one.abstract, one.day) == (
            together[paper].title,
            together[paper].abstract,
            together[paper].day,
        )
        other = together[paper].vector
        assert one.vector is not None
        assert other is not None
        assert np.array_equal(one.vector, other)


def test_sentences_come_whole_from_papers_of_the_same_category(sample: Sample) -> None:
    known = {sentence: n for n, sentences in enumerate(sample.sentences) for sentence in sentences}
    for paper in MadeLog(sample, 200).papers(range(1, 201)).values():
        sentences = [f"{part}." for part in paper.abstract.rstrip(".").split(". ")]
        assert len(sentences) == 3
        assert {sample.papers[known[sentence]].categories for sentence in sentences} == {paper.categories}
        assert paper.vector is not None
        assert np.linalg.norm(paper.vector.astype(np.float32)) == pytest.approx(1, abs=1e-3)


def test_the_log_counts_every_paper_once(sample: Sample) -> None:
    log = MadeLog(sample, 25)
    assert [seq for seq, _, _ in [*log.since(0, 20), *log.since(20, 20)]] == list(range(1, 26))
    assert log.since(25, 20) == []


@pytest.mark.parametrize("shards", [1, 2])
def test_recall_of_a_small_index_is_whole_and_filters_keep_the_newest(
    tmp_path: Path, sample: Sample, shards: int
) -> None:
    catch_up_all(tmp_path, shards, MadeLog(sample, 500), "fake")
    reader = Shards(tmp_path)
    snapshots = scale._snapshots(reader)
    assert len(snapshots) == shards
    queries = sample.vectors[:5]
    figures = scale.recalls(reader, snapshots, queries)
    assert figures == dict.fromkeys(("recall_at_50", *(f"recall_at_50_filter_{n}" for n in (1, 5, 10))), 1.0)
    assert scale.scan_share(snapshots) > 0


def test_memory_is_told_in_megabytes() -> None:
    told = scale.memory()
    assert 10 < told["rss_anonymous_mb"] <= told["rss_mb"]
