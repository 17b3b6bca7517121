import time
from urllib.parse import urlsplit

import pytest
from allauth.mfa.totp.internal import auth as totp
from axes.models import AccessAttempt
from django.core import mail
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from broadsheet.readers.models import Reader
from broadsheet.readers.tests.site import PASSWORD, give_mail, reader, sign_in, who
from broadsheet.readers.tests.test_joining import code_in

pytestmark = pytest.mark.django_db


def test_one_signs_in_with_address_and_password_in_any_case_of_the_address(client: Client) -> None:
    reader("ada")
    sign_in(client, "ADA@Lab.Example")
    assert who(client) == "ada"
    cookie = client.cookies["sessionid"]
    assert cookie["httponly"] and cookie["samesite"] == "Lax" and cookie["max-age"] == 30 * 86400


def test_a_next_elsewhere_is_not_followed(client: Client) -> None:
    ada = reader("ada")
    for place in (
        "https://evil.example/",
        "//evil.example",
        "http://localhost/",
        "javascript:alert(1)",
        "\\\\evil.example",
    ):
        fresh = Client()
        response = fresh.post("/account/login/", {"login": ada.email, "password": PASSWORD, "next": place})
        assert response.status_code == 302 and response["Location"] == "/", place
    response = client.post("/account/login/", {"login": ada.email, "password": PASSWORD, "next": "/library"})
    assert response["Location"] == "/library"


def test_after_five_wrong_passwords_an_address_waits_and_others_may_still_come(client: Client) -> None:
    ada = reader("ada")
    answers = [sign_in(client, "Ada@lab.example", "wrong") for _ in range(5)]
    assert answers == [200, 200, 200, 200, 429]
    locked = client.post("/account/login/", {"login": ada.email, "password": PASSWORD})
    assert locked.status_code == 429 and int(locked["Retry-After"]) > 0 and who(client) == ""
    elsewhere = Client(REMOTE_ADDR="198.51.100.7")
    sign_in(elsewhere, ada.email)
    assert who(elsewhere) == "ada"


def test_other_spellings_headers_and_browsers_buy_no_more_guesses(client: Client) -> None:
    reader("ada")
    for number in range(5):
        name = "ada@lab.example".upper() if number % 2 else " ada@lab.example"
        headers = {"HTTP_USER_AGENT": f"browser {number}", "HTTP_X_FORWARDED_FOR": f"198.51.100.{number}"}
        answer = sign_in(client, name, "wrong", **headers)
    assert answer == 429


def test_a_right_password_forgives_the_wrong_ones(client: Client) -> None:
    ada = reader("ada")
    for _ in range(4):
        sign_in(client, ada.email, "wrong")
    sign_in(client, ada.email)
    assert who(client) == "ada" and not AccessAttempt.objects.exists()


def test_no_password_and_no_address_stands_in_the_notes_of_wrong_ones(client: Client) -> None:
    sign_in(client, "ada@lab.example", "a secret with one letter wrong")
    noted = str(AccessAttempt.objects.values("post_data", "get_data").get())
    assert "secret" not in noted and "ada" not in noted


def test_guesses_from_everywhere_at_one_account_are_slowed_too(settings: Settings) -> None:
    reader("ada")
    settings.ACCOUNT_RATE_LIMITS = {"login_failed": "20/m/ip,3/15m/key"}
    for number in range(3):
        sign_in(Client(REMOTE_ADDR=f"198.51.100.{number}"), "ada@lab.example", "wrong")
    last = Client(REMOTE_ADDR="198.51.100.99")
    sign_in(last, "ada@lab.example")
    assert who(last) == ""


def test_counts_of_rates_live_where_all_processes_see_them() -> None:
    from django.db import connection

    cache.set("seen", 1, 60)
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM cache WHERE cache_key LIKE %s", ["%seen%"])
        assert cursor.fetchone()[0] == 1


@pytest.mark.parametrize("login", ["\0", "x" * 500_000, "\ud800".encode("utf-8", "replace").decode(), "a@b", "'; --"])
def test_nonsense_signs_nobody_in_and_is_no_500(client: Client, login: str) -> None:
    assert sign_in(client, login, "x" * 100_000) == 200


