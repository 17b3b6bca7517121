"""Sites for tests: with another way of joining, or with a mail server."""

from dataclasses import replace
from datetime import UTC, datetime

from django.conf import settings as in_force
from django.test import Client
from django.urls import include, path
from pytest_django import Settings

from broadsheet.readers import accounts
from broadsheet.readers.models import Reader

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
PASSWORD = "seven slow rivers"
BO = {"name": "Bo Brandt", "handle": "bo", "email": "Bo@Lab.example", "password1": PASSWORD}

# The way in by a mailed code has no address on a site without mail, as the tests' own is.
urlpatterns = [
    path("account/", include("broadsheet.readers.tests.code_urls")),
    path("", include("broadsheet.web.urls")),
]


def reader(handle: str = "ada", *, role: str = "reader", password: str | None = PASSWORD, **values: object) -> Reader:
    """Make a reader with a password and a proved address."""
    given = {"verified": True, "now": NOON} | values
    name = str(given.pop("name", f"{handle.title()} Lum"))
    return accounts.create(f"{handle}@lab.example", handle, name, role=role, password=password, **given)  # type: ignore[arg-type]


def configure(settings: Settings, **values: object) -> None:
    """Put settings of the site in force."""
    settings.CONFIG = replace(in_force.CONFIG, values={**in_force.CONFIG.values, **values})


def give_mail(settings: Settings) -> None:
    """Make it a site with a mail server, as settings.py does where `mail_url` is set."""
    configure(settings, mail_url="smtp://localhost")
    settings.ROOT_URLCONF = "broadsheet.readers.tests.site"
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    settings.ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
    settings.ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_CHANGE = True
    settings.ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
    settings.ACCOUNT_LOGIN_BY_CODE_ENABLED = True
    settings.ACCOUNT_EMAIL_NOTIFICATIONS = True
    settings.MFA_ALLOW_UNVERIFIED_EMAIL = False
    settings.MFA_PASSKEY_SIGNUP_ENABLED = True


def sign_in(client: Client, email: str, password: str = PASSWORD, **headers: str) -> int:
    """Try to sign in with a password; give the status of the answer."""
    return client.post("/account/login/", {"login": email, "password": password}, **headers).status_code  # type: ignore[arg-type]


def who(client: Client) -> str:
    """Give the handle of whoever is signed in; "" for nobody."""
    number = client.session.get("_auth_user_id")
    return Reader.objects.get(pk=number).handle if number else ""
