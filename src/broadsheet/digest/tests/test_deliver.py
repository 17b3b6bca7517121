import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import dkim
import pytest
import requests
from anymail.exceptions import AnymailAPIError, AnymailRequestsAPIError
from django.core import mail as django_mail
from django.db import connection
from pytest_django import Settings

from broadsheet.digest import confirming, deliver, outbox, run, transport
from broadsheet.digest.deliver import Delivered, Rules
from broadsheet.digest.models import Digest, Mail, Subscription
from broadsheet.digest.prepare import prepare
from broadsheet.digest.tests.people import LONG_AGO, announce, subscriber
from broadsheet.digest.transport import Folder, MailServer, Service, outcome_of
from broadsheet.lib.clock import now as wall_clock
from broadsheet.mail import dkim as signing
from broadsheet.mail import smtp
from broadsheet.mail.messages import Letter
from broadsheet.mail.smtp import Accepted, Lost, Refused
from broadsheet.mail.tests.sink import Plan, Sink

pytestmark = pytest.mark.django_db
MORNING = datetime(2026, 11, 18, 7, tzinfo=UTC)
LATER = MORNING + timedelta(hours=1)


@pytest.fixture
def configure(settings: Settings) -> Callable[..., None]:
    def change(**values: object) -> None:
        settings.CONFIG = replace(settings.CONFIG, values={**settings.CONFIG.values, **values})

    settings.DEFAULT_FROM_EMAIL = "Our Papers <papers@lab.example>"
    change(public_url="https://papers.lab.example", mail_rate=0.0)
    return change


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as listening:
        yield listening


def way_to(sink: Sink, signer: signing.Signer | None = None) -> MailServer:
    return MailServer(smtp.Pool(smtp.server(f"smtp://127.0.0.1:{sink.port}")), signer)


def queue(*numbers: int, domain: str = "lab.example", **fields: object) -> list[Mail]:
    """Choose digests for so many readers."""
    announce(1, 2, 3)
    for number in numbers:
        subscriber(number, address=f"reader{number}@{domain}", confirmed=MORNING - timedelta(hours=10), **fields)
    prepare(MORNING)
    return list(Mail.objects.order_by("pk"))


def send(way: transport.Transport, now: datetime = LATER, **rules: object) -> Delivered:
    try:
        return deliver.deliver(now, way, Rules(**rules))  # type: ignore[arg-type]
    finally:
        way.close()


def read(message: bytes) -> EmailMessage:
    return message_from_bytes(message, policy=policy.default)


def states() -> list[str]:
    return list(Mail.objects.order_by("pk").values_list("state", flat=True))


