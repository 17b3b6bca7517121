"""Whatever readers do, and in whatever order, the counts are those of the rows."""

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broadsheet.community import tally, votes
from broadsheet.community.models import Claim, Comment, Vote
from broadsheet.community.tests.factory import NOON, a_paper, reader
from broadsheet.papers.models import Paper
from broadsheet.papers.store import Tally
from broadsheet.ranking.rules import Rules
from broadsheet.ranking.standing import vote_share
from broadsheet.readers.models import Reader

pytestmark = pytest.mark.django_db
STANDINGS = (0.0, 0.1, 0.2, 0.05, 0.1, 0.6, 1.0)
ORIGINS = ("", "house", "street")
PEOPLE, PAPERS = len(STANDINGS), 3
people, sheets = st.integers(0, PEOPLE - 1), st.integers(0, PAPERS - 1)
STEPS = st.one_of(
    st.tuples(st.just("cast"), people, sheets, st.sampled_from(ORIGINS)),
    st.tuples(st.just("take back"), people, sheets, st.just("")),
    st.tuples(st.just("comment"), people, sheets, st.sampled_from(("shown", "deleted", "removed"))),
    st.tuples(st.just("change comments"), people, sheets, st.sampled_from(("shown", "deleted", "removed"))),
    st.tuples(st.just("claim"), people, sheets, st.sampled_from(("confirmed", "declined"))),
)
Step = tuple[str, int, int, str]


def take(step: Step, readers: list[Reader], papers: list[Paper]) -> None:
    what, who, where, how = step
    person, paper = readers[who], papers[where]
    if what == "cast":
        votes.cast(person, paper, now=NOON, origin=how)
    elif what == "take back":
        votes.take_back(person, paper, now=NOON)
    elif what == "comment":
        Comment.objects.create(paper=paper, author=person, text="x", html="x", written=NOON, state=how)
    elif what == "change comments":
        Comment.objects.filter(paper=paper, author=person).update(state=how)
    else:
        Claim.objects.update_or_create(reader=person, paper=paper, defaults={"state": how, "position": 0, "at": NOON})
    if what not in ("cast", "take back"):
        tally.recount([paper.pk])


def slow_count(paper: Paper) -> Tally:
    """Count row by row, in the plainest way there is."""
    rules = Rules()
    authors = {
        claim.reader_id for claim in Claim.objects.all() if claim.paper_id == paper.pk and claim.state == "confirmed"
    }
    weight, number, by_origin = 0.0, 0, dict.fromkeys(ORIGINS, 0)
    for vote in Vote.objects.order_by("id"):
        if vote.paper_id == paper.pk:
            number += 1
            is_new = vote.reader.standing < rules.low_standing
            too_many = vote.origin != "" and is_new and by_origin[vote.origin] >= 3
            by_origin[vote.origin] += is_new
            if vote.reader_id not in authors and not too_many:
                weight += vote.reader.standing * vote_share(vote.nth, rules)
    comments, talkers = 0, {}
    for comment in Comment.objects.all():
        if comment.paper_id == paper.pk and comment.state == "shown":
            comments += 1
            if comment.author and comment.author_id not in authors:
                talkers[comment.author_id] = min(1.0, comment.author.standing)
    return Tally(number, weight, comments, sum(talkers.values()))


@pytest.mark.thorough
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEPS, max_size=25))
def test_counts_are_those_of_the_rows_after_any_sequence_of_acts(steps: list[Step]) -> None:
    with transaction.atomic():
        readers = [reader(number, standing=value) for number, value in enumerate(STANDINGS)]
        papers = [a_paper(number) for number in range(PAPERS)]
        for step in steps:
            take(step, readers, papers)
        for paper in papers:
            paper.refresh_from_db()
            expected = slow_count(paper)
            assert (paper.votes_here, paper.comments_here) == (expected.votes, expected.comments)
            assert paper.vote_weight == pytest.approx(expected.vote_weight)
            assert paper.commenters == pytest.approx(expected.commenters)
        transaction.set_rollback(True)


def test_a_comment_whose_author_was_erased_is_counted_but_nobody_speaks_in_it() -> None:
    paper = a_paper()
    Comment.objects.create(paper=paper, author=None, text="x", html="x", written=NOON)
    tally.recount([paper.pk])
    assert tally.count(paper.pk) == Tally(0, 0.0, 1, 0.0)
