from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from allauth.account.models import EmailAddress
from django.core.cache import caches
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from broadsheet.community.tests.factory import NOON, a_paper, reader
from broadsheet.digest import addresses, confirming, links, subscribing, wishes
from broadsheet.digest.models import Bounced, Digest, Mail, Subscription, Told
from broadsheet.digest.wishes import Wish
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused

pytestmark = pytest.mark.django_db
ADA = "ada@lab.example"
WISH = Wish(lists=("trending", "category/cs.CL"), time_zone="Europe/Berlin")
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture(autouse=True)
def _no_counts() -> None:
    caches["default"].clear()


def ask(address: str = ADA, wish: Wish = WISH, *, now: datetime = NOON, origin: str = "8.8.4.4") -> None:
    subscribing.ask(address, wish, now=now, origin=origin)


def one(address: str = ADA) -> Subscription:
    return Subscription.objects.get(address=address)


def press(address: str = ADA, *, now: datetime = NOON + HOUR, new: str = "") -> Subscription:
    """Press the button behind the link of a confirmation."""
    token = links.token(one(address), "confirm", address=new, now=now)
    return subscribing.confirm(links.read("confirm", token, now=now), now=now)


def subscribed(address: str = ADA, *, now: datetime = NOON) -> Subscription:
    ask(address, now=now)
    return press(address, now=now)


def suppress(subscription: Subscription, kind: str, *, now: datetime) -> None:
    Subscription.objects.filter(pk=subscription.pk).update(state="suppressed", ended=now, says="It came back.")
    Bounced.objects.create(digest_of_raw=f"{kind}{now}", kind=kind, subscription=subscription, at=now)


def proved(number: int = 1, **fields: object) -> Reader:
    found = reader(number, **fields)
    EmailAddress.objects.create(user=found, email=found.email, primary=True, verified=True)
    return found


def test_asking_sends_one_confirmation_and_begins_nothing() -> None:
    ask()
    mail = Mail.objects.get()
    assert (one().state, one().confirmed, one().lists) == ("asked", None, ["trending", "category/cs.CL"])
    assert (mail.kind, mail.state, mail.address, mail.domain) == ("confirm", "queued", ADA, "lab.example")
    assert mail.next_try == mail.queued == NOON and mail.digest is None


def test_confirming_begins_and_a_second_time_changes_nothing() -> None:
    ask()
    first = press()
    assert (first.state, first.confirmed) == ("active", NOON + HOUR)
    assert press(now=NOON + 2 * HOUR).confirmed == NOON + HOUR


def test_the_last_wish_before_the_confirmation_counts_and_none_after_it() -> None:
    ask()
    ask(wish=replace(WISH, lists=("trending",)), now=NOON + HOUR)
    assert press().lists == ["trending"]
    ask(wish=replace(WISH, lists=("category/cs.CV",)), now=NOON + 2 * DAY)
    assert one().lists == ["trending"] and one().state == "active"


def test_whoever_is_subscribed_already_is_told_so_and_only_by_mail() -> None:
    subscribed()
    ask("ADA@Lab.example ", now=NOON + 2 * DAY)
    mail = Mail.objects.latest("pk")
    said = confirming.composed(mail, now=NOON + 2 * DAY)
    assert "They come already" in said.text and "/digest/preferences/" in said.text and "/confirm/" not in said.text
    assert Subscription.objects.count() == 1


def test_the_mail_holds_no_word_of_whoever_asked() -> None:
    ask(wish=replace(WISH, lists=("search/buy pills at evil example", "trending")))
    said = confirming.composed(Mail.objects.get(), now=NOON)
    for part in (said.subject, said.text, said.html):
        assert "pills" not in part and "Europe" not in part
    place = next(line for line in said.text.splitlines() if "/confirm/" in line)
    token = place.rpartition("/")[2]
    assert links.read("confirm", token, now=NOON).subscription == one()
    assert place in said.html.replace("&amp;", "&") and "\n" not in said.subject
    assert "/digest/unsubscribe/" in said.unsubscribe and len(said.html) < 8000


def test_one_confirmation_a_day_goes_to_an_address() -> None:
    for hours in range(0, 24, 4):
        ask(now=NOON + hours * HOUR)
    assert Mail.objects.count() == 1
    ask(now=NOON + DAY + HOUR)
    assert Mail.objects.count() == 2


