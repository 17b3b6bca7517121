"""What only a browser can tell of the pages of sent digests: on a phone and a desk, in light and dark."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

import pytest
from django.core.cache import cache
from playwright.sync_api import Browser, BrowserContext, Page, expect

from broadsheet.digest import links
from broadsheet.digest.models import Digest, Subscription
from broadsheet.lib.clock import now
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Paper
from broadsheet.web.tests.accounts import PASSWORD, reader
from broadsheet.web.tests.chromium import CONTRAST, MARKS, STRUCTURE
from broadsheet.web.tests.conftest import NOW, made

pytestmark = MARKS
MONDAY = date(2024, 5, 27)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@pytest.fixture
def site(live_server: object, own_home: Path) -> str:
    cache.clear()
    ingest([made(number) for number in range(1, 8)], now=NOW)
    return str(live_server).replace("127.0.0.1", "localhost")


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    yield opened
    opened.close()


def digest(of: Subscription, last: date, *numbers: int, says: str = "") -> Digest:
    papers = [Paper.objects.get(key=f"2405.{15000 + number}") for number in numbers]
    why = ({"kind": "author", "name": "Ada Lum"}, {"kind": "category", "name": "cs.CL"}, {"discovery": "liked"})
    picks = [
        {"paper": paper.key, "id": paper.pk, "list": "", "why": [why[place % 3], {"votes": paper.votes}], "also": []}
        for place, paper in enumerate(papers)
    ]
    if picks:
        picks[0]["also"] = ["2405.15006", "2405.15007"]
    state = "composed" if picks else "nothing"
    return Digest.objects.create(
        subscription=of, first=last, last=last, state=state, picks=picks, says=says, made=NOW, partial=bool(picks)
    )


def test_sent_digests_are_read_on_any_screen(context: BrowserContext, site: str, said: list[str]) -> None:
    ada = reader()
    hers = Subscription.objects.create(address=ada.email, reader=ada, state="active", asked=now(), confirmed=now())
    digest(hers, MONDAY - timedelta(days=4), 5)
    digest(hers, MONDAY - timedelta(days=3), says="There was nothing new in your lists.")
    link = "/digest/archive/" + links.token(hers, "archive", digest=digest(hers, MONDAY, 1, 2, 3).pk, now=now())
    page = context.new_page()
    page.goto(site + link)
    expect(page.get_by_text("Sign in to see the others")).to_be_visible()
    hold(page, "stranger")
    page.get_by_text("Sign in to see the others").click()
    page.get_by_label("Mail address").fill(ada.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="My digests")).to_be_visible()
    hold(page, "list")
    page.get_by_role("link", name="Monday, 27 May 2024").click()
    page.locator(".card .vote").first.click()
    expect(page.locator(".card .vote").first).to_have_attribute("aria-pressed", "true")
    hold(page, "own")
    page.get_by_role("link", name="Earlier:").click()
    expect(page.get_by_text("There was nothing new in your lists.")).to_be_visible()
    hold(page, "nothing")
    assert said == []


def hold(page: Page, name: str) -> None:
    """Hold a page to what all keep: the width of a phone, contrast in light and dark, names for what can be used."""
    for width in (360, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            assert page.evaluate(CONTRAST) == [], (name, scheme)
    assert page.evaluate(STRUCTURE) == [], name
