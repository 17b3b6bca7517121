import logging
from datetime import UTC, datetime, timedelta

import pytest

from broadsheet.worker import Step, Worker

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Desk:
    """Steps that note when they ran, and a clock that is moved by hand."""

    def __init__(self, **left: int) -> None:
        self.now, self.left, self.ran = NOON, left, [""][:0]

    def step(self, name: str, every: timedelta = timedelta(minutes=1)) -> Step:
        def run(now: datetime) -> int:
            self.ran.append(name)
            if self.left[name] < 0:
                raise RuntimeError("the paper is torn")
            did = min(self.left[name], 1)
            self.left[name] -= did
            return did

        return Step(name, run, every)

    def worker(self) -> Worker:
        return Worker(tuple(self.step(name) for name in self.left), clock=lambda: self.now)


def test_a_step_runs_again_while_it_has_work_and_rests_when_it_has_none() -> None:
    desk = Desk(encode=2)
    worker = desk.worker()
    assert [worker.once() for _ in range(5)] == [1, 1, 0, 0, 0]
    assert desk.ran == ["encode"] * 3
    desk.now += timedelta(minutes=1)
    worker.once()
    assert desk.ran == ["encode"] * 4


def test_a_step_that_fails_is_logged_with_its_name_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk(harvest=-1, index=1)
    with caplog.at_level(logging.ERROR):
        assert desk.worker().once() == 1
    assert desk.ran == ["harvest", "index"]
    assert "'harvest'" in caplog.text and "torn" in caplog.text


def test_it_ends_after_the_step_at_hand() -> None:
    desk = Desk(index=1, encode=1)
    worker = desk.worker()
    worker.stop()
    assert worker.once() == 0
    worker.run()
    assert desk.ran == []
