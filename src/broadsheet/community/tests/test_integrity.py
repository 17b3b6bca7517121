from collections.abc import Iterable, Sequence
from datetime import timedelta
from random import Random

import pytest

from broadsheet.community import integrity, votes
from broadsheet.community.models import Act, Claim, Finding, Submission, Vote
from broadsheet.community.tests.factory import NOON, a_paper, reader
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Paper
from broadsheet.papers.tests.factory import paper as data
from broadsheet.ranking.integrity import Suspicion
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused

pytestmark = pytest.mark.django_db


def found(kind: str, members: Iterable[Reader], paper: Paper | None = None, discount: float = 0.9) -> integrity.Search:
    """A search that finds just that."""
    numbers = frozenset(one.pk for one in members)
    papers = [] if paper else sorted(Paper.objects.values_list("id", flat=True))
    evidence = {"votes": len(numbers), "first": NOON.timestamp(), "last": NOON.timestamp(), "papers": papers}
    suspicion = Suspicion(kind, numbers, paper.pk if paper else None, discount, evidence)
    return lambda ballots, owners, rules: [suspicion]


def curators(number: int) -> list[Reader]:
    """Readers whose standing is 1 whatever else is known of them."""
    return [reader(one, role="curator") for one in range(number)]


def weight(paper: Paper) -> float:
    paper.refresh_from_db()
    return round(paper.vote_weight, 6)


def voted(readers: Sequence[Reader], *papers: Paper) -> None:
    for one in readers:
        for paper in papers:
            votes.cast(one, paper, now=NOON)


@pytest.mark.thorough
def test_a_ring_among_honest_readers_is_found_and_loses_its_weight() -> None:
    draw = Random(1)
    ingest([data(number) for number in range(200)], now=NOON)
    papers = list(Paper.objects.order_by("id"))
    honest, ring = curators(60), [reader(100 + number, role="curator") for number in range(10)]
    Vote.objects.bulk_create(
        [
            Vote(reader=one, paper=chosen, cast=NOON, day=NOON.date(), nth=1, weight=1.0)
            for one in honest
            for chosen in draw.sample(papers, 8)
        ]
    )
    voted(ring, *papers[:10])
    for number, one in enumerate(ring):
        Claim.objects.create(reader=one, paper=papers[number], position=0, state="confirmed", at=NOON)
    assert integrity.look(NOON + timedelta(hours=1)) == 1
    finding = Finding.objects.get()
    assert set(finding.members.all()) == set(ring)
    for one in ring:
        one.refresh_from_db()
        assert one.standing == pytest.approx(1 - finding.discount)
    assert not Vote.objects.filter(reader__in=ring, weight__gt=0.2).exists()
    assert integrity.look(NOON + timedelta(hours=2)) == 0


@pytest.mark.thorough
def test_honest_votes_give_no_finding() -> None:
    draw, papers = Random(2), [a_paper(number) for number in range(40)]
    for one in curators(25):
        voted([one], *draw.sample(papers, 5))
    assert integrity.look(NOON) == 0


def test_a_burst_takes_weight_on_its_paper_alone_and_the_log_says_so() -> None:
    members, papers = curators(3), [a_paper(1), a_paper(2)]
    voted(members, *papers)
    assert integrity.look(NOON, found("burst", members, papers[0])) == 1
    assert [weight(paper) for paper in papers] == pytest.approx([0.3, 3.0])
    act = Act.objects.get()
    assert (act.did, act.by, act.subject) == ("discount", None, f"paper:{papers[0].key}")
    assert "3" in act.about and not any(one.handle in act.about + act.reason for one in members)


def test_clearing_gives_the_weight_back_for_good() -> None:
    members, paper = curators(4), a_paper()
    moderator = reader(9, role="moderator")
    voted(members, paper)
    integrity.look(NOON, found("ring", members))
    assert weight(paper) == pytest.approx(0.4)
    (finding,) = integrity.findings("new")
    integrity.clear(finding, moderator, "They read one journal club's list.", now=NOON)
    assert weight(paper) == 4.0
    for again in (members, members[:3], [*members, reader(20), reader(21)]):
        assert integrity.look(NOON, found("ring", again)) == 0
    assert weight(paper) == 4.0
    assert (finding.state, finding.decided_by) == ("cleared", moderator)
    assert list(Act.objects.order_by("id").values_list("did", flat=True)) == ["discount", "give-back"]


def test_confirming_lets_the_discount_stand_and_more_members_make_a_new_finding() -> None:
    members, paper, moderator = curators(4), a_paper(), reader(9, role="moderator")
    voted(members, paper)
    integrity.look(NOON, found("ring", members[:3]))
    integrity.confirm(integrity.findings("new")[0], moderator, "Same words, same minute.", now=NOON)
    assert weight(paper) == pytest.approx(1.3)
    assert integrity.look(NOON, found("ring", members[:2])) == 0
    assert integrity.look(NOON, found("ring", members)) == 1
    assert weight(paper) == pytest.approx(0.4)
    assert [one.state for one in Finding.objects.order_by("id")] == ["confirmed", "new"]


