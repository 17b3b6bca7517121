from datetime import UTC, date, datetime, timedelta

import pytest

from broadsheet.editions import lists
from broadsheet.editions.closing import close_due
from broadsheet.editions.edition import Edition, NoSuchEdition
from broadsheet.papers import store
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Paper
from broadsheet.papers.tests.factory import paper
from broadsheet.record.paper import PaperData

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 18)
# Noon in New York of the edition's own day: it is open.
OPEN = datetime(2026, 11, 18, 17, tzinfo=UTC)
OVER = OPEN + timedelta(days=2)


def voted(number: int, votes: int, **values: object) -> PaperData:
    return paper(number, signals=(("upvotes", votes),), **values)


def take(*items: PaperData, now: datetime = OPEN) -> None:
    ingest(items, now=now)


def keys(edition: Edition) -> list[int]:
    return [int(entry.paper.key.split(".")[1]) for entry in edition.entries]


def test_a_day_is_ordered_by_votes_and_then_by_recency() -> None:
    take(voted(1, 3), voted(2, 9), voted(3, 3), voted(4, 0))
    edition = lists.day(DAY, OPEN)
    assert (edition.key, edition.state, edition.total) == ("2026-11-18", "open", 4)
    assert keys(edition) == [2, 3, 1, 4]
    assert edition.entries[0].why["votes"] == 9


def test_papers_alike_in_votes_and_time_are_ordered_by_lot_and_always_the_same() -> None:
    same = datetime(2026, 11, 17, 8, tzinfo=UTC)
    take(*[paper(number, submitted=same) for number in range(12)])
    first = keys(lists.day(DAY, OPEN))
    assert first == keys(lists.day(DAY, OPEN)) != sorted(first)


def test_withdrawn_papers_and_papers_without_a_day_are_in_no_edition() -> None:
    take(paper(1), paper(2, withdrawn=True), paper(3, announced=None, announced_by=""))
    assert keys(lists.day(DAY, OPEN)) == [1]


def test_neighbouring_days_are_those_that_have_papers() -> None:
    take(paper(1), paper(2, announced=date(2026, 11, 13)), paper(3, announced=date(2026, 11, 20)))
    edition = lists.day(DAY, OPEN)
    assert (edition.earlier, edition.later) == ("2026-11-13", "2026-11-20")
    assert lists.day(date(2026, 11, 13), OPEN).earlier == ""


def test_a_paper_stands_in_its_own_day_and_in_the_one_a_curator_placed_it_in() -> None:
    take(paper(1), paper(2, announced=date(2026, 11, 2)), paper(3, announced=None, announced_by=""))
    for number in (2, 3):
        store.place(Paper.objects.get(key=f"2611.{number:05}").id, DAY)
    assert set(keys(lists.day(DAY, OPEN))) == {1, 2, 3}
    assert keys(lists.day(date(2026, 11, 2), OPEN)) == [2]
    assert lists.days_with_papers(date(2026, 11, 1), date(2026, 11, 30)) == {date(2026, 11, 2): 1, DAY: 3}
    assert lists.day(date(2026, 11, 2), OPEN).later == DAY.isoformat()
    assert {entry.why["age"] for entry in lists.trending(now=OPEN).entries} == {0}


def test_a_day_that_only_holds_placed_papers_leads_once_it_is_due_and_is_closed_like_any_other() -> None:
    take(paper(1), paper(2, announced=date(2026, 11, 2)))
    ahead = date(2026, 11, 19)
    store.place(Paper.objects.get(key="2611.00002").id, ahead)
    assert lists.latest_day(OPEN) == DAY
    assert lists.day(DAY, OPEN).later == ahead.isoformat()
    assert lists.latest_day(OPEN + timedelta(days=1)) == ahead
    close_due(OVER + timedelta(days=2))
    assert lists.day(ahead, OVER).state == "closed"


def test_a_paper_placed_today_leads_the_trending_list_of_an_old_record_and_does_not_empty_it() -> None:
    take(paper(1), paper(2), paper(3))
    later = OPEN + timedelta(days=364)
    store.place(Paper.objects.get(key="2611.00003").id, later.date())
    edition = lists.trending(now=later)
    assert keys(edition)[0] == 3
    assert len(keys(edition)) == 3


def test_a_paper_placed_twice_in_its_own_day_stands_there_once() -> None:
    take(paper(1))
    store.place(Paper.objects.get().id, DAY)
    assert keys(lists.day(DAY, OPEN)) == [1]
    assert lists.days_with_papers(DAY, DAY) == {DAY: 1}


def test_a_hidden_paper_is_in_no_list_until_it_is_shown_again() -> None:
    take(paper(1), paper(2))
    hidden = Paper.objects.get(key="2611.00002").id
    store.hide(hidden, True)
    assert (keys(lists.day(DAY, OPEN)), keys(lists.trending(now=OPEN))) == ([1], [1])
    store.hide(hidden, False)
    assert len(keys(lists.day(DAY, OPEN))) == 2


