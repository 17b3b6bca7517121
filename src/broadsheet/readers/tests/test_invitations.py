from datetime import timedelta

import pytest
from pytest_django import Settings

from broadsheet.readers import alone, invitations
from broadsheet.readers.models import Invitation, Reader
from broadsheet.readers.refused import Refused
from broadsheet.readers.tests.site import NOON, configure, reader

pytestmark = pytest.mark.django_db


def test_only_a_digest_of_the_code_is_kept() -> None:
    made, code = invitations.invite(reader(), now=NOON)
    row = Invitation.objects.values().get(pk=made.pk)
    assert len(code) >= 32 and code not in str(row)
    assert invitations.find(code, NOON) == made
    assert invitations.find(made.digest, NOON) is None


def test_an_invitation_lets_in_as_many_as_it_says_and_keeps_who_invited_whom() -> None:
    ada, bo, cy = reader("ada"), reader("bo"), reader("cy")
    made, code = invitations.invite(ada, now=NOON)
    invitations.use(made, bo, NOON)
    assert bo.invited_by == ada and invitations.find(code, NOON) is None
    with pytest.raises(Refused, match="used up"):
        invitations.use(made, cy, NOON)
    assert Reader.objects.get(handle="cy").invited_by is None


def test_an_invitation_ends_by_time_by_hand_and_with_its_maker() -> None:
    ada = reader("ada")
    made, code = invitations.invite(ada, days=3, now=NOON)
    assert invitations.find(code, NOON + timedelta(days=3, seconds=-1)) == made
    assert invitations.find(code, NOON + timedelta(days=3)) is None
    Reader.objects.filter(pk=ada.pk).update(state="suspended")
    assert invitations.find(code, NOON) is None
    Reader.objects.filter(pk=ada.pk).update(state="active")
    with pytest.raises(Refused):
        invitations.take_back(reader("bo"), made)
    invitations.take_back(ada, made)
    assert invitations.find(code, NOON) is None


def test_a_reader_invites_so_many_and_what_ended_unused_is_given_back(settings: Settings) -> None:
    configure(settings, invitations_per_reader=2)
    ada = reader("ada")
    made, _ = invitations.invite(ada, days=1, now=NOON)
    invitations.invite(ada, days=10, now=NOON)
    assert invitations.left(ada, NOON) == 0
    with pytest.raises(Refused, match="0 more people"):
        invitations.invite(ada, now=NOON)
    assert invitations.left(ada, NOON + timedelta(days=2)) == 1
    invitations.use(made, reader("bo"), NOON)
    assert invitations.left(ada, NOON + timedelta(days=2)) == 0
    assert invitations.left(reader("cu", role="curator"), NOON) is None


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("reader", {"reader"}),
        ("curator", {"reader"}),
        ("moderator", {"reader", "curator", "moderator"}),
        ("owner", {"reader", "curator", "moderator", "owner"}),
    ],
)
def test_nobody_invites_to_more_than_they_are(role: str, may: set[str]) -> None:
    inviter = reader("in", role=role)
    for asked in ("reader", "curator", "moderator", "owner"):
        if asked in may:
            invitations.invite(inviter, role=asked, now=NOON)
        else:
            with pytest.raises(Refused):
                invitations.invite(inviter, role=asked, now=NOON)


@pytest.mark.parametrize("values", [{"uses": 0}, {"uses": 10**9}, {"days": 0}, {"note": "x" * 201}, {"role": "king"}])
def test_an_invitation_that_makes_no_sense_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(Refused):
        invitations.invite(None, now=NOON, **values)  # type: ignore[arg-type]


def test_an_invitation_takes_no_role_away() -> None:
    mo = reader("mo", role="moderator")
    invitations.use(invitations.invite(None, now=NOON)[0], mo, NOON)
    assert mo.role == "moderator"


@pytest.mark.parametrize("code", ["", "x", "x" * 100_000, "\0", "\ud800", "é"])
def test_a_code_that_is_none_finds_nothing(code: str) -> None:
    assert invitations.find(code, NOON) is None


def test_the_owners_link_is_good_once_and_only_the_last_one() -> None:
    first, second = invitations.owner_code(NOON), invitations.owner_code(NOON)
    assert first and second and invitations.find(first, NOON) is None
    found = invitations.find(second, NOON)
    assert found and found.role == "owner"
    ada = reader("ada")
    invitations.use(found, ada, NOON)
    assert ada.role == "owner" and invitations.owner_code(NOON) is None
    assert invitations.find(second, NOON) is None
    with pytest.raises(Refused, match="owner already"):
        invitations.use(found, reader("bo"), NOON)


def test_the_one_person_of_a_site_without_sign_in_is_no_owner_until_they_can_sign_in() -> None:
    local = alone.the_reader()
    assert invitations.owner_code(NOON)
    local.set_password("seven slow rivers")
    local.save()
    assert invitations.owner_code(NOON) is None
