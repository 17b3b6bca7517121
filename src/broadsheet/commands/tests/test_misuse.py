"""Wrong input on the command line: one line that says what is wrong, and a status that is not 0."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from broadsheet import cli
from broadsheet.commands import output
from broadsheet.moving import databases
from broadsheet.moving.refused import Refused
from broadsheet.readers import alone
from broadsheet.readers.health import accounts_check


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", "--port", "abc"], "broadsheet run: argument --port: 'abc' is no port"),
        (["run", "--port", "65536"], "broadsheet run: argument --port: '65536' is no port"),
        (["index", "--nonsense"], "broadsheet index: unrecognized arguments: --nonsense; see broadsheet index --help"),
        (["search"], "broadsheet search: the following arguments are required: query"),
        (["search", "x", "--from", "soon"], "'soon' is no day; write it like 2024-05-27"),
        (["nonsense"], "broadsheet: argument COMMAND: invalid choice: 'nonsense'"),
    ],
)
def test_what_is_misused_is_said_in_one_line(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    told = capsys.readouterr()
    assert ended.value.code == cli.MISUSED
    assert says in told.err and told.err.count("\n") == 1 and not told.out


def test_a_harvest_that_ends_before_it_begins_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["harvest", "arxiv-oai", "--from", "2026-11-20", "--until", "2026-11-01"]) == cli.FAILED
    assert capsys.readouterr().err == "broadsheet harvest: --from 2026-11-20 is after --until 2026-11-01\n"


def test_without_its_driver_postgresql_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_engine: str) -> None:
        raise ImproperlyConfigured("Error loading psycopg2 or psycopg module")

    monkeypatch.setattr(databases, "load_backend", missing)
    with pytest.raises(Refused, match=r"pip install 'broadsheet\[postgres\]'"):
        databases.wrapper("postgresql:///record")


@pytest.mark.parametrize("word", ["nonsense", "postgresql", "sqlite3", "mysql://host/record", ""])
def test_a_word_that_names_no_record_is_refused_and_makes_no_file(
    word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["record", "copy", "--to", word]) == cli.FAILED
    told = capsys.readouterr().err
    assert "names no record: write postgresql://" in told and "./copy.sqlite3" in told and told.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_record_is_named_by_an_address_a_path_or_a_word_of_ours(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old").touch()
    assert databases.address("sqlite") == str(settings.CONFIG.home / "record.sqlite3")
    assert databases.address("postgresql:///broadsheet") == "postgresql:///broadsheet"
    for text in ("copy.sqlite3", "./copy", "old", "copy.db"):
        assert databases.address(text) == str(tmp_path / text)


@pytest.mark.django_db
def test_the_doctor_knows_a_site_that_one_person_uses_without_an_account(settings: Settings) -> None:
    assert "nobody has an account yet" in accounts_check().says
    alone.the_reader()
    assert accounts_check().says == "one person uses it on this machine, without signing in"


@pytest.mark.parametrize(("number", "said"), [(0, "0 files"), (1, "1 file"), (2000, "2,000 files")])
def test_one_of_a_thing_is_one(number: int, said: str) -> None:
    assert output.counted(number, "file", "files") == said
