"""Proxies keep time, and a reader who would learn from the future is refused."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from broadsheet.bench import foryou_readers
from broadsheet.bench.foryou_readers import (
    Reader,
    World,
    authors,
    before,
    interests,
    one_person,
    refuse_leaks,
    split,
    unit,
)
from broadsheet.bench.report import CannotMeasure
from broadsheet.search.types import PaperToIndex

NONE = np.zeros(0, np.int64)
FIELDS = ("cs.CL", "cs.LG", "cs.RO", "cs.SE", "cs.DB")


def _papers(count: int = 1500) -> list[PaperToIndex]:
    """Give papers of two a day: Ada Lovelace and Mary Somerville write with friends, Wei Wang is many."""
    draw = np.random.default_rng(3)
    found = []
    for row in range(count):
        names = [f"Passing Person{row}"]
        if row % 30 == 0:
            names = ["Ada Lovelace", "Charles Babbage", f"Student Number{row % 4}"]
        if row % 45 == 7:
            names = ["Mary Somerville", f"Visitor Number{row}", "William Somerville"]
        if row % 30 == 11:
            names = ["Ambiguous Wang", f"Colleague Number{row}"]
        codes = tuple(draw.choice(FIELDS, 2, replace=False))
        day = date(2020, 1, 1) + timedelta(days=row // 2)
        found.append(PaperToIndex(row + 1, f"Title {row}", "About it.", tuple(names), codes, day=day))
    return found


PAPERS = _papers()
WORLD = World(
    tuple((paper.title, paper.abstract) for paper in PAPERS),
    np.zeros((len(PAPERS), 0), np.float32),
    np.array([paper.day.toordinal() for paper in PAPERS if paper.day]),
    before(PAPERS),
)


def test_authors_who_are_one_person_become_readers_of_their_own_papers() -> None:
    found = {reader.name: reader for reader in authors(PAPERS, WORLD, 10)}
    assert {"Ada Lovelace", "Mary Somerville"} <= found.keys()
    assert "Ambiguous Wang" not in found
    ada = found["Ada Lovelace"]
    held = ada.tested[ada.grades > 0]
    assert {PAPERS[row].authors[0] for row in [*ada.likes, *held]} == {"Ada Lovelace"}
    assert len(held) == 10
    assert not any("Ada Lovelace" in PAPERS[row].authors for row in ada.tested[ada.grades == 0])
    assert (np.diff(ada.likes) > 0).all()


def test_a_name_of_many_people_falls_apart() -> None:
    wang = [row for row, paper in enumerate(PAPERS) if "Ambiguous Wang" in paper.authors]
    ada = [row for row, paper in enumerate(PAPERS) if "Ada Lovelace" in paper.authors]
    assert one_person("Ada Lovelace", ada, PAPERS)
    assert not one_person("Ambiguous Wang", wang, PAPERS)


def test_interests_are_two_pairs_of_categories() -> None:
    for reader in interests(PAPERS, WORLD, 5):
        pairs = {frozenset(PAPERS[row].categories) for row in [*reader.likes, *reader.tested[reader.grades > 0]]}
        assert len(pairs) == 2
        no_interest = np.concatenate([reader.tested[reader.grades == 0], reader.unwanted])
        assert not pairs & {frozenset(PAPERS[row].categories) for row in no_interest}


@pytest.mark.parametrize("make", [authors, interests])
def test_all_that_is_learned_from_is_of_earlier_days_than_what_is_tested(make: object) -> None:
    found = make(PAPERS, WORLD, 10)  # type: ignore[operator]
    assert found
    for reader in found:
        refuse_leaks(WORLD, reader)
        assert WORLD.days is not None
        learned = np.concatenate([reader.likes, reader.others, reader.unwanted, WORLD.known])
        assert WORLD.days[learned].max() < WORLD.days[reader.tested].min()
        assert not np.isin(reader.others, reader.likes).any()


def _reader() -> Reader:
    found = split("ada", np.arange(0, 1500, 30), np.arange(0, 1500, 30), WORLD)
    assert found is not None
    return found


@pytest.mark.parametrize("part", ["likes", "dislikes", "others", "unwanted"])
def test_a_planted_leak_from_the_future_is_refused(part: str) -> None:
    reader = _reader()
    refuse_leaks(WORLD, reader)
    future = np.append(getattr(reader, part), len(PAPERS) - 1)
    tested = reader.tested[reader.tested != len(PAPERS) - 1]
    sound = replace(reader, tested=tested, grades=reader.grades[: len(tested)])
    with pytest.raises(CannotMeasure, match="the future"):
        refuse_leaks(WORLD, replace(sound, **{part: future}))  # type: ignore[arg-type]


def test_a_paper_of_the_first_day_of_the_test_is_the_future() -> None:
    reader = _reader()
    first = int(reader.tested.min())
    one, other = first // 2 * 2, first // 2 * 2 + 1
    kept = np.append(reader.tested[~np.isin(reader.tested, [one, other])], one)
    sound = replace(reader, tested=kept, grades=np.ones(len(kept)))
    refuse_leaks(WORLD, sound)
    with pytest.raises(CannotMeasure, match="the future"):
        refuse_leaks(WORLD, replace(sound, likes=np.append(reader.likes, other)))


def test_a_background_from_the_future_is_refused() -> None:
    with pytest.raises(CannotMeasure, match="the future"):
        refuse_leaks(replace(WORLD, known=np.arange(len(PAPERS))), _reader())


def test_without_time_no_paper_is_both_learned_from_and_tested() -> None:
    reader = _reader()
    timeless = replace(WORLD, days=None)
    refuse_leaks(timeless, reader)
    with pytest.raises(CannotMeasure, match="learned from"):
        refuse_leaks(timeless, replace(reader, likes=np.append(reader.likes, reader.tested[0])))


def test_fewer_likes_are_the_latest_ones_where_there_is_time() -> None:
    reader = _reader()
    assert reader.learning_from(3, WORLD).likes.tolist() == reader.likes[-3:].tolist()
    assert reader.learning_from(3, replace(WORLD, days=None)).likes.tolist() == reader.likes[:3].tolist()
    assert reader.learning_from(None, WORLD) is reader


def test_a_fifth_of_the_likes_is_flipped_on_average_and_the_true_ones_go_among_the_others() -> None:
    reader = _reader()
    for count in (3, 5, 10):
        shares = []
        for start in range(len(reader.likes) - count):
            one = replace(reader, likes=reader.likes[start : start + count])
            noisy = one.flipped()
            gone = one.likes[~np.isin(one.likes, noisy.likes)]
            assert np.isin(gone, noisy.others).all()
            assert len(np.unique(noisy.likes)) == count
            assert not np.isin(noisy.likes, noisy.others).any()
            assert np.isin(noisy.likes[~np.isin(noisy.likes, one.likes)], reader.unwanted).all()
            assert one.flipped().likes.tolist() == noisy.likes.tolist()
            shares.append(len(gone) / count)
        assert np.mean(shares) == pytest.approx(0.2, abs=0.12)


def test_a_reader_of_too_few_papers_is_none() -> None:
    assert split("two", np.array([10, 1400]), NONE, WORLD) is None


def test_vectors_get_length_one_and_none_stays_none() -> None:
    found = unit(np.array([[3, 4], [0, 0]], np.float16))
    assert found.tolist() == [[np.float32(0.6), np.float32(0.8)], [0, 0]]


def test_topics_hold_out_documents_of_the_half_that_is_not_known() -> None:
    world = World(WORLD.contents[:400], np.zeros((400, 0), np.float32), None, np.arange(0, 400, 2))
    grades = {row: 1 + row % 4 for row in range(30)}
    reader = foryou_readers._asked("q", grades, world)
    refuse_leaks(world, reader)
    assert not np.isin(reader.tested, world.known).any()
    held = reader.tested[reader.grades > 0]
    assert [grades[int(row)] for row in held] == reader.grades[: len(held)].tolist()
    assert (len(held), len(reader.likes)) == (7, 23)
