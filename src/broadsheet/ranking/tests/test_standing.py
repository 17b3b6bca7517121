from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.ranking.rules import Rules
from broadsheet.ranking.standing import VoterFacts, standing, vote_share

RULES = Rules()
NEW = VoterFacts(age_days=0, role="reader", verified=True, voucher=0, active_days=0, accepted=0, upheld=0, discount=0)
FACTS = st.builds(
    VoterFacts,
    age_days=st.floats(-10, 1000),
    role=st.sampled_from(["reader", "curator", "moderator", "owner"]),
    verified=st.booleans(),
    voucher=st.floats(0, 1),
    active_days=st.integers(-1, 500),
    accepted=st.integers(-1, 50),
    upheld=st.integers(-1, 20),
    discount=st.floats(0, 1),
)


def value(facts: VoterFacts) -> float:
    return standing(facts, RULES).value


def test_a_stranger_weighs_nothing_before_the_address_is_verified_and_next_to_nothing_after() -> None:
    assert value(replace(NEW, verified=False, age_days=400, active_days=300)) == 0
    assert value(NEW) == RULES.newcomer <= 0.02


@pytest.mark.parametrize("verified", [True, False])
def test_whom_a_reader_of_full_standing_invited_counts_about_half_from_the_first_day(verified: bool) -> None:
    assert value(replace(NEW, voucher=1.0, verified=verified)) == 0.5


def test_a_tree_of_invitations_does_not_grow_weight_without_bound() -> None:
    total, one, readers = 0.0, 1.0, 1
    for _generation in range(8):
        one, readers = value(replace(NEW, voucher=one, verified=False)), readers * 5
        total += one * readers
    assert total < 7


def test_age_without_activity_and_activity_without_age_earn_nothing() -> None:
    assert value(replace(NEW, age_days=1000)) == value(replace(NEW, active_days=200)) == value(NEW)


def test_half_the_age_and_enough_activity_is_worked_by_hand() -> None:
    terms = standing(replace(NEW, age_days=30, active_days=40, accepted=2, upheld=1, discount=0.5), RULES)
    assert terms.earned == pytest.approx(0.5 + 0.1)
    assert terms.value == pytest.approx((0.005 + 0.995 * 0.6) * 0.7 * 0.5)


@pytest.mark.parametrize("role", ["curator", "moderator", "owner"])
def test_a_trusted_role_weighs_in_full_unless_discounted(role: str) -> None:
    assert value(replace(NEW, role=role)) == 1
    assert value(replace(NEW, role=role, discount=0.9)) == pytest.approx(0.1)


@given(FACTS)
def test_standing_is_a_share_and_its_terms_make_it(facts: VoterFacts) -> None:
    terms = standing(facts, RULES)
    assert 0 <= terms.value <= 1
    reached = (terms.start + (1 - terms.start) * terms.earned) * terms.upheld_factor
    assert terms.value == pytest.approx((1 if terms.by_role else reached) * (1 - terms.discount))
    assert set(terms.to_json()) == set(standing(NEW, RULES).to_json())


@pytest.mark.parametrize(
    ("name", "more", "sign"),
    [
        ("age_days", st.floats(0, 500), 1),
        ("active_days", st.integers(0, 100), 1),
        ("accepted", st.integers(0, 20), 1),
        ("voucher", st.floats(0, 1), 1),
        ("upheld", st.integers(0, 10), -1),
        ("discount", st.floats(0, 1), -1),
    ],
)
def test_more_of_a_good_thing_never_lowers_and_of_a_bad_one_never_raises(
    name: str, more: st.SearchStrategy[float], sign: int
) -> None:
    @given(FACTS, more)
    def holds(facts: VoterFacts, added: float) -> None:
        changed = replace(facts, **{name: getattr(facts, name) + added})
        assert sign * (value(changed) - value(facts)) >= -1e-12

    holds()


@given(FACTS)
def test_a_verified_address_never_lowers(facts: VoterFacts) -> None:
    assert value(replace(facts, verified=False)) <= value(replace(facts, verified=True))


def test_votes_weigh_in_full_up_to_the_days_cap_and_then_less_and_less() -> None:
    assert [vote_share(nth, RULES) for nth in (1, 40, 80, 400)] == pytest.approx([1, 1, 0.25, 0.01])


def test_a_day_of_any_number_of_votes_gives_less_than_twice_the_cap() -> None:
    assert sum(vote_share(nth, RULES) for nth in range(1, 100_000)) < 2 * RULES.votes_per_day
