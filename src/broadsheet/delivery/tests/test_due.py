import threading
from datetime import date, timedelta
from uuid import UUID

import pytest
from django.db import transaction

from broadsheet.community.tests.factory import NOON, reader
from broadsheet.delivery import choose, due, places
from broadsheet.delivery.due import Round
from broadsheet.delivery.models import Delivery, Hook, Told
from broadsheet.delivery.sending import Message, Outcome
from broadsheet.delivery.tests.places_of import LATER, Hands, Receivers, come, place
from broadsheet.papers.models import Paper
from broadsheet.readers import notifications
from broadsheet.readers.models import Notification, Reader

pytestmark = pytest.mark.django_db
HERE = "https://hooks.example/in"
AGAIN = Outcome("again", 503, "Something is broken there. (503)")


class Killed(BaseException):
    """The process was killed here."""


@pytest.fixture
def ada() -> Reader:
    return reader()


@pytest.fixture
def receivers() -> Receivers:
    return Receivers()


@pytest.fixture
def clock() -> Hands:
    return Hands()


def go(receivers: Receivers, clock: Hands) -> int:
    due.prepare(clock())
    return Round(clock=clock, senders=receivers.senders, random=lambda: 0.5).run()


def test_each_paper_goes_to_each_place_once(ada: Reader, receivers: Receivers, clock: Hands) -> None:
    other = "https://other.example/in"
    place(ada, most=2)
    place(ada, other)
    come([1, 2, 3])
    go(receivers, clock)
    go(receivers, clock)
    come([4], at=clock.on(minutes=1))
    go(receivers, clock)
    told = receivers.papers()
    assert [len(papers) for papers in told] == [2, 1, 1]
    assert sorted(sum(told, [])) == [f"2611.0000{number}" for number in (1, 2, 3, 4)]
    assert [len(papers) for papers in receivers.papers(other)] == [3, 1]
    assert set(Delivery.objects.values_list("state", flat=True)) == {"sent"}


def test_a_message_says_what_it_is(ada: Reader, receivers: Receivers, clock: Hands) -> None:
    hook = place(ada)
    come([1])
    go(receivers, clock)
    (message,) = receivers.got
    body = message.body
    assert (body["event"], body["list"]["key"], body["list"]["title"]) == ("papers", "edition", "Every edition")
    assert body["id"] == message.number == str(Delivery.objects.get().id)
    assert message.secrets == (hook.secret,) and body["sent_at"] == LATER.isoformat()
    (paper,) = body["papers"]
    assert paper["id"] == "2611.00001" and paper["title"] == "On two suns, part 1"
    assert paper["authors"] == ["Ada Example1", "Bo Sample"] and paper["categories"] == ["cs.LG", "cs.CL"]
    assert paper["url"].endswith("/papers/2611.00001") and paper["url"].startswith("http")
    assert paper["arxiv"]["abs"] == "https://arxiv.org/abs/2611.00001"


def test_fewer_papers_than_wished_wait_for_more(ada: Reader, receivers: Receivers, clock: Hands) -> None:
    place(ada, least=3)
    come([1, 2])
    assert go(receivers, clock) == 0
    come([3], at=clock.on(minutes=1))
    assert go(receivers, clock) == 1
    assert len(receivers.papers()[0]) == 3


def test_a_daily_message_comes_once_when_the_day_is_quiet_and_holds_the_first(
    ada: Reader, receivers: Receivers, clock: Hands
) -> None:
    come([100], at=NOON - timedelta(days=1), day=date(2026, 11, 19))
    place(ada, rhythm="daily", most=2)
    come([1, 2, 3])
    assert go(receivers, clock) == 0
    clock.on(hours=1)
    assert go(receivers, clock) == 1
    assert receivers.got[0].body["more"] == 1
    come([4], at=clock.on(hours=2))
    clock.on(hours=2)
    assert go(receivers, clock) == 0
    come([5], at=clock.on(days=3), day=date(2026, 11, 23))
    clock.on(hours=2)
    assert go(receivers, clock) == 1
    # The third of the first day was passed over; the late fourth comes with the next.
    assert sorted(receivers.papers()[1]) == ["2611.00004", "2611.00005"]


