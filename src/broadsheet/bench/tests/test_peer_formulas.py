"""Worked by hand from the published formulas: how many times the votes an older item needs to tie a newer one."""

import math

import pytest

from broadsheet.bench.peer_formulas import hacker_news, lemmy, lobsters, reddit

HOUR = 3600.0


@pytest.mark.parametrize(("age", "older", "times"), [(12, 24, 9.5), (24, 24, 4.4), (12, 72, 59), (24, 72, 20)])
def test_hacker_news_asks_more_of_the_older_the_younger_the_newer(age: float, older: float, times: float) -> None:
    # base^0.8 / (age + 2)^1.8 ties at the power 1.8 / 0.8 = 2.25 of the ages' quotient.
    needed = ((age + older + 2) / (age + 2)) ** 2.25
    assert needed == pytest.approx(times, rel=0.03)
    assert hacker_news(1 + 10 * needed, age + older) == pytest.approx(hacker_news(11, age))


def test_hacker_news_by_hand() -> None:
    assert hacker_news(33, 2) == pytest.approx(16 / 4**1.8)
    assert hacker_news(33, 2, sock_votes=32) == 0
    assert hacker_news(33, 2, url=False) == pytest.approx(0.4 * 16 / 4**1.8)
    assert hacker_news(0, 2) == pytest.approx(-1 / 4**1.8)


def test_hacker_news_pushes_down_what_is_discussed_more_than_voted_for() -> None:
    assert hacker_news(20, 2, comments=40) == pytest.approx(hacker_news(20, 2, comments=20) / 4)


@pytest.mark.parametrize(("older", "times"), [(24, 83), (72, 575_000)])
def test_reddit_forgets_a_day(older: float, times: float) -> None:
    posted = 1_700_000_000.0
    assert reddit(round(10 * times), 0, posted) == pytest.approx(reddit(10, 0, posted + older * HOUR), abs=0.005)


def test_reddit_by_hand() -> None:
    assert reddit(100, 0, 1134028003) == 2
    assert reddit(0, 100, 1134028003 + 45000) == -1
    assert reddit(1, 0, 1134028003) == reddit(0, 0, 1134028003) == 0


@pytest.mark.parametrize(("older", "times"), [(24, 12.3), (72, 1870)])
def test_lobsters_forgets_slower(older: float, times: float) -> None:
    posted = 1_700_000_000.0
    assert lobsters(round(1000 * times) - 1, [], posted) == pytest.approx(
        lobsters(999, [], posted + older * HOUR), abs=0.005
    )


def test_lobsters_by_hand() -> None:
    assert lobsters(9, [], 0.0) == 1
    # Ten comments of score 1 would make 10 points; votes allow 4.
    assert lobsters(4, [1] * 10, 79200.0) == pytest.approx(math.log10(9) + 1, abs=1e-6)
    assert lobsters(4, [1, 1], 0.0, base=-1.0) == pytest.approx(math.log10(5) - 1, abs=1e-6)


@pytest.mark.parametrize(("older", "votes"), [(24, 550), (72, 1.6e9)])
def test_lemmy_lets_votes_hardly_pay_for_age(older: float, votes: float) -> None:
    assert lemmy(round(votes), 24 + older) == pytest.approx(lemmy(5, 24), rel=0.005)


def test_lemmy_forgets_after_a_week_and_does_not_believe_in_the_future() -> None:
    assert lemmy(98, 8) == pytest.approx(2 / 10**1.8)
    assert lemmy(1000, 168) == lemmy(1000, 0) == lemmy(1000, -5) == 0
