"""The SDK's client, a real site and `broadsheet mcp` on one home, as on the machine of a person with an agent."""

import asyncio
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult

from broadsheet.api.mcp.tests.agents import text_of

pytestmark = pytest.mark.slow
START_SECONDS = 300
AT_ONCE = 20


@dataclass(frozen=True)
class Site:
    """A running site for one person, with the sample in it."""

    port: int
    environment: dict[str, str]
    log: Path

    @property
    def mcp(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    def program(self, *arguments: str) -> StdioServerParameters:
        command = [
            "-W",
            "error",
            "-c",
            "import sys; from broadsheet.cli import main; sys.exit(main())",
            "mcp",
            *arguments,
        ]
        return StdioServerParameters(command=sys.executable, args=command, env=self.environment)

    def starts(self, *arguments: str) -> "subprocess.Popen[bytes]":
        program = self.program(*arguments)
        pipe = subprocess.PIPE
        return subprocess.Popen([program.command, *program.args], env=program.env, stdin=pipe, stdout=pipe, stderr=pipe)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("home")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BROADSHEET_", "PYTEST_"))}
    environment = kept | {"BROADSHEET_HOME": str(home), "BROADSHEET_ENCODER": "none"}
    command = [sys.executable, "-m", "broadsheet.cli", "run", "--no-worker", "--port", str(port)]
    log = home / "site.log"
    with log.open("wb") as out, subprocess.Popen(command, env=environment, stdout=out, stderr=out) as server:
        try:
            wait_for(port, log)
            yield Site(port, environment, log)
        finally:
            server.terminate()
            server.wait(60)
    assert "Traceback" not in log.read_text()


def wait_for(port: int, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    pytest.fail(f"the site did not start: {log.read_text()[-3000:]}")


async def searches(client: Client) -> list[CallToolResult]:
    """Ask the same many times at once."""
    asked = (client.call_tool("search_papers", {"query": "language", "limit": 2}) for _ in range(AT_ONCE))
    return await asyncio.gather(*asked)


def test_both_transports_answer_many_at_once_and_see_the_same_record(site: Site) -> None:
    async def talk() -> tuple[list[CallToolResult], list[CallToolResult], str, str, str]:
        async with Client(site.mcp) as web, Client(site.program()) as here:
            # The first search of each process opens the index.
            by_web, by_here = await searches(web), await searches(here)
            key = re.findall(r"id (\S+)", text_of(by_web[0]))[0]
            refused = await web.call_tool("vote", {"id": key})
            assert refused.is_error
            voted = await here.call_tool("vote", {"id": key})
            await here.call_tool("save", {"id": key})
            paper = await web.read_resource(f"paper://{key}")
            library = await web.call_tool("my_library", {})
            return by_web, by_here, text_of(voted), text_of(library), str(paper.contents)

    by_web, by_here, voted, library, paper = asyncio.run(talk())

    assert len({text_of(answer).partition("http")[0] for answer in by_web + by_here}) == 1
    assert not any(answer.is_error for answer in by_web + by_here)
    assert voted.startswith("You voted for it")
    assert library.startswith("# Your library: all 1 paper.")
    assert "## Abstract" in paper


def test_clients_that_hang_up_harm_nobody(site: Site) -> None:
    head = b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nAccept: application/json\r\n"
    call = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"trending","arguments":{}}}'
    for sent in (head + b"Content-Length: 900\r\n\r\n" + call, head + b"Content-Length: %d\r\n\r\n" % len(call) + call):
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", site.port)) as gone:
                gone.sendall(sent)

    async def talk() -> CallToolResult:
        async with Client(site.mcp) as web:
            return await web.call_tool("trending", {})

    assert not asyncio.run(talk()).is_error


def test_a_program_ends_with_its_input_and_says_nothing_but_the_protocol(site: Site) -> None:
    with site.starts() as program:
        said, complained = program.communicate(b'{"jsonrpc":"2.0","id":1,"method":"ping"}\nnot json\n\xff\n', 30)

    assert (program.returncode, said) == (0, b'{"jsonrpc":"2.0","id":1,"result":{}}\n')
    assert b"Traceback" not in complained


def test_a_program_ends_when_nobody_reads_it(site: Site) -> None:
    with site.starts() as program:
        assert program.stdin and program.stdout and program.stderr
        program.stdin.write(b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
        program.stdin.flush()
        program.stdout.readline()
        program.stdout.close()

        assert program.wait(10) == 0
        assert program.stderr.read() == b""


def test_a_token_that_was_named_must_be_there(site: Site) -> None:
    with site.starts("--token-env", "MY_TOKEN") as program:
        _said, complained = program.communicate(b"", 30)

    assert program.returncode == 1
    assert complained == b"broadsheet mcp: there is no environment variable MY_TOKEN, which was to hold the token\n"


def test_nothing_else_waits_for_the_sdk(site: Site) -> None:
    look = "import broadsheet.asgi, sys; from django.urls import reverse; print(reverse('mcp'), 'mcp' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", look], env=site.environment, capture_output=True, check=True)

    assert done.stdout == b"/mcp False\n"
