import argparse
import io
import json
from pathlib import Path

import pytest
from django.db import OperationalError

from broadsheet.cli import CommandFailed
from broadsheet.commands import digest_bounce
from broadsheet.digest.models import Bounced
from broadsheet.mail.tests.bounce_messages import block, mail, report

BOUNCE = report(block("ada@there.example", status="5.1.1", said="550 5.1.1 User unknown"))
AWAY = mail("Until Monday.", sender="Ada <ada@there.example>", subject="Out of office")


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    digest_bounce.arguments(parser)
    return digest_bounce.run(parser.parse_args(words))


def test_it_prints_each_recipient_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bounce.eml").write_bytes(BOUNCE)

    assert run("--json", str(tmp_path / "bounce.eml")) == 0

    assert json.loads(capsys.readouterr().out) == [
        {"address": "ada@there.example", "status": "5.1.1", "reply": "550", "reason": "userunknown", "hard": True}
    ]


def test_what_is_no_bounce_is_an_empty_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "away.eml").write_bytes(AWAY)

    run("--json", str(tmp_path / "away.eml"))

    assert json.loads(capsys.readouterr().out) == []


@pytest.mark.django_db
def test_without_json_it_is_taken_in_from_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(BOUNCE)))

    assert run() == 0

    assert "kept for a person" in capsys.readouterr().out
    assert [one.came_by for one in Bounced.objects.all()] == ["pipe"]


def test_reading_alone_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bounce.eml").write_bytes(BOUNCE)

    # There is no database in this test.
    run("--json", str(tmp_path / "bounce.eml"))

    assert "userunknown" in capsys.readouterr().out


def test_a_record_that_cannot_be_written_has_the_mail_server_try_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def locked() -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(digest_bounce, "migrate", locked)
    (tmp_path / "bounce.eml").write_bytes(BOUNCE)

    assert run(str(tmp_path / "bounce.eml")) == 75

    assert "try again later: database is locked" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match=r"no\.eml cannot be read"):
        run(str(tmp_path / "no.eml"))
