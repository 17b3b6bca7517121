import re

import pytest
from django.conf import settings as in_force
from django.core import mail
from django.test import Client
from pytest_django import Settings

from broadsheet.readers.tests.site import configure, give_mail, reader

pytestmark = pytest.mark.django_db
PUBLIC = "https://papers.lab.example"
RESET = re.compile(r"https?://\S+/account/password/reset/key/\S+")


@pytest.fixture
def site(settings: Settings) -> None:
    """A site with a mail server and a public address, which this machine's own names lead to as well."""
    give_mail(settings)
    configure(settings, public_url=PUBLIC)
    settings.ALLOWED_HOSTS = ["papers.lab.example", "localhost"]


@pytest.mark.parametrize("host", ["localhost", "localhost:99", "papers.lab.example"])
def test_a_link_that_sets_a_password_leads_to_the_public_address_whoever_asked_by_which_name(
    site: None, host: str
) -> None:
    ada = reader("ada")
    assert Client(HTTP_HOST=host).post("/account/password/reset/", {"email": ada.email}).status_code == 302
    (letter,) = mail.outbox
    (link,) = RESET.findall(str(letter.body))
    assert link.startswith(f"{PUBLIC}/account/") and "localhost" not in str(letter.body)
    path = link.removeprefix(PUBLIC)
    assert Client(HTTP_HOST="papers.lab.example").get(path, follow=True).status_code == 200


def test_letters_to_those_without_an_account_lead_home_too(site: None) -> None:
    Client(HTTP_HOST="localhost").post("/account/password/reset/", {"email": "nobody@lab.example"})
    (letter,) = mail.outbox
    assert f"{PUBLIC}/account/signup/" in str(letter.body) and "localhost" not in str(letter.body)


@pytest.mark.parametrize(
    ("address", "who", "subject"),
    [
        ("/account/password/reset/", "ada", "Broadsheet: a new password"),
        ("/account/password/reset/", "nobody", "Broadsheet: no account has this address"),
        ("/account/login/code/", "ada", "Broadsheet: your code to sign in"),
    ],
)
def test_letters_of_signing_in_speak_as_the_pages_do(site: None, address: str, who: str, subject: str) -> None:
    reader("ada")
    Client(HTTP_HOST="papers.lab.example").post(address, {"email": f"{who}@lab.example"})
    (letter,) = mail.outbox
    told = str(letter.body)
    assert letter.subject == subject and told.startswith("Hello from Broadsheet!")
    assert "email" not in told and "'" not in told and "&" not in told and "papers.lab.example" in told


def test_without_a_public_address_links_lead_to_the_name_that_was_asked(settings: Settings) -> None:
    give_mail(settings)
    settings.ALLOWED_HOSTS = ["localhost"]
    Client(HTTP_HOST="localhost:8000").post("/account/password/reset/", {"email": reader("ada").email})
    assert RESET.findall(str(mail.outbox[0].body))[0].startswith("http://localhost:8000/account/")


def test_a_site_answers_to_no_name_that_only_tests_use() -> None:
    # The test runner adds its own name; everything else comes from the settings of the site.
    assert in_force.ALLOWED_HOSTS.count("testserver") == 1
