"""What the bench of the cluster takes for a right answer, and the log that grows under it."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from broadsheet.bench.cluster_judging import Asked, Book, Stillness, Verdict, as_good, judged, same_order, same_set
from broadsheet.bench.cluster_log import StoredLog
from broadsheet.search.types import Hit, PaperToIndex, Results


def hits(*pairs: tuple[int, float]) -> Sequence[Hit]:
    return [Hit(paper, "", score) for paper, score in pairs]


def asked(kind: str, verdict: Verdict) -> Asked:
    return Asked(kind, 0.0, 1.0, verdict)


def test_order_and_set_are_two_questions() -> None:
    one, other = hits((1, 0.9), (2, 0.8)), hits((2, 0.9), (1, 0.8))
    assert same_set(one, other) and not same_order(one, other)
    assert not same_set(one, one[:1])


def test_papers_may_change_places_only_where_their_scores_are_equal() -> None:
    expected = hits((1, 0.9), (2, 0.5), (3, 0.5), (4, 0.1))
    assert as_good(expected, hits((1, 0.9), (3, 0.5), (2, 0.5), (4, 0.1)))
    assert not as_good(expected, hits((2, 0.9), (1, 0.5), (3, 0.5), (4, 0.1)))


def test_another_paper_may_stand_at_the_end_where_it_has_the_score_of_the_last() -> None:
    expected = hits((1, 0.9), (2, 0.5), (3, 0.5))
    assert as_good(expected, hits((1, 0.9), (2, 0.5), (7, 0.5)))
    assert not as_good(expected, hits((7, 0.9), (2, 0.5), (3, 0.5)))


def test_an_answer_that_lacks_papers_is_not_as_good() -> None:
    assert not as_good(hits((1, 0.9), (2, 0.5)), hits((1, 0.9)))
    assert not as_good(hits((1, 0.9)), hits())
    assert as_good(hits(), hits())


def test_sums_in_another_order_are_not_another_answer() -> None:
    assert as_good(hits((1, 0.9), (2, 0.5)), hits((1, 0.9 + 1e-7), (2, 0.5 - 1e-7)))


@pytest.mark.parametrize(
    ("partial", "right", "verdict"),
    [
        (True, False, "partial"),
        (True, True, "partial"),
        (False, True, "right"),
        (False, False, "wrong"),
        (False, None, "open"),
    ],
)
def test_only_an_answer_that_is_not_marked_can_be_wrong(partial: bool, right: bool | None, verdict: Verdict) -> None:
    assert judged(Results((), 0, partial=partial), right) == verdict


def test_the_book_counts_by_verdict_and_kind() -> None:
    book = Book()
    assert book.partial_share() == 0.0
    for one in (asked("page", "right"), asked("page", "partial"), asked("meaning", "right"), asked("page", "wrong")):
        book.note(one)
    assert (book.count("right"), book.count("right", "page"), book.count("open")) == (2, 1, 0)
    assert book.partial_share() == 0.25


def test_what_was_killed_has_recovered_when_the_last_partial_answer_was_given() -> None:
    book = Book()
    for ended, verdict in ((1.0, "partial"), (3.0, "partial"), (4.0, "right")):
        book.note(Asked("page", 0.5, ended, verdict))  # type: ignore[arg-type]
    assert book.last_partial(2.0) == 3.0
    assert book.last_partial(3.5) == 3.5


def test_answers_are_compared_inside_one_time_of_stillness_alone() -> None:
    still = Stillness()
    assert still.moment() is None
    still.begins()
    first = still.moment()
    assert first is not None and still.moment() == first
    still.ends()
    assert still.moment() is None
    still.begins()
    assert still.moment() not in (None, first)


def paper(number: int) -> PaperToIndex:
    return PaperToIndex(number, f"Paper {number}", "It is made.")


def test_the_log_tells_every_process_what_was_acknowledged(tmp_path: Path) -> None:
    log, other = StoredLog(tmp_path / "log.sqlite3"), StoredLog(tmp_path / "log.sqlite3")
    assert log.append([paper(1), paper(2)]) == 2
    assert log.append([paper(7)]) == 3
    assert other.head() == 3
    assert other.since(1, 10) == [(2, 2, True), (3, 7, True)]
    assert other.since(0, 1) == [(1, 1, True)]
    assert other.papers([7, 1, 99]) == {7: paper(7), 1: paper(1)}


def test_the_log_gives_more_papers_than_a_statement_takes(tmp_path: Path) -> None:
    log = StoredLog(tmp_path / "log.sqlite3")
    log.append([paper(number) for number in range(1, 1201)])
    assert len(log.papers(range(1, 1201))) == 1200


def test_a_paper_that_was_refused_leaves_nothing_of_its_batch(tmp_path: Path) -> None:
    log = StoredLog(tmp_path / "log.sqlite3")
    log.append([paper(1)])
    with pytest.raises(Exception, match="UNIQUE"):
        log.append([paper(2), replace(paper(1), title="Again")])
    assert log.head() == 1 and log.papers([2]) == {}


def test_several_threads_can_read_while_one_writes(tmp_path: Path) -> None:
    log = StoredLog(tmp_path / "log.sqlite3")
    log.append([paper(1)])
    seen: list[int] = []
    readers = [threading.Thread(target=lambda: seen.extend(log.head() for _ in range(20))) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(2, 12):
        log.append([paper(number)])
    for reader in readers:
        reader.join()
    assert len(seen) == 60 and log.head() == 11
