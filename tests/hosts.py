"""Hosts of one record for tests: each a web process and a worker of its own, in a home of its own, on loopback."""

import http.client
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlencode

from broadsheet.lib.tests.loopback import Asked

QUICK = Path(__file__).with_name("quick_worker.py")
PATIENCE = 180.0
TOKEN = "hostshostshostshostshostshosts32"
Process = subprocess.Popen[bytes]


T = TypeVar("T")


def wait_until(look: Callable[[], T], what: str, seconds: float = PATIENCE) -> T:
    """Look until there is something to see, and give it."""
    until = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < until, f"it did not happen in {seconds:.0f} s: {what}"
        time.sleep(0.05)
    return seen


def free_port() -> int:
    """A port that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Host:
    """A host. `contact` stands in whatever it sends by HTTP, so that a receiver sees which host it was."""

    home: Path
    environment: dict[str, str]
    port: int = field(default_factory=free_port)
    web: Process | None = None
    worker: Process | None = None

    def __post_init__(self) -> None:
        self.home.mkdir(exist_ok=True)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("BROADSHEET_", "PYTEST_"))}
        own = {"BROADSHEET_HOME": str(self.home), "BROADSHEET_CONTACT": self.contact}
        self.environment = {**kept, **self.environment, **own}

    @property
    def name(self) -> str:
        """Its name, that of its home."""
        return self.home.name

    @property
    def contact(self) -> str:
        """The address in its User-Agent."""
        return f"{self.name}@host.example"

    def log(self, process: str) -> str:
        """What its web process (`web`) or its workers (`worker`) said."""
        return (self.home / f"{process}.log").read_text()

    def _begin(self, name: str, *command: str) -> Process:
        # PostgreSQL tells by that name who waits for what.
        environment = {**self.environment, "PGAPPNAME": f"{self.name} {name}"}
        with (self.home / f"{name}.log").open("ab") as log:
            return subprocess.Popen([sys.executable, *command], env=environment, stdout=log, stderr=log)

    def serve(self) -> None:
        """Start its web process, and wait for its first page."""
        self.web = self._begin("web", "-m", "broadsheet.cli", "run", "--no-worker", "--port", str(self.port))

    def serves(self) -> bool:
        """Whether it answers by now; fails where its process ended."""
        assert self.web and self.web.poll() is None, self.log("web")[-3000:]
        return self.get("/about")[0] == 200

    def work(self) -> None:
        """Start its worker."""
        self.worker = self._begin("worker", str(QUICK))

    def kill_worker(self) -> None:
        """SIGKILL."""
        assert self.worker and self.worker.poll() is None
        self.worker.kill()
        self.worker.wait()

    def stop(self) -> None:
        """End its processes, by force where they do not listen."""
        for process in (self.worker, self.web):
            if process and process.poll() is None:
                process.terminate()
        for process in (self.worker, self.web):
            if process:
                try:
                    process.wait(15)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def sent(self, asked: Asked) -> bool:
        """Whether a request came from it."""
        return self.contact in asked.headers.get("User-Agent", "")

    def get(self, path: str, cookies: dict[str, str] | None = None) -> tuple[int, str]:
        """Ask for a page; gives status and text. 0 where nobody answers."""
        return self.ask("GET", path, None, cookies)

    def post(self, path: str, form: dict[str, str], cookies: dict[str, str] | None = None) -> tuple[int, str]:
        """Send a form."""
        return self.ask("POST", path, form, cookies)

    def ask(
        self, method: str, path: str, form: dict[str, str] | None, cookies: dict[str, str] | None
    ) -> tuple[int, str]:
        """Send a request; cookies that come back are put among those that were given."""
        cookies = {} if cookies is None else cookies
        sent = {"csrftoken": TOKEN, **cookies}
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in sent.items())}
        headers["X-CSRFToken"] = sent["csrftoken"]
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            line.request(method, path, urlencode(form) if form is not None else None, headers)
            answer = line.getresponse()
            for set_one in answer.headers.get_all("Set-Cookie") or ():
                if found := re.match(r"([^=]+)=([^;]*)", set_one):
                    cookies[found[1]] = found[2]
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            line.close()

    def finds(self, words: str) -> list[str]:
        """The ids of what a search by these words finds on this host."""
        status, text = self.get(f"/api/papers/search?{urlencode({'q': words})}")
        return [str(row["paper"]["id"]) for row in json.loads(text)] if status == 200 else []


@contextmanager
def running(*hosts: Host) -> Iterator[None]:
    """Let hosts serve and work; whatever happens, nothing of them runs afterwards."""
    try:
        for host in hosts:
            host.serve()
        for host in hosts:
            wait_until(host.serves, f"{host.name} serves")
            host.work()
        yield
    finally:
        for host in hosts:
            host.stop()
