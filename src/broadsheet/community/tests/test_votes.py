from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from pytest_django import Settings

from broadsheet.community import tally, votes
from broadsheet.community.models import Claim, Vote
from broadsheet.community.origins import digest, forget_old
from broadsheet.community.tests.factory import NOON, a_paper, reader
from broadsheet.papers import store
from broadsheet.papers.models import Paper
from broadsheet.ranking.rules import Rules
from broadsheet.ranking.standing import vote_share
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused

pytestmark = pytest.mark.django_db
HOUSE, OTHER = digest("5.5.5.5", NOON), digest("6.6.6.6", NOON)


def counts(paper: Paper) -> tuple[int, float]:
    paper.refresh_from_db()
    return paper.votes_here, round(paper.vote_weight, 9)


def newcomers(first: int, number: int) -> list[Reader]:
    return [reader(first + one, standing=0.1) for one in range(number)]


def test_a_vote_counts_once_however_often_it_is_cast() -> None:
    ada, paper = reader(), a_paper()
    assert [votes.cast(ada, paper, now=NOON) for _ in range(3)] == [votes.VoteCount(1, True)] * 3
    assert Vote.objects.count() == 1
    assert counts(paper) == (1, 1.0)


def test_a_vote_can_be_taken_back_and_cast_again() -> None:
    ada, paper = reader(), a_paper()
    votes.cast(ada, paper, now=NOON)
    assert [votes.take_back(ada, paper, now=NOON) for _ in range(2)] == [votes.VoteCount(0, False)] * 2
    assert counts(paper) == (0, 0.0)
    assert votes.cast(ada, paper, now=NOON) == votes.VoteCount(1, True)


def test_votes_counted_elsewhere_are_shown_with_those_of_this_site() -> None:
    paper = a_paper(signals=(("upvotes", 12),))
    assert votes.cast(reader(), paper, now=NOON) == votes.VoteCount(13, True)
    paper.refresh_from_db()
    assert (paper.votes, paper.votes_here) == (13, 1)


@pytest.mark.parametrize("state", ["suspended", "waiting"])
def test_who_has_no_active_account_does_not_vote(state: str) -> None:
    paper, ada = a_paper(), reader(state=state)
    for act in (votes.cast, votes.take_back):
        with pytest.raises(Refused, match="active account"):
            act(ada, paper, now=NOON)
    assert Vote.objects.count() == 0


def test_a_reader_suspended_since_the_page_was_shown_does_not_vote() -> None:
    paper, ada = a_paper(), reader()
    Reader.objects.filter(pk=ada.pk).update(state="suspended")
    with pytest.raises(Refused):
        votes.cast(ada, paper, now=NOON)


@pytest.mark.parametrize("gone", [{"withdrawn": True}, {"hidden": True}])
def test_a_paper_off_the_lists_takes_no_votes_but_gives_them_back(gone: dict[str, Any]) -> None:
    paper, ada, bo = a_paper(), reader(1), reader(2)
    votes.cast(bo, paper, now=NOON)
    Paper.objects.filter(pk=paper.pk).update(**gone)
    with pytest.raises(Refused, match="off the lists"):
        votes.cast(ada, paper, now=NOON)
    assert votes.take_back(bo, paper, now=NOON).votes == 0


def test_a_page_asks_once_which_of_its_papers_the_reader_voted_for() -> None:
    ada, papers = reader(), [a_paper(number) for number in range(1, 5)]
    for paper in papers[:2]:
        votes.cast(ada, paper, now=NOON)
    assert votes.voted_for(ada, [paper.pk for paper in papers[1:]]) == {papers[1].pk}


def test_votes_beyond_the_daily_number_weigh_less_and_the_next_day_begins_anew(settings: Settings) -> None:
    settings.CONFIG = replace(settings.CONFIG, values={**settings.CONFIG.values, "votes_per_day": 2})
    ada = reader(standing=0.5)
    papers = [a_paper(number) for number in range(1, 6)]
    for paper in papers[:4]:
        votes.cast(ada, paper, now=NOON)
    votes.cast(ada, papers[4], now=NOON + timedelta(days=1))
    expected = [0.5 * vote_share(nth, Rules(votes_per_day=2)) for nth in (1, 2, 3, 4, 1)]
    assert [counts(paper)[1] for paper in papers] == pytest.approx(expected)
    assert expected[3] < expected[2] < expected[1] == 0.5


def test_the_day_is_that_of_greenwich() -> None:
    vote_day = {}
    for hours in (11, 13):
        votes.cast(reader(hours), a_paper(hours), now=NOON + timedelta(hours=hours))
        vote_day[hours] = Vote.objects.get(reader__handle=f"reader-{hours}").day
    assert vote_day == {11: date(2026, 11, 20), 13: date(2026, 11, 21)}


