import re
from datetime import timedelta

import pytest
from django.test import Client

from broadsheet.lib.clock import now
from broadsheet.readers import alone, tokens
from broadsheet.readers.models import Reader, Token
from broadsheet.web.tests.accounts import reader, signed_in, signed_in_by_password

pytestmark = pytest.mark.django_db
SECRET = re.compile(r"bs_[A-Za-z0-9_-]{43}")
ASKED = {"name": "paper bot", "scopes": ["read", "write"], "days": "90"}


@pytest.fixture
def ada() -> Reader:
    return reader()


@pytest.fixture
def browser(ada: Reader) -> Client:
    return signed_in_by_password(ada)


def text(client: Client) -> str:
    return client.get("/me/tokens").content.decode()


def test_a_secret_is_shown_once_and_is_that_of_the_token(browser: Client, ada: Reader) -> None:
    shown = browser.post("/me/tokens", ASKED)
    assert shown.status_code == 200
    (secret,) = set(SECRET.findall(shown.content.decode()))
    token = tokens.find(secret, now=now())
    assert token and (token.reader, token.name, token.scopes) == (ada, "paper bot", ["read", "write"])
    assert token.expires and abs(token.expires - now() - timedelta(days=90)) < timedelta(minutes=1)
    again = text(browser)
    assert not SECRET.search(again) and "paper bot" in again and "until" in again
    assert secret not in str(dict(browser.session))


def test_no_cache_keeps_the_page(browser: Client) -> None:
    for answer in (browser.get("/me/tokens"), browser.post("/me/tokens", ASKED)):
        assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize(("days", "lives"), [("30", 30), ("365", 365), ("never", None)])
def test_a_token_lives_as_long_as_was_chosen(browser: Client, days: str, lives: int | None) -> None:
    browser.post("/me/tokens", ASKED | {"days": days})
    token = Token.objects.get()
    assert (token.expires - token.made).days == lives if token.expires else lives is None
    assert ("does not expire" in text(browser)) == (lives is None)


@pytest.mark.thorough
@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""}, {"name": "x" * 81}, {"name": "a\0b"}, {"name": "a\u202eb"}, {"scopes": []},
        {"scopes": ["everything"]}, {"scopes": ["read", "root"]}, {"days": "31"}, {"days": ""}, {"days": "-1"},
        {"days": "x"}, {"days": "9" * 400},
    ],
)  # fmt: skip
def test_nonsense_makes_no_token_and_says_why(browser: Client, wrong: dict[str, object]) -> None:
    answer = browser.post("/me/tokens", ASKED | wrong)
    assert answer.status_code == 400 and b'class="' in answer.content
    assert not Token.objects.exists() and not SECRET.search(answer.content.decode())


def test_a_form_that_is_sent_twice_makes_one_token(browser: Client) -> None:
    browser.post("/me/tokens", ASKED)
    again = browser.post("/me/tokens", ASKED)
    assert again.status_code == 400 and b"a token of that name already" in again.content
    assert Token.objects.count() == 1


def test_a_list_says_what_became_of_each_token(browser: Client, ada: Reader) -> None:
    old = now() - timedelta(days=40)
    tokens.make(ada, "old one", ["feed"], days=30, now=old)
    _token, secret = tokens.make(ada, "<b>new</b>", ["read"], days=30, now=now())
    tokens.find(secret, now=now())
    shown = text(browser)
    assert "&lt;b&gt;new&lt;/b&gt;" in shown and "<b>new" not in shown
    assert "not used yet" in shown and f"last used on {now():%b}"[:12] in shown and "expired on" in shown


def test_a_revoked_token_ends_at_once(browser: Client, ada: Reader) -> None:
    token, secret = tokens.make(ada, "paper bot", ["read"], days=None, now=now())
    assert browser.post(f"/me/tokens/{token.pk}/revoke").status_code == 303
    assert tokens.find(secret, now=now()) is None and "paper bot" not in text(browser)
    assert browser.post(f"/me/tokens/{token.pk}/revoke").status_code == 303
    assert browser.post(f"/me/tokens/{2**70}/revoke").status_code == 303


def test_nobody_revokes_the_tokens_of_others(browser: Client) -> None:
    bo = reader("bo")
    token, _secret = tokens.make(bo, "bo's", ["read"], days=None, now=now())
    browser.post(f"/me/tokens/{token.pk}/revoke")
    assert bo.tokens.count() == 1 and "bo&#x27;s" not in text(browser)


def test_strangers_are_sent_to_sign_in(client: Client) -> None:
    assert client.get("/me/tokens")["Location"].startswith("/account/login/")
    assert client.post("/me/tokens", ASKED).status_code == 303
    assert client.post("/me/tokens/1/revoke").status_code == 303
    assert client.get("/me/tokens/1/revoke").status_code == 405


def test_whoever_found_a_browser_open_makes_no_token_without_the_password(ada: Reader) -> None:
    found = signed_in(ada)
    answer = found.post("/me/tokens", ASKED)
    assert answer.status_code == 302 and "/reauthenticate/" in answer["Location"]
    assert not Token.objects.exists()


def test_a_form_made_elsewhere_makes_no_token(ada: Reader) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ada, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert strict.post("/me/tokens", ASKED).status_code == 403
    assert not Token.objects.exists()


def test_the_owner_of_a_site_for_one_makes_tokens_without_signing_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(alone.VARIABLE, "1")
    local = Client(HTTP_HOST="127.0.0.1:8000", REMOTE_ADDR="127.0.0.1")
    assert local.get("/me/tokens").status_code == 200
    shown = local.post("/me/tokens", ASKED).content.decode()
    (secret,) = set(SECRET.findall(shown))
    token = tokens.find(secret, now=now())
    assert token and token.reader == alone.the_reader()
    assert "curl -X POST http://127.0.0.1:8000/api/papers/" in shown


def test_the_settings_lead_to_the_tokens(browser: Client) -> None:
    assert b'href="/me/tokens"' in browser.get("/me").content
