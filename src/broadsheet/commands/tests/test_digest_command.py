import email
import email.policy
import json
import webbrowser
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from pytest_django import Settings

from broadsheet.cli import DONE, FAILED, MISUSED, main
from broadsheet.commands import digest_sending
from broadsheet.community.tests.factory import reader
from broadsheet.digest import records
from broadsheet.digest.models import Digest, Mail, Subscription, Told
from broadsheet.digest.tests.ledger import Ledger
from broadsheet.digest.tests.people import announce, subscriber
from broadsheet.lib.clock import now
from broadsheet.mail.tests.sink import Sink
from broadsheet.papers import schedule
from broadsheet.papers.health import Check
from broadsheet.papers.models import Paper
from broadsheet.readers import alone

pytestmark = pytest.mark.django_db
Say = Callable[..., str]


@pytest.fixture
def home(settings: Settings, tmp_path: Path) -> Path:
    settings.CONFIG = replace(settings.CONFIG, home=tmp_path, values={**settings.CONFIG.values, "encoder": "none"})
    return tmp_path


@pytest.fixture
def say(home: Path, capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a command that must succeed, and give what it printed."""

    def run(*arguments: str) -> str:
        assert main(["digest", *arguments]) == DONE, capsys.readouterr().err
        return capsys.readouterr().out

    return run


@pytest.fixture
def latest() -> date:
    """The latest edition, with three papers in it."""
    day = schedule.latest_due(now())
    announce(1, 2, 3, day=day)
    return day


def configure(settings: Settings, **values: object) -> None:
    settings.CONFIG = replace(settings.CONFIG, values={**settings.CONFIG.values, **values})


def rows() -> tuple[int, ...]:
    return tuple(table.objects.count() for table in (Subscription, Digest, Told, Mail))


def waiting(number: int = 1) -> Subscription:
    """Keep a subscription whose digest of the latest edition is due: wished before it came, at an hour that struck."""
    hour = (now() - timedelta(hours=1)).hour
    return subscriber(number, hour=hour)


def test_a_preview_for_nobody_in_particular_has_default_wishes_and_writes_nothing(say: Say, latest: date) -> None:
    said = say("preview", "--address", "ada@lab.example")
    assert said.startswith("Subject: ") and "3 papers that trend here." in said and "chosen for you" not in said
    assert "There is no subscription" in said and "Nothing is wrong" in said
    assert "/digest/unsubscribe/preview" in said
    assert rows() == (0, 0, 0, 0)


def test_a_preview_is_of_the_subscription_that_is_there(say: Say, latest: date) -> None:
    ada = reader(1)
    subscriber(1, reader=ada, lists=["edition"], length=1)
    before = rows()
    for whose in (("--reader", ada.handle), ("--address", "Reader1@lab.example")):
        said = say("preview", *whose)
        assert "1 paper that trends here" in said and "There is no subscription" not in said
    assert rows() == before


def test_a_preview_of_a_site_for_one_person_needs_no_name(
    say: Say, latest: date, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "There is no subscription" in say("preview")
    alone.the_reader()
    subscriber(1, reader=alone.the_reader(), lists=["category/cs.CL"])
    before = rows()
    said = say("preview")
    assert "3 papers chosen for you" in said and "There is no subscription" not in said and rows() == before
    reader(2)
    assert main(["digest", "preview"]) == FAILED
    assert "say whose by --reader HANDLE" in capsys.readouterr().err


def test_what_was_made_is_shown_as_it_was_made(say: Say, latest: date) -> None:
    mail = Ledger(now()).mail(1)
    Digest.objects.update(first=latest, last=latest)
    said = say("preview", "--address", mail.address)
    assert "in the ledger already" in said and "3 papers that trend here" in said


def test_a_day_without_papers_is_said(say: Say, latest: date) -> None:
    said = say("preview", "--address", "ada@lab.example", "--date", "2020-01-02")
    assert said == "There is no digest of 2020-01-02: No papers were announced.\n"


def test_where_the_newest_papers_are_older_than_the_latest_edition_their_day_is_named(say: Say, latest: date) -> None:
    Paper.objects.update(announced=date(2024, 10, 17))
    assert say("preview").endswith(
        "\nThe newest papers here are of 2024-10-17: --date 2024-10-17 shows a digest of them.\n"
    )


def test_a_preview_can_be_a_mail(say: Say, latest: date, tmp_path: Path) -> None:
    place = tmp_path / "look.eml"
    said = say("preview", "--address", "ada@lab.example", "--eml", str(place))
    assert f"Written to {place}" in said and "Subject:" not in said
    mail = email.message_from_bytes(place.read_bytes(), policy=email.policy.default)
    assert mail["To"] == "ada@lab.example" and "preview" in mail["Message-ID"]
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert place.stat().st_mode & 0o777 == 0o600


def test_a_preview_can_be_opened(say: Say, latest: date, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def open_page(address: str) -> bool:
        opened.append(address)
        return True

    monkeypatch.setattr(webbrowser, "open", open_page)
    said = say("preview", "--address", "ada@lab.example", "--open")
    assert opened == [(home / "preview" / "digest.html").as_uri()] and "Subject:" not in said
    assert "<html" in (home / "preview" / "digest.html").read_text()


@pytest.mark.parametrize(
    "arguments",
    [
        ["preview", "--reader", "nobody"],
        ["preview", "--address", "nonsense"],
        ["retry"],
        ["retry", "7"],
        ["retry", "7", "--doubtful"],
        ["send"],
        ["dkim-key"],
        ["dkim-key", "--domain", "lab.example", "--selector", "a b"],
        ["dkim-key", "--domain", "la b"],
        ["bounce", "/nowhere/at/all"],
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    home: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert main(["digest", *arguments]) == FAILED
    said = capsys.readouterr().err
    assert said.startswith("broadsheet digest: ") and said.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [[], ["dance"], ["preview", "--address", "a", "--reader", "b"], ["send", "--limit", "0"]]
)
def test_misuse_ends_with_two(home: Path, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["digest", *arguments])
    assert left.value.code == MISUSED


@pytest.mark.parametrize("command", ["preview", "send", "status", "retry", "bounce", "dkim-key"])
def test_every_help_has_an_example(capsys: pytest.CaptureFixture[str], command: str) -> None:
    with pytest.raises(SystemExit):
        main(["digest", command, "--help"])
    assert "example:\n  broadsheet digest " in capsys.readouterr().out


def test_a_dry_run_writes_files_and_leaves_the_ledger_alone(say: Say, latest: date, home: Path) -> None:
    for number in (1, 2, 3):
        waiting(number)
    waiting(4)
    Subscription.objects.filter(address="reader4@lab.example").update(lists=["author/Nobody Here"])
    before = rows()
    told = json.loads(say("send", "--dry-run", "--json"))
    assert (told["written"], told["nothing"]) == (3, 1)
    files = sorted(Path(told["folder"]).glob("*.eml"))
    assert len(files) == 3 and files[0].is_relative_to(home)
    assert files[0].stat().st_mode & 0o777 == 0o600
    mail = email.message_from_bytes(files[0].read_bytes(), policy=email.policy.default)
    assert mail["To"] == "reader1@lab.example" and mail["List-Unsubscribe"]
    assert rows() == before and not Mail.objects.exists()
    assert "1 mails written" in say("send", "--dry-run", "--limit", "1")


@pytest.fixture
def sink(settings: Settings, home: Path) -> Iterator[Sink]:
    with Sink() as sink:
        settings.MAIL = True
        configure(settings, mail_url=f"smtp://127.0.0.1:{sink.port}", mail_rate=0)
        yield sink


def test_a_run_chooses_and_sends_what_is_due_once(say: Say, latest: date, sink: Sink) -> None:
    for number in (1, 2):
        waiting(number)
    told = json.loads(say("send", "--yes", "--json"))
    assert (told["chosen"], told["sent"], told["failed"], told["stopped"]) == (2, 2, 0, "")
    assert sorted(taken.to for taken in sink.taken) == ["reader1@lab.example", "reader2@lab.example"]
    assert say("send") == "0 digests chosen; mails: none.\n"


def test_a_limit_holds_and_the_rest_waits(say: Say, latest: date, sink: Sink) -> None:
    for number in (1, 2, 3):
        waiting(number)
    assert say("send", "--yes", "--limit", "2") == "3 digests chosen; mails: 2 sent.\n"
    assert Mail.objects.filter(state="queued").count() == 1


def test_the_first_mails_wait_for_a_yes_where_the_checks_find_them_wanting(
    say: Say, latest: date, sink: Sink, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    waiting()
    wrong = [Check("SPF", False, "lab.org has no SPF record", "Add it.")]
    monkeypatch.setattr(digest_sending, "records", SimpleNamespace(before_the_first=lambda: wrong))
    assert main(["digest", "send"]) == FAILED
    told = capsys.readouterr()
    assert "SPF: lab.org has no SPF record; Add it." in told.out and "--yes" in told.err
    assert not Mail.objects.exists() and not sink.taken


def test_a_server_that_is_gone_ends_the_run(
    home: Path, latest: date, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.MAIL = True
    configure(settings, mail_url="smtp://127.0.0.1:1")
    for number in range(4):
        waiting(number)
    assert main(["digest", "send", "--yes"]) == FAILED
    assert "Stopped: 127.0.0.1 cannot be reached" in capsys.readouterr().out
    assert Mail.objects.filter(state="queued").count() == 4


def test_status_tells_how_today_stands(say: Say, latest: date) -> None:
    ledger = Ledger(now())
    ledger.mail(1, state="sent", ended=now())
    ledger.mail(2, state="queued", tries=1, reply="450 4.7.1 try later")
    doubtful = ledger.mail(3, state="doubtful")
    said = say("status")
    assert "3 with papers, 0 without" in said and "1 queued, 1 sent, 1 doubtful" in said
    assert "lab2.example: 1 put off, 0 failed" in said and "450 4.7.1 try later" in said
    assert f"  {doubtful.pk}  reader3@lab3.example" in said
    told = json.loads(say("status", "--json"))
    assert told["mails"]["doubtful"] == 1 and [one["id"] for one in told["doubtful"]] == [doubtful.pk]
    assert told["domains"] == [{"domain": "lab2.example", "put_off": 1, "failed": 0, "says": "450 4.7.1 try later"}]


def test_mails_in_doubt_or_refused_are_tried_again_under_the_same_name(say: Say, latest: date) -> None:
    ledger = Ledger(now())
    one, other = ledger.mail(1, state="doubtful"), ledger.mail(2, state="failed", ended=now())
    sent = ledger.mail(3, state="sent")
    names = set(Mail.objects.values_list("message_id", flat=True))
    assert say("retry", "--doubtful") == "1 mail is in the queue again.\n"
    assert say("retry", str(other.pk)) == "1 mail is in the queue again.\n"
    assert set(Mail.objects.filter(state="queued").values_list("pk", flat=True)) == {one.pk, other.pk}
    assert set(Mail.objects.values_list("message_id", flat=True)) == names
    assert main(["digest", "retry", str(sent.pk)]) == FAILED


def test_a_key_is_made_once_and_shown_again(say: Say, home: Path, settings: Settings) -> None:
    given = ("dkim-key", "--domain", "lab.example", "--algorithm", "ed25519")
    made = json.loads(say(*given, "--json"))
    place = Path(made["file"])
    assert made["made"] and place.is_relative_to(home) and place.stat().st_mode & 0o777 == 0o600
    assert made["name"] == "broadsheet-ed._domainkey.lab.example" and made["text"].startswith("v=DKIM1; k=ed25519; p=")
    again = json.loads(say(*given, "--json"))
    assert again == made | {"made": False}
    said = say(*given)
    assert 'dkim_ed25519_key = "dkim/broadsheet-ed.pem"' in said and made["text"] in said
    configure(settings, dkim_ed25519_key="dkim/broadsheet-ed.pem", mail_from="Papers <papers@lab.example>")
    assert json.loads(say("dkim-key", "--algorithm", "ed25519", "--json"))["text"] == made["text"]


def test_an_rsa_key_has_2048_bits(say: Say) -> None:
    made = json.loads(say("dkim-key", "--domain", "lab.example", "--json"))
    assert made["name"] == "broadsheet._domainkey.lab.example" and len(made["text"]) > 380


def test_doctor_looks_at_mail_alone_or_offline(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def dns(*, sends_from: str = "") -> list[Check]:
        asked.append(sends_from)
        return [Check("SPF", True, "it is there")]

    monkeypatch.setattr(records, "checks", dns)
    main(["doctor", "--mail", "--json", "--sends-from", "192.0.2.7"])
    names = [check["name"] for check in json.loads(capsys.readouterr().out)["checks"]]
    assert names == ["digests", "digest queue", "bounces", "doubtful mails", "SPF"] and asked == ["192.0.2.7"]
    main(["doctor", "--offline", "--json"])
    names = [check["name"] for check in json.loads(capsys.readouterr().out)["checks"]]
    assert "SPF" not in names and "papers" in names and len(asked) == 1
    with pytest.raises(SystemExit):
        main(["doctor", "--sends-from", "here"])
