import os
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from broadsheet.commands import run_command
from broadsheet.readers import alone, network
from broadsheet.readers.models import Reader
from broadsheet.readers.tests.site import configure, reader

pytestmark = pytest.mark.django_db
PLACE = "http://localhost:8000/"


@pytest.fixture(autouse=True)
def home(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(settings)
    settings.CONFIG = type(settings.CONFIG)(tmp_path, settings.CONFIG.values)
    monkeypatch.setenv(alone.VARIABLE, "")


def test_on_this_machine_alone_nobody_signs_in_and_the_start_says_so() -> None:
    said = run_command.signing_in("127.0.0.1", PLACE)
    assert said[0].startswith("Nobody needs to sign in") and "--host 0.0.0.0" in said[1]
    assert os.environ[alone.VARIABLE] == "1"


def test_where_others_reach_the_site_the_start_prints_the_owners_link(client: Client) -> None:
    (line,) = run_command.signing_in("0.0.0.0", PLACE)
    assert line.startswith("Become the owner of this site: http://localhost:8000/join/")
    code = line.split("/join/")[1].split(" ")[0]
    client.post(f"/join/{code}")
    given = {"name": "Ada Lum", "handle": "ada", "email": "ada@lab.example", "password1": "seven slow rivers"}
    client.post("/account/signup/", given)
    assert Reader.objects.get().role == "owner"
    assert run_command.signing_in("0.0.0.0", PLACE) == []
    assert Client().get(f"/join/{code}").status_code == 404


def test_a_site_with_readers_asks_them_to_sign_in_on_its_own_machine_too() -> None:
    reader("ada", role="owner")
    assert run_command.signing_in("127.0.0.1", PLACE) == []
    assert alone.VARIABLE not in os.environ


def test_commands_know_where_the_site_was_started(settings: Settings) -> None:
    assert network.site_address() == PLACE
    network.note_address("http://localhost:8123/")
    assert network.site_address() == "http://localhost:8123/"
    configure(settings, public_url="https://papers.lab.example")
    assert network.site_address() == "https://papers.lab.example/"
