"""Papers, readers and agents for the tests of the MCP server."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from django.core.cache import caches
from pytest_django import Settings

from broadsheet.api.mcp.tests.agents import Agent
from broadsheet.community.tests.factory import reader
from broadsheet.papers import finding
from broadsheet.papers.ingest import ingest
from broadsheet.papers.tests.again import indexed, written
from broadsheet.papers.tests.factory import NOON, paper
from broadsheet.readers.models import Reader

PAPERS = 24


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A home of each test's own without an encoder, on a site where readers sign in."""
    settings.CONFIG = replace(settings.CONFIG, home=tmp_path, values={**settings.CONFIG.values, "encoder": "none"})
    monkeypatch.setenv("BROADSHEET_ALONE", "")
    caches["memory"].clear()
    finding.forget()
    yield
    finding.forget()


@pytest.fixture
def papers(db: None) -> int:
    """An edition of invented papers, and their index; gives their number."""
    written("papers of agents", lambda: ingest([paper(number) for number in range(1, PAPERS + 1)], now=NOON))
    indexed("papers of agents")
    return PAPERS


@pytest.fixture
def ada(papers: int) -> Reader:
    return reader(1, handle="ada")


@pytest.fixture(params=["stdio", "http"])
def agent(request: pytest.FixtureRequest, papers: int) -> Agent:
    """Agents without a token, over each transport."""
    return Agent(str(request.param))