def test_a_decision_can_be_turned_round() -> None:
    members, paper, moderator = curators(2), a_paper(), reader(9, role="moderator")
    voted(members, paper)
    integrity.look(NOON, found("burst", members, paper))
    (finding,) = integrity.findings("new")
    integrity.confirm(finding, moderator, "It looks bought.", now=NOON)
    integrity.clear(finding, moderator, "It was a school class.", now=NOON)
    assert weight(paper) == 2.0
    with pytest.raises(Refused, match="already"):
        integrity.clear(finding, moderator, "Again.", now=NOON)


def test_a_finding_grows_with_its_members_and_is_kept_once() -> None:
    members, paper = curators(6), a_paper()
    voted(members, paper)
    for size in (4, 6, 6, 5):
        integrity.look(NOON, found("burst", members[:size], paper))
    (finding,) = Finding.objects.all()
    assert finding.members.count() == 6
    assert finding.key == integrity.key("burst", paper.pk, [one.pk for one in members])
    assert weight(paper) == pytest.approx(0.6)


def test_two_findings_that_turn_out_to_be_one_are_joined() -> None:
    members = curators(8)
    integrity.look(NOON, found("ring", members[:4]))
    integrity.look(NOON, found("ring", members[4:]))
    assert Finding.objects.count() == 2
    integrity.look(NOON, found("ring", members))
    (finding,) = Finding.objects.all()
    assert finding.members.count() == 8


def test_the_same_people_on_another_paper_are_another_finding() -> None:
    members = curators(4)
    for paper in (a_paper(1), a_paper(2)):
        assert integrity.look(NOON, found("burst", members, paper)) == 1
    assert Finding.objects.count() == 2


@pytest.mark.parametrize("role", ["reader", "curator"])
def test_only_moderators_decide_and_only_with_a_reason(role: str) -> None:
    members, paper = curators(3), a_paper()
    integrity.look(NOON, found("burst", members, paper))
    (finding,) = integrity.findings("new")
    with pytest.raises(Refused, match="Only moderators"):
        integrity.clear(finding, reader(8, role=role), "Because.", now=NOON)
    with pytest.raises(Refused, match="reason"):
        integrity.clear(finding, reader(9, role="moderator"), "  ", now=NOON)
    assert integrity.findings("new") == [finding]


def test_no_moderator_decides_on_votes_of_their_own() -> None:
    members, paper = [*curators(3), reader(9, role="moderator")], a_paper()
    integrity.look(NOON, found("burst", members, paper))
    with pytest.raises(Refused, match="another moderator"):
        integrity.clear(integrity.findings("new")[0], members[3], "It is fine.", now=NOON)


def test_the_search_sees_the_votes_of_the_last_weeks_with_standing_before_discounts() -> None:
    ada, papers = reader(1), [a_paper(1), a_paper(2)]
    bo = reader(2, role="curator", standing=0.1)
    ring = Finding.objects.create(key="k", kind="ring", discount=0.9, found=NOON)
    ring.members.add(bo)
    votes.cast(ada, papers[0], now=NOON - timedelta(days=40), origin="x")
    votes.cast(ada, papers[1], now=NOON - timedelta(days=2), origin="y")
    votes.cast(bo, papers[1], now=NOON - timedelta(days=1))
    seen = {(one.voter, one.paper, one.origin): one.standing for one in integrity.ballots(NOON)}
    assert seen == {(ada.pk, papers[1].pk, "y"): 1.0, (bo.pk, papers[1].pk, ""): pytest.approx(1.0)}


def test_papers_belong_to_those_who_claim_them_and_those_who_brought_them() -> None:
    ada, bo, cy, papers = reader(1), reader(2), reader(3), [a_paper(1), a_paper(2)]
    voted([ada], *papers)
    Claim.objects.create(reader=ada, paper=papers[0], position=0, state="waiting", at=NOON)
    Claim.objects.create(reader=cy, paper=papers[0], position=0, state="declined", at=NOON)
    Submission.objects.create(reader=bo, paper=papers[0], given="x", name="x", title="x", at=NOON, state="accepted")
    assert integrity.owners(NOON) == {papers[0].pk: frozenset({ada.pk, bo.pk})}


def test_the_evidence_names_people_and_papers_as_they_are_now_and_networks_by_letters() -> None:
    members, paper = curators(3), a_paper()
    for one, origin in zip(members, ("abc", "", "abc"), strict=True):
        votes.cast(one, paper, now=NOON, origin=origin)
    integrity.look(NOON, found("ring", members))
    Reader.objects.filter(pk=members[0].pk).update(handle="ada-renamed")
    shown = integrity.evidence(integrity.findings("new")[0])
    assert [one.handle for one in shown.members] == ["ada-renamed", "reader-1", "reader-2"]
    assert shown.papers == (paper,)
    assert [shown.origins[vote.pk] for vote in shown.votes] == ["A", "", "A"]
    assert ("first", "2026-11-20 12:00 UTC") in shown.lines and ("votes", "3") in shown.lines
