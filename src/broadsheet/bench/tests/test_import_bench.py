"""The bench of imports at scale: its file is read as arXiv's own, and its steps take all of it."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from broadsheet.bench import imports_at_scale as at_scale
from broadsheet.bench import made_snapshot
from broadsheet.bench.postgresql import server
from broadsheet.bench.report import CannotMeasure
from broadsheet.bench.scale_papers import BLOCK, Sample, taken_apart
from broadsheet.record.identifiers import arxiv_id
from broadsheet.record.paper import PaperData
from broadsheet.search.types import PaperToIndex
from broadsheet.sources.files import open_items

FIELDS = {
    "id", "submitter", "authors", "title", "comments", "journal-ref", "doi", "report-no", "categories", "license",
    "abstract", "versions", "update_date", "authors_parsed",
}  # fmt: skip


@pytest.fixture(scope="module")
def sample() -> Sample:
    papers = [
        PaperToIndex(
            id=n,
            title=f"On the number {n} and its {n + 1} friends",
            abstract=f"First of {n}. Then of {n}. Last of {n}.",
            authors=("Ada Berg", "Bo Brandt"),
            categories=(("cs.LG", "math.CO")[n % 2],),
            day=date(2024, 1, 1) + timedelta(days=n),
        )
        for n in range(40)
    ]
    return taken_apart(papers, np.zeros((40, 1), np.float16))


def test_rows_have_the_fields_of_the_snapshot_and_are_the_same_at_every_call(sample: Sample) -> None:
    rows = list(made_snapshot.rows(sample, 1, 30))
    assert all(row.keys() == FIELDS for row in rows)
    assert rows[9:20] == list(made_snapshot.rows(sample, 10, 20))
    assert len(list(made_snapshot.rows(sample, BLOCK - 1, BLOCK + 2))) == 4


def test_ids_are_valid_unique_and_in_order() -> None:
    edges = [1, 2, made_snapshot.PER_MONTH, made_snapshot.PER_MONTH + 1, 12 * made_snapshot.PER_MONTH + 1, 3_000_000]
    names = [made_snapshot.arxiv_name(number) for number in edges]
    assert names == ["1501.00001", "1501.00002", "1501.25000", "1502.00001", "1601.00001", "2412.25000"]
    assert [arxiv_id(name).value for name in names] == names


def test_the_file_is_read_as_arxivs_own_without_one_row_refused(sample: Sample, tmp_path: Path) -> None:
    place = tmp_path / "snapshot.jsonl"
    made_snapshot.write(place, sample, 1, 50)
    name, items = open_items(place)
    papers = [item for item in items if isinstance(item, PaperData)]
    assert (name, len(papers)) == ("arxiv-jsonl", 50)
    assert {paper.authors[0].name for paper in papers} == {"Ada Berg"}
    assert all(paper.announced and paper.submitted and paper.versions for paper in papers)
    assert {len(paper.versions) for paper in papers} == {1, 2, 3}


def test_ticks_tell_the_last_part_where_there_was_more_than_one() -> None:
    whole = at_scale.Ticks(10)
    whole(10)
    assert "last_per_cpu_s" not in whole.figures()
    parts = at_scale.Ticks(10)
    for done in (4, 9, 10):
        parts(done)
    told = parts.figures()
    assert told["last_per_cpu_s"] > 0
    assert told["wall_s"] >= 0


@pytest.mark.slow
def test_a_small_file_goes_all_the_way_on_sqlite(
    sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(at_scale, "_sample", lambda: sample)
    monkeypatch.setattr(at_scale, "ADDED", 10)
    figures = at_scale._measured(tmp_path, at_scale._files(tmp_path, 60), 60, None)
    assert figures["papers_per_s"] > 0
    assert figures["index_rss_mb"] > 10


@pytest.mark.slow
@pytest.mark.postgres
def test_a_small_file_goes_all_the_way_on_postgresql(
    sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(at_scale, "_sample", lambda: sample)
    monkeypatch.setattr(at_scale, "ADDED", 10)
    files = at_scale._files(tmp_path, 60)
    try:
        with server() as there:
            figures = at_scale._measured(tmp_path, files, 60, there)
    except CannotMeasure as problem:
        if "no PostgreSQL server" in str(problem):
            pytest.skip(str(problem))
        raise
    assert figures["papers_per_cpu_s"] > 0