def test_an_author_may_vote_and_it_shows_but_it_does_not_weigh() -> None:
    ada, paper = reader(), a_paper()
    Claim.objects.create(reader=ada, paper=paper, position=0, state="confirmed", at=NOON)
    assert votes.cast(ada, paper, now=NOON).votes == 1
    assert counts(paper) == (1, 0.0)


def test_a_claim_confirmed_later_takes_the_weight_at_the_next_count() -> None:
    ada, paper = reader(), a_paper()
    votes.cast(ada, paper, now=NOON)
    Claim.objects.create(reader=ada, paper=paper, position=0, state="confirmed", at=NOON)
    tally.recount([paper.pk])
    assert counts(paper) == (1, 0.0)


def test_of_new_accounts_in_one_network_only_the_first_few_weigh() -> None:
    paper = a_paper()
    for one in newcomers(1, 6):
        votes.cast(one, paper, now=NOON, origin=HOUSE)
    votes.cast(reader(50, standing=0.1), paper, now=NOON, origin=OTHER)
    votes.cast(reader(51), paper, now=NOON, origin=HOUSE)
    assert counts(paper) == (8, 1.4)


def test_when_one_of_the_first_few_takes_the_vote_back_the_next_moves_up() -> None:
    paper, four = a_paper(), newcomers(1, 4)
    for one in four:
        votes.cast(one, paper, now=NOON, origin=HOUSE)
    votes.take_back(four[0], paper, now=NOON)
    assert counts(paper) == (3, 0.3)
    assert all(vote.weight == pytest.approx(0.1) for vote in Vote.objects.all())


def test_votes_without_a_known_network_are_not_lumped_together() -> None:
    paper = a_paper()
    for one in newcomers(1, 6):
        votes.cast(one, paper, now=NOON)
    assert counts(paper) == (6, 0.6)


def test_origins_are_forgotten_after_a_month_and_no_vote_gains_by_it() -> None:
    paper = a_paper()
    for one in newcomers(1, 5):
        votes.cast(one, paper, now=NOON, origin=HOUSE)
    votes.cast(reader(9), paper, now=NOON + timedelta(days=20), origin=OTHER)
    before = counts(paper)
    assert forget_old(NOON + timedelta(days=30)) == 0
    later = NOON + timedelta(days=32)
    assert [forget_old(later), forget_old(later)] == [5, 0]
    assert set(Vote.objects.values_list("origin", flat=True)) == {"", "-", OTHER}
    tally.recount([paper.pk])
    assert counts(paper) == before


@pytest.mark.parametrize(
    ("one", "other"),
    [("5.5.5.5", "5.5.5.77"), ("2a00:1450:4001::5", "2a00:1450:4001:ffff::9"), ("5.5.5.5", "::ffff:5.5.5.9")],
)
def test_one_network_has_one_digest_a_month(one: str, other: str) -> None:
    assert digest(one, NOON) == digest(other, NOON)
    assert len(digest(one, NOON)) == 32
    assert digest(one, NOON) != digest(one, NOON + timedelta(days=31))


def test_other_networks_have_other_digests() -> None:
    addresses = ("5.5.5.5", "5.5.6.5", "2a00:1450:4001::5", "2a00:1450:4002::5")
    assert len({digest(address, NOON) for address in addresses}) == len(addresses)


@pytest.mark.parametrize(
    "address",
    ["", "127.0.0.1", "::1", "10.1.2.3", "fe80::1%eth0", "fd00::1", "nonsense", "999.1.1.1", "\0", "1" * 9999],
)
def test_an_address_that_says_nothing_gives_nothing(address: str) -> None:
    assert digest(address, NOON) == ""


def test_a_paper_that_is_gone_is_refused_and_a_recount_passes_over_it() -> None:
    paper, ada = a_paper(), reader()
    missing = Paper(id=paper.pk + 1, key="gone")
    with pytest.raises(Refused, match="no longer here"):
        votes.cast(ada, missing, now=NOON)
    tally.recount([missing.pk])


def test_a_count_that_went_wrong_is_put_right_by_a_recount() -> None:
    paper = a_paper()
    votes.cast(reader(), paper, now=NOON)
    store.write_tally(paper.pk, store.Tally(99, 99.0, 99, 99.0))
    tally.recount([paper.pk])
    paper.refresh_from_db()
    assert (paper.votes_here, paper.vote_weight, paper.comments_here, paper.commenters) == (1, 1.0, 0, 0.0)
