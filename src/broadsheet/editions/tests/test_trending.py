"""The hot list is read in part: counted where nobody voted. It must be the list that scoring every paper gives."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from random import Random
from statistics import fmean

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from broadsheet.community.rules import rules
from broadsheet.editions import lists
from broadsheet.papers import schedule, store
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Paper
from broadsheet.papers.tests.factory import paper
from broadsheet.ranking.hot import hot, lot
from broadsheet.ranking.support import Counts, support

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 18)
NOW = datetime(2026, 11, 18, 17, tzinfo=UTC)
FIELDS = ("cs.LG", "cs.CL", "math.CO", "hep-ph", "stat.ML")

Told = list[tuple[str, dict[str, object]]]


def slowly() -> Told:
    """Score every paper of the last 30 days by itself."""
    valid, found = rules(), []
    for one in Paper.objects.filter(hidden=False, withdrawn=False):
        days = [day for day in (one.announced, one.placed) if day]
        if any(TODAY - timedelta(days=30) <= day <= TODAY for day in days):
            counts = Counts(one.vote_weight, one.commenters, one.votes_outside, one.stars)
            found.append((one, counts, (one.categories.split() or [""])[0], max(days)))
    totals = {one.key: support(counts, valid).total for one, counts, _field, _day in found}
    scored = []
    for one, counts, field, day in found:
        mean = fmean(totals[other.key] for other, _counts, of, _day in found if of == field)
        terms = hot(counts, schedule.age(day, TODAY), mean, fmean(totals.values()), valid)
        scored.append((-terms.score, lot(one.key, TODAY.isoformat()), one.key, terms.to_json()))
    return [(key, terms) for _score, _lot, key, terms in sorted(scored, key=lambda told: told[:2])]


def quickly(limit: int) -> Told:
    return [(entry.paper.key, entry.why) for entry in lists.trending(limit, NOW).entries]


def record(draw: Random, papers: int, supported: float) -> None:
    """Take papers in of six weeks; some placed, hidden, withdrawn, without a category or a day."""
    days = [TODAY - timedelta(days=back) for back in range(42) if schedule.has_edition(TODAY - timedelta(days=back))]
    items = []
    for number in range(papers):
        fields = (draw.choice(FIELDS), "cs.AI") if draw.random() < 0.9 else ()
        day = draw.choice(days) if draw.random() < 0.95 else None
        told = {"categories": fields, "announced": day, "announced_by": "estimate" if day else ""}
        items.append(paper(number, withdrawn=draw.random() < 0.05, **told))
    # The newest edition is the same in all of them.
    ingest([*items, paper(papers, announced=TODAY)], now=NOW)
    for number in Paper.objects.values_list("id", flat=True):
        if draw.random() < supported:
            weight = draw.choice([0.005, 0.5, 1.0, 1.0, 2.0, 7.5])
            store.write_tally(number, store.Tally(draw.randint(1, 9), weight, 0, draw.choice([0.0, 1.0])))
        if draw.random() < supported / 3:
            Paper.objects.filter(id=number).update(votes_outside=draw.randint(0, 40), stars=draw.choice([0, 0, 3, 900]))
        if draw.random() < 0.06:
            store.place(number, TODAY - timedelta(days=draw.randint(0, 45)))
        if draw.random() < 0.05:
            store.hide(number, True)


@pytest.mark.thorough
@pytest.mark.parametrize("supported", [0.0, 0.02, 0.3, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_the_list_is_the_one_that_scoring_every_paper_gives(seed: int, supported: float) -> None:
    record(Random(seed), 150, supported)
    whole = slowly()
    for limit in (1, 10, 37, 1000):
        assert quickly(limit) == whole[:limit]
    assert lists.trending(now=NOW).total == len(whole)


@pytest.fixture
def quiet() -> Iterator[list[str]]:
    """A list of papers that nobody voted for, by their keys."""
    ingest([paper(number, announced=TODAY, categories=("cs.LG",)) for number in range(12)], now=NOW)
    yield [key for key, _why in quickly(12)]


def test_a_vote_acts_on_the_next_page(quiet: list[str]) -> None:
    last = Paper.objects.get(key=quiet[-1])
    store.write_tally(last.id, store.Tally(votes=1, vote_weight=1.0, comments=0, commenters=0.0))
    assert [key for key, _why in quickly(3)] == [quiet[-1], *quiet[:2]]
    store.write_tally(last.id, store.Tally(votes=0, vote_weight=0.0, comments=0, commenters=0.0))
    assert [key for key, _why in quickly(12)] == quiet


def test_a_hidden_paper_is_gone_from_the_next_page(quiet: list[str]) -> None:
    store.hide(Paper.objects.get(key=quiet[0]).id, True)
    assert [key for key, _why in quickly(12)] == quiet[1:]
    assert lists.trending(now=NOW).total == 11


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL chooses by its statistics, and has none here")
def test_papers_without_a_vote_are_counted_in_an_index_and_not_read(quiet: list[str]) -> None:
    with CaptureQueriesContext(connection) as asked:
        assert lists.trending(5, NOW).total == len(quiet)
    counted = next(question["sql"] for question in asked if "GROUP BY" in question["sql"])
    plan = connection.cursor().execute(f"EXPLAIN QUERY PLAN {counted}").fetchall()
    assert "COVERING INDEX papers_listed_idx" in str(plan)
