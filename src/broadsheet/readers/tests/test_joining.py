import re
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from pytest_django import Settings

from broadsheet.lib.clock import now
from broadsheet.readers import invitations, joining
from broadsheet.readers.models import Invitation, Reader
from broadsheet.readers.tests.site import BO, PASSWORD, configure, give_mail, reader, sign_in, who

pytestmark = pytest.mark.django_db


def come_with(client: Client, code: str) -> None:
    assert client.post(f"/join/{code}").status_code == 303


def test_by_invitation_the_door_is_shut_to_others(client: Client) -> None:
    assert client.get("/account/signup/").status_code == 200
    client.post("/account/signup/", BO)
    assert not Reader.objects.exists()


def test_the_invited_join_with_the_role_they_were_invited_to(client: Client) -> None:
    owner = reader("ow", role="owner")
    come_with(client, invitations.invite(owner, role="curator", now=now())[1])
    assert client.post("/account/signup/", BO).status_code == 302
    bo = Reader.objects.get(handle="bo")
    assert (bo.role, bo.state, bo.invited_by, bo.email, bo.name) == (
        "curator",
        "active",
        owner,
        "bo@lab.example",
        "Bo Brandt",
    )
    assert who(client) == "bo" and invitations.SESSION_KEY not in client.session


def test_of_two_who_come_with_one_invitation_one_is_let_in() -> None:
    code = invitations.invite(None, now=now())[1]
    first, second = Client(), Client()
    come_with(first, code)
    come_with(second, code)
    first.post("/account/signup/", BO)
    response = second.post("/account/signup/", BO | {"handle": "cy", "email": "cy@lab.example"})
    assert response.status_code == 200
    assert list(Reader.objects.values_list("handle", flat=True)) == ["bo"]


def test_an_invitation_used_up_between_the_forms_check_and_its_use_lets_nobody_in(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, code = invitations.invite(None, now=now())
    come_with(client, code)
    stale = invitations.find(code, now())
    Invitation.objects.filter(pk=made.pk).update(uses_left=0)
    monkeypatch.setattr(joining, "invitation_of", lambda request: stale)
    response = client.post("/account/signup/", BO)
    assert response.status_code == 302 and not Reader.objects.exists()


def test_a_handle_taken_between_the_forms_check_and_the_saving_is_said(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader("bo")
    monkeypatch.setattr("broadsheet.readers.accounts.is_free", lambda handle: True)
    made, code = invitations.invite(None, now=now())
    come_with(client, code)
    response = client.post("/account/signup/", BO | {"email": "other@lab.example"}, follow=True)
    assert "took this handle" in response.content.decode()
    made.refresh_from_db()
    assert Reader.objects.count() == 1 and made.uses_left == 1


def test_by_approval_one_waits_and_cannot_sign_in_until_let_in(client: Client, settings: Settings) -> None:
    configure(settings, registration="approval")
    response = client.post("/account/signup/", BO)
    assert response["Location"] == "/account/inactive/"
    bo = Reader.objects.get()
    assert bo.state == "waiting" and who(client) == ""
    sign_in(client, bo.email)
    assert who(client) == ""
    Reader.objects.update(state="active")
    sign_in(client, bo.email)
    assert who(client) == "bo"


def test_by_approval_an_invitation_is_the_approval(client: Client, settings: Settings) -> None:
    configure(settings, registration="approval")
    come_with(client, invitations.invite(None, now=now())[1])
    client.post("/account/signup/", BO)
    assert Reader.objects.get().state == "active" and who(client) == "bo"


def test_where_it_is_open_everyone_joins_as_a_reader(client: Client, settings: Settings) -> None:
    configure(settings, registration="open")
    client.post("/account/signup/", BO | {"role": "owner", "state": "active", "is_staff": "1", "standing": "1"})
    bo = Reader.objects.get()
    assert (bo.role, bo.standing) == ("reader", 0.0) and who(client) == "bo"


def test_an_invitation_that_is_over_opens_nothing(client: Client) -> None:
    made, code = invitations.invite(None, now=now())
    come_with(client, code)
    Invitation.objects.filter(pk=made.pk).update(expires=now() - timedelta(seconds=1))
    client.post("/account/signup/", BO)
    assert not Reader.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"name": "\u0410da Lum"},
        {"name": "x" * 500_000},
        {"name": "\0"},
        {"handle": ""},
        {"handle": "admin"},
        {"handle": "ADA"},
        {"handle": "a" * 500_000},
        {"handle": "\u0430da"},
        {"email": "no"},
        {"email": "ADA@lab.example"},
        {"email": "x" * 300 + "@lab.example"},
        {"email": "x@broadsheet.invalid"},
        {"email": "x\0@lab.example"},
        {"password1": "short"},
        {"password1": "password123"},
        {"password1": "bo@lab.example"},
        {"password1": ""},
    ],
)
def test_what_breaks_a_rule_is_said_by_the_form_and_makes_no_account(
    client: Client, settings: Settings, changes: dict[str, str]
) -> None:
    configure(settings, registration="open")
    reader("ada")
    response = client.post("/account/signup/", BO | changes)
    assert response.status_code == 200 and Reader.objects.count() == 1


def test_with_mail_an_address_is_proved_by_a_code_before_anyone_is_signed_in(
    client: Client, settings: Settings
) -> None:
    give_mail(settings)
    configure(settings, registration="open")
    client.post("/account/signup/", BO)
    assert who(client) == "" and mail.outbox[0].to == ["bo@lab.example"]
    assert mail.outbox[0].subject.startswith("Broadsheet: ")
    assert "Hello from Broadsheet!" in mail.outbox[0].body
    assert client.post("/account/confirm-email/", {"code": "WRONG1"}).status_code == 200
    client.post("/account/confirm-email/", {"code": code_in(str(mail.outbox[0].body))})
    assert who(client) == "bo"


def test_with_mail_nobody_learns_whether_an_address_has_an_account(client: Client, settings: Settings) -> None:
    give_mail(settings)
    configure(settings, registration="open")
    reader("ada")
    known = client.post("/account/signup/", BO | {"email": "ada@lab.example"})
    unknown = Client().post("/account/signup/", BO)
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    assert Reader.objects.get(handle="ada").check_password(PASSWORD)


def test_a_mail_server_that_does_not_answer_is_said_on_the_page(
    client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_mail(settings)
    configure(settings, registration="open")
    monkeypatch.setattr("django.core.mail.EmailMessage.send", refuse)
    response = client.post("/account/signup/", BO, follow=True)
    assert "The mail could not be sent" in response.content.decode()


def refuse(*given: object, **named: object) -> None:
    raise ConnectionRefusedError("nobody listens there")


def code_in(text: str) -> str:
    found = re.search(r"^\s*([A-Z0-9]{4}-[A-Z0-9]{4})\s*$", text, re.MULTILINE)
    assert found, text
    return found[1]
