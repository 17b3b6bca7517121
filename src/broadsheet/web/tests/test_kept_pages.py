"""The pages of closed days, kept for strangers."""

from collections.abc import Iterator

import pytest
from django.test import Client

from broadsheet.community import votes
from broadsheet.editions.closing import close_due
from broadsheet.lib.clock import now
from broadsheet.papers.models import Paper
from broadsheet.web.tests.accounts import reader
from broadsheet.web.views import edition as view

pytestmark = pytest.mark.django_db
PAGE = "/date/2024-05-27"


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    view.pages.empty()
    yield
    view.pages.empty()


@pytest.fixture
def closed(edition: int) -> int:
    close_due(now())
    return edition


def test_a_strangers_page_of_a_closed_day_is_made_once(
    client: Client, closed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = client.get(PAGE)
    monkeypatch.setattr(view, "_show", None)
    again = client.get(PAGE)
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Content-Type"] == first.headers["Content-Type"]


def test_a_vote_shows_at_once(client: Client, closed: int) -> None:
    before = client.get(PAGE).content
    votes.cast(reader(), Paper.objects.earliest("id"), now=now())
    assert client.get(PAGE).content != before


def test_who_shows_a_cookie_gets_a_page_of_their_own_and_leaves_none(client: Client, closed: int) -> None:
    client.cookies["messages"] = "something for one person"
    client.get(PAGE)
    assert view.pages._bytes == 0


def test_pages_of_other_hosts_and_other_addresses_are_kept_apart(client: Client, closed: int) -> None:
    pages = [PAGE, f"{PAGE}?cat=cs.CV", f"{PAGE}.md"]
    told = [client.get(page).content for page in pages]
    told.append(client.get(PAGE, headers={"host": "localhost"}).content)
    assert [client.get(page).content for page in pages] == told[:3]
    assert len(set(told[:3])) == 3


def test_an_open_day_is_made_anew_each_time(client: Client, edition: int) -> None:
    client.get(PAGE)
    assert view.pages._bytes == 0


def test_whoever_has_the_page_need_not_fetch_it_again(client: Client, closed: int) -> None:
    mark = client.get(PAGE).headers["ETag"]
    assert client.get(PAGE, headers={"if-none-match": mark}).status_code == 304
