"""Several shards that answer as one: one shard with the same papers is the oracle."""

import re
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from broadsheet.search.divided import Divided, Shards
from broadsheet.search.dividing import DIVISION, Share, arrangement, catch_up_all, place, places, shard_of
from broadsheet.search.executor import Deadline, Part, Question
from broadsheet.search.gather import LATE, NO_ENCODER, NO_PHRASE, NO_SHARD, NO_VECTORS, OTHER_ENCODER
from broadsheet.search.shard import ShardReader, catch_up
from broadsheet.search.tests.fakes import FakeEncoder, FakeRecord, encoded
from broadsheet.search.types import Filter, Mode, PaperToIndex

ENCODER = FakeEncoder()
PAPERS = 600
WORDS = re.findall(r"\w+", "whale song night moon tide bread yeast graph proof spin lattice quark dose trial neuron")
MODES: tuple[Mode, ...] = ("page", "hybrid", "lexical", "semantic")
QUERIES = (
    "whale song",
    "graph proofs of the lattice",
    "latice",
    "quark spin moon",
    '"whale song" night',
    '"whale zebra"',
    "graph -dose",
    "author:berg neuron",
    "cat:cs from:2024-02-01",
    "cat:cs.LG yeast",
    "arxiv:2406.00042",
    "id:arxiv:2406.00042",
    "zebra",
    "",
    "the of",
)


def made(count: int = PAPERS) -> list[PaperToIndex]:
    draw = np.random.default_rng(20240527)
    papers = []
    for number in range(1, count + 1):
        text = " ".join(draw.choice(WORDS, int(draw.integers(5, 40))).tolist())
        papers.append(
            PaperToIndex(
                id=number,
                title=" ".join(draw.choice(WORDS, 3).tolist()),
                abstract=f"{text}.",
                authors=(("Ada Berg", "Bo Li", "Cy Stone")[number % 3],),
                categories=(("cs.LG", "cs.CL", "math.CO")[number % 3],),
                identifiers=(f"arxiv:2406.{number:05d}",),
                source="arxiv",
                day=date(2024, 1, 1) + timedelta(days=number % 60),
            )
        )
    return encoded(ENCODER, *papers)


@pytest.fixture(scope="module")
def record() -> FakeRecord:
    record = FakeRecord()
    record.put(*made())
    return record


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory, record: FakeRecord) -> ShardReader:
    path = tmp_path_factory.mktemp("one")
    catch_up(path, record, ENCODER.id)
    return ShardReader(path, ENCODER)


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory, record: FakeRecord) -> Divided:
    path = tmp_path_factory.mktemp("four")
    catch_up_all(path, 4, record, ENCODER.id)
    return Divided(path, 4, ENCODER, patience=None)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("wanted", [Filter(), Filter(categories=("cs",), until=date(2024, 2, 10))])
def test_four_shards_answer_as_one(one: ShardReader, four: Divided, query: str, mode: Mode, wanted: Filter) -> None:
    alone, divided = one.search(query, mode, 100, wanted), four.search(query, mode, 100, wanted)
    assert [(hit.paper, hit.block, hit.why.get("words") if mode == "page" else None) for hit in divided.hits] == [
        (hit.paper, hit.block, hit.why.get("words") if mode == "page" else None) for hit in alone.hits
    ]
    assert [hit.score for hit in divided.hits] == pytest.approx([hit.score for hit in alone.hits], abs=1e-5)
    assert (divided.total, divided.notes, divided.identifier, divided.partial) == (
        alone.total,
        alone.notes,
        alone.identifier,
        alone.partial,
    )


def test_four_shards_find_what_is_like_a_paper_as_one_does(one: ShardReader, four: Divided) -> None:
    for paper in (1, 17, 300, 10_000):
        assert [hit.paper for hit in four.similar(paper).hits] == [hit.paper for hit in one.similar(paper).hits]
        assert four.similar(paper).notes == one.similar(paper).notes
        assert paper not in {hit.paper for hit in four.similar(paper).hits}
    vector = ENCODER.encode(["whales sing to the moon"])[0]
    alone, divided = one.nearest(vector, 30), four.nearest(vector, 30)
    assert [hit.paper for hit in divided.hits] == [hit.paper for hit in alone.hits]


