"""Two people with two browsers go through a site's whole life together: by script, without it, and on PostgreSQL."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from broadsheet.lib.tests.loopback import Loopback, playing

pytestmark = [pytest.mark.slow, pytest.mark.browser]
CHROMIUM = next((path for path in ("/usr/bin/chromium", "/usr/bin/chromium-browser") if Path(path).exists()), "")
START_SECONDS = 300
PASSWORD = "quiet-planets-turn-9"
VOTED = "2410.05258"
BROUGHT = "2611.09999"
ENTRY = f"""<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/"
 xmlns:arxiv="http://arxiv.org/schemas/atom"><opensearch:totalResults>1</opensearch:totalResults>
<entry><id>http://arxiv.org/abs/{BROUGHT}v1</id><title>Bees on air</title>
<updated>2026-11-16T12:00:00Z</updated><published>2026-11-16T12:00:00Z</published>
<summary>We count bees on air, and find that they are many, and that most of them hum.</summary>
<author><name>Bo Brandt</name></author><author><name>Cy Corso</name></author>
<category term="cs.LG"/><arxiv:primary_category term="cs.LG"/></entry></feed>"""
HOSTILE = "Is the bound $x_i^2 \\le n$ tight?\n\n<script>document.title = 'stolen'</script><img src=x onerror=alert(1)>"


@dataclass
class Site:
    """A running site: where it is, and the link it printed for its first owner."""

    address: str
    owner_link: str


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM:
        pytest.skip("Chromium is not installed")
    with sync_playwright() as driver:
        launched = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield launched
        launched.close()


@pytest.fixture
def arxiv() -> Iterator[Loopback]:
    with playing() as server:
        server.answer("/api/query", ENTRY, Content_Type="application/atom+xml")
        yield server


@contextmanager
def running(home: Path, database: str, arxiv: Loopback) -> Iterator[Site]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BROADSHEET_", "PYTEST_"))}
    environment = kept | {
        "BROADSHEET_HOME": str(home),
        "BROADSHEET_DATABASE": database,
        "BROADSHEET_SIGN_IN": "always",
        "BROADSHEET_ENCODER": "none",
        "BROADSHEET_ARXIV_API_URL": f"http://127.0.0.1:{arxiv.port}/api/query",
    }
    command = [sys.executable, "-m", "broadsheet.cli", "run", "--no-worker", "--port", str(port)]
    log = home / "site.log"
    with log.open("wb") as out, subprocess.Popen(command, env=environment, stdout=out, stderr=out) as server:
        try:
            yield Site(f"http://127.0.0.1:{port}", owner_link(log, port))
        finally:
            server.terminate()
            server.wait(60)
    assert "Traceback" not in log.read_text()


def owner_link(log: Path, port: int) -> str:
    """Wait until the site listens; give the link it printed."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        found = re.search(r"http://\S+/join/\S+", log.read_text())
        with socket.socket() as probe:
            if found and probe.connect_ex(("127.0.0.1", port)) == 0:
                return found[0]
        time.sleep(0.2)
    pytest.fail(f"the site did not start: {log.read_text()[-3000:]}")


class Person:
    """Somebody with a browser of their own. What it complains of is kept."""

    def __init__(self, context: BrowserContext, site: Site) -> None:
        self.site = site
        self.page: Page = context.new_page()
        self.heard: list[str] = []
        self.page.on(
            "console", lambda message: self.heard.append(message.text) if message.type in ("error", "warning") else None
        )
        self.page.on("pageerror", lambda error: self.heard.append(str(error)))
        self.page.on(
            "request",
            lambda request: None if request.url.startswith(site.address) else self.heard.append(request.url),
        )

    def opens(self, path: str) -> None:
        answer = self.page.goto(self.site.address + path)
        assert answer and answer.status == 200, (path, answer and answer.status)

    def presses(self, name: str) -> None:
        self.page.locator("main").get_by_role("button", name=name, exact=True).first.click()

    def unfolds(self, name: str) -> None:
        self.page.locator("main summary", has_text=name).first.click()

    def joins(self, link: str, name: str, handle: str) -> None:
        self.page.goto(link)
        self.presses("Join")
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("Handle").fill(handle)
        self.page.get_by_label("Mail address").fill(f"{handle}@lab.example")
        self.page.locator("input[type=password]").first.fill(PASSWORD)
        self.page.locator("main form button[type=submit], main form button.button-main").first.click()
        expect(self.page.locator("header, nav").get_by_text(name).first).to_be_attached()

    def sees(self, text: str) -> None:
        expect(self.page.locator("main")).to_contain_text(text)


def invites(owner: Person) -> str:
    owner.opens("/me/invitations")
    owner.page.get_by_label("Note").or_(owner.page.locator("[name=note]")).first.fill("The reading group")
    owner.presses("Make the link")
    return owner.page.locator("code.copyline").inner_text()


def votes(reader: Person) -> None:
    reader.opens(f"/papers/{VOTED}")
    button = reader.page.locator("button.vote").first
    before = int(button.locator("[data-count]").inner_text())
    with reader.page.expect_response(lambda answer: "/vote/" in answer.url):
        button.click()
    expect(reader.page.locator("button.vote [data-count]").first).to_have_text(str(before + 1))
    reader.page.reload()
    expect(reader.page.locator("button.vote").first).to_have_attribute("aria-pressed", "true")
    expect(reader.page.locator("button.vote [data-count]").first).to_have_text(str(before + 1))


