import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from broadsheet.cli import DONE, FAILED, MISUSED, main
from broadsheet.community.models import Act
from broadsheet.lib.clock import now
from broadsheet.readers import accounts, network, tokens
from broadsheet.readers.models import Reader
from broadsheet.readers.tests.site import NOON, configure, reader, sign_in, who

pytestmark = pytest.mark.django_db
Say = Callable[..., str]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str], settings: Settings, tmp_path: Path) -> Say:
    """Run a command that must succeed, and give what it printed."""
    configure(settings)
    settings.CONFIG = type(settings.CONFIG)(tmp_path, settings.CONFIG.values)

    def run(*arguments: str) -> str:
        assert main(["reader", *arguments]) == DONE, capsys.readouterr().err
        return capsys.readouterr().out

    return run


def test_an_account_is_there_at_once_and_its_link_sets_the_password_once(say: Say, client: Client) -> None:
    network.note_address("http://localhost:8123/")
    said = say("add", "Ada@lab.example", "--handle", "ada", "--name", "Ada Lum", "--role", "curator")
    ada = Reader.objects.get()
    assert (ada.email, ada.role, ada.has_usable_password()) == ("ada@lab.example", "curator", False)
    place = re.search(r"http://localhost:8123(/\S+)", said)
    assert place
    form = client.get(place[1])["Location"]
    client.post(form, {"password1": "eight slow rivers", "password2": "eight slow rivers"})
    assert who(client) == "ada"
    assert b"password1" not in Client().get(place[1], follow=True).content
    fresh = Client()
    sign_in(fresh, "ada@lab.example", "eight slow rivers")
    assert who(fresh) == "ada"


@pytest.mark.parametrize(
    "arguments",
    [
        ["add", "nonsense", "--handle", "bo"],
        ["add", "bo@lab.example", "--handle", "admin"],
        ["add", "bo@lab.example"],
        ["add", "ada@lab.example", "--handle", "other"],
        ["export", "nobody"],
        ["erase", "ada"],
        ["erase", "nobody", "--yes"],
        ["approve", "ada"],
        ["role", "nobody", "owner"],
        ["invite", "--uses", "100000"],
        ["export", "ada", "--output", "/nowhere/at/all"],
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    say: Say, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    reader("ada")
    if "/nowhere/at/all" in arguments:
        arguments[-1] = "/dev/null/at/all"
    assert main(["reader", *arguments]) == FAILED
    said = capsys.readouterr().err
    assert said.startswith("broadsheet reader: ") and said.count("\n") == 1
    assert Reader.objects.filter(handle="ada").exists()


@pytest.mark.parametrize("arguments", [[], ["dance"], ["role", "ada", "king"], ["invite", "--uses", "0"]])
def test_misuse_ends_with_two(say: Say, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["reader", *arguments])
    assert left.value.code == MISUSED


def test_readers_are_listed_for_people_and_for_scripts(say: Say) -> None:
    assert "Nobody has an account" in say("list")
    ada = reader("ada", role="owner")
    reader("bo", invited_by=ada)
    assert "ada@lab.example" in say("list")
    listed = json.loads(say("list", "--json"))["readers"]
    assert [(each["handle"], each["role"], each["invited_by"]) for each in listed] == [
        ("ada", "owner", None),
        ("bo", "reader", "ada"),
    ]


def test_what_a_reader_gave_is_exported_and_then_erased(say: Say, tmp_path: Path) -> None:
    reader("ada")
    assert json.loads(say("export", "ADA@lab.example"))["account"]["handle"] == "ada"
    place = tmp_path / "ada.json"
    say("export", "ada", "--output", str(place))
    assert json.loads(place.read_text())["account"]["handle"] == "ada" and place.stat().st_mode & 0o777 == 0o600
    assert "erased" in say("erase", "ada", "--yes") and not Reader.objects.exists()


def test_a_role_is_given_and_stands_in_the_log(say: Say) -> None:
    reader("ada")
    assert "moderator" in say("role", "ada", "moderator")
    say("role", "ada", "moderator")
    assert Reader.objects.get().role == "moderator"
    assert [(act.did, act.subject, act.by) for act in Act.objects.all()] == [("role", "reader:ada", None)]


def test_who_waits_is_let_in(say: Say) -> None:
    accounts.create("bo@lab.example", "bo", "Bo", now=NOON)
    Reader.objects.update(state="waiting")
    say("approve", "bo")
    assert Reader.objects.get().state == "active"


def test_an_invitation_is_printed_and_opens_the_door(say: Say, client: Client) -> None:
    said = say("invite", "--role", "curator", "--uses", "2", "--days", "3")
    place = re.search(r"http://localhost:8000(/join/\S+)", said)
    assert place and "2 people" in said and "curator" in said
    assert client.get(place[1]).status_code == 200


def test_a_token_is_made_listed_and_revoked(say: Say) -> None:
    ada = reader("ada")
    scopes = ["--scope", "read", "--scope", "write"]
    secret = say("token", "ada", "--name", "paper bot", *scopes, "--days", "90").splitlines()[1]
    token = tokens.find(secret, now=now())
    assert token and (token.reader, token.name, token.scopes) == (ada, "paper bot", ["read", "write"])
    assert token.expires and (token.expires - token.made).days == 90
    listed = say("tokens", "ada")
    assert "read,write" in listed and "paper bot" in listed and secret not in listed
    assert say("revoke", "ada", "paper bot") == "“paper bot” is revoked.\n"
    assert tokens.find(secret, now=now()) is None
    assert say("tokens", "ada@lab.example") == "@ada has no tokens.\n"


def test_a_token_is_told_to_scripts(say: Say) -> None:
    reader("ada")
    told = json.loads(say("token", "ada", "--name", "x", "--days", "never", "--json"))
    assert tokens.find(told["secret"], now=now()) and (told["scopes"], told["expires"]) == (["read"], None)
    (listed,) = json.loads(say("tokens", "ada", "--json"))["tokens"]
    assert listed["used"] and (listed["number"], listed["name"]) == (told["number"], "x")
    say("revoke", "ada", str(told["number"]))
    assert json.loads(say("tokens", "ada", "--json")) == {"tokens": []}


@pytest.mark.parametrize(
    "arguments",
    [
        ["token", "nobody"],
        ["token", "ada", "--name", " "],
        ["token", "ada", "--days", "99999"],
        ["tokens", "nobody"],
        ["revoke", "ada", "nothing"],
        ["revoke", "ada", "twice"],
    ],
)
def test_what_no_token_allows_is_said_in_one_line(
    say: Say, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    reader("ada")
    for _ in range(2):
        say("token", "ada", "--name", "twice")
    assert main(["reader", *arguments]) == FAILED
    said = capsys.readouterr().err
    assert said.startswith("broadsheet reader: ") and said.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [["token", "ada", "--scope", "x"], ["token", "ada", "--days", "0"], ["revoke", "ada"]]
)
def test_misused_tokens_end_with_two(say: Say, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["reader", *arguments])
    assert left.value.code == MISUSED
