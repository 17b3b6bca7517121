"""What only a browser can tell: that pages load nothing foreign, fit a phone, obey keys and need no script."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect
from pytest_django import Settings

from broadsheet.digest import links
from broadsheet.digest.models import Subscription
from broadsheet.lib.clock import now
from broadsheet.papers import finding
from broadsheet.papers.ingest import ingest
from broadsheet.web.tests.chromium import CONTRAST, MARKS, STRUCTURE, Open
from broadsheet.web.tests.conftest import MONDAY, NOW, made
from broadsheet.web.views.search import FIRST

pytestmark = MARKS

PAGES = ["/", "/week/2024-W22", "/month/2024-05", "/trending", "/papers/2405.15001", "/search", "/search?q=planets"]
PAGES += ["/about", "/health", "/date/2024-05-27?why=1&calendar=2024-05", "/date/2024-05-26", "/subscribe"]
MATHS = "Bounds of $O(n^2)$ and $\\sum_{i=1}^n x_i$ for winds. " * 9


@pytest.fixture
def site(live_server: object, own_home: Path, settings: Settings) -> str:
    """A site that sends mail, with an edition of thirteen papers, one with formulas, and the day before it."""
    settings.MAIL = True
    ingest([made(number) for number in range(1, 13)], now=NOW)
    ingest([made(13, title="On $L_2$ winds", abstract=MATHS)], now=NOW)
    ingest([made(20, announced=MONDAY.replace(day=24))], now=NOW)
    finding.index()
    return str(live_server)


@pytest.fixture
def pages(site: str) -> list[str]:
    """The pages, those behind the links of a mail among them."""
    ada = Subscription.objects.create(
        address="ada@home.example", state="active", lists=["trending"], asked=NOW, confirmed=NOW
    )
    asked = Subscription.objects.create(address="bo@home.example", lists=["trending"], asked=NOW)
    signed = ((ada, "preferences"), (ada, "unsubscribe"), (asked, "confirm"))
    return [*PAGES, *("/" + links.link(who, what, now=now()).split("/", 3)[3] for who, what in signed)]


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made_context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    yield made_context
    made_context.close()


def test_pages_load_nothing_foreign_and_break_no_policy(opened: Open, pages: list[str], said: list[str]) -> None:
    for address in pages:
        opened(address).wait_for_load_state("load")
    assert said == []


def test_each_paper_is_an_article_and_each_formula_is_drawn(opened: Open) -> None:
    page = opened("/date/2024-05-27")
    assert page.locator("article").count() == 13
    widths = page.locator("article math").evaluate_all("all => all.map(m => m.getBoundingClientRect().width)")
    assert len(widths) == 1 + 2 * 9
    assert min(widths) > 0


@pytest.mark.parametrize("width", [320, 360])
def test_nothing_is_wider_than_a_phone(opened: Open, pages: list[str], width: int) -> None:
    for address in pages:
        page = opened(address)
        page.set_viewport_size({"width": width, "height": 740})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_the_contrast_of_wcag_aa(opened: Open, pages: list[str], scheme: str) -> None:
    for address in pages:
        page = opened(address)
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert page.evaluate(CONTRAST) == [], address


def test_pages_are_built_for_a_screen_reader(opened: Open, pages: list[str]) -> None:
    for address in pages:
        assert opened(address).evaluate(STRUCTURE) == [], address


def test_the_keyboard_reaches_the_papers_at_once(opened: Open) -> None:
    page = opened("/")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("j")
    expect(page.locator("article h3 a").first).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/papers/2405\.15001$"))


def test_arrows_turn_the_pages_and_the_slash_searches(opened: Open) -> None:
    page = opened("/date/2024-05-27")
    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(re.compile("/date/2024-05-24$"))
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile("/date/2024-05-27$"))
    page.keyboard.press("/")
    expect(page.locator("[data-seek]")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.type("planets")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/search\?q=planets$"))


def test_the_keys_can_be_switched_off(opened: Open, site: str) -> None:
    page = opened("/about")
    page.get_by_label("Use the keys j, k and /").uncheck()
    page.goto(site + "/")
    page.keyboard.press("/")
    expect(page.locator("[data-seek]")).not_to_be_focused()


def test_the_calendar_opens_and_closes_by_keyboard(opened: Open) -> None:
    page = opened("/date/2024-05-27")
    page.locator("details.calendar > summary").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".sheet")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".sheet")).to_be_hidden()
    expect(page.locator("details.calendar > summary")).to_be_focused()


def test_results_come_while_typing_and_the_address_follows(opened: Open, said: list[str]) -> None:
    page = opened("/search")
    page.evaluate("window.stayed = true")
    page.locator("#q").press_sequentially("planets", delay=15)
    expect(page.get_by_text("Papers that hold all your words")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/search\?q=planets$"))
    assert page.evaluate("window.stayed") is True
    expect(page.locator("#q")).to_be_focused()
    assert page.locator("#results mark").count() > 5
    assert page.locator("html").count() == page.locator("h1").count() == 1
    assert said == []


def test_the_rest_of_what_is_found_comes_when_a_reader_gets_there(opened: Open, said: list[str]) -> None:
    ingest([made(number) for number in range(30, 60)], now=NOW)
    finding.index()
    page = opened("/search")
    page.locator("#q").press_sequentially("planets", delay=15)
    expect(page).to_have_url(re.compile(r"/search\?q=planets$"))
    expect(page.locator("#results article")).to_have_count(FIRST)
    page.locator("#results .rest").scroll_into_view_if_needed()
    expect(page.locator("#results article")).to_have_count(43)
    expect(page.locator("#results .rest")).to_have_count(0)
    expect(page).to_have_url(re.compile(r"/search\?q=planets$"))
    assert said == []


def test_a_chip_narrows_and_the_way_back_is_open(opened: Open) -> None:
    page = opened("/search?q=planets")
    page.locator(".chip", has_text="cs.CV").click()
    expect(page).to_have_url(re.compile("cat=cs.CV"))
    assert page.locator("article").count() == 7
    page.go_back()
    expect(page).to_have_url(re.compile(r"/search\?q=planets$"))
    assert page.locator("article").count() == 13


def test_bibtex_is_copied_by_a_button(context: BrowserContext, opened: Open) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = opened("/papers/2405.15001")
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert str(page.evaluate("navigator.clipboard.readText()")).startswith("@misc{")


def test_everything_works_without_javascript(browser: Browser, site: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site + "/date/2024-05-27")
    assert page.locator("article").count() == 13
    abstract = page.locator(".columns .abstract").first
    shut = abstract.bounding_box()
    page.locator(".columns .read-on > summary").first.click()
    opened_box = abstract.bounding_box()
    assert shut and opened_box and opened_box["height"] > shut["height"]
    page.locator("details.calendar > summary").click()
    expect(page.locator(".sheet")).to_be_visible()
    page.goto(site + "/search")
    page.locator("#q").fill("planets")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("Papers that hold all your words")).to_be_visible()
    page.locator("details.why > summary").first.click()
    expect(page.get_by_text("It holds:").first).to_be_visible()
    page.goto(site + "/trending")
    page.locator("#by-mail-address").fill("cy@home.example")
    page.get_by_role("button", name="Subscribe").click()
    page.get_by_label("Your time zone").select_option("Asia/Tokyo")
    page.get_by_role("button", name="Subscribe").click()
    expect(page.get_by_role("heading", name="Look into your mailbox")).to_be_visible()
    context.close()
