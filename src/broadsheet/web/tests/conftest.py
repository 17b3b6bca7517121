"""Papers for the pages' tests, taken in through the one door, and the switches that pages need in tests."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.core.cache import caches
from django.test import Client
from pytest_django import Settings

from broadsheet.papers import finding
from broadsheet.papers.ingest import ingest
from broadsheet.papers.tests import again
from broadsheet.record.identifiers import arxiv_id
from broadsheet.record.paper import Author, Link, PaperData, Version

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

MONDAY = date(2024, 5, 27)
NOW = datetime(2024, 5, 27, 12, tzinfo=UTC)

Made = Callable[..., PaperData]


def made(number: int = 1, **changes: object) -> PaperData:
    """An invented paper; `number` gives it its id, title and votes."""
    values: dict[str, object] = {
        "source": "arxiv-oai",
        "title": f"Weather of small planets, part {number}",
        "abstract": "We measure the wind on small planets. " * 12,
        "identifiers": (arxiv_id(f"2405.{15000 + number}").identifier,),
        "authors": tuple(Author(name) for name in ("Ada Lum", "Bo Brandt", "Cy Corso", "Di Dell", "Ed Eck", "Fi Faro")),
        "categories": ("cs.CL", "cs.LG") if number % 2 else ("cs.CV",),
        "submitted": datetime(2024, 5, 24, 10, number % 60, tzinfo=UTC),
        "announced": MONDAY,
        "announced_by": "listing",
        "versions": (Version(1, datetime(2024, 5, 24, tzinfo=UTC)),),
        "links": (Link("code", "https://code.example/planets"),) if number == 1 else (),
        "signals": (("upvotes", 100 - number), ("comments", number)),
    }
    values |= changes
    values.setdefault("raw_hash", sha256(repr(sorted(values.items(), key=lambda pair: pair[0])).encode()).hexdigest())
    return PaperData(**values)  # type: ignore[arg-type]


@pytest.fixture
def edition(db: None) -> int:
    """An edition of thirteen papers on Monday, 27 May 2024; gives their number."""
    again.written("edition", lambda: ingest([made(number) for number in range(1, 14)], now=NOW))
    return 13


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, settings: Settings) -> Iterator[Path]:
    """A home of each test's own without an encoder, so that no test meets the index of another."""
    settings.CONFIG = replace(settings.CONFIG, home=tmp_path, values={**settings.CONFIG.values, "encoder": "none"})
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STATIC_ROOT.mkdir()
    finding.forget()
    caches["memory"].clear()
    yield tmp_path
    finding.forget()


@pytest.fixture
def indexed(edition: int) -> int:
    """The same edition, indexed for search by words."""
    again.indexed("edition")
    return edition


@pytest.fixture
def page(client: Client) -> Callable[[str], str]:
    """Fetch a page that must be there."""

    def fetch(address: str) -> str:
        response = client.get(address)
        assert response.status_code == 200, (address, response.status_code)
        return response.content.decode()

    return fetch


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """Chromium, for as long as a file's tests last."""
    from playwright.sync_api import sync_playwright

    from broadsheet.web.tests.chromium import ARGUMENTS, CHROMIUM

    if not CHROMIUM:
        pytest.skip("Chromium is not installed")
    with sync_playwright() as driver:
        # The driver's event loop lives in this thread, where Django would refuse to ask the database.
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
        launched = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield launched
        launched.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def said(context: "BrowserContext", site: str) -> list[str]:
    """What the browser complained of, and every request that left the site."""
    heard: list[str] = []

    def watch(page: "Page") -> None:
        page.on("console", lambda message: heard.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on("request", lambda request: None if request.url.startswith(site) else heard.append(request.url))

    context.on("page", watch)
    return heard


@pytest.fixture
def opened(context: "BrowserContext", site: str, said: list[str]) -> Callable[[str], "Page"]:
    """Open a page of the site in a tab of its own."""

    def open_page(address: str) -> "Page":
        page = context.new_page()
        page.goto(site + address)
        return page

    return open_page
