from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from broadsheet.community.models import Vote
from broadsheet.community.tests.factory import reader
from broadsheet.editions.closing import close_due
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Paper
from broadsheet.readers.models import Reader, Saved
from broadsheet.web.tests.conftest import NOW, made

Page = Callable[[str], str]
DAY = "/date/2024-05-27"
KEY = "2405.15001"
LISTS = [DAY, "/", "/week/2024-W22", "/month/2024-05", "/trending", "/search", f"/papers/{KEY}"]
JSON = {"Accept": "application/json"}


@pytest.fixture
def ada(db: None, client: Client) -> Reader:
    """A reader who is signed in."""
    signed_in = reader(1)
    client.force_login(signed_in)
    return signed_in


def paper(number: int = 1) -> Paper:
    return Paper.objects.get(key=f"2405.{15000 + number}")


@pytest.mark.parametrize("address", LISTS)
def test_a_stranger_finds_the_way_to_sign_in_and_back(edition: int, client: Client, address: str) -> None:
    response = client.get(address)
    html = response.content.decode()
    assert f"%23paper-{KEY}" in html and "sign in to vote" in html and "/login/?next=%2F" in html.replace("=/", "=%2F")
    assert "csrfmiddlewaretoken" not in html and not response.cookies and "<form id=" not in html


@pytest.mark.parametrize("address", LISTS)
def test_a_reader_finds_a_button_on_every_card(edition: int, ada: Reader, page: Page, address: str) -> None:
    html = page(address)
    assert html.count('class="vote"') == html.count("<article") - html.count('<article class="paper"') + (
        1 if "papers/" in address else 0
    )
    assert f'formaction="/vote/{KEY}" name="on" value="1" aria-pressed="false"' in html
    assert html.count('<form id="acts"') == 1


def test_a_vote_counts_and_leads_back_to_its_card(edition: int, ada: Reader, client: Client) -> None:
    response = client.post(f"/vote/{KEY}", {"on": "1", "next": f"{DAY}?cat=cs.CL"})
    assert (response.status_code, response.headers["Location"]) == (303, f"{DAY}?cat=cs.CL#paper-{KEY}")
    assert paper().votes == 100 and paper().votes_here == 1
    assert client.post(f"/vote/{KEY}", {"on": "1"}).headers["Location"] == f"/papers/{KEY}"
    assert Vote.objects.count() == 1
    assert 'value="0" aria-pressed="true"' in client.get(DAY).content.decode()
    client.post(f"/vote/{KEY}", {"on": "0"})
    assert paper().votes == 99 and not Vote.objects.exists()


def test_here_and_elsewhere_are_told_apart(edition: int, ada: Reader, client: Client, page: Page) -> None:
    client.post(f"/vote/{KEY}", {"on": "1"})
    assert 'title="1 here, 99 elsewhere"' in page(DAY)
    assert '<span class="hint" data-hint>1 here, 99 elsewhere</span>' in page(f"/papers/{KEY}")


def test_a_script_gets_the_count_as_data(edition: int, ada: Reader, client: Client) -> None:
    told = client.post(f"/vote/{KEY}", {"on": "1"}, headers=JSON).json()
    assert told == {"on": True, "count": 100, "hint": "1 here, 99 elsewhere"}
    assert client.post(f"/save/{KEY}", {"on": "1"}, headers=JSON).json() == {"on": True}


def test_what_is_refused_is_said_to_scripts_and_people(edition: int, ada: Reader, client: Client) -> None:
    Paper.objects.filter(key=KEY).update(hidden=True)
    refused = client.post(f"/vote/{KEY}", {"on": "1"}, headers=JSON)
    assert refused.status_code == 400 and "took" not in refused.json() and refused.json()["says"]
    told = client.post(f"/vote/{KEY}", {"on": "1", "next": DAY})
    assert told.status_code == 400 and f'<a href="{DAY}">Go back</a>' in told.content.decode()


@pytest.mark.parametrize("on", ["", "2", "yes", "\0", "1" * 5000])
def test_a_button_that_says_neither_yes_nor_no_is_refused(edition: int, ada: Reader, client: Client, on: str) -> None:
    for action in ("vote", "save"):
        assert client.post(f"/{action}/{KEY}", {"on": on}).status_code == 400
    assert not Vote.objects.exists() and not Saved.objects.exists()


