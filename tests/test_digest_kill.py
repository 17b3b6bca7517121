"""Senders of digests are killed at random while they are seen sending: nothing lost, nothing twice, nothing hidden."""

import random
from pathlib import Path

import pytest

from broadsheet.digest.tests.killing import ROUND, Killing, wait_for
from broadsheet.digest.tests.senders import zygote
from broadsheet.mail.tests.sink import sink_process

pytestmark = pytest.mark.slow
MAILS = 2000
KILLS = 50
TOO_FAST = "the machine is too fast for this test: raise MAILS"


def test_with_a_log_to_ask_nothing_is_missing_and_nothing_is_sent_twice(tmp_path: Path) -> None:
    log = tmp_path / "accepted"
    with sink_process(log) as port, zygote(tmp_path / "home", port, MAILS, log) as senders:
        run = Killing(tmp_path / "home", log, senders, random.Random(20261121))
        while run.kills < KILLS:
            # Two at once: what one leaves behind is no business of the other while its lease lasts.
            run.kill_round(2)
            assert run.states()["queued"], TOO_FAST
        run.finish()
        accepted = run.accepted()
        assert run.states() == {"sent": MAILS}
        assert len(accepted) == MAILS and set(accepted) == run.message_ids("sent")
        assert max(accepted.values()) == 1


def test_without_one_at_most_one_mail_per_kill_is_in_doubt_and_listed_as_such(tmp_path: Path) -> None:
    log = tmp_path / "accepted"
    with sink_process(log) as port, zygote(tmp_path / "home", port, MAILS) as senders:
        run = Killing(tmp_path / "home", log, senders, random.Random(7))
        while run.kills < KILLS:
            run.kill_round(1 + run.kills % 2)
            assert run.states()["queued"], TOO_FAST
        run.finish()
        accepted, states = run.accepted(), run.states()
        assert set(states) <= {"sent", "doubtful"} and 1 <= states["doubtful"] <= run.kills
        assert max(accepted.values()) == 1
        missing = (run.message_ids("sent") | run.message_ids("doubtful")) - set(accepted)
        assert missing <= run.message_ids("doubtful")


@pytest.mark.postgres
def test_senders_on_postgresql_share_the_work_and_take_up_what_a_killed_one_left(
    tmp_path: Path, empty_database: str
) -> None:
    log = tmp_path / "accepted"
    with sink_process(log) as port, zygote(tmp_path / "home", port, 400, log, empty_database) as senders:
        run = Killing(tmp_path / "home", log, senders, random.Random(3))
        while run.kills < 8:
            run.kill_round(2)
        run.minutes += ROUND
        for pid in [senders.fork(run.minutes) for _ in range(3)]:
            wait_for(pid)
        run.finish()
        accepted = run.accepted()
        assert len(accepted) == 400 and max(accepted.values()) == 1
