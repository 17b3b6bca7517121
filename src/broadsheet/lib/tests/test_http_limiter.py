import multiprocessing
import time
from datetime import timedelta
from pathlib import Path

import pytest

from broadsheet.lib.clock import now
from broadsheet.lib.limiter import Limiter
from broadsheet.lib.tests.loopback import FakeTime


def taken(limiter: Limiter, times: int, seconds: float = 3.0) -> None:
    for _ in range(times):
        with limiter.turn("arxiv.org", seconds, patience=100):
            pass


def test_the_first_turn_is_free_and_the_next_waits(tmp_path: Path) -> None:
    clock = FakeTime()

    taken(Limiter(tmp_path, clock.now, clock.sleep), 3)

    assert clock.slept == [3.0, 3.0]


def test_groups_do_not_wait_for_each_other(tmp_path: Path) -> None:
    clock = FakeTime()
    limiter = Limiter(tmp_path, clock.now, clock.sleep)

    taken(limiter, 1)
    with limiter.turn("huggingface.co", 3.0, patience=100):
        pass

    assert clock.slept == []


def test_a_second_turn_is_not_given_while_the_first_lasts(tmp_path: Path) -> None:
    clock = FakeTime()
    limiter = Limiter(tmp_path, clock.now, clock.sleep)

    with limiter.turn("arxiv.org", 3.0, patience=100), pytest.raises(TimeoutError):
        taken(limiter=limiter, times=1)

    taken(limiter, 1)


def test_a_clock_set_back_makes_nobody_wait_longer_than_the_limit(tmp_path: Path) -> None:
    clock = FakeTime()
    limiter = Limiter(tmp_path, clock.now, clock.sleep)
    taken(limiter, 1)

    clock.moment -= timedelta(days=365)
    taken(limiter, 1)

    assert clock.slept == [3.0]


@pytest.mark.parametrize("damage", [b"nonsense", b"\x00\xff\xfe", b"12", b"nan inf\n"])
def test_a_damaged_file_counts_as_a_request_just_sent(damage: bytes, tmp_path: Path) -> None:
    (tmp_path / "arxiv.org.turn").write_bytes(damage)
    clock = FakeTime()

    taken(Limiter(tmp_path, clock.now, clock.sleep), 1)

    assert clock.slept == [3.0]


def test_a_server_cannot_hold_us_for_more_than_a_day(tmp_path: Path) -> None:
    clock = FakeTime()
    limiter = Limiter(tmp_path, clock.now, clock.sleep)
    with limiter.turn("arxiv.org", 3.0, patience=100) as turn:
        turn.hold(1e12)

    clock.moment += timedelta(days=1)
    taken(limiter, 1)

    assert clock.slept == []


def test_a_group_name_cannot_leave_its_folder(tmp_path: Path) -> None:
    clock = FakeTime()

    with Limiter(tmp_path / "turns", clock.now, clock.sleep).turn("../../x/y", 1.0, patience=1):
        pass

    assert [path.name for path in (tmp_path / "turns").iterdir()] == [".._.._x_y.turn"]


def _ask(folder: Path, log: Path) -> None:
    limiter = Limiter(folder, now, time.sleep)
    for _ in range(3):
        with limiter.turn("arxiv.org", 0.2, patience=60), log.open("a") as stream:
            stream.write(f"{time.time()}\n")


@pytest.mark.slow
def test_processes_take_turns(tmp_path: Path) -> None:
    log = tmp_path / "log"
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_ask, args=(tmp_path / "turns", log)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()

    moments = [float(line) for line in log.read_text().splitlines()]
    assert len(moments) == 9
    assert all(later - earlier > 0.19 for earlier, later in zip(moments, moments[1:], strict=False))