def test_votes_of_readers_count_by_their_weight_not_by_their_number() -> None:
    take(paper(1), paper(2))
    first, second = Paper.objects.order_by("key")
    store.write_tally(first.id, store.Tally(votes=50, vote_weight=1.0, comments=0, commenters=0.0))
    store.write_tally(second.id, store.Tally(votes=5, vote_weight=5.0, comments=0, commenters=0.0))
    edition = lists.day(DAY, OPEN)
    assert keys(edition) == [2, 1]
    assert [entry.paper.votes for entry in edition.entries] == [5, 50]
    assert [entry.why["own"] for entry in edition.entries] == [5.0, 1.0]


def test_an_open_day_follows_the_votes() -> None:
    take(voted(1, 3), voted(2, 2))
    assert close_due(OPEN) == 0
    take(voted(2, 8), now=OPEN)
    assert keys(lists.day(DAY, OPEN)) == [2, 1]


def test_a_closed_day_keeps_its_order_whatever_votes_come() -> None:
    take(voted(1, 3), voted(2, 2))
    assert close_due(OVER) == 1
    take(voted(2, 80), now=OVER)
    edition = lists.day(DAY, OVER)
    assert (edition.state, keys(edition)) == ("closed", [1, 2])
    assert edition.entries[1].why["votes"] == 2
    assert close_due(OVER) == 0


def test_a_late_paper_joins_its_day_behind_the_others_and_is_marked() -> None:
    take(voted(1, 3), voted(2, 2))
    close_due(OVER)
    take(voted(3, 50), now=OVER)
    entries = lists.day(DAY, OVER).entries
    assert [(entry.paper.key, entry.rank, entry.late) for entry in entries] == [
        ("2611.00001", 1, False),
        ("2611.00002", 2, False),
        ("2611.00003", 3, True),
    ]


def test_a_paper_withdrawn_from_a_closed_day_leaves_no_gap() -> None:
    take(voted(1, 3), voted(2, 2))
    close_due(OVER)
    take(voted(1, 3, withdrawn=True), now=OVER)
    assert [(entry.paper.key, entry.rank) for entry in lists.day(DAY, OVER).entries] == [("2611.00002", 1)]


def test_a_day_is_not_closed_while_its_papers_still_come() -> None:
    take(paper(1), now=OVER)
    assert close_due(OVER + timedelta(minutes=10)) == 0
    assert close_due(OVER + timedelta(minutes=61)) == 1


@pytest.mark.parametrize(
    ("day", "now", "state"),
    [
        ("2026-11-21", OVER, "holiday"),
        ("2026-11-27", OVER + timedelta(days=9), "holiday"),
        ("2026-11-20", datetime(2026, 11, 20, 17, tzinfo=UTC), "waiting"),
        ("2026-11-16", OVER, "empty"),
        ("2026-12-15", OVER, "empty"),
    ],
)
def test_a_day_without_papers_says_why(day: str, now: datetime, state: str) -> None:
    take(paper(1))
    assert lists.day(date.fromisoformat(day), now).state == state


def test_weeks_and_months_gather_their_days() -> None:
    take(voted(1, 1), voted(2, 5, announced=date(2026, 11, 20)), voted(3, 9, announced=date(2026, 12, 1)))
    assert keys(lists.week("2026-W47")) == [2, 1]
    assert keys(lists.month("2026-11")) == [2, 1]
    assert lists.week("2026-W47").later == "2026-W49"
    assert lists.month("2026-12").earlier == "2026-11"


@pytest.mark.parametrize(
    "key", ["2026-13", "2026-W60", "2026-02-30", "yesterday", "", "0001-01-01", "9999-12-31", "2026-11-1٨", "-1"]
)
def test_a_key_that_names_nothing_is_refused_with_a_sentence(key: str) -> None:
    with pytest.raises(NoSuchEdition):
        lists.by_key(key)


def test_trending_weighs_votes_against_editions_of_age_and_shows_its_terms() -> None:
    take(
        voted(1, 40, announced=date(2026, 11, 17)), voted(2, 30), voted(3, 0), voted(4, 900, announced=date(2026, 9, 1))
    )
    edition = lists.trending(now=OPEN)
    assert keys(edition) == [2, 1, 3]
    assert edition.entries[1].why["age"] == 1
    assert edition.entries[0].why["score"] > edition.entries[1].why["score"]  # type: ignore[operator]


def test_trending_of_an_old_record_counts_age_from_its_own_newest_edition() -> None:
    take(voted(1, 5))
    edition = lists.trending(now=OPEN + timedelta(days=700))
    assert edition.entries[0].why["age"] == 0


def test_an_empty_record_has_empty_lists() -> None:
    assert lists.latest_day() is None
    assert lists.trending(now=OPEN).state == "empty"
    assert lists.days_with_papers(date(2026, 11, 1), date(2026, 11, 30)) == {}


def test_days_with_papers_are_counted() -> None:
    take(paper(1), paper(2), paper(3, announced=date(2026, 11, 20)))
    assert lists.days_with_papers(date(2026, 11, 1), date(2026, 11, 30)) == {DAY: 2, date(2026, 11, 20): 1}