def test_papers_without_vectors_are_alike_by_their_rarest_words_wherever_they_are(tmp_path: Path) -> None:
    record = FakeRecord()
    record.put(*(replace(paper, vector=None) for paper in made(200)))
    catch_up(tmp_path / "one", record)
    catch_up_all(tmp_path / "three", 3, record)
    one, three = ShardReader(tmp_path / "one", ENCODER), Divided(tmp_path / "three", 3, ENCODER)
    for paper in (1, 50, 111):
        alone, divided = one.similar(paper, 10), three.similar(paper, 10)
        assert len(divided.hits) == 10
        scores = {hit.paper: hit.score for hit in one.similar(paper, 200).hits}
        # The mean length of a paper is each shard's own here, so papers that score nearly alike may change places.
        assert [scores[hit.paper] for hit in divided.hits] == pytest.approx([h.score for h in alone.hits], rel=0.03)
        assert divided.hits[0].why["words"]
    assert three.search("whale").notes == (NO_VECTORS,)


def test_the_shards_hold_every_paper_once_and_about_the_same_number(four: Divided, record: FakeRecord) -> None:
    sizes = [len(reader) for reader in four.readers]
    assert sum(sizes) == len(four) == PAPERS
    assert min(sizes) > PAPERS / 4 * 0.75
    assert four.state
    assert (four.state.seq, four.state.words, four.state.vectors) == (record.head(), PAPERS, PAPERS)


def test_the_shard_of_a_paper_is_part_of_the_format() -> None:
    assert shard_of(np.arange(1, 9), 4).tolist() == [shard_of(np.array([n]), 4)[0] for n in range(1, 9)]
    assert shard_of(np.array([1, 2, 10**12]), 1_000_003).tolist() == [_mixed(n) % 1_000_003 for n in (1, 2, 10**12)]
    # Papers must not move between releases.
    assert shard_of(np.arange(1, 9), 4).tolist() == [1, 2, 0, 0, 0, 0, 0, 0]


def _mixed(value: int) -> int:
    """SplitMix64's finaliser, in whole numbers of any size."""
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB % 2**64
    return value ^ (value >> 31)


def test_a_share_of_the_log_tells_its_own_changes_and_how_far_it_looked(record: FakeRecord) -> None:
    seen: set[int] = set()
    for shard in range(4):
        share = Share(record, shard, 4)
        changes = share.since(0, 10_000)
        assert changes[-1][0] == share.head() == record.head()
        mine = share.papers([paper for _, paper, _ in changes])
        assert not seen & set(mine)
        seen |= set(mine)
    assert seen == set(record.now)
    assert Share(record, 0, 4).since(record.head(), 10) == []


def test_revisions_and_withdrawals_reach_the_shard_they_belong_to(tmp_path: Path) -> None:
    record = FakeRecord()
    record.put(*made(60))
    catch_up_all(tmp_path, 3, record, ENCODER.id)
    reader = Shards(tmp_path, ENCODER)
    for paper in (5, 6, 7):
        record.put(*encoded(ENCODER, replace(record.now[paper], title="Zebra stripes")))
    record.withdraw(8, 9)
    assert catch_up_all(tmp_path, 3, record, ENCODER.id).seq == record.head()
    assert sorted(hit.paper for hit in reader.search("zebra", "lexical").hits) == [5, 6, 7]
    assert len(reader) == 58
    assert catch_up_all(tmp_path, 3, record, ENCODER.id).changes == 0


class Stuck(ShardReader):
    """A shard that answers when it is told to."""

    released: threading.Event

    def part(self, question: Question, shard: int = 0) -> Part:
        self.released.wait(10)
        return super().part(question, shard)


def stuck(path: Path, released: threading.Event) -> Stuck:
    reader = Stuck(path)
    reader.released = released
    return reader


def test_a_shard_that_is_late_is_left_out_and_the_answer_says_so(
    four: Divided, caplog: pytest.LogCaptureFixture
) -> None:
    released = threading.Event()
    partly = Divided(four.readers[0].path.parents[1], 4, ENCODER, patience=0.3)
    missing = partly.readers[2]
    partly.readers[2] = stuck(missing.path, released)
    try:
        for mode in MODES:
            results = partly.search("whale song", mode, PAPERS)
            assert results.partial
            assert LATE in results.notes
            papers = [hit.paper for hit in results.hits]
            assert papers
            assert not np.any(shard_of(np.array(papers), 4) == 2)
            blocks = [hit.block for hit in results.hits]
            assert blocks == sorted(blocks, reverse=True)
        assert "shard 2 did not answer in time" in caplog.text
    finally:
        released.set()
    partly.readers[2] = missing
    partly.patience = None
    assert partly.search("whale song") == four.search("whale song")


