"""What only a browser can tell of the page of tokens: with scripts and without, on a phone, in light and dark."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from django.core.cache import cache
from playwright.sync_api import Browser, BrowserContext, Page, expect

from broadsheet.lib.clock import now
from broadsheet.readers import tokens
from broadsheet.readers.models import Reader
from broadsheet.web.tests.accounts import PASSWORD, reader
from broadsheet.web.tests.chromium import CONTRAST, MARKS, STRUCTURE

pytestmark = MARKS


@pytest.fixture
def site(live_server: object, own_home: Path) -> str:
    cache.clear()
    return str(live_server).replace("127.0.0.1", "localhost")


@pytest.fixture
def ada(site: str) -> Reader:
    return reader()


@pytest.fixture(params=[True, False], ids=["with scripts", "without scripts"])
def context(browser: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    size = {"width": 1280, "height": 900}
    made = browser.new_context(viewport=size, java_script_enabled=request.param, reduced_motion="reduce")  # type: ignore[arg-type]
    yield made
    made.close()


def make_one(page: Page, site: str, who: Reader) -> None:
    page.goto(f"{site}/account/login/?next=/me/tokens")
    page.get_by_label("Mail address").fill(who.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Sign in").click()
    page.get_by_label("Name").fill("Paper bot on the lab's machine")
    page.get_by_label("Act as you").check()
    page.get_by_label("How long it lives").select_option("A year")
    page.get_by_role("button", name="Make the token").click()
    # What gives lasting access asks for the password once more; the form that was sent goes through after it.
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()


def test_a_token_is_made_told_once_and_revoked(
    context: BrowserContext, said: list[str], site: str, ada: Reader
) -> None:
    page = context.new_page()
    make_one(page, site, ada)
    secret = page.locator(".fresh code").inner_text()
    token = tokens.find(secret, now=now())
    assert token and token.scopes == ["read", "write"] and re.fullmatch(r"bs_\S{43}", secret)
    hold(page)
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("You have none yet.")).to_be_visible()
    assert tokens.find(secret, now=now()) is None and said == []


def hold(page: Page) -> None:
    """Hold the page to what all keep: a phone's width, contrast in light and dark, names for what can be used."""
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate(CONTRAST) == [], scheme
    assert page.evaluate(STRUCTURE) == []
