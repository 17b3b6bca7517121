"""`catch_up()` and what readers see of it."""

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from broadsheet.search import catch_up as module
from broadsheet.search.shard import ShardReader, catch_up
from broadsheet.search.tests.fakes import FakeEncoder, FakeRecord, encoded
from broadsheet.search.types import Filter, PaperToIndex

ENCODER = FakeEncoder()
WHALES = PaperToIndex(1, "Songs of whales", "Whales sing at night.", ("Ada Berg",), ("q-bio.NC",), ("doi:10.1/a",))
TIDES = PaperToIndex(
    2, "Tides and the moon", "The moon pulls.", ("Bo Li",), ("astro-ph.EP", "physics.ao-ph"), source="x"
)
BREAD = PaperToIndex(3, "Bread rises", "Yeast makes gas in dough.", ("Ada Stone",), ("q-bio.CB",), has_code=True)


@pytest.fixture
def record() -> FakeRecord:
    record = FakeRecord()
    days = (date(2024, 5, 1), date(2024, 5, 2), None)
    papers = [replace(paper, day=day) for paper, day in zip((WHALES, TIDES, BREAD), days, strict=True)]
    record.put(*encoded(ENCODER, *papers))
    return record


def found(path: Path, query: str, **kwargs: object) -> list[int]:
    return [hit.paper for hit in ShardReader(path, ENCODER).search(query, **kwargs).hits]  # type: ignore[arg-type]


def by_words(path: Path, query: str) -> list[int]:
    return found(path, query, mode="lexical")


def agree(path: Path) -> set[int]:
    """Papers that live in both halves; fails where a paper has two live rows or the halves differ."""
    snapshot = ShardReader(path).snapshot()
    assert snapshot is not None
    rows = snapshot.lexicon.newest([], [], 100_000).rows
    words = snapshot.papers(rows)
    vectors: list[int] = []
    if snapshot.vectors:
        alive = snapshot.vectors.alive
        vectors = snapshot.vectors.ids[alive if alive is not None else slice(None)].tolist()
    assert len(words) == len(set(words))
    assert sorted(vectors) == sorted(words)
    return set(words)


def test_what_the_record_holds_is_found_by_words_and_by_meaning(tmp_path: Path, record: FakeRecord) -> None:
    assert catch_up(tmp_path, record, ENCODER.id).changes == 3
    assert by_words(tmp_path, "whales") == [1]
    assert found(tmp_path, "whales")[0] == 1
    assert sorted(found(tmp_path, "whales")) == [1, 2, 3]
    assert agree(tmp_path) == {1, 2, 3}


def test_calling_twice_is_free(tmp_path: Path, record: FakeRecord) -> None:
    catch_up(tmp_path, record, ENCODER.id)
    before, reads = (tmp_path / "state.json").stat().st_mtime_ns, record.reads
    assert catch_up(tmp_path, record, ENCODER.id).changes == 0
    assert ((tmp_path / "state.json").stat().st_mtime_ns, record.reads) == (before, reads)


def test_an_empty_record_gives_an_empty_shard(tmp_path: Path) -> None:
    assert found(tmp_path, "whales") == []
    catch_up(tmp_path, FakeRecord(), ENCODER.id)
    assert found(tmp_path, "whales") == []


def test_a_revision_replaces_the_old_text_in_both_halves(tmp_path: Path, record: FakeRecord) -> None:
    catch_up(tmp_path, record, ENCODER.id)
    record.put(*encoded(ENCODER, replace(record.now[1], title="Songs of finches", abstract="Finches sing.")))
    catch_up(tmp_path, record, ENCODER.id)
    assert by_words(tmp_path, "whales") == []
    assert by_words(tmp_path, "finches") == [1]
    assert agree(tmp_path) == {1, 2, 3}


def test_a_withdrawn_paper_leaves_both_halves(tmp_path: Path, record: FakeRecord) -> None:
    catch_up(tmp_path, record, ENCODER.id)
    record.withdraw(1)
    catch_up(tmp_path, record, ENCODER.id)
    assert 1 not in found(tmp_path, "whales")
    assert agree(tmp_path) == {2, 3}


