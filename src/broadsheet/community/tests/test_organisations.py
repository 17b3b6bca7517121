from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from broadsheet.community import organisations
from broadsheet.community.models import Affiliation, Claim, Membership, Organisation
from broadsheet.community.tests.factory import NOON, a_paper, reader
from broadsheet.papers.models import Paper
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused

pytestmark = pytest.mark.django_db


def curator() -> Reader:
    return Reader.objects.filter(handle="reader-9").first() or reader(9, role="curator")


def hive(name: str = "Hive Lab", *domains: str) -> Organisation:
    return organisations.found(curator(), name, "", domains, "", now=NOON)


def with_address(one: Reader, email: str, verified: bool = True) -> Reader:
    EmailAddress.objects.create(user=one, email=email, verified=verified)
    return one


def test_a_curator_founds_an_organisation() -> None:
    made = organisations.found(
        curator(),
        "  Hive   Lab ",
        "https://hive.example/",
        ["@Hive.example", "hive.example", ""],
        "We keep bees.",
        now=NOON,
    )
    assert (made.name, made.slug, made.url) == ("Hive Lab", "hive-lab", "https://hive.example/")
    assert (made.domains, made.about, made.made_by, made.made) == (["hive.example"], "We keep bees.", curator(), NOON)
    with pytest.raises(Refused, match="Curators found organisations"):
        organisations.found(reader(1), "Other", "", [], "", now=NOON)


@pytest.mark.parametrize(
    "name",
    [
        "hive lab",
        "HIVE-LAB",
        "Hívé Lab",
        "Ніvе Lab",
        "Hive\u200bLab",
        "Ｈｉｖｅ Lab",
        "Hive\u202eLab",
        "ΗΙVE LAB",
        "Hive Lаb",
    ],
)
def test_a_name_that_could_be_taken_for_another_is_refused(name: str) -> None:
    hive()
    with pytest.raises(Refused):
        hive(name)
    assert Organisation.objects.count() == 1


def test_a_name_all_in_lookalike_letters_is_refused_too() -> None:
    hive("Cape")
    with pytest.raises(Refused, match="There is “Cape” already"):
        hive("Саре")


