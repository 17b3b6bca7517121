from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from broadsheet.community.tests.factory import reader
from broadsheet.digest import prepare as room
from broadsheet.digest import run
from broadsheet.digest.due import due
from broadsheet.digest.models import Digest, Mail, Subscription, Told
from broadsheet.digest.pool import Pools
from broadsheet.digest.prepare import prepare
from broadsheet.digest.tests.people import WEDNESDAY, announce, subscriber
from broadsheet.papers.models import Paper
from broadsheet.readers import follows
from broadsheet.readers.follows import Switches
from broadsheet.record.paper import Author

pytestmark = pytest.mark.django_db
MORNING = datetime(2026, 11, 18, 7, tzinfo=UTC)
EARLIER = MORNING - timedelta(hours=10)
THURSDAY, FRIDAY = WEDNESDAY + timedelta(days=1), WEDNESDAY + timedelta(days=2)


def wish(number: int = 1, **fields: object) -> Subscription:
    return subscriber(number, **({"confirmed": EARLIER} | fields))


def picked(digest: Digest) -> list[str]:
    return [pick["paper"] for pick in digest.picks]


def test_what_is_due_is_written_as_digest_ledger_and_mail() -> None:
    announce(1, 2, 3)
    one = wish(address="Ada@Lab.Example", lists=["category/cs.CV", "category/cs.CL"], length=2)
    assert prepare(MORNING) == 1
    digest = Digest.objects.get()
    assert (digest.first, digest.last, digest.state, digest.partial) == (WEDNESDAY, WEDNESDAY, "composed", False)
    assert digest.ranker == "trending/1" and digest.made == MORNING and digest.subscription == one
    assert len(digest.picks) == 2
    numbers = {pick["id"] for pick in digest.picks}
    assert set(Told.objects.values_list("paper_id", flat=True)) == numbers
    assert Paper.objects.get(id=digest.picks[0]["id"]).key == digest.picks[0]["paper"]
    mail = Mail.objects.get()
    assert (mail.kind, mail.state, mail.digest, mail.subscription) == ("digest", "queued", digest, one)
    assert (mail.address, mail.domain) == ("Ada@Lab.Example", "lab.example")
    assert mail.message_id == f"<d{digest.pk}.2026-11-18@localhost>"
    assert len(mail.token) == 20 and mail.token.isalnum() and mail.token == mail.token.lower()
    assert mail.next_try == mail.queued == MORNING


def test_a_second_run_makes_nothing_and_the_next_look_is_at_the_next_edition() -> None:
    announce(1)
    one = wish()
    assert [prepare(MORNING), prepare(MORNING), prepare(MORNING + timedelta(hours=12))] == [1, 0, 0]
    one.refresh_from_db()
    assert one.next_look == MORNING + timedelta(days=1)


def test_over_days_each_paper_is_told_once() -> None:
    announce(1, 2, 3)
    wish(rhythm="daily", length=2)
    prepare(MORNING)
    # Placed once more, into the edition of the day after.
    Paper.objects.update(placed=THURSDAY)
    announce(4, day=THURSDAY)
    prepare(MORNING + timedelta(days=1))
    first, second = Digest.objects.order_by("last")
    assert len(picked(first)) == 2 and len(picked(second)) == 2
    assert not set(picked(first)) & set(picked(second))
    assert Told.objects.count() == 4


def test_papers_of_long_ago_that_were_told_are_known_too() -> None:
    announce(9, day=WEDNESDAY - timedelta(days=90))
    announce(*range(100, 220))
    one = wish(length=50)
    old = Paper.objects.get(key="2611.00009")
    digest = Digest.objects.create(
        subscription=one, first=EARLIER, last=date(2026, 8, 1), state="composed", made=EARLIER
    )
    Told.objects.create(subscription=one, paper=old, digest=digest)
    Paper.objects.filter(pk=old.pk).update(placed=WEDNESDAY, votes_outside=900)
    prepare(MORNING)
    assert old.key not in picked(Digest.objects.get(last=WEDNESDAY))
    assert Digest.objects.get(last=WEDNESDAY).picks


def test_a_day_without_a_paper_for_somebody_is_kept_as_nothing_and_no_mail_goes_out() -> None:
    announce(1)
    wish(lists=["author/Nobody Here"])
    assert prepare(MORNING) == 1
    digest = Digest.objects.get()
    assert (digest.state, digest.says, digest.picks) == ("nothing", "There was nothing new in your lists.", [])
    assert not Mail.objects.exists() and not Told.objects.exists()


def test_papers_that_did_not_come_in_time_are_said_to_be_late() -> None:
    announce(1, day=WEDNESDAY - timedelta(days=1))
    wish()
    assert prepare(MORNING) == 0
    assert prepare(MORNING + timedelta(hours=6)) == 1
    digest = Digest.objects.get()
    assert digest.partial and digest.says.startswith("The papers had not come in time")
    # They come after all, and the next digest tells of them.
    announce(2)
    announce(3, day=THURSDAY)
    prepare(MORNING + timedelta(days=1))
    assert sorted(picked(Digest.objects.get(last=THURSDAY))) == ["2611.00002", "2611.00003"]


