import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from queue import Queue

import pytest
from pytest_django import Settings

from broadsheet.cli import CommandFailed
from broadsheet.commands import run_command


@pytest.fixture(autouse=True)
def hosts(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.ALLOWED_HOSTS = ["localhost"]
    monkeypatch.setenv("BROADSHEET_ALLOWED_HOSTS", "")
    yield


def test_a_site_that_listens_to_others_answers_to_the_names_of_its_machine(settings: Settings) -> None:
    run_command.allow_host("0.0.0.0")
    assert "127.0.0.1" in settings.ALLOWED_HOSTS
    assert "0.0.0.0" not in settings.ALLOWED_HOSTS and "*" not in settings.ALLOWED_HOSTS


def test_a_site_for_this_machine_answers_to_no_other_name(settings: Settings) -> None:
    run_command.allow_host("127.0.0.1")
    assert settings.ALLOWED_HOSTS == ["localhost"]


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 70_000), ("203.0.113.9", 8000)])
def test_an_address_that_cannot_be_had_is_said_in_one_line(host: str, port: int) -> None:
    with pytest.raises(CommandFailed, match=f"cannot listen on {host} port {port}"):
        run_command.must_be_free(host, port)


def test_the_address_that_is_printed_is_one_a_person_can_type() -> None:
    assert run_command.address("0.0.0.0", 8000) == "http://localhost:8000/"
    assert run_command.address("::1", 8000) == "http://[::1]:8000/"


def test_a_worker_that_was_killed_is_started_anew_until_the_site_ends() -> None:
    started: Queue[subprocess.Popen[bytes]] = Queue()

    def start() -> subprocess.Popen[bytes]:
        started.put(process := subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]))
        return process

    kept = run_command.Kept(start, pause=0.0)
    first = started.get(timeout=10)
    os.kill(first.pid, signal.SIGKILL)
    second = started.get(timeout=10)
    kept.end()
    assert (first.wait(), second.wait()) == (-signal.SIGKILL, -signal.SIGTERM)
    assert started.empty()


def test_a_worker_that_cannot_be_started_for_now_is_tried_again() -> None:
    started: Queue[subprocess.Popen[bytes]] = Queue()
    failing = [OSError("cannot allocate memory")]

    def start() -> subprocess.Popen[bytes]:
        if started.qsize() == 0 and len(processes) == 1 and failing:
            raise failing.pop()
        processes.append(process := subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]))
        started.put(process)
        return process

    processes: list[subprocess.Popen[bytes]] = []
    kept = run_command.Kept(start, pause=0.0)
    started.get(timeout=10).kill()
    second = started.get(timeout=10)
    kept.end()
    assert failing == [] and second.returncode == -signal.SIGTERM


def test_a_worker_that_does_not_end_when_it_is_told_to_is_killed() -> None:
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    kept = run_command.Kept(
        lambda: subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE), patience=0.05
    )
    assert kept.process.stdout
    with kept.process.stdout as told:
        told.readline()
        kept.end()
    assert kept.process.returncode == -signal.SIGKILL
