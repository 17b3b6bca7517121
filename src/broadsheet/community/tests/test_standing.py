from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.db import connection
from django.test.utils import CaptureQueriesContext

from broadsheet.community import standing, votes
from broadsheet.community.models import AddedLink, Claim, Comment, Finding, Report, Submission, Vote
from broadsheet.community.tests.factory import NOON, a_paper, reader
from broadsheet.papers.models import Paper
from broadsheet.ranking.standing import VoterFacts
from broadsheet.readers.models import Reader

pytestmark = pytest.mark.django_db


def facts(one: Reader) -> VoterFacts:
    return standing.facts([one.pk], NOON)[one.pk]


def assessed(one: Reader) -> Reader:
    standing.assess([one.pk], NOON)
    one.refresh_from_db()
    return one


def vote(one: Reader, paper: Paper, days_ago: int) -> None:
    votes.cast(one, paper, now=NOON - timedelta(days=days_ago))


def report(subject: str, by: Reader, state: str = "upheld") -> None:
    Report.objects.create(reader=by, subject=subject, cause="spam", at=NOON, state=state)


def comment(one: Reader, paper: Paper, days_ago: int = 0, state: str = "shown") -> Comment:
    written = NOON - timedelta(days=days_ago)
    return Comment.objects.create(paper=paper, author=one, text="x", html="x", written=written, state=state)


def test_facts_are_read_from_the_rows() -> None:
    host, ada = reader(1, standing=0.8), reader(2, joined=NOON - timedelta(days=30))
    Reader.objects.filter(pk=ada.pk).update(invited_by=host)
    papers = [a_paper(number) for number in range(4)]
    for days_ago, paper in zip((1, 1, 5), papers, strict=False):
        vote(ada, paper, days_ago)
    comment(ada, papers[0], 5)
    comment(ada, papers[0], 9)
    comment(ada, papers[0], 11, state="removed")
    Submission.objects.create(reader=ada, given="x", name="x", title="x", at=NOON, state="accepted")
    Submission.objects.create(reader=ada, given="y", name="y", title="y", at=NOON, state="declined")
    Claim.objects.create(reader=ada, paper=papers[3], position=0, state="confirmed", at=NOON)
    assert facts(ada) == VoterFacts(
        age_days=30, role="reader", verified=True, voucher=0.8, active_days=3, accepted=2, upheld=0, discount=0
    )


def test_a_stranger_at_the_door_has_no_facts_to_show() -> None:
    assert facts(reader(joined=NOON)) == VoterFacts(0, "reader", False, 0, 0, 0, 0, 0)


def test_approval_vouches_as_an_invitation_does() -> None:
    moderator = reader(1, role="moderator")
    assert facts(reader(2, approved_by=moderator)).voucher == 1.0


def test_upheld_reports_count_once_for_each_thing_of_the_reader() -> None:
    ada, bo, cy, paper = reader(1), reader(2), reader(3), a_paper()
    said = comment(ada, paper)
    link = AddedLink.objects.create(paper=paper, reader=ada, kind="code", url="https://code.example", at=NOON)
    for by in (bo, cy):
        report(f"comment:{said.pk}", by)
    report(f"link:{link.pk}", bo)
    report("reader:reader-1", bo)
    report("reader:reader-1", cy, state="dismissed")
    report(f"paper:{paper.key}", bo)
    report("comment:nonsense", bo)
    assert [facts(one).upheld for one in (ada, bo)] == [3, 0]


def test_assessing_keeps_the_terms_and_weighs_the_votes_anew() -> None:
    ada, paper = reader(), a_paper()
    vote(ada, paper, 1)
    Reader.objects.filter(pk=ada.pk).update(role="curator", standing=0.2)
    assert assessed(ada).standing == 1.0
    assert ada.standing_terms["by_role"] is True and ada.standing_terms["assessed"] == "2026-11-20"
    paper.refresh_from_db()
    assert paper.vote_weight == 1.0
    Reader.objects.filter(pk=ada.pk).update(role="reader")
    assert assessed(ada).standing < 1.0
    paper.refresh_from_db()
    assert paper.vote_weight == pytest.approx(ada.standing)


