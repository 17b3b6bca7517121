from datetime import timedelta

import pytest

from broadsheet.community.tests.factory import NOON, reader
from broadsheet.delivery import changing, due, places
from broadsheet.delivery.due import Round
from broadsheet.delivery.hooks import new_secret
from broadsheet.delivery.models import Delivery, Hook
from broadsheet.delivery.sending import Outcome
from broadsheet.delivery.tests.places_of import LATER, Hands, Receivers, come, place
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused

pytestmark = pytest.mark.django_db
HERE, THERE = "https://hooks.example/in", "https://there.example/in"


@pytest.fixture
def ada() -> Reader:
    return reader()


@pytest.fixture
def receivers() -> Receivers:
    return Receivers()


def values(hook: Hook, **other: object) -> dict[str, object]:
    kept = {name: getattr(hook, name) for name in ("name", "key", "rhythm", "least", "most")}
    return {**kept, "target": "", "secret": "", **other}


def change(hook: Hook, clock: Hands, **other: object) -> Hook:
    return changing.keep(hook, changing.changed(hook, values(hook, **other)), now=clock())


def go(receivers: Receivers, clock: Hands) -> None:
    due.prepare(clock())
    Round(clock=clock, senders=receivers.senders, random=lambda: 0.5).run()


def test_what_is_left_empty_stays(ada: Reader) -> None:
    hook = place(ada, name="Mine")
    before = Hook.objects.values().get()
    change(hook, Hands())
    assert Hook.objects.values().get() == before
    change(hook, Hands(), name="Other", most=3)
    assert Hook.objects.values().get() == before | {"name": "Other", "most": 3}


def test_another_list_begins_anew_and_what_waits_of_the_old_one_is_dropped(ada: Reader, receivers: Receivers) -> None:
    hook, clock = place(ada), Hands()
    come([1, 2])
    due.prepare(clock())
    assert Delivery.objects.get().state == "waiting"
    change(hook, clock, key="category/cs.CL")
    assert "another list" in Delivery.objects.get(state="failed").says
    go(receivers, clock)
    assert receivers.got == []
    come([3, 4], at=clock.on(minutes=1))
    go(receivers, clock)
    assert receivers.papers() == [["2611.00003"]]


def test_a_worker_that_looked_before_the_change_writes_nothing(ada: Reader) -> None:
    hook, clock = place(ada), Hands()
    come([1, 2])
    looked_at = Hook.objects.select_related("reader").get()
    change(hook, Hands(clock.on(seconds=1)), key="category/cs.CL")
    assert due._prepare(looked_at, None, places.latest_change(), clock.on(seconds=1)) == 0
    assert not Delivery.objects.filter(state="waiting").exists()


def test_another_address_gets_what_waits_and_is_tried_at_once(ada: Reader, receivers: Receivers) -> None:
    hook, clock = place(ada), Hands()
    receivers.outcomes[HERE] = [Outcome("again", 503, "Broken.")]
    come([1, 2])
    go(receivers, clock)
    assert Hook.objects.get().next_try is not None
    change(hook, clock, target=THERE)
    go(receivers, clock)
    assert [sorted(papers) for papers in receivers.papers(THERE)] == [["2611.00001", "2611.00002"]]
    assert Delivery.objects.get().state == "sent"


def test_a_place_that_failed_begins_again_with_another_address_alone(ada: Reader) -> None:
    hook = place(ada)
    Hook.objects.update(state="failing", says="It is gone.", failures=5)
    hook.refresh_from_db()
    assert change(hook, Hands(), name="Other").state == "failing"
    found = change(hook, Hands(), target=THERE)
    assert (found.state, found.says, found.failures) == ("active", "", 0)


def test_what_the_reader_paused_stays_paused(ada: Reader) -> None:
    hook = place(ada)
    places.pause(hook)
    hook.refresh_from_db()
    assert change(hook, Hands(), target=THERE, key="category/cs.CL").state == "paused"


def test_a_secret_of_ones_own_signs_beside_the_old_one_for_a_day(ada: Reader) -> None:
    hook, secret = place(ada), new_secret()
    old = hook.secret
    found = change(hook, Hands(NOON), secret=secret)
    assert (found.secret, found.before, found.rotated) == (secret, old, NOON)
    parcel = places.parcel(found, Delivery().id, {}, NOON + timedelta(hours=1))
    assert parcel.secrets == (secret, old)


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": "short"}, {"secret": "whsec_"}, {"secret": "whsec_!!!"}, {"secret": "whsec_" + "A" * 200},
        {"secret": "whsec_QUJD"}, {"secret": "whsec_é"}, {"key": "nonsense"}, {"key": "category/xx.NO.SUCH/x"},
        {"target": "http://user:password@host.example/"}, {"target": "ftp://there.example"}, {"target": "\x00"},
        {"rhythm": "hourly"}, {"most": 0}, {"least": 99}, {"name": "x" * 90}, {"name": "\u202e"},
    ],
)  # fmt: skip
def test_what_makes_no_sense_changes_nothing(ada: Reader, wrong: dict[str, object]) -> None:
    hook = place(ada, name="Mine")
    before = Hook.objects.values().get()
    with pytest.raises(Refused):
        change(hook, Hands(), **wrong)
    assert Hook.objects.values().get() == before


def test_a_place_that_was_removed_meanwhile_is_refused(ada: Reader) -> None:
    hook = place(ada)
    Hook.objects.all().delete()
    with pytest.raises(Refused, match="removed"):
        change(hook, Hands(LATER), name="Other")