def test_a_stranger_who_votes_is_sent_to_sign_in(edition: int, client: Client) -> None:
    response = client.post(f"/vote/{KEY}", {"on": "1", "next": DAY})
    assert response.status_code == 303 and response.headers["Location"].endswith(f"?next={DAY}")
    assert client.post(f"/vote/{KEY}", {"on": "1"}, headers=JSON).status_code == 403
    assert not Vote.objects.exists()


def test_a_vote_needs_the_token_of_the_page(edition: int, ada: Reader) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ada)
    assert strict.post(f"/vote/{KEY}", {"on": "1"}).status_code == 403
    html = strict.get(DAY).content.decode()
    token = html.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    assert strict.post(f"/vote/{KEY}", {"on": "1", "csrfmiddlewaretoken": token}).status_code == 303


def test_a_vote_is_only_given_by_post(edition: int, ada: Reader, client: Client) -> None:
    assert client.get(f"/vote/{KEY}").status_code == client.get(f"/save/{KEY}").status_code == 405


def test_a_suspended_reader_acts_no_more(edition: int, client: Client) -> None:
    member = reader(2)
    client.force_login(member)
    Reader.objects.update(state="suspended")
    assert client.post(f"/vote/{KEY}", {"on": "1"}).status_code in (303, 403)
    assert not Vote.objects.exists()


@pytest.mark.parametrize(
    "place",
    [
        "https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)",
        "/ok\r\nSet-Cookie: a=b", "http://[", "/" + "x" * 10_000, "///evil.example", "data:text/html,x", "\0", "",
    ],
)  # fmt: skip
def test_nobody_is_led_off_the_site(edition: int, ada: Reader, client: Client, place: str) -> None:
    response = client.post(f"/vote/{KEY}", {"on": "1", "next": place})
    assert (response.status_code, response.headers["Location"]) == (303, f"/papers/{KEY}")


@pytest.mark.parametrize("key", ["nope", "2405.99999", "x" * 3000, "%00", "http://[", "..%2f..", "%E2%80%AE"])
def test_a_paper_that_is_not_here_takes_no_vote(edition: int, ada: Reader, client: Client, key: str) -> None:
    assert client.post(f"/vote/{key}", {"on": "1"}).status_code == 404
    assert client.post(f"/save/{key}", {"on": "1"}).status_code == 404


def test_a_closed_day_is_made_anew_for_a_reader(edition: int, client: Client) -> None:
    assert close_due(NOW + timedelta(days=4)) == 1
    stranger = client.get(DAY)
    assert client.get(DAY, headers={"If-None-Match": stranger.headers["ETag"]}).status_code == 304
    client.force_login(reader(1))
    own = client.get(DAY, headers={"If-None-Match": stranger.headers["ETag"]})
    assert own.status_code == 200 and "private" in own.headers["Cache-Control"]
    assert "Cookie" in own.headers["Vary"] and "Cookie" in stranger.headers["Vary"]


def test_a_closed_day_is_made_anew_once_a_reader_voted(edition: int, client: Client) -> None:
    close_due(NOW + timedelta(days=4))
    before = client.get(DAY).headers["ETag"]
    voter = Client()
    voter.force_login(reader(1))
    voter.post(f"/vote/{KEY}", {"on": "1"})
    assert client.get(DAY, headers={"If-None-Match": before}).status_code == 200


def asked(client: Client, address: str) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return [query["sql"] for query in captured]


@pytest.mark.parametrize("address", [DAY, "/week/2024-W22", "/trending", "/search"])
def test_a_page_asks_once_for_votes_and_once_for_saved_papers(ada: Reader, client: Client, address: str) -> None:
    ingest([made(number) for number in range(1, 11)], now=NOW)
    few = asked(client, address)
    ingest([made(number) for number in range(11, 21)], now=NOW)
    many = asked(client, address)
    assert len(few) == len(many)
    for table in (Vote._meta.db_table, Saved._meta.db_table):
        assert sum(f'FROM "{table}"' in sql for sql in many) == 1
