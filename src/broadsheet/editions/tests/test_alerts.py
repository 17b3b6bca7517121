"""Alerts: what is new in followed lists is told once, at once, and to each reader in one notification."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from broadsheet.community import organisations
from broadsheet.community.tests.factory import reader
from broadsheet.editions import alerts, named
from broadsheet.papers import finding
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Change, Paper
from broadsheet.papers.tests.factory import paper
from broadsheet.readers import follows, notifications
from broadsheet.readers.follows import Switches
from broadsheet.readers.models import Follow, Notification, Reader
from broadsheet.readers.refused import Refused

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 18)
NOW = datetime(2026, 11, 18, 17, tzinfo=UTC)


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, settings: Settings) -> Iterator[None]:
    settings.CONFIG = replace(settings.CONFIG, home=tmp_path, values={**settings.CONFIG.values, "encoder": "none"})
    finding.forget()
    yield
    finding.forget()


def take(*numbers: int, now: datetime = NOW, **changes: object) -> None:
    ingest([paper(number, **changes) for number in numbers], now=now)
    finding.index()


@pytest.fixture
def ada() -> Reader:
    take(1)
    return reader(1)


def want(who: Reader, *keys: str) -> None:
    for key in keys:
        follows.follow(who, key, now=NOW)
        follows.switch(who, key, Switches(alert=True))


def told() -> list[tuple[str, list[str]]]:
    """What was told, each with the papers that it is about."""
    rows = Notification.objects.filter(kind="alert").order_by("pk")
    return [(notifications.sentence(row), _keys(row)) for row in rows]


def _keys(row: Notification) -> list[str]:
    return [Paper.objects.get(id=number).key[-2:] for number in row.data["papers"]]


def test_new_papers_are_told_once_and_in_one_sentence(ada: Reader) -> None:
    want(ada, "category/cs.CL")
    assert alerts.look(NOW) == 0
    take(3, 4, 5)
    assert alerts.look(NOW) == 1
    assert told() == [("2 new papers in cs.CL.", ["03", "05"])]
    row = Notification.objects.get()
    assert (row.reader, row.url, row.mail_due) == (ada, "/follows#new", False)
    assert alerts.look(NOW) == 0
    take(7)
    alerts.look(NOW)
    assert told()[1:] == [("1 new paper in cs.CL.", ["07"])]


def test_a_paper_in_several_lists_counts_once(ada: Reader) -> None:
    want(ada, "category/cs.CL", "author/Bo Sample", "edition")
    take(3, 4)
    alerts.look(NOW)
    assert [papers for _says, papers in told()] == [["03", "04"]]
    assert told()[0][0] == "2 new papers in Bo Sample and 2 other lists."


def test_a_list_that_takes_up_a_paper_later_does_not_tell_it_again(ada: Reader) -> None:
    curator = reader(9, role="curator")
    lab = organisations.found(curator, "Lab", "", [], "", now=NOW)
    want(ada, "edition", "organisation/lab")
    take(3)
    alerts.look(NOW)
    organisations.affiliate(curator, lab, Paper.objects.get(key="2611.00003"), now=NOW + timedelta(minutes=1))
    take(4, now=NOW + timedelta(minutes=2))
    alerts.look(NOW + timedelta(minutes=3))
    assert [papers for _says, papers in told()] == [["03"], ["04"]]


def test_papers_given_to_an_organisation_are_told_with_the_next_change(ada: Reader) -> None:
    curator = reader(9, role="curator")
    lab = organisations.found(curator, "Lab", "", [], "", now=NOW)
    want(ada, "organisation/lab")
    organisations.affiliate(curator, lab, Paper.objects.get(key="2611.00001"), now=NOW + timedelta(minutes=1))
    take(4, now=NOW + timedelta(minutes=2))
    alerts.look(NOW + timedelta(minutes=3))
    assert told() == [("1 new paper in Lab.", ["01"])]
    take(5, now=NOW + timedelta(minutes=4))
    assert alerts.look(NOW + timedelta(minutes=5)) == 0


def test_only_what_came_after_the_switch_is_told(ada: Reader) -> None:
    follows.follow(ada, "edition", now=NOW)
    take(3)
    follows.switch(ada, "edition", Switches(alert=True))
    assert alerts.look(NOW) == 0
    follows.switch(ada, "edition", Switches(alert=False))
    take(4)
    follows.switch(ada, "edition", Switches(alert=True))
    take(5)
    alerts.look(NOW)
    assert [papers for _says, papers in told()] == [["05"]]


def test_old_papers_and_hidden_ones_are_no_news(ada: Reader) -> None:
    want(ada, "edition")
    take(3, announced=DAY - timedelta(days=30))
    take(4)
    Paper.objects.filter(key="2611.00004").update(hidden=True)
    assert alerts.look(NOW) == 0
    assert Follow.objects.get().change == follows.latest_change()


def test_what_cannot_be_searched_yet_waits(ada: Reader) -> None:
    want(ada, "search/two suns", "edition")
    ingest([paper(9)], now=NOW)
    assert alerts.look(NOW) == 0
    finding.index()
    assert alerts.look(NOW) == 1


def test_searches_are_told_with_their_words_and_phrases_are_kept(ada: Reader) -> None:
    want(ada, "search/two suns author:sample", 'search/"suns two"')
    take(9, 10)
    alerts.look(NOW)
    assert told() == [("1 new paper in two suns author:sample.", ["09"])]


def test_a_name_of_ones_own_stands_in_the_sentence(ada: Reader) -> None:
    want(ada, "category/cs.CL")
    follows.switch(ada, "category/cs.CL", Switches(name="  My   language <papers> "))
    take(3)
    alerts.look(NOW)
    assert told()[0][0] == "1 new paper in My language <papers>."


def test_whoever_wants_alerts_by_mail_gets_them(ada: Reader) -> None:
    ada.mailed = ["alert"]
    ada.save()
    want(ada, "edition")
    take(3)
    alerts.look(NOW)
    assert Notification.objects.get().mail_due


def test_suspended_readers_and_gone_lists_are_passed_over(ada: Reader) -> None:
    want(ada, "edition")
    Reader.objects.filter(pk=ada.pk).update(state="suspended")
    bo = reader(2)
    Follow.objects.create(reader=bo, key="organisation/gone", at=NOW, alert=True, change=1)
    Follow.objects.create(reader=bo, key="similar/2611.00099", at=NOW, alert=True, change=1)
    Follow.objects.create(reader=bo, key="nonsense", at=NOW, alert=True, change=1)
    take(3)
    assert alerts.look(NOW) == 0
    assert set(Follow.objects.filter(reader=bo).values_list("change", flat=True)) == {follows.latest_change()}


def test_a_look_that_is_killed_tells_nothing_and_the_next_tells_once(
    ada: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    want(ada, "edition")
    take(3)
    with monkeypatch.context() as during:
        during.setattr(Follow.objects.filter().__class__, "update", _killed)
        with pytest.raises(KeyboardInterrupt):
            alerts.look(NOW)
    assert told() == []
    assert (alerts.look(NOW), alerts.look(NOW)) == (1, 0)
    assert [papers for _says, papers in told()] == [["03"]]


def _killed(*_given: object, **_values: object) -> int:
    raise KeyboardInterrupt


def test_of_two_workers_with_the_same_news_one_tells(ada: Reader) -> None:
    want(ada, "edition")
    take(3)
    upto = follows.latest_change()
    mine, theirs = (alerts._news(upto - 1, upto, NOW) for _worker in range(2))
    assert (alerts._tell([ada.pk], mine, NOW), alerts._tell([ada.pk], theirs, NOW)) == (1, 0)


def test_lists_by_meaning_tell_a_paper_when_its_vector_comes(ada: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    near: list[int] = []
    monkeypatch.setitem(named.FOUND, "like", lambda query, wanted, most: list(near))
    want(ada, "like/warm stars")
    take(3)
    number = Paper.objects.get(key="2611.00003").id
    assert alerts.look(NOW) == 0
    encode(number)
    near.append(number)
    assert alerts.look(NOW) == 1
    assert told() == [("1 new paper in warm stars.", ["03"])]
    # Encoded anew, as after a revision, it is not news.
    encode(number)
    take(4)
    assert alerts.look(NOW) == 0


def encode(number: int) -> None:
    seq = follows.latest_change() + 1
    Change.objects.create(seq=seq, paper_id=number, kind="vector", at=NOW)
    finding.index()


@pytest.mark.thorough
def test_ten_thousand_follows_cost_as_many_looks_as_there_are_lists(ada: Reader) -> None:
    people = [Reader(email=f"r{n}@x.example", handle=f"r{n}", name="R", joined=NOW) for n in range(500)]
    Reader.objects.bulk_create(people)
    change = follows.latest_change()
    keys = ("category/cs.CL", "category/cs.LG", "author/Bo Sample", "search/loud bees")
    Follow.objects.bulk_create(
        Follow(reader=who, key=key, at=NOW, alert=True, change=change) for who in people for key in keys
    )
    take(3)
    with CaptureQueriesContext(connection) as asked:
        assert alerts.look(NOW) == 500
    assert len(asked) < 60
    assert Notification.objects.filter(kind="alert").count() == 500
    with CaptureQueriesContext(connection) as idle:
        assert alerts.look(NOW) == 0
    assert len(idle) <= 3


def test_trending_and_past_editions_cannot_alert(ada: Reader) -> None:
    for key in ("trending", "edition/2026-11-18"):
        follows.follow(ada, key, now=NOW)
        with pytest.raises(Refused):
            follows.switch(ada, key, Switches(alert=True))
    with pytest.raises(Refused):
        follows.switch(ada, "tag/unfollowed", Switches(alert=True))
