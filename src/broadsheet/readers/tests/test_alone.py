import os
from collections.abc import Iterator

import pytest
from allauth.account.models import EmailAddress
from django.test import Client, RequestFactory
from pytest_django import Settings

from broadsheet.readers import alone, invitations, network
from broadsheet.readers.models import Reader
from broadsheet.readers.tests.site import NOON, configure, reader, who

HERE = {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost:8000"}


@pytest.fixture
def site(db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    settings.ALLOWED_HOSTS = ["*"]
    monkeypatch.setenv(alone.VARIABLE, "1")
    yield settings


def test_whoever_sits_at_the_machine_is_the_owner(site: Settings, client: Client) -> None:
    response = client.get("/me", **HERE)  # type: ignore[arg-type]
    assert response.status_code == 200 and b"@local" in response.content
    local = Reader.objects.get()
    assert local.role == "owner" and not local.has_usable_password()
    client.get("/me", **HERE)  # type: ignore[arg-type]
    assert Reader.objects.count() == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"HTTP_HOST": "evil.example"},
        {"HTTP_HOST": "localhost.evil.example"},
        {"HTTP_HOST": "127.0.0.1.evil.example"},
        {"HTTP_HOST": "192.168.1.5:8000"},
        {"HTTP_HOST": "testserver"},
        {"REMOTE_ADDR": "192.168.1.7"},
        {"REMOTE_ADDR": "203.0.113.9"},
        {"REMOTE_ADDR": ""},
        {"HTTP_X_FORWARDED_FOR": "127.0.0.1"},
        {"HTTP_X_FORWARDED_HOST": "localhost"},
        {"HTTP_X_FORWARDED_PROTO": "http"},
        {"HTTP_FORWARDED": "for=127.0.0.1"},
        {"HTTP_X_REAL_IP": "127.0.0.1"},
        {"HTTP_VIA": "1.1 proxy"},
    ],
)
def test_a_request_that_is_not_of_this_machine_is_a_strangers(
    site: Settings, client: Client, changes: dict[str, str]
) -> None:
    assert client.get("/me", **(HERE | changes)).status_code == 303  # type: ignore[arg-type]
    assert not Reader.objects.exists()


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:8000", "[::1]:8000", "127.0.0.53"])
@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_all_names_of_this_machine_will_do(site: Settings, host: str, address: str) -> None:
    request = RequestFactory().get("/", REMOTE_ADDR=address, HTTP_HOST=host)
    assert alone.is_from_here(request)


def test_a_page_elsewhere_cannot_act_in_the_owners_name(site: Settings) -> None:
    strict = Client(enforce_csrf_checks=True)
    response = strict.post("/me", {"name": "Mallory"}, HTTP_ORIGIN="https://evil.example", **HERE)  # type: ignore[arg-type]
    assert response.status_code == 403


def test_a_second_account_ends_it_at_once(site: Settings, client: Client) -> None:
    assert client.get("/me", **HERE).status_code == 200  # type: ignore[arg-type]
    reader("ada")
    assert client.get("/me", **HERE).status_code == 303  # type: ignore[arg-type]
    assert not alone.is_alone() and not alone.choose("127.0.0.1")


def test_without_the_decision_of_the_start_nobody_is_taken_for_the_owner(db: None, client: Client) -> None:
    assert client.get("/me", **HERE).status_code == 303  # type: ignore[arg-type]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("host", "values", "chosen"),
    [
        ("127.0.0.1", {}, True),
        ("localhost", {}, True),
        ("::1", {}, True),
        ("0.0.0.0", {}, False),
        ("::", {}, False),
        ("192.168.1.5", {}, False),
        ("127.0.0.1", {"sign_in": "always"}, False),
        ("127.0.0.1", {"public_url": "https://papers.lab.example"}, False),
        ("127.0.0.1", {"allowed_hosts": ("papers.lab.example",)}, False),
        ("127.0.0.1", {"trusted_proxies": 1}, False),
    ],
)
def test_it_is_chosen_only_where_nobody_else_reaches_the_site(
    settings: Settings, host: str, values: dict[str, object], chosen: bool
) -> None:
    configure(settings, **values)
    assert alone.choose(host) is chosen
    assert (os.environ.get(alone.VARIABLE) == "1") is chosen


@pytest.mark.django_db
def test_who_opens_the_site_to_others_takes_over_what_they_did_alone(client: Client, settings: Settings) -> None:
    local = alone.the_reader()
    EmailAddress.objects.create(user=local, email=local.email, primary=True)
    code = invitations.owner_code(NOON.replace(year=2036))
    client.post(f"/join/{code}")
    given = {"name": "Ada Lum", "handle": "ada", "email": "ada@lab.example", "password1": "seven slow rivers"}
    client.post("/account/signup/", given)
    ada = Reader.objects.get()
    assert (ada.pk, ada.handle, ada.role, who(client)) == (local.pk, "ada", "owner", "ada")
    assert list(EmailAddress.objects.values_list("email", flat=True)) == ["ada@lab.example"]


@pytest.mark.parametrize(
    ("trusted", "forwarded", "remote", "found"),
    [
        (0, "", "203.0.113.9", "203.0.113.9"),
        (0, "198.51.100.1", "203.0.113.9", "203.0.113.9"),
        (1, "198.51.100.1", "10.0.0.1", "198.51.100.1"),
        (1, "1.2.3.4, 198.51.100.1", "10.0.0.1", "198.51.100.1"),
        (2, "1.2.3.4, 198.51.100.1, 10.0.0.2", "10.0.0.1", "198.51.100.1"),
        (2, "198.51.100.1", "10.0.0.1", "10.0.0.1"),
        (1, "unknown", "10.0.0.1", "10.0.0.1"),
        (1, "[2001:db8::1]:4711", "10.0.0.1", "2001:db8::1"),
        (1, "198.51.100.1:4711", "10.0.0.1", "198.51.100.1"),
        (0, "", "", "0.0.0.0"),
        (0, "", "::ffff:203.0.113.9", "203.0.113.9"),
        (1, "x" * 100_000, "", "0.0.0.0"),
    ],
)
def test_the_address_is_what_the_operators_own_proxies_saw(
    settings: Settings, trusted: int, forwarded: str, remote: str, found: str
) -> None:
    configure(settings, trusted_proxies=trusted)
    headers = {"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {}
    request = RequestFactory().get("/", REMOTE_ADDR=remote, **headers)  # type: ignore[arg-type]
    assert network.client_address(request) == found
