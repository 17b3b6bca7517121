"""Signing in and what guards an account: dressed as the other pages, and nothing of it in anyone else's cache."""

import re
import time

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core.cache import cache
from django.template.loader import get_template
from django.test import Client

from broadsheet.readers.models import Reader
from broadsheet.web.tests.accounts import PASSWORD, reader, signed_in, signed_in_by_password

FOR_STRANGERS = ["/account/login/", "/account/signup/", "/account/password/reset/"]
FOR_STRANGERS += ["/account/password/reset/done/", "/account/inactive/"]
FOR_READERS = ["/account/email/", "/account/password/change/", "/account/2fa/", "/account/sessions/"]
FOR_READERS += [
    "/account/3rdparty/",
    "/account/2fa/webauthn/",
    "/account/logout/",
    "/account/2fa/recovery-codes/generate/",
]
GUARDED = ["/account/2fa/totp/activate/", "/account/2fa/webauthn/add/"]


@pytest.fixture(autouse=True)
def fresh_counts(db: None) -> None:
    cache.clear()


@pytest.fixture
def ada(db: None) -> Reader:
    return reader()


@pytest.fixture
def owner(db: None) -> Reader:
    return reader("ow", role="owner", name="Olga Wind")


@pytest.mark.parametrize(
    "address", ["/", "/date/2024-05-27", "/papers/2405.15001", "/search", "/about", "/readers/ada"]
)
def test_pages_for_strangers_set_no_cookie_and_hold_no_token(
    edition: int, ada: Reader, client: Client, address: str
) -> None:
    response = client.get(address)
    assert response.status_code == 200
    assert not response.cookies and "csrfmiddlewaretoken" not in response.content.decode()
    assert "Sign in" in response.content.decode() and "private" not in response.get("Cache-Control", "")


@pytest.mark.parametrize("address", ["/", "/date/2024-05-27", "/papers/2405.15001", "/search", "/readers/ada", "/me"])
def test_pages_for_a_reader_are_theirs_alone(edition: int, ada: Reader, address: str) -> None:
    response = signed_in(ada).get(address)
    assert "Ada Lum" in response.content.decode() and 'action="/account/logout/"' in response.content.decode()
    assert "private" in response["Cache-Control"] and "Cookie" in response["Vary"]


def test_the_menu_shows_the_desk_to_those_who_have_one(ada: Reader, owner: Reader) -> None:
    assert 'href="/desk"' not in signed_in(ada).get("/me").content.decode()
    assert 'href="/admin/"' not in signed_in(reader("cu", role="curator")).get("/me").content.decode()
    page = signed_in(owner).get("/me").content.decode()
    assert 'href="/desk"' in page and 'href="/admin/"' in page


def test_our_templates_win(db: None) -> None:
    for name in (
        "account/login.html",
        "mfa/index.html",
        "usersessions/usersession_list.html",
        "allauth/layouts/base.html",
    ):
        origin = get_template(name).template.origin.name  # type: ignore[attr-defined]
        assert "broadsheet/web/templates" in origin.replace("\\", "/"), origin


@pytest.mark.parametrize("address", FOR_STRANGERS)
def test_pages_at_the_door_wear_our_clothes(db: None, client: Client, address: str) -> None:
    response = client.get(address)
    page = response.content.decode()
    assert response.status_code == 200
    assert 'class="nameplate"' in page and page.count("<h1") == 1 and ">Broadsheet</a>" in page


@pytest.mark.parametrize("address", FOR_READERS + GUARDED)
def test_pages_about_an_account_wear_our_clothes(ada: Reader, address: str) -> None:
    response = signed_in_by_password(ada).get(address, follow=True)
    page = response.content.decode()
    assert response.status_code == 200
    assert 'class="nameplate"' in page and page.count("<h1") == 1 and ">Broadsheet</a>" in page


def test_signing_in_leads_back_to_where_one_was(ada: Reader, client: Client) -> None:
    response = client.post("/account/login/?next=/me", {"login": ada.email, "password": PASSWORD, "next": "/me"})
    assert response.status_code == 302 and response["Location"] == "/me"
    assert client.get("/me").status_code == 200


def test_signing_in_leads_to_no_other_site(ada: Reader, client: Client) -> None:
    for place in ("https://evil.example/", "//evil.example", "javascript:alert(1)", "\\\\evil.example"):
        Client().get("/account/login/", {"next": place})
        response = Client().post("/account/login/", {"login": ada.email, "password": PASSWORD, "next": place})
        assert "evil" not in response.get("Location", "") and "javascript" not in response.get("Location", "")


@pytest.mark.parametrize(
    "given",
    [
        {"login": "ada@lab.example", "password": "wrong"},
        {"login": "", "password": ""},
        {"login": "\0", "password": "\0"},
        {"login": "a" * 100_000, "password": "b" * 100_000},
        {"login": "аda@lab.example", "password": PASSWORD},
        {},
    ],
)
def test_a_wrong_sign_in_is_a_sentence(ada: Reader, client: Client, given: dict[str, str]) -> None:
    response = client.post("/account/login/", given)
    assert response.status_code in (200, 400, 429)
    assert "<h1" in response.content.decode()
    assert client.get("/me").status_code == 303


def test_a_form_from_elsewhere_is_refused_on_a_page_of_ours(db: None) -> None:
    response = Client(enforce_csrf_checks=True).post("/account/login/", {"login": "x", "password": "y"})
    assert response.status_code == 403
    page = response.content.decode()
    assert 'class="nameplate"' in page and "Nothing was changed" in page