def test_words_come_first_and_the_vector_later_without_indexing_the_words_again(tmp_path: Path) -> None:
    record = FakeRecord()
    record.put(WHALES, TIDES)
    catch_up(tmp_path, record, ENCODER.id)
    assert found(tmp_path, "whales sing") == [1]
    record.encode(ENCODER)
    catch_up(tmp_path, record, ENCODER.id)
    state = ShardReader(tmp_path).state
    assert state is not None
    assert (state.words, state.words_dead, state.vectors) == (2, 0, 2)
    assert found(tmp_path, "whales sing") == [1, 2]


def test_only_the_last_change_of_a_batch_is_read(tmp_path: Path, record: FakeRecord) -> None:
    for n in range(20):
        record.put(replace(record.now[2], abstract=f"The moon pulls {n} times."))
    catch_up(tmp_path, record, ENCODER.id)
    assert record.reads == 3


def test_a_reader_kept_open_sees_the_next_commit_and_never_half_of_it(tmp_path: Path, record: FakeRecord) -> None:
    catch_up(tmp_path, record, ENCODER.id)
    reader = ShardReader(tmp_path, ENCODER)
    before = reader.snapshot()
    assert before is not None
    record.put(*encoded(ENCODER, PaperToIndex(4, "Whales again", "More whales.")))
    catch_up(tmp_path, record, ENCODER.id)
    assert (len(before.lexicon), len(before.word_ids)) == (3, 3)
    assert len(reader) == 4


@pytest.mark.parametrize(
    "spoil",
    [
        lambda state: {**state, "format": 99},
        lambda state: {**state, "seed": 1},
        lambda state: {**state, "seq": 10_000},
        lambda state: {**state, "words_bytes": 10**9},
        lambda state: [],
    ],
)
def test_a_shard_that_does_not_fit_is_built_anew(
    tmp_path: Path, record: FakeRecord, spoil: Callable[[dict[str, object]], object]
) -> None:
    catch_up(tmp_path, record, ENCODER.id)
    record.put(record.now[1])
    path = tmp_path / "state.json"
    path.write_text(json.dumps(spoil(json.loads(path.read_text()))))
    catch_up(tmp_path, record, ENCODER.id)
    assert agree(tmp_path) == {1, 2, 3}
    assert by_words(tmp_path, "whales") == [1]


def test_another_encoder_means_a_new_shard_and_the_old_answers_until_it_is_there(
    tmp_path: Path, record: FakeRecord
) -> None:
    catch_up(tmp_path, record, ENCODER.id)
    other = FakeEncoder("other", 32)
    for paper in list(record.now.values()):
        record.put(*encoded(other, paper), text=False)
    seen = []
    catch_up(tmp_path, record, "other", lambda done, total=None: seen.append(len(by_words(tmp_path, "whales"))))
    assert seen and set(seen) == {1}
    results = ShardReader(tmp_path, ENCODER).search("whales")
    assert "another encoder" in results.notes[0]
    assert {hit.block for hit in ShardReader(tmp_path, other).search("whales").hits} == {"words", "meaning"}


def test_a_missing_file_is_repaired(tmp_path: Path, record: FakeRecord) -> None:
    catch_up(tmp_path, record, ENCODER.id)
    next(tmp_path.glob("g*/word_id.i8")).unlink()
    record.put(record.now[1])
    catch_up(tmp_path, record, ENCODER.id)
    assert agree(tmp_path) == {1, 2, 3}


def test_what_a_crash_left_behind_the_known_rows_disappears(tmp_path: Path, record: FakeRecord) -> None:
    catch_up(tmp_path, record, ENCODER.id)
    for file in tmp_path.glob("g*/*.*"):
        if file.is_file():
            with file.open("ab") as end:
                end.write(b"torn")
    record.put(*encoded(ENCODER, PaperToIndex(4, "Whales again", "More whales.")))
    catch_up(tmp_path, record, ENCODER.id)
    assert agree(tmp_path) == {1, 2, 3, 4}
    assert sorted(by_words(tmp_path, "whales")) == [1, 4]


def test_a_commit_of_words_that_the_state_does_not_know_is_rolled_forward(tmp_path: Path, record: FakeRecord) -> None:
    catch_up(tmp_path, record, ENCODER.id)
    state = (tmp_path / "state.json").read_bytes()
    record.put(*encoded(ENCODER, PaperToIndex(4, "Whales again", "More whales.")))
    catch_up(tmp_path, record, ENCODER.id)
    (tmp_path / "state.json").write_bytes(state)
    assert sorted(by_words(tmp_path, "whales")) == [1]
    catch_up(tmp_path, record, ENCODER.id)
    assert agree(tmp_path) == {1, 2, 3, 4}


