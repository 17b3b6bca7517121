from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from broadsheet.digest import links
from broadsheet.digest.models import Digest, Subscription
from broadsheet.lib.clock import now
from broadsheet.papers.models import Paper
from broadsheet.readers.models import Reader
from broadsheet.web.tests.accounts import reader, signed_in

Make = Callable[..., Digest]
MONDAY = date(2024, 5, 27)


@pytest.fixture(autouse=True)
def _mail(edition: int, settings: Settings) -> None:
    settings.MAIL = True


@pytest.fixture
def free() -> Subscription:
    """A subscription without an account."""
    return Subscription.objects.create(address="bo@lab.example", state="active", asked=now(), confirmed=now())


@pytest.fixture
def ada() -> Reader:
    return reader()


@pytest.fixture
def hers(ada: Reader) -> Subscription:
    return Subscription.objects.create(
        address="ada@lab.example", reader=ada, state="active", asked=now(), confirmed=now()
    )


def numbered(number: int) -> Paper:
    return Paper.objects.get(key=f"2405.{15000 + number}")


def digest(of: Subscription, *numbers: int, last: date = MONDAY, also: int = 0, says: str = "") -> Digest:
    """Keep a digest of invented papers by their numbers; also: one that tells the first one's story."""
    why = [{"kind": "author", "name": "Ada <b>Lum</b>"}, {"votes": 3, "heat": 0.1}]
    picks = [
        {"paper": paper.key, "id": paper.pk, "list": "", "why": why, "also": []} for paper in map(numbered, numbers)
    ]
    if also:
        picks[0]["also"] = [numbered(also).key]
    return Digest.objects.create(
        subscription=of,
        first=last,
        last=last,
        state="composed" if picks else "nothing",
        picks=picks,
        says=says,
        made=datetime.combine(last, datetime.min.time(), UTC),
    )


def path(made: Digest, moment: datetime | None = None, of: Subscription | None = None) -> str:
    return "/digest/archive/" + links.token(of or made.subscription, "archive", digest=made.pk, now=moment or now())


def test_the_link_of_a_mail_shows_its_digest_without_an_account(free: Subscription, client: Client) -> None:
    response = client.get(path(digest(free, 3, 5, also=7)))
    html = response.content.decode()
    assert response.status_code == 200 and "Monday, 27 May 2024" in html and "2 papers chosen for you" in html
    assert html.index("Weather of small planets, part 3") < html.index("Weather of small planets, part 5")
    assert 'The same story: <a href="/papers/2405.15007">Weather of small planets, part 7</a>' in html
    assert "By Ada &lt;b&gt;Lum&lt;/b&gt;, whom you follow." in html
    assert client.head(path(digest(free, 1, last=MONDAY + timedelta(days=1)))).status_code == 200


def test_no_copy_of_it_is_kept_and_no_search_engine_takes_it_up(free: Subscription, client: Client) -> None:
    response = client.get(path(digest(free, 3)))
    assert "no-store" in response.headers["Cache-Control"] and "private" in response.headers["Cache-Control"]
    assert response.headers["X-Robots-Tag"] == "noindex" and b'content="noindex"' in response.content
    assert response.headers["Referrer-Policy"] in ("same-origin", "no-referrer")
    assert not response.cookies and b"bo@lab.example" not in response.content


def test_a_digest_without_papers_says_why(free: Subscription, client: Client) -> None:
    html = client.get(path(digest(free, says="There was nothing new in <i>your</i> lists."))).content.decode()
    assert "Nothing was worth a mail. There was nothing new in &lt;i&gt;your&lt;/i&gt; lists." in html
    assert 'href="/date/2024-05-27"' in html


def test_papers_that_were_taken_off_the_lists_are_counted_and_not_shown(free: Subscription, client: Client) -> None:
    made = digest(free, 3, 5, also=7)
    Paper.objects.filter(pk__in=[numbered(5).pk, numbered(7).pk]).update(hidden=True)
    html = client.get(path(made)).content.decode()
    assert "part 3" in html and "part 5" not in html and "part 7" not in html
    assert "1 paper has been taken off the lists since." in html
    Paper.objects.update(hidden=True)
    assert b"What was chosen for you has been taken off" in client.get(path(made)).content


def test_without_an_account_a_link_leads_to_the_digests_beside_it(free: Subscription, client: Client) -> None:
    days = [MONDAY + timedelta(days=back) for back in range(3)]
    first, second, third = (digest(free, number, last=day) for number, day in enumerate(days, 1))
    html = client.get(path(second)).content.decode()
    earlier, later = (html.split(f'rel="{rel}"')[0].rpartition('href="')[2].split('"')[0] for rel in ("prev", "next"))
    assert b"part 1" in client.get(earlier).content and b'rel="prev"' not in client.get(earlier).content
    assert b"part 3" in client.get(later).content and b'rel="next"' not in client.get(later).content