def test_guessing_passwords_ends_in_a_wait(ada: Reader, client: Client) -> None:
    answers = [client.post("/account/login/", {"login": ada.email, "password": f"guess {n}"}) for n in range(8)]
    assert answers[0].status_code == 200 and answers[-1].status_code == 429
    assert "One moment" in answers[-1].content.decode() and int(answers[-1]["Retry-After"]) > 0
    assert client.post("/account/login/", {"login": ada.email, "password": PASSWORD}).status_code == 429


@pytest.mark.parametrize("address", FOR_STRANGERS + FOR_READERS + GUARDED)
@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_other_methods_change_nothing(ada: Reader, address: str, method: str) -> None:
    response = getattr(signed_in(ada), method)(address)
    assert response.status_code < 500
    assert Reader.objects.filter(handle="ada").exists()


def test_signing_out_takes_a_post(ada: Reader) -> None:
    browser = signed_in(ada)
    assert browser.get("/account/logout/").status_code == 200
    assert browser.get("/me").status_code == 200
    browser.post("/account/logout/")
    assert browser.get("/me").status_code == 303


def test_other_sites_to_sign_in_with_show_only_where_they_are_set(db: None, client: Client) -> None:
    assert "Go on with" not in client.get("/account/login/").content.decode()


def test_the_picture_for_the_app_is_part_of_the_page(ada: Reader) -> None:
    browser = signed_in_by_password(ada)
    page = browser.get("/account/2fa/totp/activate/").content.decode()
    assert "<svg" in page and "data:" not in page and " style=" not in page and "<?xml" not in page
    secret = re.search(r'id="authenticator_secret">([A-Z2-7]+)<', page)
    assert secret
    code = format_hotp_value(hotp_value(secret[1], int(time.time()) // 30))
    response = browser.post("/account/2fa/totp/activate/", {"code": code}, follow=True)
    assert 'class="codes"' in response.content.decode()
    stranger = Client()
    response = stranger.post("/account/login/", {"login": ada.email, "password": PASSWORD}, follow=True)
    assert "second factor" in response.content.decode()
    assert stranger.get("/me").status_code == 303


def test_the_other_sessions_can_be_ended(ada: Reader) -> None:
    one, other = (signed_in_by_password(ada) for _ in range(2))
    assert one.get("/me").status_code == other.get("/me").status_code == 200
    page = one.get("/account/sessions/").content.decode()
    assert page.count("<li><div>") == 2 and "Sign out the others" in page
    one.post("/account/sessions/")
    assert one.get("/me").status_code == 200
    assert other.get("/me").status_code == 303


def test_a_suspended_reader_is_out_at_once(ada: Reader) -> None:
    browser = signed_in(ada)
    Reader.objects.filter(pk=ada.pk).update(state="suspended")
    assert browser.get("/me").status_code in (303, 403)
    response = Client().post("/account/login/", {"login": ada.email, "password": PASSWORD}, follow=True)
    assert "not open now" in response.content.decode()


OFFICE = [
    "/admin/",
    "/admin/readers/reader/",
    "/admin/community/comment/",
    "/admin/community/act/",
    "/admin/papers/paper/",
]


@pytest.mark.parametrize("address", OFFICE)
def test_the_office_is_the_owners(ada: Reader, owner: Reader, client: Client, address: str) -> None:
    response = client.get(address, follow=True)
    assert response.redirect_chain[-1][0].startswith("/account/login/?next=/admin/")
    for role in ("reader", "curator", "moderator"):
        browser = signed_in(reader(f"the-{role}", role=role))
        assert browser.get(address, follow=True).request["PATH_INFO"] == "/"
    assert signed_in(owner).get(address).status_code == 200


def test_the_office_wears_the_colours_of_the_site_and_runs_no_script_for_them(owner: Reader) -> None:
    page = signed_in(owner).get("/admin/").content.decode()
    assert "web/admin.css" in page and "theme.js" not in page and "dark_mode.css" not in page
    assert owner.name in page and "Django" not in page


def test_labels_of_the_doors_are_in_the_words_of_the_site(client: Client, db: None) -> None:
    for address in ("/account/login/", "/account/password/reset/"):
        page = client.get(address).content.decode()
        assert ">Mail address</label>" in page and ">Email</label>" not in page


def test_the_office_has_no_form_of_its_own_to_sign_in(owner: Reader, client: Client) -> None:
    assert client.post("/admin/login/", {"username": owner.email, "password": PASSWORD}).status_code == 302
    assert client.get("/admin/").status_code == 302


def test_the_office_changes_only_what_no_door_guards(ada: Reader, owner: Reader) -> None:
    browser = signed_in(owner)
    page = browser.get(f"/admin/readers/reader/{ada.pk}/change/").content.decode()
    assert 'name="about"' in page and 'name="role"' not in page and "pbkdf2" not in page and "argon2" not in page
    browser.post(f"/admin/readers/reader/{ada.pk}/change/", {"name": "Ada L.", "about": "", "role": "owner"})
    ada.refresh_from_db()
    assert (ada.name, ada.role) == ("Ada L.", "reader")
    wrong = browser.post(f"/admin/readers/reader/{ada.pk}/change/", {"name": "Аdа Lum", "about": ""})
    assert wrong.status_code == 200 and "one alphabet" in wrong.content.decode()
    assert browser.post(f"/admin/readers/reader/{ada.pk}/delete/", {"post": "yes"}).status_code == 403
    assert browser.get("/admin/community/comment/add/").status_code == 403
