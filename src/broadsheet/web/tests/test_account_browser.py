"""What only a browser can tell of the pages about accounts: joining, the picture of the app, passkeys, sessions."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core.cache import cache
from playwright.sync_api import Browser, BrowserContext, Page, expect

from broadsheet.lib.clock import now
from broadsheet.papers.ingest import ingest
from broadsheet.readers import invitations
from broadsheet.readers.models import Reader
from broadsheet.web.tests.accounts import PASSWORD, reader
from broadsheet.web.tests.chromium import CONTRAST, MARKS, STRUCTURE
from broadsheet.web.tests.conftest import NOW, made

pytestmark = MARKS

DOORS = ["/account/login/", "/account/signup/", "/account/password/reset/", "/account/inactive/", "/readers/ada"]
OWN = ["/", "/me", "/me/invitations", "/me/erase", "/notifications", "/account/email/", "/account/password/change/"]
OWN += ["/account/2fa/", "/account/2fa/webauthn/", "/account/sessions/", "/account/3rdparty/", "/account/logout/"]
OFFICE = ["/admin/", "/admin/readers/reader/", "/admin/community/comment/", "/admin/papers/paper/"]
Open = Callable[[BrowserContext], Page]


@pytest.fixture
def site(live_server: object, own_home: Path) -> str:
    """A site with a few papers, reached by a name: browsers make no passkeys for bare addresses."""
    cache.clear()
    ingest([made(number) for number in range(1, 4)], now=NOW)
    return str(live_server).replace("127.0.0.1", "localhost")


@pytest.fixture
def ada(site: str) -> Reader:
    return reader(role="owner")


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made_context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    yield made_context
    made_context.close()


def sign_in(page: Page, site: str, who: Reader) -> None:
    page.goto(f"{site}/account/login/")
    page.get_by_label("Mail address").fill(who.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Sign in").click()
    page.wait_for_load_state()


def confirm(page: Page) -> None:
    if "/reauthenticate/" in page.url:
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Go on").click()
        page.wait_for_load_state()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_an_invited_person_joins(browser: Browser, site: str, ada: Reader, scripts: bool) -> None:
    code = invitations.invite(ada, note="Come and read", now=now())[1]
    context = browser.new_context(java_script_enabled=scripts, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"{site}/join/{code}")
    expect(page.get_by_text("Come and read")).to_be_visible()
    page.locator("main").get_by_role("button", name="Join").click()
    page.get_by_label("Name").fill("Bo Brandt")
    page.get_by_label("Handle").fill("Bo")
    page.get_by_label("Mail address").fill("bo@lab.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Join").click()
    expect(page.locator(".mine-name")).to_have_text("Bo Brandt")
    page.locator(".mine summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator(".folio").get_by_role("link", name="Sign in")).to_be_visible()
    context.close()


def test_the_app_is_set_up_by_its_picture(context: BrowserContext, said: list[str], site: str, ada: Reader) -> None:
    page = context.new_page()
    sign_in(page, site, ada)
    page.goto(f"{site}/account/2fa/totp/activate/")
    confirm(page)
    box = page.locator(".qr svg path").bounding_box()
    assert box and box["width"] > 120 and box["height"] > 120
    secret = page.locator("#authenticator_secret").inner_text()
    page.get_by_label("Authenticator code").fill(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))
    page.get_by_role("button", name="Turn it on").click()
    expect(page.locator(".codes li")).to_have_count(10)
    assert said == []


def test_a_passkey_opens_the_account(context: BrowserContext, said: list[str], site: str, ada: Reader) -> None:
    page = context.new_page()
    wire = context.new_cdp_session(page)
    wire.send("WebAuthn.enable")
    key = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    wire.send(
        "WebAuthn.addVirtualAuthenticator",
        {"options": {**key, "isUserVerified": True, "automaticPresenceSimulation": True}},
    )
    sign_in(page, site, ada)
    page.goto(f"{site}/account/2fa/webauthn/add/")
    confirm(page)
    page.locator("[name=passwordless]").check()
    page.get_by_role("button", name="Make it").click()
    expect(page.locator(".codes li")).to_have_count(10)
    page.locator(".mine summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{site}/account/login/")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.locator(".mine-name")).to_have_text("Ada Lum")
    assert said == []


def test_the_other_sessions_are_seen_and_ended(
    browser: Browser, context: BrowserContext, said: list[str], site: str, ada: Reader
) -> None:
    elsewhere = browser.new_context()
    other, page = elsewhere.new_page(), context.new_page()
    sign_in(other, site, ada)
    sign_in(page, site, ada)
    page.goto(f"{site}/account/sessions/")
    expect(page.get_by_text("Chrome on Linux")).to_have_count(2)
    expect(page.get_by_text("this one")).to_have_count(1)
    page.get_by_role("button", name="Sign out the others").click()
    expect(page.get_by_text("Chrome on Linux")).to_have_count(1)
    other.goto(f"{site}/me")
    expect(other).to_have_url(re.compile("/account/login/"))
    assert said == []
    elsewhere.close()


def test_the_pages_break_no_policy_fit_a_phone_and_can_be_read(
    context: BrowserContext, said: list[str], site: str, ada: Reader
) -> None:
    page = context.new_page()
    for address in DOORS:
        hold(page, site + address)
    sign_in(page, site, ada)
    for address in OWN:
        hold(page, site + address)
    for address in OFFICE:
        page.goto(site + address, wait_until="networkidle")
    assert said == []


def hold(page: Page, address: str) -> None:
    """Hold a page to what all pages keep: a phone's width, contrast in light and dark, names for what can be used."""
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(address, wait_until="networkidle")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360, address
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate(CONTRAST) == [], (address, scheme)
    assert page.evaluate(STRUCTURE) == [], address
