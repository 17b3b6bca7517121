from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from broadsheet.digest import archive
from broadsheet.digest.models import Digest, Subscription
from broadsheet.digest.tests.people import WEDNESDAY, announce, subscriber
from broadsheet.papers.models import Paper

pytestmark = pytest.mark.django_db
MORNING = datetime(2026, 11, 18, 7, tzinfo=UTC)


def kept(of: Subscription, *papers: Paper, back: int = 0, also: tuple[Paper, ...] = ()) -> Digest:
    picks = [{"paper": paper.key, "id": paper.pk, "list": "edition", "why": [{"kind": "edition"}]} for paper in papers]
    if picks:
        picks[0]["also"] = [paper.key for paper in also]
    day = WEDNESDAY - timedelta(days=back)
    state = "composed" if picks else "nothing"
    return Digest.objects.create(subscription=of, first=day, last=day, state=state, picks=picks, made=MORNING)


def test_an_issue_holds_its_papers_in_their_order_with_reasons_and_their_likes() -> None:
    one, two, three = announce(1, 2, 3)
    issue = archive.issue(kept(subscriber(), two, one, also=(three,)))
    assert [picked.paper for picked in issue.picked] == [two, one]
    assert issue.picked[0].why == ("New in the daily papers.",) and issue.picked[0].also == (three,)
    assert (issue.gone, issue.earlier, issue.later) == (0, None, None)


def test_votes_of_the_day_it_was_chosen_are_not_told_again() -> None:
    (one,) = announce(1)
    made = kept(subscriber(), one)
    made.picks[0]["why"] = [{"kind": "trending"}, {"votes": 9, "heat": 0.5}]
    assert archive.issue(made).picked[0].why == ("Trending here.",)


def test_what_lists_no_longer_show_is_counted_alone() -> None:
    one, two, three = announce(1, 2, 3)
    made = kept(subscriber(), one, two, also=(three,))
    Paper.objects.filter(pk__in=[two.pk, three.pk]).update(hidden=True)
    issue = archive.issue(made)
    assert [picked.paper for picked in issue.picked] == [one]
    assert issue.picked[0].also == () and issue.gone == 1


def test_a_paper_that_got_another_key_is_still_there() -> None:
    (one,) = announce(1)
    made = kept(subscriber(), one)
    Paper.objects.update(key="10.1000/one")
    assert [picked.paper.pk for picked in archive.issue(made).picked] == [one.pk]


def test_neighbours_are_digests_of_the_same_subscription_in_the_order_of_editions() -> None:
    mine, other = subscriber(1), subscriber(2)
    first, second, third = (kept(mine, back=back) for back in (6, 3, 0))
    kept(other, back=4), kept(other, back=2)
    issue = archive.issue(second)
    assert (issue.earlier, issue.later) == (first, third)
    assert archive.issue(first).earlier is None and archive.issue(third).later is None
    assert list(archive.of(mine)) == [third, second, first]


def test_an_issue_asks_little_however_many_papers_it_holds() -> None:
    made = kept(subscriber(), *announce(*range(1, 40)))
    with CaptureQueriesContext(connection) as asked:
        archive.issue(Digest.objects.get(pk=made.pk))
    assert len(asked) == 5
