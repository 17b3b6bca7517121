"""Which replica is asked, when another is, and when no longer; by replicas that are told what to do."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

import pytest

from broadsheet.search.cluster import remote
from broadsheet.search.cluster.remote import Asking
from broadsheet.search.executor import Deadline, Part, Question

QUESTION = Question(frozenset())
HEDGE = 0.25


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class FakeReplica:
    """Answers at once, fails at once, or says nothing."""

    name: str
    does: str = "answers"
    shard: int = 0
    asked: int = 0

    def ask(self, question: Question) -> "Future[Part]":
        self.asked += 1
        answer: Future[Part] = Future()
        if self.does == "answers":
            answer.set_result(Part(self.shard, total=int(self.name)))
        elif self.does == "fails":
            answer.set_exception(RuntimeError("dead"))
        return answer


@dataclass
class Shards:
    """Shards with replicas, and a clock that waiting moves on."""

    replicas: dict[int, list[FakeReplica]]
    clock: Clock = field(default_factory=Clock)

    def asking(self) -> Asking:
        return Asking(lambda shard: self.replicas.get(shard, []), self.clock, HEDGE)

    def deadline(self, seconds: float = 5.0) -> Deadline:
        return Deadline.within(seconds, self.clock)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting moves the clock of the test that runs, and nothing waits."""
    monkeypatch.setattr(remote, "wait", _wait)


_clocks: list[Clock] = []


def _wait(futures: list["Future[Part]"], timeout: float | None, return_when: str) -> None:
    if not any(future.done() for future in futures):
        assert timeout is not None
        _clocks[-1].now += timeout


def _shards(**replicas: str) -> Shards:
    """One shard; each name gives what its replica does, such as r1="fails"."""
    made = [FakeReplica(name.removeprefix("r"), does) for name, does in replicas.items()]
    shards = Shards({0: made})
    _clocks.append(shards.clock)
    return shards


def _asked(shards: Shards) -> list[int]:
    return [one.asked for one in shards.replicas[0]]


def test_replicas_are_asked_by_turns() -> None:
    shards = _shards(r1="answers", r2="answers")
    asking = shards.asking()
    for _ in range(6):
        asking.ask([0], QUESTION, shards.deadline())
    assert _asked(shards) == [3, 3]


def test_another_replica_answers_at_once_for_one_that_fails() -> None:
    shards = _shards(r1="fails", r2="answers")
    parts = shards.asking().ask([0], QUESTION, shards.deadline())
    assert [part.total for part in parts] == [2]
    assert shards.clock.now == 100.0


def test_one_that_failed_rests_for_a_while_and_is_asked_again_after_it() -> None:
    shards = _shards(r1="fails", r2="answers")
    asking = shards.asking()
    for _ in range(5):
        asking.ask([0], QUESTION, shards.deadline())
    assert shards.replicas[0][0].asked == 1
    shards.clock.now += remote.REST + 0.1
    for _ in range(2):
        asking.ask([0], QUESTION, shards.deadline())
    assert shards.replicas[0][0].asked == 2


def test_another_is_asked_beside_one_that_is_slow() -> None:
    shards = _shards(r1="sleeps", r2="answers")
    parts = shards.asking().ask([0], QUESTION, shards.deadline())
    assert [part.total for part in parts] == [2]
    assert shards.clock.now == pytest.approx(100.0 + HEDGE)
    assert _asked(shards) == [1, 1]


def test_a_shard_that_none_answers_for_is_left_out_at_the_deadline() -> None:
    shards = _shards(r1="sleeps", r2="sleeps")
    assert shards.asking().ask([0], QUESTION, shards.deadline(2.0)) == []
    assert shards.clock.now == pytest.approx(102.0)
    assert _asked(shards) == [1, 1]


def test_a_shard_whose_replicas_all_fail_is_left_out_at_once() -> None:
    shards = _shards(r1="fails", r2="fails")
    assert shards.asking().ask([0], QUESTION, shards.deadline()) == []
    assert shards.clock.now == 100.0


def test_a_shard_without_replicas_is_left_out_and_the_others_answer_in_their_order() -> None:
    shards = Shards({2: [FakeReplica("9", shard=2)], 0: [FakeReplica("7")]})
    _clocks.append(shards.clock)
    parts = shards.asking().ask([0, 1, 2], QUESTION, shards.deadline())
    assert [(part.shard, part.total) for part in parts] == [(0, 7), (2, 9)]


def test_a_slow_shard_does_not_keep_the_failure_of_another_waiting() -> None:
    slow, failing, other = FakeReplica("1", "sleeps"), FakeReplica("2", "fails", 1), FakeReplica("3", "answers", 1)
    shards = Shards({0: [slow], 1: [failing, other]})
    _clocks.append(shards.clock)
    parts = shards.asking().ask([0, 1], QUESTION, shards.deadline(1.0))
    assert [part.total for part in parts] == [3]


def test_an_answer_that_comes_late_from_the_first_still_counts() -> None:
    shards = _shards(r1="sleeps", r2="sleeps")
    given: list[Future[Part]] = []
    first = shards.replicas[0][0]
    ask: Callable[[Question], Future[Part]] = first.ask

    def keep(question: Question) -> "Future[Part]":
        given.append(ask(question))
        return given[0]

    first.ask = keep  # type: ignore[method-assign]
    second = shards.replicas[0][1]

    def answer_first(question: Question) -> "Future[Part]":
        given[0].set_result(Part(0, total=1))
        return Future()

    second.ask = answer_first  # type: ignore[method-assign]
    assert [part.total for part in shards.asking().ask([0], QUESTION, shards.deadline())] == [1]


def test_without_a_deadline_it_waits_for_the_answer() -> None:
    shards = _shards(r1="answers")
    assert len(shards.asking().ask([0], QUESTION, Deadline())) == 1
