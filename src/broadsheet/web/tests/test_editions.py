import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from broadsheet.editions.closing import close_due
from broadsheet.papers.ingest import ingest
from broadsheet.web.tests.conftest import MONDAY, NOW, made

Page = Callable[[str], str]
LATER = NOW + timedelta(days=4)


def articles(html: str) -> int:
    return html.count("<article")


def test_the_front_page_is_the_newest_edition(edition: int, page: Page) -> None:
    assert articles(page("/")) == articles(page("/date/2024-05-27")) == edition
    assert "Monday, 27 May 2024" in page("/")


@pytest.mark.parametrize("address", ["/week/2024-W22", "/month/2024-05", "/trending"])
def test_every_list_shows_each_paper_as_an_article(edition: int, page: Page, address: str) -> None:
    assert articles(page(address)) == edition


def test_papers_stand_in_the_order_of_their_votes(edition: int, page: Page) -> None:
    assert re.findall(r"part (\d+)</a></h3>", page("/"))[:3] == ["1", "2", "3"]


def test_the_old_address_of_the_list_leads_to_the_front_page(db: None, client: Client) -> None:
    assert client.get("/papers").headers["Location"] == "/"


@pytest.mark.parametrize(("address", "to"), [("/week", "/week/2024-W22"), ("/month", "/month/2024-05")])
def test_week_and_month_lead_to_the_newest(edition: int, client: Client, address: str, to: str) -> None:
    assert client.get(address).headers["Location"] == to


def test_a_category_narrows_the_edition(edition: int, page: Page) -> None:
    html = page("/date/2024-05-27?cat=cs.CV")
    assert articles(html) == 6
    assert 'cs.CV <span class="count">6</span>' in html


def test_the_reasons_are_shown_on_request(edition: int, page: Page) -> None:
    said = "Its support is 19.80, where a vote of full standing gives 1."
    assert said not in page("/date/2024-05-27")
    assert said in page("/date/2024-05-27?why=1") and "Votes counted elsewhere: 19.80." in page(
        "/date/2024-05-27?why=1"
    )


def test_trending_explains_its_terms(edition: int, page: Page) -> None:
    assert "on average" in page("/trending?why=1")


def test_long_author_lists_are_cut(edition: int, page: Page) -> None:
    assert 'Ada Lum, Bo Brandt, Cy Corso, Di Dell <span class="more">and 2 more</span>' in page("/")


def test_what_looks_like_html_in_a_title_is_text(db: None, page: Page) -> None:
    ingest([made(1, title="<b>Bold</b> & $x<y$ claims")], now=NOW)
    html = page("/")
    assert "&lt;b&gt;Bold&lt;/b&gt; &amp;" in html
    assert "<b>Bold" not in html


def test_a_paper_that_came_after_the_close_is_marked(edition: int, page: Page) -> None:
    assert close_due(LATER) == 1
    ingest([made(40, signals=(("upvotes", 500),))], now=LATER)
    html = page("/date/2024-05-27")
    assert articles(html) == edition + 1
    assert html.rindex("joined later") > html.rindex("part 13")
    assert "Closed: this order is final." in html


def test_the_sample_says_that_it_is_one(db: None, page: Page) -> None:
    ingest([made(1, source="sample")], now=NOW)
    assert "These are sample papers" in page("/")


def test_real_papers_carry_no_such_mark(edition: int, page: Page) -> None:
    assert "These are sample papers" not in page("/")


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("/date/2024-05-26", "Nothing is announced on this day."),
        ("/date/2024-04-16", "Nothing is known of this day."),
        ("/week/2024-W10", "Nothing is known of these days."),
    ],
)
def test_an_edition_without_papers_says_why(edition: int, page: Page, address: str, says: str) -> None:
    assert says in page(address)


def test_an_empty_record_tells_what_to_do(db: None, page: Page) -> None:
    assert "broadsheet harvest" in page("/")
    assert "broadsheet harvest" in page("/trending")


def test_neighbours_lead_to_days_with_papers(edition: int, page: Page) -> None:
    ingest([made(50, announced=date(2024, 5, 24))], now=NOW)
    assert 'rel="prev" data-key="ArrowLeft"' in page("/date/2024-05-27")
    assert 'href="/date/2024-05-24"' in page("/date/2024-05-27")
    assert 'href="/date/2024-05-27" rel="next"' in page("/date/2024-05-24")


def test_the_calendar_counts_papers_and_turns(edition: int, page: Page) -> None:
    html = page("/date/2024-05-27")
    assert re.search(r'href="/date/2024-05-27" aria-current="date">27 <small>13', html)
    turned = page("/date/2024-05-27?calendar=2024-04")
    assert '<details class="calendar" id="calendar" open>' in turned and "April 2024" in turned


def test_long_lists_come_in_pages(db: None, page: Page) -> None:
    ingest([made(number) for number in range(1, 131)], now=NOW)
    assert articles(page("/")) == 100
    assert articles(page("/?page=2")) == 30
    assert articles(page("/?page=nonsense")) == 100


def queries(client: Client, address: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


@pytest.mark.parametrize("address", ["/date/2024-05-27", "/week/2024-W22", "/month/2024-05", "/trending", "/search"])
def test_more_papers_need_no_more_queries(db: None, client: Client, address: str) -> None:
    ingest([made(number) for number in range(1, 11)], now=NOW)
    few = queries(client, address)
    ingest([made(number) for number in range(11, 21)], now=NOW)
    assert queries(client, address) == few <= 14


def test_a_closed_day_is_not_sent_twice(edition: int, client: Client) -> None:
    assert close_due(LATER) == 1
    first = client.get("/date/2024-05-27")
    again = client.get("/date/2024-05-27", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    ingest([made(41)], now=LATER)
    changed = client.get("/date/2024-05-27", headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200
    other = client.get("/date/2024-05-27?why=1", headers={"If-None-Match": changed.headers["ETag"]})
    assert other.status_code == 200


def test_a_day_is_named_by_one_address(edition: int, page: Page) -> None:
    assert '<link rel="canonical" href="http://testserver/date/2024-05-27">' in page("/")
    assert MONDAY.isoformat() in page("/")


def test_a_future_day_waits_for_nothing(edition: int, page: Page) -> None:
    year = datetime.now(UTC).year + 2
    assert "Nothing is" in page(f"/date/{year}-03-03")
