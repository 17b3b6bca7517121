"""What is new since a reader last looked."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from broadsheet.community.tests.factory import reader
from broadsheet.editions import named
from broadsheet.editions.unseen import unseen
from broadsheet.papers import finding
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Paper
from broadsheet.papers.tests.factory import paper
from broadsheet.readers import follows
from broadsheet.readers.models import Reader

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 18)
NOW = datetime(2026, 11, 18, 17, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, settings: Settings) -> Iterator[None]:
    settings.CONFIG = replace(settings.CONFIG, home=tmp_path, values={**settings.CONFIG.values, "encoder": "none"})
    finding.forget()
    yield
    finding.forget()


@pytest.fixture
def ada() -> Reader:
    ingest([paper(1)], now=NOW)
    return reader(1)


def new(who: Reader) -> dict[str, set[str]]:
    finding.index()
    found = unseen(follows.rows(who), NOW + 5 * HOUR)
    return {key: {Paper.objects.get(id=number).key[-2:] for number in numbers} for key, numbers in found.items()}


def test_what_came_since_one_followed_or_looked_is_new(ada: Reader) -> None:
    follows.follow(ada, "category/cs.CL", now=NOW)
    follows.follow(ada, "author/Bo Sample", now=NOW)
    assert new(ada) == {"category/cs.CL": set(), "author/Bo Sample": set()}
    ingest([paper(3), paper(4)], now=NOW + HOUR)
    assert new(ada) == {"category/cs.CL": {"03"}, "author/Bo Sample": {"03", "04"}}
    follows.mark_seen(ada, now=NOW + 2 * HOUR, key="category/cs.CL")
    ingest([paper(5)], now=NOW + 3 * HOUR)
    assert new(ada) == {"category/cs.CL": {"05"}, "author/Bo Sample": {"03", "04", "05"}}
    follows.mark_seen(ada, now=NOW + 4 * HOUR)
    assert not any(new(ada).values())


def test_all_kinds_are_counted_and_past_editions_are_not_news(ada: Reader) -> None:
    keys = ("edition", "trending", "search/loud bees", "organisation/gone", "similar/2611.00077", "edition/2026-11-18")
    for key in keys:
        follows.follow(ada, key, now=NOW)
    ingest([paper(3), paper(4, announced=DAY - timedelta(days=40))], now=NOW + HOUR)
    found = new(ada)
    assert [found[key] for key in keys] == [{"03"}, {"03"}, {"03"}, set(), set(), set()]


def test_many_follows_cost_few_questions(ada: Reader) -> None:
    for number in range(100):
        follows.follow(ada, f"author/Ada Example{number}", now=NOW)
    ingest([paper(number) for number in range(2, 30)], now=NOW + HOUR)
    rows = follows.rows(ada)
    with CaptureQueriesContext(connection) as asked:
        assert sum(map(len, unseen(rows, NOW + 2 * HOUR).values())) == 28
    assert len(asked) < 12


def test_nothing_is_followed_or_nothing_is_there() -> None:
    assert unseen([], NOW) == {}
    bo = reader(2)
    follows.follow(bo, "edition", now=NOW)
    assert unseen(follows.rows(bo), NOW) == {}


def test_what_is_not_wanted_in_digests_is_not_in_the_list_of_what_is_new_for_one(ada: Reader) -> None:
    follows.follow(ada, "category/cs.CL", now=NOW)
    follows.follow(ada, "author/Bo Sample", now=NOW)
    ingest([paper(4)], now=NOW)
    follows.switch(ada, "author/Bo Sample", follows.Switches(in_digest=False))
    assert [entry.paper.key[-2:] for entry in named._new_for(ada, 0, 9, NOW)] == ["01"]
    assert {entry.paper.key[-2:] for entry in named.followed(ada, now=NOW)} == {"01", "04"}