def test_many_dead_rows_are_compacted_away(tmp_path: Path, record: FakeRecord) -> None:
    catch_up(tmp_path, record, ENCODER.id)
    for n in range(3):
        record.put(*encoded(ENCODER, replace(record.now[1], abstract=f"Whales sing {n} songs.")))
        catch_up(tmp_path, record, ENCODER.id)
    state = ShardReader(tmp_path).state
    assert state is not None
    assert (state.words, state.words_dead, state.vectors, state.vectors_dead) == (3, 0, 3, 0)
    assert len(list(tmp_path.glob("g*"))) == 1
    assert agree(tmp_path) == {1, 2, 3}


def test_a_second_catch_up_beside_the_first_returns_at_once(tmp_path: Path, record: FakeRecord) -> None:
    inner: list[bool] = []
    catch_up(tmp_path, record, "", lambda done, total=None: inner.append(catch_up(tmp_path, record, "").busy))
    assert inner == [True]


def test_vectors_of_two_lengths_are_refused_and_nothing_of_the_batch_exists(tmp_path: Path, record: FakeRecord) -> None:
    catch_up(tmp_path, record, ENCODER.id)
    record.put(replace(TIDES, id=9, vector=np.ones(3, dtype=np.float16)))
    with pytest.raises(ValueError, match="length 64"):
        catch_up(tmp_path, record, ENCODER.id)
    assert agree(tmp_path) == {1, 2, 3}


def test_a_build_of_many_batches_says_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 10)
    monkeypatch.setattr(module, "COMMIT", 20)
    record = FakeRecord()
    record.put(*(PaperToIndex(n, f"Paper {n}", "About whales.") for n in range(1, 96)))
    told: list[tuple[int, int | None]] = []
    catch_up(tmp_path, record, "", lambda done, total=None: told.append((done, total)))
    assert told[0] == (10, 95)
    assert told[-1] == (95, 95)
    assert len(by_words(tmp_path, "whales")) == 95


@pytest.mark.parametrize(
    ("one", "wanted"),
    [
        (Filter(categories=("q-bio.NC",)), {1}),
        (Filter(categories=("Q-BIO",)), {1, 3}),
        (Filter(categories=("astro-ph", "q-bio.CB")), {2, 3}),
        (Filter(categories=("none",)), set()),
        (Filter(sources=("x",)), {2}),
        (Filter(has_code=True), {3}),
        (Filter(has_code=False), {1, 2}),
        (Filter(since=date(2024, 5, 2)), {2}),
        (Filter(until=date(2024, 5, 1)), {1}),
        (Filter(since=date(2024, 5, 1), until=date(2024, 5, 2)), {1, 2}),
        (Filter(), {1, 2, 3}),
    ],
)
def test_a_filter_gives_the_same_papers_in_both_halves(
    tmp_path: Path, record: FakeRecord, one: Filter, wanted: set[int]
) -> None:
    catch_up(tmp_path, record, ENCODER.id)
    reader = ShardReader(tmp_path, ENCODER)
    snapshot = reader.snapshot()
    assert snapshot is not None
    words = snapshot.papers(snapshot.lexicon.newest([], snapshot.lexicon.clauses([one]), 10).rows)
    meaning = [hit.paper for hit in reader.search("whales", mode="semantic", filter=one).hits]
    assert (set(words), set(meaning)) == (wanted, wanted)


def test_readers_in_threads_see_whole_commits_while_the_shard_grows(tmp_path: Path, record: FakeRecord) -> None:
    catch_up(tmp_path, record, ENCODER.id)
    reader, done, wrong = ShardReader(tmp_path, ENCODER), threading.Event(), []

    def read() -> None:
        while not done.is_set():
            snapshot = reader.snapshot()
            if snapshot and len(snapshot.lexicon) != snapshot.state.words - snapshot.state.words_dead:
                wrong.append(snapshot.state)

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for n in range(10, 25):
        record.put(*encoded(ENCODER, PaperToIndex(n, f"Whale {n}", "Whales.")))
        record.put(*encoded(ENCODER, replace(record.now[1], abstract=f"Revised {n} times.")))
        catch_up(tmp_path, record, ENCODER.id)
    done.set()
    for thread in threads:
        thread.join()
    assert wrong == []
