"""The library in a browser: filed without leaving the page, and all the same without scripts."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, expect

from broadsheet.community.tests.factory import reader
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Paper
from broadsheet.readers import filing, library
from broadsheet.readers.models import Reader
from broadsheet.web.tests.chromium import CONTRAST, MARKS, STRUCTURE, Open
from broadsheet.web.tests.conftest import NOW, made

pytestmark = MARKS

PAGES = ["/library", "/library?q=zanz&tag=wind", "/library?q=nothing", "/library/reading", "/library/tags"]
CARD = "#paper-2405\\.15002"


@pytest.fixture
def site(live_server: object, own_home: Path) -> str:
    """A site with an edition of five papers."""
    ingest([made(number) for number in range(1, 6)], now=NOW)
    return str(live_server)


@pytest.fixture
def ada(site: str) -> Reader:
    """A reader with all of them in the library, filed in every way."""
    ada = reader(1, handle="ada", name="Ada Lum")
    papers = list(Paper.objects.order_by("pk"))
    library.add(ada, [one.pk for one in papers], now=NOW)
    note = "# Zanzibar\n\n> so\n\n$$x^2$$ | `code` [a](https://a.example/)\n\n- one\n\n" + "x" * 400
    filing.file(ada, papers[0], now=NOW, tags=["Wind", "t" * 60, *map(str, range(20))], note=note, state="reading")
    filing.file(ada, papers[2], now=NOW, tags="wind", note="long " * 300 + "Zanzibar", state="to-read")
    filing.file(ada, papers[3], now=NOW, tags="rain", state="read")
    return ada


@pytest.fixture(params=[True, False], ids=["with scripts", "without scripts"])
def scripts(request: pytest.FixtureRequest) -> bool:
    """Whether the browser runs scripts."""
    return bool(request.param)


@pytest.fixture
def context(browser: Browser, ada: Reader, site: str) -> Iterator[BrowserContext]:
    made_context = signed_in(browser, ada, site)
    yield made_context
    made_context.close()


def signed_in(browser: Browser, ada: Reader, site: str, **options: object) -> BrowserContext:
    wide = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"}
    context = browser.new_context(**(wide | options))  # type: ignore[arg-type]
    client = Client()
    client.force_login(ada)
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": site}])
    return context


def test_a_paper_is_filed_moved_on_and_tagged_with_others(
    browser: Browser, ada: Reader, site: str, scripts: bool
) -> None:
    context = signed_in(browser, ada, site, java_script_enabled=scripts)
    page = context.new_page()
    page.goto(f"{site}/library")
    card = page.locator(CARD)
    card.get_by_text("File", exact=True).click()
    card.get_by_label("Tags").fill("Dust, #wind")
    card.get_by_label("Note").fill("It **works**.")
    card.get_by_role("button", name="Keep").click()
    expect(card.locator(".lib-note strong")).to_have_text("works")
    expect(card.locator(".lib-tag")).to_have_text(["Dust", "Wind"])
    card.get_by_role("button", name="Read later").click()
    expect(card.locator(".lib-state")).to_have_text("To read")
    page.get_by_text("File several at once").click()
    card.locator(".pick input").check()
    page.locator("#several-tag").fill("thesis")
    page.get_by_role("button", name="Put it on").click()
    expect(page.locator(".tiding")).to_have_text("1 paper was filed anew.")
    expect(card.locator(".lib-tag")).to_have_text(["Dust", "Wind", "thesis"])
    page.goto(f"{site}/library/reading")
    assert page.locator("article").count() == 3
    page.get_by_role("button", name="Finished").click()
    expect(page.locator("article")).to_have_count(2)
    context.close()


def test_the_library_is_searched_while_one_types(opened: Open, said: list[str]) -> None:
    page = opened("/library")
    page.locator("#lib-q").press_sequentially("zanz", delay=30)
    expect(page.locator("article")).to_have_count(2)
    expect(page.locator("mark").first).to_have_text("Zanzibar")
    expect(page).to_have_url("".join([page.url.split("/library")[0], "/library?q=zanz"]))
    said[:] = [line for line in said if "abort" not in line]
    assert said == []


def test_what_is_refused_stays_in_the_form(opened: Open) -> None:
    page = opened("/library")
    card = page.locator(CARD)
    card.get_by_text("File", exact=True).click()
    card.get_by_label("Tags").fill("y" * 70)
    card.get_by_label("Note").fill("not lost")
    card.get_by_role("button", name="Keep").click()
    expect(card.get_by_role("alert")).to_contain_text("too long")
    expect(card.get_by_label("Note")).to_have_value("not lost")


@pytest.mark.parametrize("address", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_are_sound_and_can_be_read(
    browser: Browser, ada: Reader, site: str, address: str, scheme: str
) -> None:
    context = signed_in(browser, ada, site, color_scheme=scheme)
    page = context.new_page()
    page.goto(site + address)
    page.evaluate("document.querySelectorAll('main details').forEach(one => { one.open = true; })")
    assert page.evaluate(STRUCTURE) == []
    assert page.evaluate(CONTRAST) == []
    for width in (1280, 390, 320):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, width
    context.close()