@pytest.mark.parametrize("name", ["", "   ", "!!!", "42", "x" * 121, "x" * 1_000_000, "Hive\0Lab", "\ud800", "\u200b"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(Refused):
        hive(name)


def test_addresses_are_unique_whatever_the_names() -> None:
    slugs = [hive(name).slug for name in ("Bees", "蜜蜂", "Пчёлы", "New", "x" * 80, "x" * 79)]
    assert len(set(slugs)) == len(slugs)
    assert slugs[0] == "bees" and slugs[1:3] == ["organisation", "organisation-2"] and slugs[3] != "new"
    assert all(len(slug) <= 60 for slug in slugs)


@given(st.lists(st.text(max_size=20), max_size=5))
@hypothesis_settings(max_examples=25, deadline=None)
def test_no_two_organisations_look_alike(names: list[str]) -> None:
    Organisation.objects.all().delete()
    for name in names:
        try:
            hive(name)
        except Refused as refused:
            assert str(refused)
    made = list(Organisation.objects.all())
    assert len({organisations.likeness(one.name) for one in made}) == len(made)
    assert len({one.slug for one in made}) == len(made)


@pytest.mark.parametrize(
    "domain",
    ["gmail.com", "lab", "lab.example/x", "a b.example", "lab.example\0", "127.0.0.1", "-a.example", "x" * 300, "a..b"],
)
def test_a_domain_must_be_one_and_not_open_to_everybody(domain: str) -> None:
    with pytest.raises(Refused):
        hive("Hive", domain)


def test_a_verified_address_of_its_domains_confirms_at_once() -> None:
    made = hive("Hive", "hive.example")
    inside, below = with_address(reader(1), "a@hive.example"), with_address(reader(2), "a@CS.hive.example")
    alike, unproved = (
        with_address(reader(3), "a@nothive.example"),
        with_address(reader(4), "b@hive.example", verified=False),
    )
    states = [organisations.join(one, made, now=NOON).state for one in (inside, below, alike, unproved)]
    assert states == ["confirmed", "confirmed", "waiting", "waiting"]
    with pytest.raises(Refused, match="already"):
        organisations.join(alike, made, now=NOON)
    EmailAddress.objects.update(verified=True)
    assert organisations.join(unproved, made, now=NOON).state == "confirmed"
    with pytest.raises(Refused, match="Your account"):
        organisations.join(reader(5, state="suspended"), made, now=NOON)


def test_curators_and_admins_confirm_and_dismiss_members_and_members_do_not() -> None:
    made, one, other = hive(), reader(1), reader(2)
    first, second = (organisations.join(who, made, now=NOON) for who in (one, other))
    with pytest.raises(Refused, match="Only curators and those who run"):
        organisations.confirm(one, first)
    organisations.confirm(curator(), first)
    with pytest.raises(Refused, match="Only curators and those who run"):
        organisations.confirm(one, second)
    organisations.confirm(curator(), first, admin=True)
    organisations.confirm(one, second)
    assert [(row.reader, row.state, row.admin) for row in organisations.members(made)] == [
        (one, "confirmed", True),
        (other, "confirmed", False),
    ]
    with pytest.raises(Refused, match="Only curators name"):
        organisations.confirm(one, second, admin=True)
    organisations.dismiss(one, second)
    organisations.leave(one, made)
    assert not Membership.objects.exists()
    with pytest.raises(Refused, match="have left"):
        organisations.confirm(curator(), first)


def test_an_admin_who_is_suspended_runs_nothing() -> None:
    made, one = hive(), reader(1)
    organisations.confirm(curator(), organisations.join(one, made, now=NOON), admin=True)
    one.state = "suspended"
    assert not organisations.runs(one, made)


def test_members_add_papers_they_claimed_and_those_who_run_it_any() -> None:
    made, one, known = hive(), reader(1), a_paper(1)
    membership = organisations.join(one, made, now=NOON)
    organisations.confirm(curator(), membership)
    with pytest.raises(Refused, match="that they have claimed"):
        organisations.affiliate(one, made, known, now=NOON)
    Claim.objects.create(reader=one, paper=known, position=0, state="confirmed", proof="orcid", at=NOON)
    row = organisations.affiliate(one, made, known, now=NOON)
    assert (row.by, organisations.of_papers([known.id, 77])) == (one, {known.id: [made]})
    with pytest.raises(Refused, match="already"):
        organisations.affiliate(curator(), made, known, now=NOON)
    with pytest.raises(Refused, match="Only those"):
        organisations.withdraw(reader(2), made, known)
    organisations.withdraw(one, made, known)
    assert not Affiliation.objects.exists()
    organisations.confirm(curator(), membership, admin=True)
    assert organisations.affiliate(one, made, a_paper(2), now=NOON).by == one


def test_its_papers_are_those_that_lists_show_newest_first() -> None:
    made = hive()
    papers = [a_paper(number, announced=(NOON - timedelta(days=number)).date()) for number in (3, 1, 2)]
    for known in papers:
        organisations.affiliate(curator(), made, known, now=NOON)
    Paper.objects.filter(id=papers[2].id).update(hidden=True)
    assert list(organisations.papers(made)) == [papers[1], papers[0]]
    assert [one.paper_count for one in organisations.everyone()] == [3]  # type: ignore[attr-defined]


def test_a_curator_changes_what_is_said_and_the_address_stays() -> None:
    made = hive()
    organisations.change(curator(), made, name="Hive Institute", url="", domains=["hive.example"], about="Bees")
    again = Organisation.objects.get()
    assert (again.name, again.slug, again.domains) == ("Hive Institute", "hive-lab", ["hive.example"])
    organisations.change(curator(), made, name="HIVE Institute", url="", domains=[], about="Bees")
    with pytest.raises(Refused, match="Only curators"):
        organisations.change(reader(1), made, name="Mine", url="", domains=[], about="")


@pytest.mark.django_db
def test_papers_whose_day_is_not_known_come_last_on_every_database() -> None:
    ada = reader(1, role="curator")
    made = organisations.found(ada, "Bee lab", "", [], "", now=NOON)
    dated, undated = a_paper(1), a_paper(2, announced=None, announced_by="")
    for each in (dated, undated):
        organisations.affiliate(ada, made, each, now=NOON)
    assert list(organisations.papers(made)) == [dated, undated]