def test_a_mailbox_gets_three_a_day_by_whatever_name() -> None:
    for tag in ("", "+a", "+b", "+c", "+d"):
        ask(f"ada{tag}@lab.example")
    assert Mail.objects.count() == 3
    ask("adam@lab.example")
    assert Mail.objects.count() == 4


def test_a_mailbox_that_never_answers_is_left_alone() -> None:
    for day in range(20):
        ask(now=NOON + day * DAY + day * HOUR)
    assert Mail.objects.count() == subscribing.MOST_UNANSWERED


def test_a_network_may_ask_for_few() -> None:
    for number in range(subscribing.NETWORK_HOUR):
        ask(f"reader{number}@lab.example", origin=f"8.8.4.{number}")
    with pytest.raises(Refused, match="network"):
        ask("late@lab.example", origin="8.8.4.200")
    ask("other@lab.example", origin="9.9.9.9")
    ask("late@lab.example", origin="8.8.4.200", now=NOON + HOUR)
    assert Subscription.objects.count() == subscribing.NETWORK_HOUR + 2


def test_a_day_of_a_network_has_an_end_too() -> None:
    asked = 0
    with pytest.raises(Refused, match="network"):
        for number in range(100):
            ask(f"reader{number}@lab.example", now=NOON + (number // 10) * HOUR)
            asked += 1
    assert asked == subscribing.NETWORK_DAY


@pytest.mark.parametrize(
    "address",
    [
        "", "ada", "@", "ada@", "@lab.example", "ada@lab",
        "ada@lab.example\nBcc: all@lab.example", "a\r\nb@lab.example",
        '"a\r\nBcc: x"@lab.example', '"ada lum"@lab.example', "ada@[127.0.0.1]", "ada@[IPv6:::1]", "ada@lab.example\0",
        "ada lum@lab.example", "ada,bo@lab.example", "<ada@lab.example>", "x" * 65 + "@lab.example", "a" * 1000,
        "a@" + "b" * 300 + ".example", "ada@lab..example", "local@broadsheet.invalid", "ada@\u2028lab.example",
        "\ud800@lab.example", "ada@-lab.example", "Ada Lum <ada@lab.example>",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_with_a_sentence(address: str) -> None:
    with pytest.raises(Refused, match="no mail address"):
        ask(address)
    assert not Subscription.objects.exists()


def test_addresses_have_one_form() -> None:
    assert addresses.written("  Ada.Lum+News@LAB.Example ") == "ada.lum+news@lab.example"
    assert addresses.written("ada@bücher.example") == "ada@xn--bcher-kva.example"


@effort(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.text(max_size=40), st.tuples(st.text(max_size=12), st.text(max_size=12)).map("@".join)))
def test_whatever_passes_for_an_address_can_stand_in_a_header(text: str) -> None:
    try:
        address = addresses.written(text)
    except Refused:
        return
    assert address.isprintable() and address.count("@") == 1 and not set(address) & set(' <>,;:"\\()[]')
    assert address.rpartition("@")[2].isascii()


@pytest.mark.parametrize(
    "changes",
    [
        {"lists": ()},
        {"lists": ("nonsense",)}, {"lists": ("follows",)}, {"lists": ("foryou",)}, {"lists": ("digest",)},
        {"lists": ("edition/2024-05-27",)}, {"lists": ("library",)}, {"lists": ("category/\0",)},
        {"lists": ("search/" + "x" * 400,)}, {"lists": tuple(f"category/cs.A{n}" for n in range(31))},
        {"rhythm": "hourly"}, {"time_zone": "Mars/Base"}, {"time_zone": "../../etc/passwd"}, {"hour": 24}, {"hour": -1},
        {"weekday": 7}, {"length": 0}, {"length": 51}, {"least": 0}, {"form": "pdf"}, {"language": "x" * 11},
        {"paused_until": date(2030, 1, 1)},
    ],
)  # fmt: skip
def test_a_wish_that_cannot_be_had_is_refused_with_a_sentence(changes: dict[str, object]) -> None:
    with pytest.raises(Refused, match=r"\.$"):
        ask(wish=replace(WISH, **changes))  # type: ignore[arg-type]
    assert not Mail.objects.exists()


def test_lists_are_kept_by_their_proper_keys_and_once() -> None:
    ask(wish=replace(WISH, lists=("trending", "search/long  context", "search/long context", "edition")))
    assert one().lists == ["trending", "search/long context", "edition"]


def test_what_was_wished_may_be_gone_and_the_rest_still_be_changed() -> None:
    ada = subscribed()
    Subscription.objects.filter(pk=ada.pk).update(lists=["organisation/dissolved"])
    ada.refresh_from_db()
    changed = subscribing.change(ada, replace(wishes.of(ada), length=50, rhythm="weekly"), now=NOON)
    assert (changed.lists, changed.length, changed.rhythm) == (["organisation/dissolved"], 50, "weekly")


def test_a_pause_that_is_over_is_none() -> None:
    ada = subscribed()
    tomorrow = NOON.date() + DAY
    assert subscribing.change(ada, replace(WISH, paused_until=tomorrow), now=NOON).paused_until == tomorrow
    assert subscribing.change(ada, replace(WISH, paused_until=tomorrow), now=NOON + DAY).paused_until is None


def test_stopping_takes_back_what_waits_and_resuming_begins_at_once() -> None:
    ada = subscribed()
    digest = Digest.objects.create(subscription=ada, first=NOON.date(), last=NOON.date(), state="composed", made=NOON)
    held = {"subscription": ada, "address": ADA, "domain": "lab.example", "next_try": NOON, "queued": NOON}
    waits = Mail.objects.create(digest=digest, message_id="<1@x>", token="1", **held)
    under_way = Mail.objects.create(message_id="<2@x>", token="2", state="sending", **held)
    assert subscribing.stop(ada, now=NOON + DAY).state == "stopped"
    waits.refresh_from_db()
    under_way.refresh_from_db()
    assert (waits.state, waits.ended, under_way.state) == ("suppressed", NOON + DAY, "sending")
    assert subscribing.stop(ada, now=NOON + 2 * DAY).ended == NOON + DAY
    back = subscribing.resume(ada, now=NOON + 2 * DAY)
    assert (back.state, back.ended) == ("active", None)


def test_an_old_confirmation_does_not_begin_again_what_was_stopped() -> None:
    ask()
    token = links.token(one(), "confirm", now=NOON)
    signed = links.read("confirm", token, now=NOON)
    subscribing.confirm(signed, now=NOON)
    subscribing.stop(one(), now=NOON + HOUR)
    with pytest.raises(Refused, match="older"):
        subscribing.confirm(signed, now=NOON + 2 * HOUR)
    ask(wish=replace(WISH, rhythm="weekly"), now=NOON + 2 * DAY)
    assert one().state == "stopped"
    assert press(now=NOON + 2 * DAY).state == "active" and one().rhythm == "weekly"


def test_whoever_says_no_to_the_question_is_never_asked_by_strangers_again() -> None:
    ask()
    subscribing.stop(one(), now=NOON + HOUR)
    assert one().state == "suppressed"
    for day in range(2, 400, 50):
        ask(now=NOON + day * DAY)
    assert Mail.objects.count() == 1 and one().state == "suppressed"


@pytest.mark.parametrize(("kind", "again"), [("complaint", False), ("hard", True)])
def test_a_bounced_address_is_asked_again_after_a_season_and_a_complaint_stays(kind: str, again: bool) -> None:
    suppress(subscribed(), kind, now=NOON + DAY)
    ask(now=NOON + 30 * DAY)
    assert Mail.objects.count() == 1 and one().state == "suppressed"
    ask(now=NOON + 100 * DAY)
    assert (Mail.objects.count(), one().state) == ((2, "asked") if again else (1, "suppressed"))
    subscribing.tidy(NOON + 140 * DAY)
    assert one().state == "suppressed" and one().says == "It came back."


def test_its_owner_can_begin_again_after_a_complaint_by_confirming_anew() -> None:
    suppress(subscribed(), "complaint", now=NOON + DAY)
    assert subscribing.resume(one(), now=NOON + 2 * DAY).state == "asked"
    with pytest.raises(Refused):
        press(now=NOON)
    found = press(now=NOON + 2 * DAY)
    assert (found.state, found.says, found.ended, found.soft_bounces) == ("active", "", None, 0)


def test_a_new_address_takes_over_once_it_is_confirmed_from_there() -> None:
    ada = subscribed()
    old = links.token(ada, "preferences", now=NOON)
    assert subscribing.move(ada, "Ada@New.example", now=NOON + DAY) == "ada@new.example"
    mail = Mail.objects.latest("pk")
    assert (one().address, mail.address) == (ADA, "ada@new.example")
    assert subscribing.moving_to(ada, now=NOON + DAY) == "ada@new.example"
    said = confirming.composed(mail, now=NOON + DAY)
    token = next(line for line in said.text.splitlines() if "/confirm/" in line).rpartition("/")[2]
    moved = subscribing.confirm(links.read("confirm", token, now=NOON + DAY), now=NOON + DAY)
    assert (moved.pk, moved.address, moved.state, moved.confirmed) == (ada.pk, "ada@new.example", "active", NOON)
    assert subscribing.moving_to(moved, now=NOON + DAY) == ""
    for purpose, used in (("preferences", old), ("confirm", token)):
        with pytest.raises(links.BadLink, match="ended"):
            links.read(purpose, used, now=NOON + DAY)


def test_an_address_with_digests_of_its_own_is_not_taken() -> None:
    ada, bo = subscribed(), subscribed("bo@lab.example")
    subscribing.move(ada, bo.address, now=NOON + DAY)
    with pytest.raises(Refused, match="already"):
        press(new=bo.address)
    ask("cy@lab.example", origin="9.9.9.9")
    assert press(new="cy@lab.example").address == "cy@lab.example"
    assert Subscription.objects.count() == 2


def test_few_new_addresses_are_asked_in_a_day() -> None:
    ada = subscribed()
    for number in range(3):
        subscribing.move(ada, f"ada@new{number}.example", now=NOON + HOUR)
    with pytest.raises(Refused, match="tomorrow"):
        subscribing.move(ada, "ada@new4.example", now=NOON + HOUR)
    with pytest.raises(Refused, match="already"):
        subscribing.move(ada, ADA, now=NOON + HOUR)


def test_ending_links_ends_all_of_them() -> None:
    ada = subscribed()
    token = links.token(ada, "unsubscribe", now=NOON)
    ended = subscribing.end_links(ada)
    with pytest.raises(links.BadLink):
        links.read("unsubscribe", token, now=NOON)
    token = links.token(ended, "unsubscribe", now=NOON)
    assert links.read("unsubscribe", token, now=NOON).subscription == ada


def test_who_did_not_answer_is_forgotten_after_a_month() -> None:
    ask()
    subscribed("bo@lab.example")
    assert subscribing.tidy(NOON + 29 * DAY) == 0
    assert subscribing.tidy(NOON + 31 * DAY) == 1
    assert list(Subscription.objects.values_list("address", flat=True)) == ["bo@lab.example"]


def test_erasing_leaves_nothing() -> None:
    ada = subscribed()
    suppress(ada, "hard", now=NOON)
    digest = Digest.objects.create(subscription=ada, first=NOON.date(), last=NOON.date(), state="composed", made=NOON)
    Told.objects.create(subscription=ada, paper=a_paper(), digest=digest)
    subscribing.erase(ada)
    for model in (Subscription, Digest, Mail, Told, Bounced):
        assert not model._default_manager.exists()
    with pytest.raises(Refused, match="gone"):
        subscribing.stop(ada, now=NOON)


def test_a_reader_with_a_proved_address_begins_at_once() -> None:
    ada = proved()
    found = subscribing.begin(ada, replace(WISH, lists=("follows", "foryou")), now=NOON)
    assert (found.state, found.address, found.reader, found.lists) == ("active", ada.email, ada, ["follows", "foryou"])
    assert not Mail.objects.exists() and subscribing.of_reader(ada) == found


def test_what_went_to_the_proved_address_before_becomes_the_readers() -> None:
    ada = proved()
    before = subscribed(ada.email)
    assert subscribing.of_reader(ada) == before
    assert subscribing.begin(ada, WISH, now=NOON).pk == before.pk
    assert one(ada.email).reader == ada


def test_an_address_that_is_not_proved_is_asked_first_and_gives_nobody_elses_away() -> None:
    ada = reader(1)
    found = subscribing.begin(ada, WISH, address="ada@home.example", now=NOON)
    assert found.state == "asked" and Mail.objects.get().address == "ada@home.example"
    bo = subscribed("bo@lab.example")
    with pytest.raises(Refused, match="already"):
        subscribing.begin(reader(2), WISH, address=bo.address, now=NOON)
    with pytest.raises(Refused, match="already"):
        subscribing.begin(reader(3), WISH, address="ada@home.example", now=NOON)
    assert press("ada@home.example").reader == ada


def test_a_stranger_changes_nothing_of_an_accounts_digest() -> None:
    ada = proved()
    subscribing.begin(ada, WISH, now=NOON)
    subscribing.stop(one(ada.email), now=NOON)
    ask(ada.email, wish=replace(WISH, lists=("trending",)), now=NOON + DAY)
    assert one(ada.email).lists == list(WISH.lists) and one(ada.email).state == "stopped"
