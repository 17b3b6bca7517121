from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from broadsheet.digest import outbox
from broadsheet.digest.models import Mail
from broadsheet.digest.reconcile import GRACE, PostfixLog, Reconciled, accepted, accepted_in, reconcile
from broadsheet.digest.tests.test_outbox import hand_in, queued
from broadsheet.mail.smtp import Lost

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 18, 7, tzinfo=UTC)
LATER = NOW + GRACE
NAME = "<d1.2026-11-18@papers.example>"
TAKEN = f"""\
2026-11-18T06:00:00.000001+00:00 lab postfix/smtpd[71]: connect from localhost[127.0.0.1]
2026-11-18T07:00:00.100000+00:00 lab postfix/smtpd[71]: 4bZz1x: client=localhost[127.0.0.1]
2026-11-18T07:00:00.100100+00:00 lab postfix/cleanup[72]: 4bZz1x: message-id={NAME}
2026-11-18T07:00:00.200000+00:00 lab postfix/qmgr[70]: 4bZz1x: from=<b@lab.example>, size=52, nrcpt=1 (queue active)
2026-11-18T07:00:01.200000+00:00 lab postfix/smtp[73]: 4bZz1x: to=<a@lab.example>, relay=x, status=deferred (late)
"""
# The name came, the end of the message did not.
CUT = f"""\
2026-11-18T06:00:00.000001+00:00 lab postfix/smtpd[71]: connect from localhost[127.0.0.1]
2026-11-18T07:00:00.100100+00:00 lab postfix/cleanup[72]: 4bZz1x: message-id={NAME}
2026-11-18T07:00:00.300000+00:00 lab postfix/smtpd[71]: lost connection after DATA (512 bytes) from localhost[127.0.0.1]
"""
LAST_LINE = CUT.splitlines()[2]


def in_doubt() -> Mail:
    queued(1)
    return hand_in(Lost("the connection broke", in_doubt=True))


def log(folder: Path, text: str) -> PostfixLog:
    path = folder / "mail.log"
    path.write_text(text)
    return PostfixLog(path)


def state(mail: Mail) -> str:
    mail.refresh_from_db()
    return mail.state


def test_what_the_log_says_was_taken_is_sent(tmp_path: Path) -> None:
    mail = in_doubt()
    assert reconcile(NOW, log(tmp_path, TAKEN)) == Reconciled(sent=1)
    assert state(mail) == "sent" and mail.ended == NOW


def test_what_is_not_in_the_log_after_a_while_goes_out_again_under_the_same_name(tmp_path: Path) -> None:
    mail = in_doubt()
    told = log(tmp_path, CUT)
    assert reconcile(LATER - timedelta(seconds=1), told) == Reconciled(held=1)
    assert state(mail) == "doubtful"
    assert reconcile(LATER, told) == Reconciled(again=1)
    assert (state(mail), mail.next_try, mail.message_id) == ("queued", LATER, NAME)


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["no time stands here"],
        # It begins after the mail was handed in: the one before it is gone.
        [LAST_LINE.replace("T07:00:00.3", "T07:00:09.3")],
        # It ends before: the server writes elsewhere by now.
        [CUT.splitlines()[0]],
    ],
    ids=["empty", "no time", "begins too late", "ends too early"],
)
def test_a_log_that_does_not_reach_over_the_moment_tells_nothing(lines: list[str], tmp_path: Path) -> None:
    mail = in_doubt()
    told = log(tmp_path, "".join(f"{line}\n" for line in lines))
    assert reconcile(LATER, told) == Reconciled(held=1)
    assert state(mail) == "doubtful"


def test_without_anybody_to_ask_a_mail_stays_in_doubt(tmp_path: Path) -> None:
    mail = in_doubt()
    assert reconcile(LATER, None) == Reconciled(held=1)
    assert reconcile(LATER, PostfixLog(tmp_path / "not there")) == Reconciled(held=1)
    assert state(mail) == "doubtful"


def test_the_log_of_before_is_read_too(tmp_path: Path) -> None:
    mail = in_doubt()
    (tmp_path / "mail.log.1").write_text(TAKEN)
    assert reconcile(LATER, log(tmp_path, "2026-11-18T09:00:00+00:00 lab postfix/anvil[1]: statistics\n")).sent == 1
    assert state(mail) == "sent"


def test_logs_with_stamps_of_the_older_form_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    local = NOW.astimezone()
    lines = [
        f"{local - timedelta(hours=1):%b %d %H:%M:%S} lab postfix/smtpd[1]: connect from localhost[127.0.0.1]",
        f"{local:%b %d %H:%M:%S} lab postfix/smtpd[1]: disconnect from localhost[127.0.0.1]",
    ]
    seen = log(tmp_path, "\n".join(lines)).read({NAME}, NOW)
    assert seen is not None and seen.reaches(NOW + timedelta(milliseconds=500))
    assert not seen.reaches(NOW + timedelta(seconds=1))
    # In January a line of December is of the year before.
    seen = log(tmp_path, "\n".join(lines)).read({NAME}, datetime(2027, 1, 1, tzinfo=UTC))
    assert seen is not None and seen.first.year == 2026


def test_queue_names_that_come_again_are_told_apart() -> None:
    def line(program: str, says: str) -> bytes:
        return f"2026-11-18T07:00:00+00:00 lab postfix/{program}[1]: ABC: {says}".encode()

    lines = [
        line("cleanup", "message-id=<first@x.example>"),
        line("cleanup", "message-id=<second@x.example>"),
        line("qmgr", "from=<b@x.example>, size=5, nrcpt=1 (queue active)"),
        line("qmgr", "removed"),
        line("cleanup", "message-id=<third@x.example>"),
        line("cleanup", "milter-reject: END-OF-MESSAGE from localhost"),
    ]
    assert list(accepted_in(lines)) == [b"<second@x.example>"]


def test_a_service_of_mail_tells_by_name_or_by_token() -> None:
    first = in_doubt()
    queued(2)
    second = hand_in(Lost("the connection broke", in_doubt=True))
    assert accepted([NAME.strip("<>"), "<unknown@x.example>"], LATER) == 1
    assert (state(first), state(second)) == ("sent", "doubtful")
    assert accepted([], LATER, tokens=["token2"]) == 1
    assert accepted([NAME], LATER, tokens=["token2"]) == 0


def test_a_person_can_have_mails_in_doubt_sent_again() -> None:
    mail = in_doubt()
    assert outbox.again([mail.pk], LATER) == 1 == Mail.objects.filter(state="queued").count()
    assert outbox.again([mail.pk], LATER) == 0
