"""The parts of the bench of pages: what is asked, how it is counted, and what processes spend."""

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from broadsheet.bench import processes, web, web_client
from broadsheet.bench.report import CannotMeasure
from broadsheet.bench.web_client import Ask, Job, Told
from broadsheet.bench.web_shares import Watch


class Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    asked: list[tuple[str, str, str]] = []

    def do_GET(self) -> None:
        mark = self.headers.get("If-None-Match", "")
        self.asked.append((self.command, self.path, mark))
        status = 404 if self.path == "/gone" else 304 if mark == '"one"' else 200
        body = b"" if status == 304 else b"x" * 2048
        self.send_response(status)
        self.send_header("ETag", '"one"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, format: str, *given: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    Answers.asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def job(port: int, asks: dict[str, list[Ask]], **how: object) -> Job:
    values: dict[str, object] = {"mix": dict.fromkeys(asks, 1.0), "seconds": 20.0, "times": 6, **how}
    return Job(port=port, asks=asks, **values)  # type: ignore[arg-type]


def test_every_connection_asks_as_often_as_it_is_told(port: int) -> None:
    told = web_client.do(job(port, {"page": [Ask("/a"), Ask("/b")]}, connections=3))
    assert (told.requests, told.errors) == (18, [])
    assert {path for _method, path, _mark in Answers.asked} == {"/a", "/b"}
    assert told.kib == {"page": 2.0}


def test_an_answer_that_is_no_page_is_an_error_and_stops_the_bench(port: int) -> None:
    told = web_client.do(job(port, {"page": [Ask("/gone")]}))
    assert (told.requests, told.errors[0]) == (0, "/gone: 404")
    with pytest.raises(CannotMeasure, match="6 of 6 failed"):
        web._must_be_right(told)


def test_who_asks_again_shows_the_mark_of_the_last_answer(port: int) -> None:
    told = web_client.do(job(port, {"page": [Ask("/a", again=True)]}, times=3))
    assert [mark for _method, _path, mark in Answers.asked] == ["", '"one"', '"one"']
    assert told.requests == 3


def test_a_form_is_posted(port: int) -> None:
    web_client.do(job(port, {"vote": [Ask("/vote", form="on=1")]}, times=1))
    assert Answers.asked == [("POST", "/vote", "")]


def test_the_client_is_a_process_of_its_own(port: int) -> None:
    told = web_client.finish(web_client.start(job(port, {"page": [Ask("/a", {"X-One": "1"})]})))
    assert told.requests == 6
    assert told.wall_s > 0


def test_kinds_are_asked_for_by_their_shares() -> None:
    asks = {"many": [Ask("/many")], "few": [Ask("/few")]}
    wanted = Job(1, asks, {"many": 0.9, "few": 0.1}, 1.0, times=2000)
    drawn = [kind for kind, _ask in web_client.drawn(wanted, random.Random(3))]
    assert len(drawn) == 2000
    assert 0.85 < drawn.count("many") / 2000 < 0.95


def test_a_job_travels_whole() -> None:
    wanted = job(1, {"page": [Ask("/a", {"Cookie": "c=1"}, "on=1", True)]})
    assert web_client.job_of(json.dumps(asdict(wanted))) == wanted


def test_rates_and_times_are_told_by_name() -> None:
    told = Told(wall_s=2.0, ms={"page": [1.0, 2.0, 3.0], "other": [4.0]})
    assert web._rates(told, 0.5, "at_night_") == {
        "at_night_requests_per_s": 2.0,
        "at_night_requests_per_cpu_s": 8.0,
        "at_night_errors": 0,
    }
    assert web._wall(told.all_ms, "x_")["x_wall_ms_p50"] == 2.5


def test_the_mix_is_a_whole() -> None:
    assert sum(web.MIX.values()) == pytest.approx(1.0)


def test_ratios_compare_pages_with_the_floor_and_the_databases_with_each_other() -> None:
    figures = {"floor_cpu_ms": 0.5} | {f"sqlite_{kind}_cpu_ms": 5.0 for kind in web.MIX}
    assert web._ratios(figures)["sqlite_edition_to_floor"] == 10
    assert "edition_postgres_to_sqlite" not in web._ratios(figures)
    both = figures | {f"postgres_{kind}_cpu_ms": 10.0 for kind in web.MIX}
    assert web._ratios(both)["edition_postgres_to_sqlite"] == 2


def spin(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def test_what_a_part_spends_in_another_is_the_others() -> None:
    watch = Watch()
    inner = watch.around("sql", lambda: spin(0.02))

    def page() -> None:
        spin(0.02)
        inner()

    watch.around("template", page)()
    assert watch.spent["sql"] == pytest.approx(0.02, abs=0.01)
    assert watch.spent["template"] == pytest.approx(0.02, abs=0.01)


def test_the_work_of_children_counts_while_they_live_and_after_they_ended() -> None:
    program = (
        "import subprocess, sys, time\n"
        "spin = 'import time\\nwhile time.process_time() < 0.1: pass'\n"
        "subprocess.run([sys.executable, '-c', spin])\n"
        "print('done', flush=True)\n"
        "sys.stdin.read()\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with process:
        assert process.stdout
        process.stdout.readline()
        assert processes.cpu_seconds([process.pid]) >= 0.09
        assert process.pid in processes.tree(os.getpid())
        assert processes.memory_mb(process.pid) > 1
        process.communicate()
    assert processes.cpu_seconds([process.pid]) == 0


def test_the_most_that_a_process_held_is_its_own() -> None:
    assert processes.peak_mb() > 10
    assert processes.peak_mb(os.getpid()) == processes.peak_mb()


@pytest.mark.slow
def test_the_floor_is_measured_on_a_real_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "LIGHT", 0.3)
    monkeypatch.setattr(web, "TOGETHER", 0.5)
    figures = web.floor()
    assert 0 < figures["floor_cpu_ms"] < 50
    assert figures["floor_errors"] == 0
