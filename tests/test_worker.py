import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from broadsheet import worker
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Vector
from broadsheet.papers.tests.factory import paper
from broadsheet.search.tests import encoder_tiny
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
    at_work = desk.worker()
    assert [at_work.once() for _ in range(5)] == [1, 1, 0, 0, 0]
    assert desk.ran == ["encode"] * 3
    desk.now += timedelta(minutes=1)
    at_work.once()
    assert desk.ran == ["encode"] * 4


def test_a_clock_that_is_set_back_lets_no_step_rest_for_longer() -> None:
    desk = Desk(index=0)
    at_work = desk.worker()
    at_work.once()
    desk.now -= timedelta(days=30)
    at_work.once()
    at_work.once()
    assert desk.ran == ["index"] * 2


def test_a_step_that_fails_is_logged_with_its_name_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk(harvest=-1, index=1)
    with caplog.at_level(logging.ERROR):
        assert desk.worker().once() == 1
    assert desk.ran == ["harvest", "index"]
    assert "'harvest'" in caplog.text and "torn" in caplog.text


def test_the_same_failure_is_logged_once_in_a_while_and_another_at_once(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk(harvest=-1, index=-1)
    at_work = desk.worker()
    for _ in range(5):
        at_work.once()
        desk.now += timedelta(minutes=1)
    assert [("'harvest'" in one.message, "'index'" in one.message) for one in caplog.records] == [
        (True, False),
        (False, True),
    ]
    desk.now += worker.TELL_AGAIN
    at_work.once()
    assert len(caplog.records) == 4


def test_a_database_that_is_away_ends_the_round_and_no_step_rests_for_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    desk = Desk(index=1)

    def ask(now: datetime) -> int:
        raise OperationalError("the server closed the connection\n\tas it was told to")

    at_work = Worker((Step("mails", ask, timedelta(hours=1)), desk.step("index")), clock=lambda: desk.now)
    monkeypatch.setattr(worker, "is_there", lambda: False)
    monkeypatch.setattr(worker, "close_old_connections", lambda: None)
    monkeypatch.setattr(at_work.stopping, "wait", lambda _seconds: at_work.stop())
    at_work.run()
    assert at_work.rests_since == {} and desk.ran == []
    assert "'mails' lost the database: the server closed the connection as it" in caplog.text
    # Where it is there, it is the step that is at fault.
    monkeypatch.setattr(worker, "is_there", lambda: True)
    at_work.stopping.clear()
    assert at_work.once() == 1 and at_work.rests_since["mails"] == desk.now


class AdminShutdown(Exception):
    """What psycopg raises where the server is stopped during a query."""

    sqlstate = "57P01"


def test_a_database_that_came_back_at_once_is_no_fault_of_the_step(caplog: pytest.LogCaptureFixture) -> None:
    def ask(now: datetime) -> int:
        raise OperationalError("terminating connection") from AdminShutdown()

    at_work = Worker((Step("alerts", ask, timedelta(hours=1)),), clock=lambda: NOON)
    with pytest.raises(worker.DatabaseGone, match="'alerts' lost the database: terminating connection"):
        at_work.once()
    assert at_work.rests_since == {} and not caplog.records


def test_it_ends_after_the_step_at_hand() -> None:
    desk = Desk(index=1, encode=1)
    at_work = desk.worker()
    at_work.stop()
    assert at_work.once() == 0
    at_work.run()
    assert desk.ran == []


@pytest.mark.django_db
def test_encoding_looks_no_further_until_the_record_changes_or_a_while_is_over(
    tmp_path: Path, settings: Settings
) -> None:
    settings.CONFIG = replace(settings.CONFIG, home=tmp_path)
    encoder_tiny.give(tmp_path)
    ingest([paper(1)], now=NOON)
    encode = worker.Encoding()

    def queries(now: datetime) -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            encode(now)
        return len(asked)

    assert encode(NOON) == 1
    looked = queries(NOON)
    assert queries(NOON) == 1 < looked
    assert queries(NOON + worker.LOOK_AGAIN) == looked
    ingest([paper(2)], now=NOON)
    assert encode(NOON + worker.LOOK_AGAIN) == 1
    assert Vector.objects.count() == 2