def test_a_digest_goes_out_whole_signed_and_with_the_headers_of_bulk_mail(
    sink: Sink, configure: Callable[..., None]
) -> None:
    configure(bounce_address="bounces@lab.example", site_name="Our Papers")
    made = signing.make_key("lab.example", "news", algorithm="rsa", bits=1024)
    signer = signing.Signer("lab.example", [signing.read_key("news", made.pem)])
    [mail] = queue(1)
    assert send(way_to(sink, signer)) == Delivered(sent=1)
    [taken] = sink.taken
    assert (taken.sender, taken.to) == (f"bounces+{mail.token}@lab.example", "reader1@lab.example")
    found = read(taken.message)
    assert found["Message-ID"] == mail.message_id == taken.message_id
    assert found["From"] == "Our Papers <papers@lab.example>" and found["To"] == "reader1@lab.example"
    assert found["List-Id"] == '"Our Papers" <digest.lab.example>'
    assert found["List-Unsubscribe"].startswith("<https://papers.lab.example/digest/unsubscribe/")
    assert found["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert found["Feedback-ID"] == "20261118:daily:digest:lab-example"
    assert found["Auto-Submitted"] == "auto-generated"
    body = found.get_body(("html",))
    assert body is not None and "Case 1 of 31 birds" in body.get_content()
    record = made.record.text.encode()
    assert dkim.verify(taken.message, dnsfunc=lambda name, timeout=0: record)
    mail.refresh_from_db()
    assert mail.state == "sent" and mail.reply.startswith("250") and mail.ended and mail.ended >= LATER


def test_a_mail_that_is_tried_again_is_the_same_to_the_byte(sink: Sink, configure: Callable[..., None]) -> None:
    queue(1)
    send(way_to(sink))
    Mail.objects.update(state="queued")
    send(way_to(sink), LATER + timedelta(hours=5))
    first, second = sink.taken
    assert first.message == second.message


def test_a_confirmation_goes_out_before_digests_and_without_a_list(sink: Sink, configure: Callable[..., None]) -> None:
    queue(1)
    one = subscriber(2, state="asked", confirmed=None)
    confirming.queue(one, one.address, now=LATER)
    assert send(way_to(sink)).sent == 2
    found = read(sink.taken[0].message)
    assert found["To"] == "reader2@lab.example" and found["List-Id"] is None
    assert found["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "/confirm/" in str(found.get_body(("plain",)))


def test_each_answer_of_the_server_is_written_down(sink: Sink, configure: Callable[..., None]) -> None:
    queue(*range(1, 6))
    sink.plan = Plan(
        at_recipient={
            "reader1@lab.example": "550 5.1.1 nobody here",
            "reader2@lab.example": "451 4.3.0 later",
        },
        at_end={"reader3@lab.example": "554 5.7.1 looks like spam"},
        cut_after={"reader4@lab.example": "taken"},
    )
    found = send(way_to(sink))
    assert found == Delivered(sent=1, failed=2, put_off=1, doubtful=1)
    assert states() == ["failed", "queued", "failed", "doubtful", "sent"]
    assert Subscription.objects.get(address="reader1@lab.example").state == "suppressed"
    assert Subscription.objects.get(address="reader3@lab.example").state == "active"


def test_a_server_that_is_gone_is_not_asked_for_every_mail(configure: Callable[..., None]) -> None:
    with Sink() as gone:
        port = gone.port
    queue(*range(1, 10))
    way = MailServer(smtp.Pool(smtp.server(f"smtp://127.0.0.1:{port}")), None)
    found = send(way)
    assert found.put_off == deliver.GONE_AFTER and "cannot be reached" in found.stopped
    assert states() == ["queued"] * 9
    assert Mail.objects.filter(next_try__gt=LATER, tries=1).count() == deliver.GONE_AFTER
    assert Mail.objects.exclude(claimed_by="").count() == 0


def test_a_wrong_setting_costs_no_edition_its_mails(sink: Sink, configure: Callable[..., None]) -> None:
    queue(*range(1, 10))
    sink.plan = Plan(at_sender="550 5.7.1 this sender is not let through")
    found = send(way_to(sink))
    assert found.failed == 0 and found.put_off == deliver.GONE_AFTER and "not let through" in found.stopped
    assert states() == ["queued"] * 9


def test_a_paper_that_cannot_be_set_holds_up_its_own_mail_alone(
    sink: Sink, configure: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    queue(1, 2)
    broken = Digest.objects.order_by("pk")[0]
    Digest.objects.filter(pk=broken.pk).update(picks=[broken.picks[0] | {"why": 5}])
    found = send(way_to(sink))
    assert found == Delivered(sent=1, put_off=1)
    assert "cannot be made" in caplog.text


def test_an_address_that_is_none_fails_for_good(sink: Sink, configure: Callable[..., None]) -> None:
    queue(1)
    Mail.objects.update(address="no address at all")
    assert send(way_to(sink)).failed == 1
    assert "is not a mail address" in Mail.objects.get().reply and not sink.taken


def test_who_stopped_since_gets_nothing(sink: Sink, configure: Callable[..., None]) -> None:
    queue(1, 2)
    Subscription.objects.filter(address="reader1@lab.example").update(state="stopped")
    assert send(way_to(sink)) == Delivered(sent=1, suppressed=1)
    assert [taken.to for taken in sink.taken] == ["reader2@lab.example"]


def test_a_run_ends_after_so_many_mails(sink: Sink, configure: Callable[..., None]) -> None:
    queue(*range(1, 6))
    assert send(way_to(sink), most=2).sent == 2
    assert sorted(states()) == ["queued"] * 3 + ["sent"] * 2


def test_a_rate_holds_and_what_was_sent_is_written_down_before_the_wait(
    sink: Sink, configure: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    queue(1, 2, 3)
    seen: list[list[str]] = []

    class Watched(smtp.Throttle):
        def wait(self) -> float:
            seen.append(sorted(states()))
            return 0.0

    monkeypatch.setattr(deliver, "Throttle", Watched)
    assert send(way_to(sink), rate=5.0).sent == 3
    assert seen == [["claimed"] * 3, ["claimed", "claimed", "sent"], ["claimed", "sent", "sent"]]


def test_a_signal_to_end_waits_for_the_mail_at_hand(configure: Callable[..., None]) -> None:
    queue(1, 2, 3)

    class Signalled:
        def ready(self, letter: Letter, envelope: str, token: str) -> transport.HandIn:
            def hand_in() -> smtp.Outcome:
                os.kill(os.getpid(), signal.SIGTERM)
                return Accepted("250 taken")

            return hand_in

        def close(self) -> None: ...

    ends: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: ends.append(number))
    try:
        assert send(Signalled()).sent == 1
    finally:
        signal.signal(signal.SIGTERM, before)
    assert ends == [signal.SIGTERM]
    assert sorted(states()) == ["queued", "queued", "sent"]


def test_a_dry_run_writes_files_and_sends_nothing(tmp_path: Path, configure: Callable[..., None]) -> None:
    [mail] = queue(1)
    assert send(Folder(tmp_path / "dry", None)) == Delivered(written=1)
    [path] = (tmp_path / "dry").iterdir()
    assert path.name == f"{mail.token}.eml" and path.stat().st_mode & 0o777 == 0o600
    found = read(path.read_bytes())
    assert found["Return-Path"] == "<papers@lab.example>" and found["Message-ID"] == mail.message_id
    mail.refresh_from_db()
    assert mail.state == "suppressed" and Digest.objects.get().state == "dry"


def test_a_service_gets_the_mail_with_its_headers_and_a_name_for_its_events(configure: Callable[..., None]) -> None:
    [mail] = queue(1)
    assert send(Service("anymail.backends.test.EmailBackend")) == Delivered(sent=1)
    [message] = django_mail.outbox
    given = message.anymail_test_params  # type: ignore[union-attr]
    assert given["metadata"] == {"mail": mail.token} and given["track_opens"] is given["track_clicks"] is False
    headers = given["extra_headers"]
    assert headers["Message-ID"] == mail.message_id and headers["List-Id"] == "<digest.lab.example>"
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert given["html_body"] and given["text_body"] and given["envelope_sender"] == "papers@lab.example"
    mail.refresh_from_db()
    assert mail.state == "sent" and mail.reply.startswith("sent")


def api_error(status: int | None, cause: Exception | None = None) -> AnymailAPIError:
    if status is None:
        kind = type("Error", (AnymailRequestsAPIError, type(cause)), {})
        error = kind("it broke")
        error.__cause__ = cause
        assert isinstance(error, AnymailAPIError)
        return error
    answer = requests.Response()
    answer.status_code = status
    return AnymailRequestsAPIError("no", response=answer)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (api_error(400), ("Refused", True, "message")),
        (api_error(401), ("Refused", False, "login")),
        (api_error(429), ("Refused", False, "connection")),
        (api_error(500), ("Refused", False, "connection")),
        (api_error(504), ("Lost", True)),
        (api_error(None, requests.ConnectTimeout("slow")), ("Lost", False)),
        (api_error(None, requests.ReadTimeout("slow")), ("Lost", True)),
        (api_error(None, requests.ConnectionError("reset")), ("Lost", True)),
    ],
)
def test_errors_of_a_service_are_told_apart(error: AnymailAPIError, told: tuple[object, ...]) -> None:
    found = outcome_of(error)
    if isinstance(found, Refused):
        assert told == ("Refused", found.permanent, found.at)
    else:
        assert isinstance(found, Lost) and told == ("Lost", found.in_doubt)


def test_a_service_that_nobody_listens_for_has_not_taken_the_mail(configure: Callable[..., None]) -> None:
    with Sink() as gone:
        port = gone.port
    queue(1)
    way = Service("anymail.backends.postal.EmailBackend", {"api_key": "k", "api_url": f"http://127.0.0.1:{port}"})
    found = send(way)
    assert found.put_off == 1 and states() == ["queued"]


def test_nothing_is_sent_where_no_way_is_set(settings: Settings, configure: Callable[..., None]) -> None:
    settings.MAIL = False
    assert transport.chosen() is None
    queue(1)
    assert deliver.work(LATER) == 0 and run.run(LATER) == 0
    assert states() == ["queued"]


def test_the_worker_chooses_recovers_and_sends(sink: Sink, settings: Settings, configure: Callable[..., None]) -> None:
    settings.MAIL = True
    configure(mail_url=f"smtp://127.0.0.1:{sink.port}")
    [left] = queue(1)
    Mail.objects.update(state="claimed", claimed_by="gone", claimed_until=MORNING)
    subscriber(2, confirmed=MORNING - timedelta(hours=10))
    assert run.run(LATER) == 2 + 1
    assert [taken.to for taken in sink.taken] == ["reader1@lab.example", "reader2@lab.example"]
    assert run.run(LATER) == 0


def test_keys_are_read_from_the_home_and_a_bad_one_stops_sending_in_words(
    tmp_path: Path, settings: Settings, configure: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    settings.CONFIG = replace(settings.CONFIG, home=tmp_path)
    configure(dkim_key="dkim.pem", dkim_ed25519_key="ed.pem", mail_dry_run=True)
    (tmp_path / "dkim.pem").write_bytes(signing.make_key("lab.example", "a", bits=1024).pem)
    (tmp_path / "ed.pem").write_bytes(signing.make_key("lab.example", "b", algorithm="ed25519").pem)
    signer = transport.signer()
    assert signer and signer.domain == "lab.example"
    assert [(key.selector, key.algorithm) for key in signer.keys] == [
        ("broadsheet", "rsa-sha256"),
        ("broadsheet-ed", "ed25519-sha256"),
    ]
    (tmp_path / "ed.pem").write_text("no key")
    assert deliver.work(LATER) == 0
    assert "not a private key" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_on_sqlite_each_commit_of_a_sender_outlives_a_power_cut() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("other databases do so by themselves")

    def level() -> int:
        with connection.cursor() as cursor:
            return int(cursor.execute("PRAGMA synchronous").fetchone()[0])

    with outbox.durable():
        assert level() == 2
    assert level() == 1


def test_the_clock_of_a_run_goes_on_from_the_moment_it_began() -> None:
    assert LONG_AGO <= deliver.advancing(LONG_AGO)() < LONG_AGO + timedelta(minutes=1)
    assert wall_clock().date() > date(2020, 1, 1)
