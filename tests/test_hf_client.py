"""The `hf papers` commands of both clients at a running site, as their users type them."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

pytestmark = pytest.mark.slow
START_SECONDS = 300
BIN = Path(sys.prefix) / "bin"
OLD_CLIENT = Path(sys.prefix) / "old-client"
CLIENTS = ("2.4.0", "1.33.0")


@dataclass
class Site:
    """A running site, where its files are, and a paper that it has."""

    address: str
    home: Path
    paper: str


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("site")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BROADSHEET_", "PYTEST_"))}
    environment = kept | {"BROADSHEET_HOME": str(home), "BROADSHEET_SIGN_IN": "always", "BROADSHEET_ENCODER": "none"}
    command = [sys.executable, "-m", "broadsheet.cli", "run", "--no-worker", "--port", str(port)]
    log, address = home / "site.log", f"http://127.0.0.1:{port}"
    with log.open("wb") as out, subprocess.Popen(command, env=environment, stdout=out, stderr=out) as server:
        try:
            yield Site(address, home, first_paper(address, log))
        finally:
            server.terminate()
            server.wait(60)
    assert "Traceback" not in log.read_text()


def first_paper(address: str, log: Path) -> str:
    """Wait until the site answers; give a paper of its sample."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        try:
            found = httpx2.get(f"{address}/api/daily_papers?limit=1", timeout=5).json()
        except httpx2.TransportError:
            time.sleep(0.2)
        else:
            return str(found[0]["paper"]["id"])
    pytest.fail(f"the site did not start: {log.read_text()[-3000:]}")


def command(site: Site, client: str, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run `hf papers …` of a client against the site."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "BROADSHEET_"))}
    environment |= {
        "HF_ENDPOINT": site.address + "/",
        "HF_HOME": str(site.home / f"hub-{client}"),
        "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
        "HF_HUB_DISABLE_UPDATE_CHECK": "1",
        "NO_PROXY": "127.0.0.1",
    }
    if client == "1.33.0":
        environment["PYTHONPATH"] = str(OLD_CLIENT)
    script = OLD_CLIENT / "bin" / "hf" if client == "1.33.0" else BIN / "hf"
    return subprocess.run(
        [sys.executable, str(script), "papers", *words], env=environment, capture_output=True, text=True, timeout=300
    )


def output(site: Site, client: str, *words: str) -> str:
    """Give what a command prints; it must succeed."""
    ran = command(site, client, *words)
    assert ran.returncode == 0, (words, ran.stdout, ran.stderr)
    return ran.stdout


def fails(site: Site, client: str, status: int, *words: str) -> str:
    """Give what a command says when it fails, without a traceback."""
    ran = command(site, client, *words)
    assert ran.returncode == status, (words, ran.stdout, ran.stderr)
    assert "Traceback" not in ran.stderr
    return ran.stdout + ran.stderr


@pytest.mark.parametrize("client", CLIENTS)
def test_the_commands_of_the_client_work_as_against_the_original(site: Site, client: str) -> None:
    if client == "1.33.0" and not OLD_CLIENT.is_dir():
        pytest.skip(f"huggingface-hub 1.33.0 is not at {OLD_CLIENT}; `make dev` puts it there")
    paper = httpx2.get(f"{site.address}/api/papers/{site.paper}").json()
    day = paper["submittedOnDailyAt"][:10]
    asked: dict[str, tuple[str, ...]] = {
        "list": ("list", "--format", "json", "--limit", "3"),
        "day": ("ls", "--date", day, "--sort", "publishedAt", "--json"),
        "month": ("ls", "--month", day[:7], "-q", "--limit", "2"),
        "agent": ("ls", "--format", "agent", "--limit", "2", "--no-truncate", "--sort", "trending"),
        "today": ("ls", "--date", "today", "--json"),
        "search": ("search", paper["title"], "--limit", "5", "--format", "json"),
        "ids": ("search", "learning", "-q", "--token", "hf_of_another_site"),
        "info": ("info", site.paper),
        "read": ("read", site.paper),
    }
    failing: dict[str, tuple[int, tuple[str, ...]]] = {
        "no such paper": (1, ("info", "2601.99999")),
        "no such text": (1, ("read", "2601.99999")),
        "no such day": (1, ("ls", "--date", "2026-02-30")),
        "no such order": (2, ("ls", "--sort", "best")),
    }
    # Each is a process of its own, which mostly reads its own code.
    with ThreadPoolExecutor(4) as pool:
        said = {name: pool.submit(output, site, client, *words) for name, words in asked.items()}
        failed = {name: pool.submit(fails, site, client, code, *words) for name, (code, words) in failing.items()}
    listed = json.loads(said["list"].result())
    assert [one["id"] for one in listed][0] == site.paper
    assert len(listed) == 3
    assert listed[0]["title"] == paper["title"]
    assert site.paper in [one["id"] for one in json.loads(said["day"].result())]
    assert len(said["month"].result().split()) == 2
    assert said["agent"].result().count("\t") >= 10
    assert json.loads(said["today"].result()) == []
    assert site.paper in [one["id"] for one in json.loads(said["search"].result())]
    assert said["ids"].result().split()
    assert json.loads(said["info"].result())["id"] == site.paper
    assert said["read"].result().startswith(f"# {paper['title']}\n")
    assert "2601.99999" in failed["no such paper"].result()
    assert "2601.99999" in failed["no such text"].result()
    assert "is a day of the calendar" in failed["no such day"].result()


def test_the_site_itself_answers_as_the_application_does(site: Site) -> None:
    with httpx2.Client(base_url=site.address) as client:
        first = client.get("/api/daily_papers")
        assert first.headers["content-encoding"] == "gzip"
        assert client.get("/api/daily_papers", headers={"If-None-Match": first.headers["etag"]}).status_code == 304
        head = client.head("/api/daily_papers")
        assert (head.status_code, head.content) == (200, b"")
        assert client.get(f"{site.address}//api/daily_papers").json() == first.json()
        assert client.get("/api/agent-harnesses").status_code == 404
        assert client.post("/api/papers/x/vote").status_code == 401
        assert client.get("/api/papers/hep-th/9901001").status_code == 404


def test_the_client_takes_a_path_and_credentials_in_its_address(site: Site) -> None:
    script = (
        "import sys; from huggingface_hub import HfApi; address, paper = sys.argv[1:];"
        "print(HfApi(endpoint=address + '/').paper_info(paper).id);"
        "print(next(iter(HfApi(endpoint=address.replace('//', '//user:bs_unknown@')).list_daily_papers(limit=1))).id)"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    environment |= {"HF_HOME": str(site.home / "hub"), "NO_PROXY": "127.0.0.1", "HF_ENDPOINT": site.address}
    ran = subprocess.run(
        [sys.executable, "-c", script, site.address, site.paper], env=environment, capture_output=True, text=True
    )
    assert ran.stdout.split() == [site.paper] * 2, ran.stderr
    shutil.rmtree(site.home / "hub", ignore_errors=True)
