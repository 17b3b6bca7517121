from datetime import date, timedelta

import pytest

from broadsheet.community.tests.factory import NOON, reader
from broadsheet.delivery import choose, due, places
from broadsheet.delivery.models import Delivery, Hook, Told
from broadsheet.delivery.tests.places_of import LATER, come, place
from broadsheet.papers import store
from broadsheet.papers.models import Paper
from broadsheet.readers import follows, library
from broadsheet.record.paper import Author

pytestmark = pytest.mark.django_db


def fresh(hook: Hook) -> list[str]:
    hook.refresh_from_db()
    return [paper.key for paper in choose.whole(choose.fresh(hook, LATER)[1])]


def test_a_new_place_begins_with_what_comes_after_it_was_made() -> None:
    come([1, 2], at=NOON - timedelta(hours=3))
    hook = place(reader())
    assert fresh(hook) == []
    come([3])
    assert fresh(hook) == ["2611.00003"]


@pytest.mark.parametrize(
    "key", ["edition", "category/cs.LG", "author/Ada Example3", "trending", "edition/2026-11-20", "category/cs.CL"]
)
def test_every_kind_of_list_tells_of_new_papers_once(key: str) -> None:
    come([1], authors=(Author("Ada Example3"),), at=NOON - timedelta(hours=3))
    hook = place(reader(), key=key)
    assert fresh(hook) == []
    come([3, 5], authors=(Author("Ada Example3"),))
    assert sorted(fresh(hook)) == ["2611.00003", "2611.00005"]
    due.prepare(LATER)
    assert fresh(hook) == []


def test_a_readers_own_lists_go_out_too() -> None:
    ada = reader()
    old, older = come([1, 2], at=NOON - timedelta(days=400), day=date(2026, 11, 2))
    library.save(ada, older, now=NOON - timedelta(days=1))
    saved, digest = place(ada, key="library"), place(ada, key="digest")
    follows.follow(ada, "category/cs.LG", now=NOON)
    library.save(ada, old, now=LATER)
    come([3, 4])
    assert fresh(saved) == ["2611.00001"]
    assert fresh(digest) == ["2611.00003"]


def test_an_import_of_the_past_is_no_news() -> None:
    come([1], at=NOON - timedelta(hours=3))
    hook = place(reader(), key="category/cs.LG")
    come([3], day=date(2026, 10, 1))
    assert fresh(hook) == []
    come([5], day=date(2026, 11, 16))
    assert fresh(hook) == ["2611.00005"]


def test_a_record_that_lives_in_the_past_has_news_of_its_own() -> None:
    come([1], day=date(2024, 5, 27), at=NOON - timedelta(hours=3))
    hook = place(reader())
    come([3], day=date(2024, 5, 28))
    assert fresh(hook) == ["2611.00003"]


def test_what_a_curator_places_is_news() -> None:
    (old,) = come([1], day=date(2026, 8, 3), at=NOON - timedelta(days=90))
    hook = place(reader())
    store.place(old.id, date(2026, 11, 20))
    assert fresh(hook) == ["2611.00001"]


def test_hidden_and_withdrawn_papers_do_not_go_out() -> None:
    ada = reader()
    hook, saved = place(ada), place(ada, key="library")
    hidden, withdrawn = come([1, 3])
    for paper in (hidden, withdrawn):
        library.save(ada, paper, now=LATER)
    Paper.objects.filter(pk=hidden.pk).update(hidden=True)
    Paper.objects.filter(pk=withdrawn.pk).update(withdrawn=True)
    assert fresh(hook) == fresh(saved) == []
    assert due.prepare(LATER) == 0


def test_the_order_is_the_editions_own() -> None:
    come([1], at=NOON - timedelta(hours=3))
    hook = place(reader())
    come([2, 3, 4])
    Paper.objects.filter(key="2611.00003").update(vote_weight=9.0, votes_here=9)
    come([5], day=date(2026, 11, 19))
    assert fresh(hook) == ["2611.00003", "2611.00004", "2611.00002", "2611.00005"]


def test_more_than_one_list_can_hold_goes_out_whole() -> None:
    hook = place(reader(), key="category/cs.CV", most=50)
    come(range(0, 300, 2))
    assert len(fresh(hook)) == 150
    assert due.prepare(LATER) == 3
    assert Told.objects.filter(hook=hook).count() == 150 and Delivery.objects.count() == 3


def test_what_came_while_it_was_paused_is_the_past_and_while_it_failed_is_not() -> None:
    ada = reader()
    paused, failing = place(ada), place(ada)
    places.pause(paused)
    Hook.objects.filter(pk=failing.pk).update(state="failing")
    come([1])
    assert due.prepare(LATER) == 0
    for hook in (paused, failing):
        hook.refresh_from_db()
        places.resume(hook, now=LATER + timedelta(minutes=1))
    assert fresh(paused) == [] and fresh(failing) == ["2611.00001"]