def test_a_daily_message_that_is_too_short_is_kept_for_the_next_day(
    ada: Reader, receivers: Receivers, clock: Hands
) -> None:
    come([100], at=NOON - timedelta(days=1), day=date(2026, 11, 19))
    place(ada, rhythm="daily", least=2)
    come([1])
    clock.on(hours=1)
    assert go(receivers, clock) == 0
    come([2], at=clock.on(days=3), day=date(2026, 11, 23))
    clock.on(hours=2)
    assert go(receivers, clock) == 1
    assert sorted(receivers.papers()[0]) == ["2611.00001", "2611.00002"]


def test_a_weekly_message_comes_with_the_first_edition_of_a_week(
    ada: Reader, receivers: Receivers, clock: Hands
) -> None:
    come([100], at=NOON - timedelta(days=2), day=date(2026, 11, 18))
    place(ada, rhythm="weekly")
    come([1], day=date(2026, 11, 20))
    clock.on(hours=2)
    assert go(receivers, clock) == 0
    come([2], at=clock.on(days=3), day=date(2026, 11, 23))
    clock.on(hours=2)
    assert go(receivers, clock) == 1
    assert sorted(receivers.papers()[0]) == ["2611.00001", "2611.00002"]


def test_it_is_tried_again_after_longer_and_longer_waits_for_about_three_days(
    ada: Reader, receivers: Receivers, clock: Hands
) -> None:
    receivers.outcomes[HERE] = [AGAIN]
    hook = place(ada)
    come([1])
    waits = []
    while True:
        assert go(receivers, clock) == 1
        hook.refresh_from_db()
        if not hook.next_try:
            break
        assert go(receivers, clock) == 0
        waits.append(hook.next_try - clock())
        clock.on(seconds=waits[-1].total_seconds() - 1)
        assert go(receivers, clock) == 0
        clock.on(seconds=1)
    assert tuple(waits) == due.WAITS and timedelta(days=2.5) < sum(waits, timedelta()) < timedelta(days=3.5)
    assert {message.number for message in receivers.got} == {str(Delivery.objects.get().id)}
    assert (Delivery.objects.get().state, hook.state) == ("failed", "failing")


def test_a_wait_that_was_asked_for_is_kept_but_not_beyond_a_day(
    ada: Reader, receivers: Receivers, clock: Hands
) -> None:
    receivers.outcomes[HERE] = [Outcome("again", 429, "Less.", wait=600.0), Outcome("again", 429, "Less.", wait=1e9)]
    hook = place(ada)
    come([1])
    for wait in (timedelta(seconds=600), timedelta(days=1)):
        go(receivers, clock)
        hook.refresh_from_db()
        assert hook.next_try == clock() + wait
        clock.moment += wait


def test_what_is_gone_is_switched_off_and_its_reader_told(ada: Reader, receivers: Receivers, clock: Hands) -> None:
    receivers.outcomes[HERE] = [Outcome("gone", 410, "It says that it is gone for good. (410 Gone)")]
    hook = place(ada, name="My robot", most=1)
    come([1, 2])
    assert go(receivers, clock) == 1
    hook.refresh_from_db()
    assert (hook.state, hook.says) == ("failing", "It says that it is gone for good. (410 Gone)")
    assert go(receivers, clock) == 0
    told = Notification.objects.get()
    assert told.reader == ada and told.url == "/me/deliveries"
    assert "My robot" in notifications.sentence(told) and "gone for good" in notifications.sentence(told)


def test_a_place_that_refuses_again_and_again_is_paused(ada: Reader, receivers: Receivers, clock: Hands) -> None:
    refusal = Outcome("failed", 400, "It does not understand what we send. (400 Bad Request)")
    receivers.outcomes[HERE] = [refusal, Outcome("sent", 200), *[refusal] * 9]
    hook = place(ada, most=1)
    come(range(9))
    go(receivers, clock)
    hook.refresh_from_db()
    assert hook.state == "failing" and len(receivers.got) == 2 + due.MOST_FAILURES
    assert Notification.objects.count() == 1


