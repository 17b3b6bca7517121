"""The door: invitations that are seen, taken along, used once and no more."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from pytest_django import Settings

from broadsheet.lib.clock import now
from broadsheet.readers import invitations
from broadsheet.readers.models import Invitation, Reader
from broadsheet.web.tests.accounts import PASSWORD, reader, signed_in

NEW = {"name": "Bo Brandt", "handle": "bo", "email": "bo@lab.example", "password1": PASSWORD}


@pytest.fixture
def code(db: None) -> str:
    return invitations.invite(reader(), note="Come and read with us", now=now())[1]


def test_an_invitation_says_who_invites_and_changes_nothing(client: Client, code: str) -> None:
    before = list(Invitation.objects.values())
    for _ in range(3):
        page = client.get(f"/join/{code}").content.decode()
    assert "Ada Lum" in page and "@ada" in page and "Come and read with us" in page
    assert list(Invitation.objects.values()) == before
    assert "invitation" not in client.session


def test_an_invitation_from_the_console_says_who_becomes_the_owner_only_where_somebody_does(
    db: None, client: Client
) -> None:
    made = {role: invitations.invite(None, role=role, now=now())[1] for role in ("reader", "owner")}
    told = {role: client.get(f"/join/{code}").content.decode() for role, code in made.items()}
    assert "becomes its owner" in told["owner"] and "becomes its owner" not in told["reader"]
    assert "Whoever runs Broadsheet invites you." in told["reader"]


def test_the_page_is_kept_in_no_cache_and_tells_no_other_site_its_address(client: Client, code: str) -> None:
    response = client.get(f"/join/{code}")
    assert "no-store" in response["Cache-Control"]
    assert response["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("bad", ["x", "%00", "a" * 5000, "%F0%9F%98%80", "..%2f", "'or 1=1"])
def test_a_bad_code_is_404_with_a_sentence(db: None, client: Client, bad: str) -> None:
    response = client.get(f"/join/{bad}")
    assert response.status_code == 404
    assert b"<h1>" in response.content
    assert client.post(f"/join/{bad}").status_code in (404, 405)


def test_an_old_invitation_and_one_taken_back_are_404(client: Client, code: str) -> None:
    Invitation.objects.update(expires=now() - timedelta(days=1))
    response = client.get(f"/join/{code}")
    assert response.status_code == 404 and "not good any more" in response.content.decode()
    Invitation.objects.update(expires=now() + timedelta(days=1), uses_left=0)
    assert client.get(f"/join/{code}").status_code == 404


def test_only_get_and_post_are_answered(client: Client, code: str) -> None:
    assert client.put(f"/join/{code}").status_code == 405
    assert client.delete(f"/join/{code}").status_code == 405


def test_joining_is_shut_without_an_invitation(db: None, client: Client) -> None:
    page = client.get("/account/signup/").content.decode()
    assert "By invitation" in page and "password1" not in page


@pytest.fixture
def mail_goes(settings: Settings) -> None:
    """What the settings say where there is a mail server."""
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    settings.ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True


def test_an_invited_person_joins_with_a_code_by_mail(client: Client, code: str, mail_goes: None) -> None:
    response = client.post(f"/join/{code}")
    assert response.status_code == 303 and response["Location"] == "/account/signup/"
    page = client.get("/account/signup/").content.decode()
    assert "Ada Lum" in page and 'name="handle"' in page
    assert client.post("/account/signup/", NEW)["Location"] == "/account/confirm-email/"
    assert "Is this your address?" in client.get("/account/confirm-email/").content.decode()
    assert client.get("/me").status_code == 303
    sent = re.search(r"^\s*([A-Z0-9]{3,4}-?[A-Z0-9]{3,4})\s*$", str(mail.outbox[-1].body), re.MULTILINE)
    assert sent, mail.outbox[-1].body
    assert client.post("/account/confirm-email/", {"code": "nonsense"}).status_code == 200
    assert client.post("/account/confirm-email/", {"code": sent[1]}).status_code == 302
    assert "Bo Brandt" in client.get("/me").content.decode()
    bo = Reader.objects.get(handle="bo")
    assert bo.invited_by is not None and bo.invited_by.handle == "ada"
    assert Client().get(f"/join/{code}").status_code == 404


def test_without_a_mail_server_an_invited_person_is_in_at_once(client: Client, code: str) -> None:
    client.post(f"/join/{code}")
    assert client.post("/account/signup/", NEW).status_code == 302
    assert "Bo Brandt" in client.get("/me").content.decode()


def test_the_first_link_of_a_site_makes_the_owner(db: None, client: Client) -> None:
    code = invitations.owner_code(now())
    assert "becomes its owner" in client.get(f"/join/{code}").content.decode()
    client.post(f"/join/{code}")
    client.post("/account/signup/", NEW)
    assert Reader.objects.get(handle="bo").role == "owner"


def test_who_is_here_already_is_told_so(code: str) -> None:
    browser = signed_in(reader("cy"))
    assert "@cy" in browser.get(f"/join/{code}").content.decode()
    assert browser.post(f"/join/{code}").status_code == 200
    assert "invitation" not in browser.session


@pytest.mark.thorough
@pytest.mark.parametrize(
    "changes",
    [
        {"name": "\0"},
        {"name": "Аda Lum"},
        {"name": "a" * 100_000},
        {"name": "‮evil"},
        {"name": "🦋" * 80},
        {"handle": "ADA"},
        {"handle": "admin"},
        {"handle": "аda"},
        {"handle": "-" * 30},
        {"handle": "x" * 100_000},
        {"email": "x"},
        {"email": "ada@lab.example\0"},
        {"email": "a" * 100_000 + "@x.example"},
        {"password1": ""},
        {"password1": "x"},
        {"password1": "\0" * 20},
        {"password1": "p" * 200_000},
    ],
)
def test_nonsense_in_the_form_is_never_a_500(client: Client, code: str, changes: dict[str, str]) -> None:
    client.post(f"/join/{code}")
    response = client.post("/account/signup/", NEW | changes)
    assert response.status_code in (200, 302, 400)
    assert "<script" not in response.content.decode().replace("<script src=", "")


def test_errors_stand_by_their_fields(client: Client, code: str) -> None:
    client.post(f"/join/{code}")
    page = client.post("/account/signup/", NEW | {"handle": "ada"}).content.decode()
    assert 'id="id_handle_error"' in page and 'aria-invalid="true"' in page
    assert "This handle is taken" in page


def test_with_open_registration_nobody_needs_a_link(db: None, client: Client, settings: Settings) -> None:
    settings.CONFIG = replace(settings.CONFIG, values={**settings.CONFIG.values, "registration": "open"})
    assert 'name="handle"' in client.get("/account/signup/").content.decode()


def test_who_must_be_approved_waits_and_is_told_so(db: None, client: Client, settings: Settings) -> None:
    settings.CONFIG = replace(settings.CONFIG, values={**settings.CONFIG.values, "registration": "approval"})
    client.post("/account/signup/", NEW)
    bo = Reader.objects.get(handle="bo")
    assert bo.state == "waiting"
    assert client.get("/readers/bo").status_code == 404
    bo.emailaddress_set.update(verified=True)  # type: ignore[attr-defined]
    response = Client().post("/account/login/", {"login": bo.email, "password": PASSWORD}, follow=True)
    assert "not open now" in response.content.decode()
