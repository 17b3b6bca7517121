"""A small edition, a reader with tokens, and a way to ask the API."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from broadsheet.community.tests.factory import reader
from broadsheet.lib.clock import now
from broadsheet.papers import finding
from broadsheet.papers.ingest import ingest
from broadsheet.papers.tests.again import indexed, written
from broadsheet.papers.tests.factory import NOON, paper
from broadsheet.readers import tokens
from broadsheet.readers.models import Reader
from broadsheet.record.identifiers import Identifier
from broadsheet.record.paper import Link, PaperData, Version

DAYS = (date(2026, 11, 18), date(2026, 11, 17), date(2026, 11, 16))
OLD = Identifier("arxiv", "hep-th/9901001")


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, settings: Settings) -> Iterator[Path]:
    """A home of each test's own without an encoder or limits, so that no test meets the index of another."""
    values = {**settings.CONFIG.values, "encoder": "none", "api_rate": 0, "api_rate_token": 0}
    settings.CONFIG = replace(settings.CONFIG, home=tmp_path, values=values)
    finding.forget()
    caches["memory"].clear()
    yield tmp_path
    finding.forget()


@pytest.fixture
def record(db: None) -> int:
    """Fourteen papers on three days, one with an old arXiv id, not indexed; gives their number."""
    written("record of the API", fill)
    return 14


def fill() -> None:
    ingest(made(), now=NOON)
    ingest(
        [paper(1, source="arxiv-oai", title="On two suns, part one", version=2)], now=datetime(2026, 11, 21, tzinfo=UTC)
    )


@pytest.fixture
def searchable(record: int) -> None:
    """The same papers, indexed for search by words."""
    indexed("record of the API")


def made() -> list[PaperData]:
    """The papers."""
    found = [paper(number, announced=DAYS[number % 3], signals=(("upvotes", number % 4),)) for number in range(1, 13)]
    versions = (Version(1, datetime(2026, 11, 1, tzinfo=UTC)), Version(2, datetime(2026, 11, 9, tzinfo=UTC)))
    link = (Link("code", "https://code.example/strings"),)
    odd = paper(13, identifiers=(OLD, Identifier("doi", "10.1000/a")), versions=versions, links=link, version=2)
    return [*found, odd, PaperData("bibtex", "On dry ground", "It is dry.", raw_hash="ab" * 32)]


@dataclass(frozen=True)
class Asking:
    """Asks the API, with the token of a reader where one is given."""

    secret: str = ""

    def __call__(self, path: str, method: str = "GET", body: object = None, **headers: str) -> HttpResponse:
        """Send a request to a path of the API."""
        told = {"authorization": f"Bearer {self.secret}"} if self.secret else {}
        return Client().generic(  # type: ignore[return-value]
            method,
            f"/api/v1/{path}",
            b"" if body is None else json.dumps(body).encode(),
            "application/json",
            headers={**told, **headers},
        )

    def json(self, path: str, status: int = 200) -> Any:  # noqa: ANN401 - what JSON holds
        """Ask for what must be there."""
        response = self(path)
        assert response.status_code == status, (path, response.status_code, response.content[:300])
        return json.loads(response.content)


@pytest.fixture
def ask() -> Asking:
    """Ask as a stranger."""
    return Asking()


@pytest.fixture
def ada(db: None) -> Reader:
    """A reader."""
    return reader()


TokenFor = Callable[..., Asking]


@pytest.fixture
def asking(ada: Reader) -> TokenFor:
    """Ask with a token of the reader's that has these scopes."""

    def made(*scopes: str) -> Asking:
        return Asking(tokens.make(ada, "test", scopes, days=30, now=now())[1])

    return made
