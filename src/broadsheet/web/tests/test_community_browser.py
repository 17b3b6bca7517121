"""Votes and comments in a browser: at once with scripts, all the same without, and nothing of a comment runs."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Route, expect

from broadsheet.community.models import Comment, Finding, Vote
from broadsheet.community.tests.factory import reader
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Paper
from broadsheet.readers import follows, tokens
from broadsheet.readers.models import Reader
from broadsheet.web.tests.chromium import CONTRAST, MARKS, STRUCTURE, Open
from broadsheet.web.tests.conftest import NOW, made

pytestmark = MARKS

DAY = "/date/2024-05-27"
PAPER = "/papers/2405.15001"
OWN = [DAY, PAPER, "/search?q=planets", "/library", "/submit", "/submissions", "/organisations", "/moderation"]
OWN += [f"/desk{page}" for page in ("", "/submissions", "/claims", "/reports", "/readers", "/readers/ada", "/votes")]
OWN += [f"/{page}/2405.15001" for page in ("claim", "link", "comment/on")] + ["/report/paper:2405.15001", "/about"]
OWN += ["/feeds", "/follows", "/category/cs.CL", "/author/Ada%20Lum"]
OWN += ["/organisations/lab-of-planets", "/organisations/lab-of-planets/edit", "/found-organisation"]


@pytest.fixture
def site(live_server: object, own_home: Path) -> str:
    """A site with an edition of five papers."""
    ingest([made(number) for number in range(1, 6)], now=NOW)
    return str(live_server)


@pytest.fixture
def ada(site: str) -> Reader:
    return reader(1, handle="ada", name="Ada Lum", role="moderator")


@pytest.fixture
def busy(ada: Reader) -> None:
    """The same site with something on every page and in every queue."""
    client, other = Client(), Client()
    client.force_login(reader(8, role="curator"))
    other.force_login(reader(2, name="Bo Brandt"))
    paper = Paper.objects.get(key="2405.15001")
    client.post("/comment/on/2405.15001", {"text": "# Wind\n\n> so\n\n$$x^2$$ | `code` [a](https://a.example/)"})
    first = Comment.objects.get()
    other.post("/comment/on/2405.15001", {"text": "x" * 400, "parent": first.pk})
    other.post(f"/report/comment:{first.pk}", {"cause": "spam", "says": "y" * 300})
    other.post("/link/2405.15001", {"kind": "code", "url": "https://code.example/" + "z" * 200})
    other.post("/claim/2405.15001", {"position": "1", "says": "It is mine"})
    other.post("/submit", {"given": "2405.15003", "note": "Again", "confirm": "1"})
    client.post("/found-organisation", {"name": "Lab of Planets", "url": "https://lab.example/"})
    client.post("/organisations/lab-of-planets/papers", {"paper": "2405.15001", "on": "1"})
    client.post("/desk/paper/2405.15002", {"do": "place", "day": "", "reason": "Worth it"})
    for key in ("category/cs.CL", "search/" + "long-" * 30, "organisation/gone"):
        follows.follow(ada, key, now=NOW)
    tokens.make(ada, "My feeds", ["feed"], days=None, now=NOW)
    reader(3, state="waiting")
    finding = Finding.objects.create(key="k", kind="burst", paper=paper, discount=0.9, found=NOW, evidence={"votes": 9})
    finding.members.set(Reader.objects.filter(role="reader"))


def signed_in(context: BrowserContext, member: Reader, site: str) -> BrowserContext:
    client = Client()
    client.force_login(member)
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": site}])
    return context


@pytest.fixture
def context(browser: Browser, ada: Reader, site: str) -> Iterator[BrowserContext]:
    made_context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    yield signed_in(made_context, ada, site)
    made_context.close()


def votes() -> int:
    return Paper.objects.get(key="2405.15001").votes_here


def test_a_vote_shows_at_once_and_stays(opened: Open, said: list[str]) -> None:
    page = opened(DAY)
    page.evaluate("window.stayed = true")
    button = page.locator("#paper-2405\\.15001 .vote")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(button.locator("[data-count]")).to_have_text("100")
    expect(button).to_have_attribute("title", "1 here, 99 elsewhere")
    page.locator("#paper-2405\\.15001 .save").click()
    expect(page.locator("#paper-2405\\.15001 .save")).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("window.stayed") is True and votes() == 1
    page.reload()
    expect(button).to_have_attribute("aria-pressed", "true")
    button.click()
    expect(button).to_have_attribute("title", "0 here, 99 elsewhere")
    assert votes() == 0 and said == []


def test_a_vote_shows_before_the_site_has_answered(opened: Open) -> None:
    page = opened(PAPER)
    held: list[Route] = []
    page.route("**/vote/**", lambda route: held.append(route))
    button = page.locator(".acts-own .vote")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(button.locator("[data-count]")).to_have_text("100")
    assert votes() == 0
    held[0].continue_()
    expect(page.locator("[data-hint]")).to_have_text("1 here, 99 elsewhere")


def test_a_vote_that_fails_is_undone_and_said(opened: Open) -> None:
    page = opened(PAPER)
    Paper.objects.filter(key="2405.15001").update(hidden=True)
    button = page.locator(".acts-own .vote")
    button.click()
    expect(page.locator("[data-told]")).to_contain_text("taken off the lists")
    expect(button).to_have_attribute("aria-pressed", "false")
    expect(button.locator("[data-count]")).to_have_text("99")
    page.route("**/vote/**", lambda route: route.abort())
    button.click()
    expect(page.locator("[data-told]")).to_have_text("That did not work. Please try again.")
    expect(button).to_have_attribute("aria-pressed", "false")


def test_many_clicks_are_one_vote(opened: Open) -> None:
    page = opened(DAY)
    button = page.locator("#paper-2405\\.15001 .vote")
    for _click in range(5):
        button.click(no_wait_after=True)
    # Until the last answer is there, the site may be at work on a vote.
    page.wait_for_load_state("networkidle")
    expect(button).not_to_have_attribute("data-busy", re.compile(""))
    assert votes() == Vote.objects.count() <= 1
    assert (button.get_attribute("aria-pressed") == "true") == (votes() == 1)


def test_all_works_without_javascript(browser: Browser, ada: Reader, site: str) -> None:
    context = signed_in(browser.new_context(java_script_enabled=False), ada, site)
    page = context.new_page()
    page.goto(f"{site}{DAY}?why=1")
    page.locator("#paper-2405\\.15001 .vote").click()
    expect(page).to_have_url(f"{site}{DAY}?why=1#paper-2405.15001")
    expect(page.locator("#paper-2405\\.15001 .vote")).to_have_attribute("aria-pressed", "true")
    page.locator("#paper-2405\\.15001 .save").click()
    expect(page.locator("#paper-2405\\.15001 .save")).to_have_attribute("aria-pressed", "true")
    page.goto(site + PAPER)
    page.locator("#comment-text").fill("It **works**.")
    page.locator(".comment-new").get_by_role("button", name="Preview").click()
    expect(page.locator(".comment-preview strong")).to_have_text("works")
    page.get_by_role("button", name="Comment", exact=True).click()
    expect(page).to_have_url(re.compile(r"/papers/2405\.15001#comment-\d+$"))
    page.locator(".comment summary", has_text="Reply").first.click()
    page.locator(".comment textarea").first.fill("It does.")
    page.locator(".comment form").first.get_by_role("button", name="Reply").click()
    expect(page.locator(".comment.depth-1 .comment-text")).to_have_text("It does.")
    page.goto(site + "/library")
    assert page.locator("article").count() == 1 and votes() == 1
    context.close()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_list_is_followed_by_its_button(browser: Browser, ada: Reader, site: str, scripts: bool) -> None:
    context = signed_in(browser.new_context(java_script_enabled=scripts), ada, site)
    page = context.new_page()
    page.goto(site + "/category/cs.CL")
    button = page.locator(".about-list .follow")
    button.focus()
    page.keyboard.press("Enter")
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(button).to_have_text("Followed", use_inner_text=True)
    expect(button).not_to_have_attribute("data-busy", re.compile(""))
    page.goto(site + "/follows")
    assert page.locator("article").count() == 3
    page.locator("summary", has_text="Change").click()
    page.locator(".follow-line button[name=on]").click()
    expect(page.get_by_text("Nothing yet.")).to_be_visible()
    context.close()


def test_a_comment_shows_its_formulas_and_runs_nothing(opened: Open, said: list[str]) -> None:
    page = opened(PAPER)
    text = "Here $\\sum_i x_i^2$ <script>window.ran = 1</script> <img src=x onerror='window.ran = 1'> <b>done</b>"
    page.locator("#comment-text").fill(text)
    page.locator(".comment-new").get_by_role("button", name="Comment").click()
    shown = page.locator(".comment-text").first
    expect(shown).to_contain_text("<script>window.ran = 1</script>")
    box = shown.locator("math").bounding_box()
    assert box and box["width"] > 10
    assert shown.locator("script, img, b").count() == 0
    assert page.evaluate("window.ran") is None and Comment.objects.count() == 1
    other = opened(DAY)
    other.wait_for_load_state("load")
    assert said == []


def test_pages_load_nothing_foreign_and_break_no_policy(busy: None, opened: Open, said: list[str]) -> None:
    for address in OWN:
        opened(address).wait_for_load_state("load")
    assert said == []


@pytest.mark.parametrize("width", [320, 390])
def test_nothing_is_wider_than_a_phone(busy: None, opened: Open, width: int) -> None:
    for address in OWN:
        page = opened(address)
        page.set_viewport_size({"width": width, "height": 740})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_the_contrast_of_wcag_aa(busy: None, opened: Open, scheme: str) -> None:
    opened(DAY).locator(".vote").first.click()
    for address in OWN:
        page = opened(address)
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert page.evaluate(CONTRAST) == [], address


def test_pages_are_built_for_a_screen_reader(busy: None, opened: Open) -> None:
    for address in OWN:
        assert opened(address).evaluate(STRUCTURE) == [], address


def test_the_keyboard_votes(opened: Open) -> None:
    page = opened(DAY)
    button = page.locator("#paper-2405\\.15001 .vote")
    button.focus()
    page.keyboard.press("Space")
    expect(button).to_have_attribute("title", "1 here, 99 elsewhere")
    expect(button).to_be_focused()
