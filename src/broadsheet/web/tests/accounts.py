"""Readers for the tests of their pages."""

from datetime import UTC, datetime

from django.test import Client

from broadsheet.readers import accounts
from broadsheet.readers.models import Reader

PASSWORD = "correct horse battery"
JOINED = datetime(2024, 5, 1, tzinfo=UTC)
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def reader(handle: str = "ada", **values: object) -> Reader:
    """A reader with a proved address and a password."""
    made = {"role": "reader", "password": PASSWORD, "verified": True, "now": JOINED} | values
    name = str(made.pop("name", f"{handle.title()} Lum"))
    return accounts.create(f"{handle}@lab.example", handle, name, **made)  # type: ignore[arg-type]


def signed_in(who: Reader) -> Client:
    """A browser in which that reader is signed in."""
    client = Client()
    client.force_login(who, backend=BACKEND)
    return client


def signed_in_by_password(who: Reader) -> Client:
    """A browser in which that reader has just typed the password, as what matters for an account asks for."""
    client = Client()
    client.post("/account/login/", {"login": who.email, "password": PASSWORD})
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    return client