def comments(reader: Person, other: Person) -> None:
    reader.page.locator("#comment-text").fill(HOSTILE)
    reader.presses("Comment")
    for person in (reader, other):
        person.opens(f"/papers/{VOTED}")
        said = person.page.locator("article.comment .comment-text").first
        expect(said.locator("math msubsup, math msup, math msub").first).to_be_attached()
        expect(said).to_contain_text("<script>document.title = 'stolen'</script>")
        assert said.locator("script, img").count() == 0
        assert "stolen" not in person.page.title()


def submits(reader: Person) -> None:
    reader.opens("/submit")
    reader.page.locator("#given").fill(f"https://arxiv.org/abs/{BROUGHT}")
    reader.presses("Look it up")
    reader.sees("Bees on air")
    reader.page.locator("#note").fill("It hums.")
    reader.presses("Submit this paper")
    reader.opens("/submissions")
    reader.sees("Bees on air")


def accepts(curator: Person) -> None:
    curator.opens("/desk/submissions")
    curator.sees("It hums.")
    day = curator.page.locator("input[type=date]").first.input_value()
    curator.page.locator("[name=reason]").first.fill("Worth a look.")
    curator.presses("Accept")
    curator.opens(f"/date/{day}")
    curator.sees("Bees on air")


def claims(reader: Person, curator: Person) -> None:
    reader.opens(f"/papers/{BROUGHT}")
    reader.unfolds("Is this paper yours?")
    reader.page.locator("#position").select_option(label="Bo Brandt")
    reader.page.locator("#claim-says").fill("My home page lists it.")
    reader.presses("This is mine")
    curator.opens("/desk/claims")
    curator.sees("My home page lists it.")
    curator.page.locator("[name=reason]").first.fill("The page does list it.")
    curator.presses("Confirm")
    reader.opens(f"/papers/{BROUGHT}")
    reader.sees("your claim is confirmed")


def is_moderated(moderator: Person, reader: Person) -> None:
    moderator.opens(f"/papers/{VOTED}")
    moderator.page.locator("article.comment").get_by_role("link", name="Report").first.click()
    moderator.page.locator("[name=cause]").first.check()
    moderator.page.locator("#says").fill("It carries a script.")
    moderator.presses("Send the report")
    moderator.opens("/desk/reports")
    moderator.sees("It carries a script.")
    moderator.page.locator("[name=reason]").first.fill("No scripts, please.")
    moderator.presses("Remove it")
    reader.opens(f"/papers/{VOTED}")
    reader.sees("A moderator removed this comment.")
    reader.sees("No scripts, please.")
    reader.opens("/moderation")
    reader.sees("No scripts, please.")
    reader.opens("/notifications")


def exports(reader: Person) -> dict[str, object]:
    reader.opens("/me/erase")
    with reader.page.expect_download() as download:
        reader.presses("Download my data first")
    return dict(json.loads(Path(download.value.path()).read_text()))


def erases(reader: Person, other: Person, handle: str) -> None:
    reader.opens("/me/erase")
    reader.page.locator("#handle").fill(handle)
    reader.presses("Erase everything")
    # Which of the two comes depends on how long ago the password was given.
    expect(reader.page.locator("h1")).to_contain_text(re.compile("erased|Is it you"))
    if reader.page.locator("input[type=password]").count():
        reader.page.locator("input[type=password]").first.fill(PASSWORD)
        reader.page.locator("main form button").first.click()
    expect(reader.page.locator("h1")).to_contain_text("erased")
    other.page.goto(f"{other.site.address}/readers/{handle}")
    expect(other.page.locator("h1")).to_contain_text("Not in this paper")
    other.heard.clear()  # The browser tells of the 404 that was asked for.
    other.opens(f"/papers/{VOTED}")
    assert handle not in other.page.content()
    other.opens("/moderation")
    assert handle not in other.page.content()


@pytest.mark.parametrize(
    ("database", "script"),
    [
        pytest.param("sqlite", True, id="with script"),
        pytest.param("sqlite", False, id="without script"),
        pytest.param("postgresql", True, id="on PostgreSQL", marks=pytest.mark.postgres),
    ],
)
def test_a_community_lives_on_a_site(
    database: str, script: bool, browser: Browser, arxiv: Loopback, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("empty_database") if database == "postgresql" else ""
    with running(tmp_path, url, arxiv) as site:
        contexts = [browser.new_context(java_script_enabled=script) for _person in range(2)]
        ada, bo = (Person(context, site) for context in contexts)
        ada.joins(site.owner_link, "Ada Lum", "ada")
        bo.joins(invites(ada), "Bo Brandt", "bo-brandt")
        votes(bo)
        comments(bo, ada)
        submits(bo)
        accepts(ada)
        claims(bo, ada)
        is_moderated(ada, bo)
        exported = json.dumps(exports(bo))
        assert all(word in exported for word in ("bo-brandt@lab.example", VOTED, "Bees on air", "It hums.", "x_i^2"))
        erases(bo, ada, "bo-brandt")
        assert ada.heard == bo.heard == []
        for context in contexts:
            context.close()