def test_what_came_in_time_keeps_the_order_it_has_in_a_whole_answer(four: Divided) -> None:
    released = threading.Event()
    partly = Divided(four.readers[0].path.parents[1], 4, ENCODER, patience=0.3)
    partly.readers[1] = stuck(partly.readers[1].path, released)
    try:
        some = [hit.paper for hit in partly.search("whale song", "lexical", PAPERS).hits]
    finally:
        released.set()
    whole = [hit.paper for hit in four.search("whale song", "lexical", PAPERS).hits]
    assert some == [paper for paper in whole if paper in set(some)]


def test_a_shard_that_fails_is_left_out_and_logged(four: Divided, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(ShardReader):
        def part(self, question: Question, shard: int = 0) -> Part:
            raise OSError("the disk is gone")

    partly = Divided(four.readers[0].path.parents[1], 4, ENCODER)
    partly.readers[3] = Broken(partly.readers[3].path)
    assert partly.search("whale").partial
    assert "the disk is gone" in caplog.text


def test_nothing_indexed_and_part_of_it_missing_are_told_apart(tmp_path: Path) -> None:
    assert Divided(tmp_path, 2).search("whale").notes == (NO_SHARD,)
    assert not Divided(tmp_path, 2).search("whale").partial
    record = FakeRecord()
    record.put(*made(20))
    catch_up(place(tmp_path, 2, 0), Share(record, 0, 2), ENCODER.id)
    half = Divided(tmp_path, 2, ENCODER)
    assert half.search("whale").partial
    assert half.state
    assert half.state.seq == 0


def test_notes_are_as_of_one_shard(four: Divided) -> None:
    path = four.readers[0].path.parents[1]
    assert Divided(path, 4).search("whale").notes == (NO_ENCODER,)
    assert Divided(path, 4, FakeEncoder(id="other")).search("whale").notes == (OTHER_ENCODER,)
    assert four.search('"whale zebra"').notes == (NO_PHRASE,)


def found(reader: Shards, query: str = "whale") -> list[int]:
    return [hit.paper for hit in reader.search(query, "lexical").hits]


@pytest.mark.parametrize("numbers", [(1, 3), (3, 1), (2, 4)])
def test_another_number_of_shards_is_built_beside_the_old_one_and_swapped_in(
    tmp_path: Path, numbers: Sequence[int]
) -> None:
    before, after = numbers
    record = FakeRecord()
    record.put(*made(80))
    catch_up_all(tmp_path, before, record, ENCODER.id)
    reader = Shards(tmp_path, ENCODER)
    expected = found(reader)
    assert expected
    held = reader.now()
    asked: list[list[int]] = []

    def meanwhile(done: int, total: int | None = None) -> None:
        asked.append(found(reader))

    done = catch_up_all(tmp_path, after, record, ENCODER.id, progress=meanwhile)
    assert done.rebuilt
    assert asked
    assert all(answer == expected for answer in asked)
    assert arrangement(tmp_path) == after
    assert found(reader) == expected
    # Whoever still has the old files open goes on.
    assert [hit.paper for hit in held.search("whale", "lexical").hits] == expected
    assert not [one for one in places(tmp_path, before) if (one / "state.json").exists()]
    record.put(*encoded(ENCODER, replace(record.now[3], title="Zebra")))
    catch_up_all(tmp_path, after, record, ENCODER.id)
    assert found(reader, "zebra") == [3]


def test_one_shard_stays_as_it_always_was(tmp_path: Path) -> None:
    record = FakeRecord()
    record.put(*made(10))
    catch_up_all(tmp_path, 1, record, ENCODER.id)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["g1", "lock", "state.json"]
    assert isinstance(Shards(tmp_path, ENCODER).now(), ShardReader)


def test_a_division_that_cannot_be_read_counts_as_none(tmp_path: Path) -> None:
    for text in ("", "[]", '{"shards": 0}', '{"shards": "four"}'):
        (tmp_path / DIVISION).write_text(text)
        assert arrangement(tmp_path) == 1


def test_a_deadline_counts_down_to_nothing() -> None:
    moments = iter([10.0, 11.0, 14.0])
    deadline = Deadline.within(3.0, lambda: next(moments))
    assert deadline.left() == 2.0
    assert deadline.left() == 0.0
    assert Deadline.within(None).left() is None