def test_who_is_suspended_is_not_let_in_and_is_put_out(client: Client) -> None:
    ada = reader("ada")
    sign_in(client, ada.email)
    Reader.objects.update(state="suspended")
    assert client.get("/me").status_code == 303
    fresh = Client()
    response = fresh.post("/account/login/", {"login": ada.email, "password": PASSWORD})
    assert response["Location"] == "/account/inactive/" and who(fresh) == ""


def test_with_mail_one_signs_in_with_a_code(client: Client, settings: Settings) -> None:
    give_mail(settings)
    reader("ada", password=None)
    client.post("/account/login/code/", {"email": "ADA@lab.example"})
    client.post("/account/login/code/confirm/", {"code": code_in(str(mail.outbox[0].body))})
    assert who(client) == "ada"


def test_a_wrong_code_ends_after_three_tries(client: Client, settings: Settings) -> None:
    give_mail(settings)
    reader("ada")
    client.post("/account/login/code/", {"email": "ada@lab.example"})
    for _ in range(3):
        client.post("/account/login/code/confirm/", {"code": "XXX-XXX"})
    client.post("/account/login/code/confirm/", {"code": code_in(str(mail.outbox[0].body))})
    assert who(client) == ""


def test_a_link_by_mail_sets_a_new_password_once(client: Client, settings: Settings) -> None:
    give_mail(settings)
    reader("ada")
    client.post("/account/password/reset/", {"email": "ada@lab.example"})
    link = next(word for word in str(mail.outbox[0].body).split() if "/password/reset/key/" in word)
    form = client.get(urlsplit(link).path)["Location"]
    client.post(form, {"password1": "eight slow rivers", "password2": "eight slow rivers"})
    assert Reader.objects.get().check_password("eight slow rivers")
    again = Client().get(urlsplit(link).path)
    assert again.status_code == 200 and b"password1" not in again.content


def test_a_second_factor_is_set_up_and_then_asked_for(client: Client) -> None:
    ada = reader("ada", verified=False)
    sign_in(client, ada.email)
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    page = client.get("/account/2fa/totp/activate/")
    assert page.status_code == 200 and b"Broadsheet" not in page.content[:0]
    secret = client.session[totp.SECRET_SESSION_KEY]
    client.post("/account/2fa/totp/activate/", {"code": current(secret)})
    fresh = Client()
    response = fresh.post("/account/login/", {"login": ada.email, "password": PASSWORD})
    assert response["Location"].startswith("/account/2fa/authenticate/") and who(fresh) == ""
    assert fresh.post("/account/2fa/authenticate/", {"code": "000000"}).status_code == 200
    codes = ada.authenticator_set.get(type="recovery_codes").wrap().get_unused_codes()  # type: ignore[attr-defined]
    fresh.post("/account/2fa/authenticate/", {"code": codes[0]})
    assert who(fresh) == "ada"


def current(secret: str) -> str:
    counter = int(time.time()) // 30
    return str(totp.format_hotp_value(totp.hotp_value(secret, counter)))


@pytest.mark.parametrize(
    "page",
    ["email/", "password/change/", "2fa/", "2fa/webauthn/", "2fa/webauthn/add/", "sessions/", "3rdparty/"]
    + ["2fa/recovery-codes/generate/", "logout/"],
)
def test_the_pages_of_an_account_are_there(client: Client, page: str) -> None:
    sign_in(client, reader("ada").email)
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    assert client.get(f"/account/{page}", follow=True).status_code == 200


def test_a_passkey_is_asked_for_with_a_challenge_of_this_site(client: Client) -> None:
    given = client.get(
        "/account/2fa/webauthn/login/", HTTP_ACCEPT="application/json", HTTP_X_REQUESTED_WITH="XMLHttpRequest"
    )
    asked = given.json()["request_options"]["publicKey"]
    assert asked["rpId"] == "testserver" and len(asked["challenge"]) >= 32


def test_sessions_are_listed_and_ended(client: Client) -> None:
    ada = reader("ada")
    other = Client(HTTP_USER_AGENT="Other Browser 1.0")
    sign_in(other, ada.email)
    sign_in(client, ada.email)
    assert "Other Browser" in client.get("/account/sessions/").content.decode()
    client.post("/account/sessions/", {})
    assert other.get("/me").status_code == 303 and client.get("/me").status_code == 200
