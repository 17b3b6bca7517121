from collections.abc import Callable

import pytest
from django.test import Client

from broadsheet.community.models import Membership, Organisation
from broadsheet.community.tests.factory import reader

Page = Callable[[str], str]


@pytest.fixture
def lab(edition: int, client: Client) -> Organisation:
    """An organisation, and the curator who founded it signed in."""
    client.force_login(reader(8, role="curator"))
    given = {
        "name": "Lab of Small Planets",
        "url": "https://lab.example/",
        "domains": "lab.example",
        "about": "<b>We</b>",
    }
    response = client.post("/found-organisation", given)
    assert response.status_code == 303, response.content.decode()[:300]
    return Organisation.objects.get()


def test_an_organisation_has_a_page_and_a_place_in_the_list(lab: Organisation, page: Page) -> None:
    html = page(f"/organisations/{lab.slug}")
    assert "Lab of Small Planets" in html and "&lt;b&gt;We&lt;/b&gt;" in html and "<b>We" not in html
    assert f'href="/organisations/{lab.slug}"' in page("/organisations")


def test_its_papers_stand_there_and_it_stands_on_them(lab: Organisation, client: Client, page: Page) -> None:
    added = client.post(f"/organisations/{lab.slug}/papers", {"paper": "arXiv:2405.15001", "on": "1"})
    assert added.status_code == 303
    assert page(f"/organisations/{lab.slug}").count("<article") == 1
    for address in ("/date/2024-05-27", "/papers/2405.15001", "/search"):
        assert f'href="/organisations/{lab.slug}">Lab of Small Planets</a>' in page(address)
    client.post(f"/organisations/{lab.slug}/papers", {"paper": "2405.15001", "on": "0"})
    assert page(f"/organisations/{lab.slug}").count("<article") == 0


def test_members_ask_and_are_confirmed(lab: Organisation, client: Client, page: Page) -> None:
    other = Client()
    other.force_login(reader(2))
    assert other.post(f"/organisations/{lab.slug}/join").status_code == 303
    assert b"You asked to join." in other.get(f"/organisations/{lab.slug}").content
    membership = Membership.objects.get(reader__handle="reader-2")
    alone = {"membership": str(membership.pk), "do": "confirm"}
    assert other.post(f"/organisations/{lab.slug}/confirm", alone).status_code == 400
    if membership.state == "waiting":
        assert "Who asks to join" in page(f"/organisations/{lab.slug}")
        assert client.post(f"/organisations/{lab.slug}/confirm", alone).status_code == 303
    membership.refresh_from_db()
    assert membership.state == "confirmed"
    assert other.post(f"/organisations/{lab.slug}/leave").status_code == 303
    assert not Membership.objects.filter(pk=membership.pk).exists()


def test_only_curators_found_and_change(lab: Organisation, client: Client) -> None:
    other = Client()
    other.force_login(reader(2))
    assert other.get("/found-organisation").status_code == 403
    assert other.post("/found-organisation", {"name": "Mine"}).status_code == 403
    assert other.get(f"/organisations/{lab.slug}/edit").status_code == 403
    changed = {"name": "Lab of Large Planets", "url": "", "domains": "", "about": ""}
    assert client.post(f"/organisations/{lab.slug}/edit", changed).status_code == 303
    lab.refresh_from_db()
    assert lab.name == "Lab of Large Planets"


@pytest.mark.parametrize(
    "given", [{}, {"name": "\0"}, {"name": "x" * 5000}, {"name": "Fine", "url": "javascript:alert(1)"},
              {"name": "Fine", "domains": "not a domain!"}],
)  # fmt: skip
def test_what_makes_no_organisation_is_said_with_what_was_typed(
    lab: Organisation, client: Client, given: dict[str, str]
) -> None:
    refused = client.post("/found-organisation", given)
    assert refused.status_code == 400 and b'role="alert"' in refused.content
    assert Organisation.objects.count() == 1


@pytest.mark.parametrize("slug", ["nope", "%00", "x" * 500, "..%2f"])
def test_an_organisation_that_is_not_there_is_404(lab: Organisation, client: Client, slug: str) -> None:
    assert client.get(f"/organisations/{slug}").status_code == 404
    assert client.post(f"/organisations/{slug}/join").status_code == 404
