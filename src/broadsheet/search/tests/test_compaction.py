"""What a long-lived shard does with rows that died, and what a reader takes over from one commit to the next."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from broadsheet.search import catch_up as module
from broadsheet.search.lexical import families
from broadsheet.search.shard import ShardReader, catch_up
from broadsheet.search.tables import Kind, Kinds
from broadsheet.search.tests.fakes import FakeEncoder, FakeRecord, encoded
from broadsheet.search.types import Filter, PaperToIndex

ENCODER = FakeEncoder()


def papers(count: int, first: int = 1) -> list[PaperToIndex]:
    made = [PaperToIndex(n, f"Whale number n{n}", f"Song of n{n}.") for n in range(first, first + count)]
    return encoded(ENCODER, *made)


def found(reader: ShardReader, query: str) -> list[int]:
    return [hit.paper for hit in reader.search(query, "lexical").hits]


def test_a_build_writes_a_vector_once_though_the_log_tells_of_it_twice(tmp_path: Path) -> None:
    record = FakeRecord()
    record.put(*(replace(paper, vector=None) for paper in papers(30)))
    record.encode(ENCODER)
    module_batch, module.BATCH = module.BATCH, 7
    try:
        catch_up(tmp_path, record, ENCODER.id)
    finally:
        module.BATCH = module_batch
    state = ShardReader(tmp_path).state
    assert state
    assert (state.words, state.vectors, state.vectors_dead, state.words_dead) == (30, 30, 0, 0)
    assert catch_up(tmp_path, record, ENCODER.id).changes == 0


def test_a_change_after_the_build_began_is_not_taken_for_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 5)
    record = FakeRecord()
    record.put(*papers(20))
    changed = encoded(ENCODER, PaperToIndex(2, "Zebra", "Stripes."))

    def meanwhile(done: int, total: int | None = None) -> None:
        if changed:
            record.put(changed.pop())

    catch_up(tmp_path, record, ENCODER.id, progress=meanwhile)
    assert found(ShardReader(tmp_path), "zebra") == [2]
    record.put(*encoded(ENCODER, PaperToIndex(3, "Zebra two", "Stripes.")))
    catch_up(tmp_path, record, ENCODER.id)
    assert sorted(found(ShardReader(tmp_path), "zebra")) == [2, 3]


def test_a_compaction_goes_on_call_by_call_while_new_papers_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 10)
    monkeypatch.setattr(module, "AT_ONCE", 30)
    record = FakeRecord()
    record.put(*papers(60))
    catch_up(tmp_path, record, ENCODER.id)
    record.put(*papers(40))
    assert not catch_up(tmp_path, record, ENCODER.id).rebuilt
    reader, calls = ShardReader(tmp_path), 0
    generation = reader.state.directory if reader.state else ""
    while not (done := catch_up(tmp_path, record, ENCODER.id)).rebuilt:
        calls += 1
        record.put(*encoded(ENCODER, PaperToIndex(1_000 + calls, f"Zebra {calls}", "Stripes.")))
        assert catch_up(tmp_path, record, ENCODER.id).seq == record.head()
        assert len(found(reader, "zebra")) == calls
        assert len(reader) == 60 + calls
        assert calls < 20
    assert calls
    state = reader.state
    assert state
    assert state.directory != generation
    assert (done.seq, state.words_dead, len(reader)) == (record.head(), 0, 60 + calls)
    assert len(found(reader, "zebra")) == calls


def test_of_the_next_commit_only_new_rows_are_read_and_what_is_open_stays_as_it_is(tmp_path: Path) -> None:
    record = FakeRecord()
    record.put(*papers(50))
    catch_up(tmp_path, record, ENCODER.id)
    reader = ShardReader(tmp_path, ENCODER)
    first = reader.snapshot()
    assert first
    assert first.vectors
    before = first.vectors.table.bits.copy()
    record.put(*papers(30, first=51))
    catch_up(tmp_path, record, ENCODER.id)
    second, fresh = reader.snapshot(), ShardReader(tmp_path, ENCODER).snapshot()
    assert second
    assert second.vectors
    assert fresh
    assert fresh.vectors
    assert np.shares_memory(first.vectors.table.bits, second.vectors.table.bits)
    assert np.array_equal(second.vectors.table.bits, fresh.vectors.table.bits)
    assert np.array_equal(first.vectors.table.bits, before)
    catch_up(tmp_path, record, ENCODER.id, rebuild=True)
    third = reader.snapshot()
    assert third
    assert third.vectors
    assert not np.shares_memory(third.vectors.table.bits, second.vectors.table.bits)
    assert np.array_equal(third.vectors.table.bits, fresh.vectors.table.bits)


def test_letting_go_of_pages_changes_no_answer(tmp_path: Path) -> None:
    record = FakeRecord()
    record.put(*papers(40))
    catch_up(tmp_path, record, ENCODER.id)
    reader = ShardReader(tmp_path, ENCODER)
    answer = reader.search("whale n7")
    snapshot = reader.snapshot()
    assert snapshot
    snapshot.unmap_pages()
    assert reader.search("whale n7") == answer


def test_kinds_pass_filters_one_by_one_as_in_the_table() -> None:
    kinds = [
        Kind(source, code, families(category))
        for source in ("arxiv", "x")
        for code in (False, True)
        for category in ("cs.LG", "cs.CL", "math.CO", "")
    ]
    table = Kinds(kinds, 0)
    for one in (
        Filter(),
        Filter(categories=("cs",)),
        Filter(categories=("CS.lg", "math.CO")),
        Filter(sources=("x", "none")),
        Filter(has_code=True, categories=("cs",)),
        Filter(has_code=False, sources=("arxiv",), since=date(2024, 1, 1)),
    ):
        expected = [
            (not one.categories or bool({name.lower() for name in one.categories} & set(kind.categories)))
            and (not one.sources or kind.source in one.sources)
            and (one.has_code is None or one.has_code == kind.has_code)
            for kind in kinds
        ]
        assert table.passing(one).tolist() == expected