def test_whoever_waits_for_so_many_papers_gets_no_digest_of_fewer() -> None:
    announce(1, 2)
    one = wish(rhythm="when", least=3)
    assert prepare(MORNING) == 0
    assert not Digest.objects.exists()
    one.refresh_from_db()
    assert one.next_look == MORNING + timedelta(days=1)
    announce(3, day=THURSDAY)
    assert prepare(MORNING + timedelta(days=1)) == 1
    assert len(picked(Digest.objects.get())) == 3


def test_a_followed_list_that_is_not_wanted_in_digests_is_left_out() -> None:
    announce(1, authors=(Author("Ada Lovelace"),))
    announce(2, authors=(Author("Bo Sample"),))
    ada = reader(1)
    for key in ("author/Ada Lovelace", "author/Bo Sample"):
        follows.follow(ada, key, now=EARLIER)
    follows.switch(ada, "author/Bo Sample", Switches(in_digest=False))
    wish(1, reader=ada, lists=["follows"], length=2)
    assert room._wished_lists(due(MORNING).__next__()) == {Subscription.objects.get().pk: ("author/ada lovelace",)}


def test_what_a_reader_follows_is_wished_for() -> None:
    announce(1, authors=(Author("Ada Lovelace"),))
    announce(2)
    ada = reader(1)
    follows.follow(ada, "author/Ada Lovelace", now=EARLIER)
    wish(1, reader=ada, lists=["follows"])
    wish(2, lists=["follows"])
    prepare(MORNING)
    first, second = Digest.objects.order_by("subscription")
    assert [pick["list"] for pick in first.picks if pick["list"]] == ["author/ada lovelace"]
    assert first.picks[0]["why"][0] == {"kind": "author", "name": "Ada Lovelace"}
    assert (second.state, second.says) == ("nothing", "You chose no list that is there.")


def test_readers_whose_account_is_suspended_get_nothing() -> None:
    announce(1)
    wish(1, reader=reader(1, state="suspended"))
    assert prepare(MORNING) == 0


def test_two_workers_write_every_digest_once() -> None:
    announce(1, 2)
    for number in range(6):
        wish(number)
    mine = room.choose_all(next(due(MORNING)), Pools(MORNING))
    # The other one is faster with four of them.
    theirs = room.choose_all(next(due(MORNING, batch=4)), Pools(MORNING))
    assert room.write(theirs, MORNING) == 4
    assert room.write(mine, MORNING) == 2
    assert room.write(mine, MORNING) == 0
    assert Digest.objects.count() == Mail.objects.count() == 6


def test_a_wish_that_changed_while_it_was_chosen_for_is_not_written() -> None:
    announce(1)
    one = wish()
    Subscription.objects.update(next_look=EARLIER)
    mine = room.choose_all(next(due(MORNING)), Pools(MORNING))
    one.length = 3
    one.save()
    assert room.write(mine, MORNING) == 0
    mine = room.choose_all(next(due(MORNING)), Pools(MORNING))
    Subscription.objects.update(state="stopped")
    assert room.write(mine, MORNING) == 0
    assert not Digest.objects.exists()


def test_a_digest_that_somebody_made_by_hand_is_not_made_again() -> None:
    announce(1)
    one = wish()
    mine = room.choose_all(next(due(MORNING)), Pools(MORNING))
    Digest.objects.create(subscription=one, first=WEDNESDAY, last=WEDNESDAY, state="composed", made=MORNING)
    assert room.write(mine, MORNING) == 0
    assert prepare(MORNING) == 0
    assert Digest.objects.count() == 1


class Killed(BaseException):
    """What a process that is killed would be like, if it could be seen."""


@pytest.mark.parametrize("written", range(1, 12))
def test_a_run_that_ends_anywhere_leaves_whole_batches_and_the_next_one_goes_on(
    written: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    announce(1, 2)
    for number in range(5):
        wish(number)
    left = [written]

    def dying(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:  # noqa: ANN401
        if sql.startswith(("INSERT", "UPDATE")):
            left[0] -= 1
            if left[0] < 0:
                raise Killed
        return execute(sql, params, many, context)

    # To PostgreSQL rows that replace none are copied, which is no statement: there are fewer to die in.
    dies = connection.vendor == "sqlite" or written <= 8
    with connection.execute_wrapper(dying), pytest.raises(Killed) if dies else nullcontext():
        prepare(MORNING, batch=2)
    done = Digest.objects.count()
    assert done in ((0, 2, 4) if dies else (5,)) and Mail.objects.count() == done
    assert Told.objects.values("digest").distinct().count() == done
    assert prepare(MORNING, batch=2) == 5 - done
    assert Mail.objects.count() == Mail.objects.values("subscription").distinct().count() == 5


def test_a_batch_is_written_in_few_questions_however_many_readers_it_has() -> None:
    announce(1, 2, 3)
    for number in range(40):
        wish(number)
    with CaptureQueriesContext(connection) as asked:
        assert prepare(MORNING) == 40
    assert len(asked) <= 26, [one["sql"][:90] for one in asked]


def test_a_run_of_long_stops_in_time_and_the_next_one_goes_on() -> None:
    announce(1)
    for number in range(3):
        wish(number)
    assert [prepare(MORNING, batch=1, seconds=0.0) for _ in range(4)] == [1, 1, 1, 0]


def test_without_a_way_for_mail_nothing_is_made(settings: Settings) -> None:
    announce(1)
    wish()
    settings.MAIL = False
    assert run.run(MORNING) == 0
    assert not Digest.objects.exists()


def test_tokens_differ() -> None:
    assert len({room.new_token() for _ in range(100)}) == 100