def test_the_voice_in_a_discussion_follows_the_standing() -> None:
    ada, paper = reader(role="curator", standing=0.0), a_paper()
    comment(ada, paper)
    assessed(ada)
    paper.refresh_from_db()
    assert (paper.comments_here, paper.commenters) == (1, 1.0)


def test_a_suspended_reader_has_no_weight_until_reinstated() -> None:
    ada, paper = reader(role="curator"), a_paper()
    vote(ada, paper, 1)
    for state, weight in (("suspended", 0.0), ("active", 1.0)):
        Reader.objects.filter(pk=ada.pk).update(state=state)
        assert assessed(ada).standing == weight
        paper.refresh_from_db()
        assert (paper.votes_here, paper.vote_weight) == (1, weight)


def test_a_ring_found_lowers_its_members_everywhere_and_only_while_in_force() -> None:
    ada, paper = reader(role="curator"), a_paper()
    vote(ada, paper, 1)
    finding = Finding.objects.create(key="k", kind="ring", discount=0.9, found=NOON)
    finding.members.add(ada)
    assert assessed(ada).standing == pytest.approx(0.1)
    Finding.objects.update(state="cleared")
    assert assessed(ada).standing == 1.0
    paper.refresh_from_db()
    assert paper.vote_weight == 1.0


def test_a_finding_on_one_paper_lowers_votes_for_that_paper_alone() -> None:
    ada, papers = reader(role="curator"), [a_paper(1), a_paper(2)]
    for paper in papers:
        vote(ada, paper, 1)
    finding = Finding.objects.create(key="k", kind="burst", discount=0.9, paper=papers[0], found=NOON)
    finding.members.add(ada)
    assert assessed(ada).standing == 1.0
    weights = dict(Vote.objects.values_list("paper_id", "weight"))
    assert [weights[paper.pk] for paper in papers] == pytest.approx([0.1, 1.0])


def test_a_run_that_was_cut_off_is_put_right_by_the_next_assessment() -> None:
    ada, paper = reader(role="curator"), a_paper()
    vote(ada, paper, 1)
    assessed(ada)
    Vote.objects.update(weight=0.3)
    Paper.objects.update(vote_weight=0.3)
    assessed(ada)
    paper.refresh_from_db()
    assert paper.vote_weight == 1.0


def test_a_chain_of_invitations_is_followed_one_step_at_a_time() -> None:
    root = reader(1, role="owner")
    first = reader(2, invited_by=root, standing=0.0)
    second = reader(3, invited_by=first, standing=0.0)
    with CaptureQueriesContext(
        connection,
    ) as one_of_them:
        assessed(second)
    assert second.standing < 0.1
    assert len(one_of_them) < 25
    assert assessed(first).standing >= 0.5
    assert assessed(second).standing > 0.1


def test_each_reader_is_assessed_once_a_day() -> None:
    ada, bo = reader(1, standing_terms={}), reader(2, standing_terms={"assessed": "2026-11-19"})
    reader(3, standing_terms={"assessed": "2026-11-20"})
    reader(4, standing_terms={}, state="waiting")
    assert [standing.assess_due(NOON), standing.assess_due(NOON)] == [2, 0]
    for one in (ada, bo):
        one.refresh_from_db()
        assert one.standing_terms["assessed"] == "2026-11-20"
    assert standing.assess_due(NOON + timedelta(days=1)) == 3


def test_who_votes_before_the_first_assessment_is_assessed_by_it() -> None:
    ada, paper = reader(role="curator", standing=0.0, standing_terms={}), a_paper()
    votes.cast(ada, paper, now=NOON)
    paper.refresh_from_db()
    assert paper.vote_weight == 1.0


def test_an_assessment_touches_only_papers_whose_votes_weigh_other_than_before() -> None:
    ada, papers = reader(role="curator"), [a_paper(number) for number in range(1, 9)]
    for paper in papers:
        vote(ada, paper, 1)
    assessed(ada)
    with CaptureQueriesContext(connection) as queries:
        assessed(ada)
    assert not [query for query in queries if query["sql"].startswith("UPDATE")]


def test_a_proved_address_is_a_start() -> None:
    ada, bo = reader(1), reader(2)
    EmailAddress.objects.create(user=ada, email=ada.email, verified=True, primary=True)
    EmailAddress.objects.create(user=bo, email=bo.email, verified=False, primary=True)
    assert [facts(one).verified for one in (ada, bo)] == [True, False]