def test_a_link_leads_nowhere_for_longer_than_it_is_good_itself(free: Subscription, client: Client) -> None:
    digest(free, 1, last=MONDAY - timedelta(days=3))
    old = now() - timedelta(days=179)
    html = client.get(path(digest(free, 2), old)).content.decode()
    earlier = html.split('rel="prev"')[0].rpartition('href="')[2].split('"')[0]
    assert links.read("archive", earlier.rpartition("/")[2], now=now()).made == old.replace(microsecond=0)


def test_where_there_is_an_account_a_forwarded_link_shows_the_one_digest(hers: Subscription, client: Client) -> None:
    digest(hers, 1, last=MONDAY - timedelta(days=3))
    other = signed_in(reader("cy"))
    for browser in (client, other):
        html = browser.get(path(digest(hers, 2, last=MONDAY + timedelta(days=browser is other)))).content.decode()
        assert "part 2" in html and 'rel="prev"' not in html and "Sign in to see the others" in html


def test_its_owner_reads_it_among_the_others(hers: Subscription, ada: Reader) -> None:
    digest(hers, 1, last=MONDAY - timedelta(days=3))
    browser, made = signed_in(ada), digest(hers, 2)
    response = browser.get(path(made))
    assert (response.status_code, response.headers["Location"]) == (303, "/me/digests/2024-05-27")
    html = browser.get("/me/digests/2024-05-27").content.decode()
    assert 'href="/me/digests/2024-05-24" rel="prev"' in html and 'rel="next"' not in html
    assert "data-act" in html and 'href="/me/digests"' in html


def test_all_digests_of_a_reader_stand_in_a_list(hers: Subscription, ada: Reader) -> None:
    digest(hers, 1, 2, last=MONDAY - timedelta(days=3))
    digest(hers, says="There was nothing new in your lists.")
    Digest.objects.filter(last=MONDAY).update(first=MONDAY - timedelta(days=2))
    response = signed_in(ada).get("/me/digests")
    html = response.content.decode()
    assert html.index("25 to 27 May 2024") < html.index("Friday, 24 May 2024")
    assert "2 papers" in html and "There was nothing new in your lists." in html and "2 digests" in html
    assert "no-store" in response.headers["Cache-Control"] and response.headers["X-Robots-Tag"] == "noindex"


def test_a_reader_without_digests_is_told_so(ada: Reader, client: Client) -> None:
    assert b"You get no digest yet." in signed_in(ada).get("/me/digests").content
    assert client.get("/me/digests").headers["Location"].startswith("/account/login/")
    assert signed_in(ada).get("/me/digests/2024-05-27").status_code == 404


def test_nobody_reads_the_digests_of_somebody_else(hers: Subscription, free: Subscription, client: Client) -> None:
    made, other = digest(hers, 1), signed_in(reader("cy"))
    assert other.get("/me/digests/2024-05-27").status_code == 404
    assert "Monday" not in other.get("/me/digests").content.decode()
    # A good signature of one subscription over the digest of another.
    assert client.get(path(made, of=free)).status_code == 404
    assert client.get(path(made).replace(".", "!", 1)).status_code == 410
    vote = links.token(hers, "vote", digest=made.pk, now=now())
    assert client.get(f"/digest/archive/{vote}").status_code == 410


def test_links_end(free: Subscription, client: Client) -> None:
    made = digest(free, 1)
    assert client.get(path(made, now() - timedelta(days=181))).status_code == 410
    good = path(made)
    Subscription.objects.update(epoch=1)
    assert client.get(good).status_code == 410
    made.delete()
    free.refresh_from_db()
    assert client.get(path(Digest(pk=made.pk or 7, subscription=free))).status_code == 404


@pytest.mark.parametrize("day", ["2024-13-01", "x", "2024-W22", "0001-01-01", "%00", "٢٠٢٤-٠٥-٢٧"])
def test_nonsense_for_a_day_is_not_here(ada: Reader, hers: Subscription, day: str) -> None:
    assert signed_in(ada).get(f"/me/digests/{day}").status_code == 404


def test_the_pages_are_only_read(hers: Subscription, ada: Reader) -> None:
    made, browser = digest(hers, 1), signed_in(ada)
    for address in ("/me/digests", "/me/digests/2024-05-27", path(made)):
        assert browser.post(address).status_code == 405


def test_a_page_asks_as_little_for_many_papers_as_for_few(free: Subscription, client: Client) -> None:
    counts = []
    for back, numbers in enumerate(((1, 2), range(1, 14))):
        address = path(digest(free, *numbers, last=MONDAY - timedelta(days=back), also=7))
        with CaptureQueriesContext(connection) as asked:
            client.get(address)
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 12
