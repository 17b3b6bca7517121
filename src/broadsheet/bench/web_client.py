"""The side that asks: a process of its own with a few kept-alive connections, each in a thread.

It reads a job from its standard input and prints what came of it; both are JSON.
"""

import http.client
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from typing import Any, Final

HOST: Final = "127.0.0.1"
FINE: Final = (HTTPStatus.OK, HTTPStatus.NOT_MODIFIED, HTTPStatus.SEE_OTHER)
PATIENCE: Final = 240.0
# As many people ask, each from an address of their own, through a proxy.
ADDRESSES: Final = 250


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. form: the body of a POST; "" for a GET. again: send the ETag that came the last time."""

    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    form: str = ""
    again: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """What to ask, for how long, over how many connections.

    mix: each kind's share of the requests, in any unit. least: so many requests of one connection at least, however
    long they take; times: at most so many, 0 for any. pause: seconds between two of them.
    """

    port: int
    asks: Mapping[str, Sequence[Ask]]
    mix: Mapping[str, float]
    seconds: float
    connections: int = 1
    least: int = 0
    times: int = 0
    pause: float = 0.0
    seed: int = 1


@dataclass(slots=True)
class Told:
    """What came of a job: milliseconds of the good answers by kind, and what was wrong with the others."""

    wall_s: float = 0.0
    ms: dict[str, list[float]] = field(default_factory=dict)
    kib: dict[str, float] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    @property
    def requests(self) -> int:
        """How many good answers there were."""
        return sum(map(len, self.ms.values()))

    @property
    def all_ms(self) -> list[float]:
        """The times of all good answers."""
        return [one for times in self.ms.values() for one in times]


def start(job: Job, cores: Sequence[int] = ()) -> "subprocess.Popen[str]":
    """Start a process that does the job, on some cores only where any are named; `finish` gives what came of it."""
    command = [sys.executable, "-m", "broadsheet.bench.web_client", *map(str, cores)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin
    process.stdin.write(json.dumps(asdict(job)) + "\n")
    process.stdin.flush()
    return process


def finish(process: "subprocess.Popen[str]") -> Told:
    """Wait for a job's end. Raises RuntimeError where its process failed."""
    said, _nothing = process.communicate()
    if process.returncode:
        raise RuntimeError(f"the asking process ended with {process.returncode}")
    return Told(**json.loads(said))


def free_port() -> int:
    """Give a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, seconds: float = PATIENCE) -> bool:
    """Wait until somebody listens on a port; tell whether that came about."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return True
    return False


def do(job: Job) -> Told:
    """Ask over all connections at once until the time is over."""
    told, end = Told(), time.perf_counter() + job.seconds
    threads = [threading.Thread(target=_connection, args=(job, n, end, told)) for n in range(job.connections)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told.wall_s = time.perf_counter() - began
    return told


def _connection(job: Job, number: int, end: float, told: Told) -> None:
    draw = random.Random(f"{job.seed}-{number}")
    line, marks = http.client.HTTPConnection(HOST, job.port, timeout=PATIENCE), dict[str, str]()
    try:
        for count, (kind, ask) in enumerate(drawn(job, draw), 1):
            _once(line, kind, ask, draw, marks, told)
            time.sleep(job.pause)
            if count >= job.least and time.perf_counter() >= end:
                break
    finally:
        line.close()


def drawn(job: Job, draw: random.Random) -> Iterator[tuple[str, Ask]]:
    """Give requests by lot: the kinds by their shares in the mix, those of a kind in turn from a place by lot."""
    kinds, shares = list(job.mix), list(job.mix.values())
    at = {kind: draw.randrange(len(job.asks[kind])) for kind in kinds}
    count = 0
    while not job.times or count < job.times:
        (kind,) = draw.choices(kinds, shares)
        at[kind] += 1
        count += 1
        yield kind, job.asks[kind][at[kind] % len(job.asks[kind])]


def _once(
    line: http.client.HTTPConnection,
    kind: str,
    ask: Ask,
    draw: random.Random,
    marks: dict[str, str],
    told: Told,
) -> None:
    headers = {
        "X-Forwarded-For": f"198.51.100.{draw.randrange(ADDRESSES)}",
        "Accept-Encoding": "gzip",
        "Accept": "text/html,*/*",
        **ask.headers,
    }
    if ask.again and ask.path in marks:
        headers["If-None-Match"] = marks[ask.path]
    if ask.form:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    began = time.perf_counter()
    try:
        line.request("POST" if ask.form else "GET", ask.path, ask.form or None, headers)
        answer = line.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as problem:
        told.errors.append(f"{ask.path}: {problem!r}")
        line.close()
        return
    spent = 1000 * (time.perf_counter() - began)
    marks[ask.path] = answer.headers.get("ETag", "")
    if answer.status in FINE:
        told.ms.setdefault(kind, []).append(spent)
        told.kib[kind] = max(told.kib.get(kind, 0.0), len(body) / 1024)
    else:
        told.errors.append(f"{ask.path}: {answer.status}")


def job_of(line: str) -> Job:
    """Read a job as `start` writes it."""
    said: dict[str, Any] = json.loads(line)
    asks = {kind: [Ask(**ask) for ask in asks] for kind, asks in said.pop("asks").items()}
    return Job(asks=asks, **said)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        os.sched_setaffinity(0, set(map(int, sys.argv[1:])))
    sys.stdout.write(json.dumps(asdict(do(job_of(sys.stdin.readline())))))