def test_a_failed_message_can_be_sent_again_with_its_number(ada: Reader, receivers: Receivers, clock: Hands) -> None:
    receivers.outcomes[HERE] = [Outcome("gone", 410, "Gone."), Outcome("sent", 200)]
    place(ada)
    come([1])
    go(receivers, clock)
    places.retry(Delivery.objects.get(), now=clock())
    assert go(receivers, clock) == 1
    first, second = receivers.got
    assert first.number == second.number and Delivery.objects.get().state == "sent"
    assert Hook.objects.get().state == "active"


def test_a_slow_place_never_delays_another(ada: Reader, receivers: Receivers, clock: Hands) -> None:
    slow, fast = [f"https://slow{number}.example/" for number in range(4)], [f"https://{n}.example/" for n in range(5)]
    release = threading.Event()
    receivers.hanging = dict.fromkeys(slow, release)
    receivers.arrived = {target: threading.Event() for target in fast}
    for target in (*slow, *fast):
        place(ada, target, most=1)
    come([1, 2])
    due.prepare(clock())

    def when_all_fast_ones_arrived() -> None:
        for arrived in receivers.arrived.values():
            arrived.wait(20)
        release.set()

    watch = threading.Thread(target=when_all_fast_ones_arrived)
    watch.start()
    assert Round(clock=clock, senders=receivers.senders).run() == 18
    watch.join()
    order = [message.target for message in receivers.got]
    assert set(order[:5]) <= set(fast)


def test_places_known_to_be_slow_get_few_of_the_threads(ada: Reader, receivers: Receivers, clock: Hands) -> None:
    slow, fast = [f"https://slow{number}.example/" for number in range(8)], "https://fast.example/"
    release = threading.Event()
    receivers.hanging = dict.fromkeys(slow, release)
    receivers.arrived = {fast: release}
    for target in slow:
        place(ada, target)
    Hook.objects.update(slow=True)
    place(reader(2), fast)
    come([1])
    due.prepare(clock())
    assert Round(clock=clock, senders=receivers.senders).run() == 9
    assert receivers.got[0].target == fast


def test_a_round_ends_in_time_although_a_place_hangs(ada: Reader, receivers: Receivers, clock: Hands) -> None:
    release = threading.Event()
    receivers.hanging = {HERE: release}
    place(ada)
    come([1])
    due.prepare(clock())
    assert Round(clock=clock, senders=receivers.senders, seconds=0.05, grace=0.05).run() == 0
    assert Delivery.objects.get().state == "sending"
    # Nobody else takes it while the lease lasts; after that it goes out under the same number.
    assert go(receivers, clock) == 0
    release.set()
    clock.moment += due.LEASE
    assert go(receivers, clock) == 1
    assert Delivery.objects.get().state == "sent"
    assert {message.number for message in receivers.got} == {str(Delivery.objects.get().id)}


