import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from pytest_django import Settings

from broadsheet.community.tests.factory import reader
from broadsheet.delivery import choose, due
from broadsheet.delivery.models import Delivery
from broadsheet.delivery.tests.places_of import place
from broadsheet.digest import prepare
from broadsheet.digest.models import Digest, Subscription
from broadsheet.digest.tests.people import WEDNESDAY, announce, subscriber
from broadsheet.editions import named
from broadsheet.papers.models import Paper
from broadsheet.readers import follows, tokens
from broadsheet.readers.models import Reader

pytestmark = pytest.mark.django_db
MORNING = datetime(2026, 11, 18, 7, tzinfo=UTC)
NEXT = MORNING + timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _mail(settings: Settings) -> None:
    settings.MAIL = True


@pytest.fixture
def ada() -> Reader:
    return reader()


def wish(ada: Reader, **fields: object) -> Subscription:
    return subscriber(1, **({"reader": ada, "confirmed": MORNING - 10 * HOUR, "length": 2} | fields))


def keys(ada: Reader, **asked: int) -> list[str]:
    found = named.named("digest", reader=ada, now=NEXT, **asked)
    return [entry.paper.key for entry in found.entries]


def picks(of: Subscription) -> list[list[str]]:
    return [
        [pick["paper"] for pick in digest.picks] for digest in Digest.objects.filter(subscription=of).order_by("last")
    ]


def two_days(mine: Subscription) -> None:
    announce(1, 2, 3)
    assert prepare.prepare(MORNING) == 1
    announce(4, 5, 6, day=WEDNESDAY + timedelta(days=1))
    assert prepare.prepare(NEXT) == 1


def test_the_list_digest_gives_the_papers_of_the_digests_the_newest_first(ada: Reader) -> None:
    mine = wish(ada)
    two_days(mine)
    first, second = picks(mine)
    assert keys(ada) == second + first and len(second + first) == 4
    assert keys(ada, limit=2, skip=1) == (second + first)[1:3]
    entries = named.named("digest", reader=ada).entries
    assert [entry.day.day for entry in entries if entry.day] == [19, 19, 18, 18]
    assert [entry.rank for entry in entries] == [1, 2, 3, 4]


def test_a_paper_that_was_hidden_is_left_out(ada: Reader) -> None:
    mine = wish(ada)
    two_days(mine)
    gone = picks(mine)[1][0]
    Paper.objects.filter(key=gone).update(hidden=True)
    assert gone not in keys(ada) and len(keys(ada)) == 3


def test_who_gets_no_digest_finds_what_is_new_in_what_they_follow(ada: Reader, settings: Settings) -> None:
    mine = wish(ada, lists=["category/cs.LG"])
    follows.follow(ada, "category/cs.CL", now=MORNING)
    announce(1, 3, categories=("cs.LG",))
    announce(2, 4, categories=("cs.CL",))
    prepare.prepare(MORNING)
    assert set(keys(ada)) == {"2611.00001", "2611.00003"}
    assert {entry.paper.key for entry in named.followed(ada, now=NEXT)} == {"2611.00002", "2611.00004"}
    Subscription.objects.filter(pk=mine.pk).update(state="stopped")
    assert set(keys(ada)) == {"2611.00002", "2611.00004"}
    Subscription.objects.filter(pk=mine.pk).update(state="active")
    settings.MAIL = False
    assert set(keys(ada)) == {"2611.00002", "2611.00004"}
    assert set(keys(reader(2))) == {"2611.00001", "2611.00002", "2611.00003", "2611.00004"}


def test_before_the_first_digest_the_list_is_empty(ada: Reader) -> None:
    wish(ada)
    announce(1)
    assert keys(ada) == []


def test_the_feed_gives_each_paper_with_the_day_of_its_digest(ada: Reader, client: Client) -> None:
    mine = wish(ada, rhythm="weekly", weekday=3, length=9)
    announce(1, 2)
    announce(4, day=WEDNESDAY + timedelta(days=1))
    assert prepare.prepare(NEXT) == 1
    _token, secret = tokens.make(ada, "feeds", ["feed"], days=None, now=MORNING)
    response = client.get(f"/feeds/own/{secret}/digest.json")
    items = response.json()["items"]
    assert len(items) == 3 == len(picks(mine)[0])
    assert {item["date_published"][:10] for item in items} == {"2026-11-19"}
    assert response.json()["home_page_url"].endswith("/me/digests")
    atom = client.get(f"/feeds/own/{secret}/digest.atom").content.decode()
    assert len(re.findall("<entry>", atom)) == 3


@pytest.mark.parametrize("rhythm", ["at-once", "daily", "weekly"])
def test_a_place_gets_each_digest_when_it_is_made_and_only_once(ada: Reader, rhythm: str) -> None:
    mine = wish(ada)
    announce(1, 2, 3)
    prepare.prepare(MORNING)
    hook = place(ada, key="digest", rhythm=rhythm, at=MORNING + HOUR)
    due.prepare(MORNING + 2 * HOUR)
    assert not Delivery.objects.exists()
    announce(4, 5, 6, day=WEDNESDAY + timedelta(days=1))
    due.prepare(NEXT - HOUR)
    assert not Delivery.objects.exists()
    prepare.prepare(NEXT)
    for minutes in (1, 12, 24, 600):
        due.prepare(NEXT + timedelta(minutes=minutes))
    sent = Delivery.objects.get(hook=hook)
    assert sent.papers == picks(mine)[1] and sent.payload["list"]["key"] == "digest"


def test_a_place_gets_papers_of_a_weekly_digest_that_are_older_than_itself(ada: Reader) -> None:
    mine = wish(ada, rhythm="weekly", weekday=3, length=9)
    announce(1, 2)
    hook = place(ada, key="digest", at=MORNING + HOUR)
    announce(4, day=WEDNESDAY + timedelta(days=1))
    prepare.prepare(NEXT)
    due.prepare(NEXT + HOUR)
    assert Delivery.objects.get(hook=hook).papers == picks(mine)[0]
    assert set(picks(mine)[0]) == {"2611.00001", "2611.00002", "2611.00004"}


def test_a_long_digest_comes_in_several_messages(ada: Reader) -> None:
    wish(ada, length=9)
    hook = place(ada, key="digest", rhythm="daily", most=2, at=MORNING - 9 * HOUR)
    announce(1, 2, 3, 4, 5)
    prepare.prepare(MORNING)
    due.prepare(MORNING + HOUR)
    assert [len(one.papers) for one in Delivery.objects.filter(hook=hook).order_by("position")] == [2, 2, 1]
    assert choose.fresh(hook, MORNING + HOUR)[1] == []


def test_without_digests_a_place_keeps_its_own_rhythm(ada: Reader) -> None:
    follows.follow(ada, "category/cs.LG", now=MORNING)
    announce(1, day=WEDNESDAY - timedelta(days=1), categories=("cs.LG",))
    hook = place(ada, key="digest", rhythm="daily", at=MORNING - 7 * HOUR)
    announce(2, 3, categories=("cs.LG",))
    for minutes in (30, 45, 90, 120, 180):
        due.prepare(MORNING - 7 * HOUR + timedelta(minutes=minutes))
    assert [len(one.papers) for one in Delivery.objects.filter(hook=hook)] == [2]
