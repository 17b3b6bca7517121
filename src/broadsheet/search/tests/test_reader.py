"""What a reader of a shard is given."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broadsheet.search.shard import ShardReader, catch_up
from broadsheet.search.tests.fakes import FakeEncoder, FakeRecord, encoded
from broadsheet.search.types import Filter, PaperToIndex

ENCODER = FakeEncoder()
PAPERS = [
    PaperToIndex(1, "Whale song", "How whales sing.", ("Ada Berg",), ("q-bio.NC",), ("arxiv:2406.01234",), "arxiv"),
    PaperToIndex(2, "Night song of birds", "Birds sing like no whale.", ("Bo Li",), ("q-bio.NC",)),
    PaperToIndex(3, "Birds at night", "A whale of a song: birds.", ("Ada Stone",), ("cs.SD",)),
    PaperToIndex(4, "Tides", "The moon pulls water.", ("Li Ada",), ("astro-ph",)),
    PaperToIndex(5, "Bread", "Yeast makes gas in dough.", ("Bo Berg",), ("q-bio.CB",)),
]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> ShardReader:
    path = tmp_path_factory.mktemp("shard")
    record = FakeRecord()
    days = [date(2024, 5, n) for n in range(1, 6)]
    record.put(*encoded(ENCODER, *(replace(p, day=day) for p, day in zip(PAPERS, days, strict=True))))
    catch_up(path, record, ENCODER.id)
    return ShardReader(path, ENCODER)


def papers(reader: ShardReader, query: str, block: str = "words") -> list[int]:
    return [hit.paper for hit in reader.search(query).hits if hit.block == block]


def test_the_page_has_words_first_then_meaning_and_no_paper_twice(reader: ShardReader) -> None:
    hits = reader.search("whale song").hits
    assert [hit.paper for hit in hits if hit.block == "words"] == [1, 3, 2]
    assert sorted(hit.paper for hit in hits) == [1, 2, 3, 4, 5]
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_every_hit_says_why(reader: ShardReader) -> None:
    first = reader.search("whale song").hits[0]
    assert first.why == {"typos": 0, "proximity": 1, "title_words": 2, "attribute": "title", "words": ["whale", "song"]}
    assert set(reader.search("whale song").hits[-1].why) == {"similarity"}
    assert set(reader.search("whale song", mode="hybrid").hits[0].why) == {"words", "meaning"}


def test_without_words_in_common_meaning_is_alone(reader: ShardReader) -> None:
    results = reader.search("xylophone quartz")
    assert {hit.block for hit in results.hits} == {"meaning"}


def test_the_modes_are_the_halves_of_the_page(reader: ShardReader) -> None:
    assert {hit.block for hit in reader.search("whale", mode="lexical").hits} == {"words"}
    assert {hit.block for hit in reader.search("whale", mode="semantic").hits} == {"meaning"}
    assert {hit.block for hit in reader.search("whale", mode="hybrid").hits} == {""}


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("author:ada", [4, 3, 1]),
        ('author:"ada berg"', [1]),
        ("song author:li", [2]),
        ("whale -birds", [1]),
        ('"whale song"', [1]),
        ('"song of"', [2]),
        ('"bread rises"', []),
        ("song cat:q-bio", [2, 1]),
        ("song cat:cs.SD", [3]),
        ("song until:2024-05-02", [2, 1]),
        ("song date:2024-05-03", [3]),
        ("id:2406.01234", [1]),
        ("cat:q-bio.NC", [2, 1]),
        ("source:arxiv", [1]),
    ],
)
def test_the_language_of_the_box_finds_what_it_says(reader: ShardReader, query: str, wanted: list[int]) -> None:
    assert papers(reader, query) == wanted


def test_a_phrase_that_no_paper_holds_is_looked_for_word_by_word(reader: ShardReader) -> None:
    results = reader.search('"song night"')
    assert [hit.paper for hit in results.hits if hit.block == "words"] == [2, 3]
    assert "in quotes" in results.notes[0]


def test_exclusions_and_authors_hold_for_the_block_by_meaning_too(reader: ShardReader) -> None:
    assert 2 not in [hit.paper for hit in reader.search("whale -birds").hits]
    assert {hit.paper for hit in reader.search("whale author:ada").hits} == {1, 3, 4}


def test_an_identifier_finds_its_paper_and_says_so(reader: ShardReader) -> None:
    results = reader.search("https://arxiv.org/abs/2406.01234v1")
    assert results.identifier == "arxiv:2406.01234"
    assert [hit.paper for hit in results.hits] == [1]
    assert reader.search("2406.99999").hits == ()


def test_without_an_encoder_words_alone_and_a_note(reader: ShardReader) -> None:
    results = ShardReader(reader.path).search("whale song")
    assert {hit.block for hit in results.hits} == {"words"}
    assert "no encoder" in results.notes[0]


def test_a_damaged_shard_is_said_to_be_one(tmp_path: Path) -> None:
    record = FakeRecord()
    record.put(*PAPERS)
    catch_up(tmp_path, record)
    next(tmp_path.glob("g*/words.u1")).unlink()
    results = ShardReader(tmp_path).search("whale")
    assert (results.hits, results.partial) == ((), True)
    assert "built anew" in results.notes[0]


def test_the_limit_counts_both_blocks_and_the_total_does_not_stop_there(reader: ShardReader) -> None:
    results = reader.search("song", limit=2)
    assert (len(results.hits), results.total) == (2, 3)
    assert reader.search("song", limit=0).hits == ()


def test_similar_papers_leave_out_the_paper_itself(reader: ShardReader) -> None:
    found = [hit.paper for hit in reader.similar(1, 3).hits]
    assert len(found) == 3
    assert 1 not in found
    assert [hit.paper for hit in reader.similar(1, 3, Filter(categories=("cs",))).hits] == [3]
    assert reader.similar(99).hits == ()


def test_similar_papers_are_found_by_words_where_there_are_no_vectors(tmp_path: Path) -> None:
    record = FakeRecord()
    record.put(*PAPERS)
    catch_up(tmp_path, record)
    hits = ShardReader(tmp_path).similar(3, 2).hits
    assert [hit.paper for hit in hits] == [2, 1]
    assert "birds" in str(hits[0].why["words"])


def test_more_matches_than_are_ordered_exactly_are_still_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("broadsheet.search.words_block.CANDIDATES", 20)
    monkeypatch.setattr("broadsheet.search.words_block.TIER", 5)
    record = FakeRecord()
    record.put(*(PaperToIndex(n, "Note", "A song. A whale.", day=date.fromordinal(735000 + n)) for n in range(1, 100)))
    record.put(PaperToIndex(100, "Old whale song", "x", day=date(1990, 1, 1)))
    record.put(PaperToIndex(101, "Old", "the whale song", day=date(1990, 1, 2)))
    catch_up(tmp_path, record)
    results = ShardReader(tmp_path).search("whale song", limit=10)
    assert results.total == 101
    assert [hit.paper for hit in results.hits[:4]] == [100, 101, 99, 98]


def test_copies_of_an_index_agree_where_more_papers_of_a_day_match_than_are_ordered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("broadsheet.search.words_block.CANDIDATES", 20)
    monkeypatch.setattr("broadsheet.search.words_block.TIER", 5)
    texts = ("A whale and its song.", "The whale song.", "A song, later on a whale.", "Song of whales, whale.")
    papers = [PaperToIndex(n, "Note", texts[n % 4], day=date(2024, 5, 1)) for n in range(1, 100)]
    record = FakeRecord()
    record.put(*papers)
    catch_up(tmp_path / "at once", record)
    grown = FakeRecord()
    for at in range(80, -1, -20):
        grown.put(*papers[at : at + 20])
        catch_up(tmp_path / "grown", grown)
    for query in ("whale song", "whale", "whales song", "note"):
        found = [ShardReader(tmp_path / name).search(query, limit=10) for name in ("at once", "grown")]
        assert [hit.paper for hit in found[0].hits] == [hit.paper for hit in found[1].hits]
        assert len(found[0].hits) == 10


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.text(max_size=60) | st.from_regex(r'([-"]?(author|cat|id|from|x)?:?["\w.*~^\-]{0,9} ?){0,6}', fullmatch=True))
def test_every_text_can_be_searched_in_every_mode(reader: ShardReader, text: str) -> None:
    for mode in ("page", "hybrid", "lexical", "semantic"):
        results = reader.search(text, mode=mode, limit=4)
        assert len(results.hits) <= 4
        assert len({hit.paper for hit in results.hits}) == len(results.hits)