def test_a_kill_between_send_and_note_gives_one_repeat_with_the_same_number(
    ada: Reader, receivers: Receivers, clock: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(ada, most=1)
    come([1, 2])
    due.prepare(clock())
    note = Round.note

    def killed(self: Round, hook: Hook, number: UUID, outcome: Outcome) -> bool:
        raise Killed

    monkeypatch.setattr(Round, "note", killed)
    with pytest.raises(Killed):
        Round(clock=clock, senders=receivers.senders).run()
    monkeypatch.setattr(Round, "note", note)
    assert go(receivers, clock) == 0
    clock.moment += due.LEASE
    assert go(receivers, clock) == 2
    numbers = [message.number for message in receivers.got]
    assert numbers[0] == numbers[1] != numbers[2] and len(numbers) == 3
    assert set(Delivery.objects.values_list("state", flat=True)) == {"sent"}


def test_a_kill_while_a_message_is_made_leaves_nothing_half(
    ada: Reader, receivers: Receivers, clock: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(ada)
    come([1])

    def killed(rows: object) -> None:
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed), transaction.atomic():
        patched.setattr(Told.objects, "bulk_create", killed)
        due.prepare(clock())
    assert not Delivery.objects.exists() and not Told.objects.exists()
    assert go(receivers, clock) == 1


def test_of_two_workers_one_prepares_and_one_sends(ada: Reader, receivers: Receivers, clock: Hands) -> None:
    hook = place(ada)
    come([1])
    stale = Hook.objects.get(pk=hook.pk)
    assert due.prepare(clock()) == 1
    found, numbers = choose.current(stale, clock())[0], [Paper.objects.get().id]
    assert due._write(stale, found, numbers, None, 0, clock()) == 0
    one = Hook.objects.get(pk=hook.pk)
    other = Hook.objects.get(pk=hook.pk)
    assert due.claim(one, clock()) is not None
    assert due.claim(other, clock()) is None
    assert Round(clock=clock, senders=receivers.senders).run() == 0
    due.release(other)
    assert Hook.objects.get().busy_until is not None


def test_what_was_hidden_on_the_way_is_left_out(ada: Reader, receivers: Receivers, clock: Hands) -> None:
    place(ada, most=2)
    come([1, 2, 3])
    due.prepare(clock())
    assert list(Delivery.objects.order_by("position").values_list("papers", flat=True)) == [
        ["2611.00003", "2611.00002"], ["2611.00001"],
    ]  # fmt: skip
    Paper.objects.filter(key="2611.00003").update(hidden=True)
    Paper.objects.filter(key="2611.00001").update(withdrawn=True)
    go(receivers, clock)
    assert receivers.papers() == [["2611.00002"]]
    assert Delivery.objects.get(position=1).state == "failed" and Hook.objects.get().state == "active"


def test_suspended_readers_send_nothing(ada: Reader, receivers: Receivers, clock: Hands) -> None:
    place(ada)
    come([1])
    due.prepare(clock())
    Reader.objects.update(state="suspended")
    come([2], at=clock.on(minutes=1))
    assert go(receivers, clock) == 0


def test_a_sender_that_breaks_stops_nobody(ada: Reader, clock: Hands, caplog: pytest.LogCaptureFixture) -> None:
    def torn(message: Message) -> Outcome:
        if "torn" in message.target:
            raise RuntimeError("torn")
        return Outcome("sent", 200)

    place(ada, "https://torn.example/")
    place(ada)
    come([1])
    due.prepare(clock())
    assert Round(clock=clock, senders={"webhook": torn}).run() == 2
    assert sorted(Delivery.objects.values_list("state", flat=True)) == ["sent", "waiting"]
    assert "broke while it was sent" in caplog.text


def test_a_place_removed_on_the_way_is_no_error(ada: Reader, receivers: Receivers, clock: Hands) -> None:
    hook = place(ada)
    come([1])
    due.prepare(clock())
    round_ = Round(clock=clock, senders=receivers.senders)
    found = due.claim(hook, clock())
    assert found is not None
    Hook.objects.all().delete()
    assert round_.note(hook, found.id, Outcome("sent", 200)) is False


def test_a_list_that_is_gone_pauses_its_place(ada: Reader, clock: Hands) -> None:
    hook = place(ada)
    Hook.objects.filter(pk=hook.pk).update(key="organisation/gone")
    come([1])
    assert due.prepare(clock()) == 0
    assert Hook.objects.get().state == "failing" and Notification.objects.count() == 1


def test_old_messages_are_forgotten_and_the_ledger_is_not(ada: Reader, receivers: Receivers, clock: Hands) -> None:
    place(ada)
    come([1])
    go(receivers, clock)
    assert due.forget(clock.on(days=29)) == 0
    assert due.forget(clock.on(days=2)) == 1
    assert not Delivery.objects.exists() and Told.objects.get().delivery is None
    assert go(receivers, clock) == 0
