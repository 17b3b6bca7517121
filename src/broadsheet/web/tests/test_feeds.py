import json
import logging
from datetime import datetime, timedelta
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from broadsheet.community.tests.factory import reader
from broadsheet.export.feeds import FORMATS
from broadsheet.export.tests.valid import ATOM, check_atom, check_json, check_rss, parsed
from broadsheet.lib.clock import now
from broadsheet.lib.redacted import WithoutSecrets
from broadsheet.papers import store
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Paper
from broadsheet.readers import follows, library, tokens
from broadsheet.readers.models import Reader
from broadsheet.record.paper import Author
from broadsheet.web.tests.conftest import NOW, made

KEYS = ["edition", "edition/2024-05-27", "edition/2024-W22", "edition/2024-05", "trending", "category/cs.CL"]
KEYS += ["author/Ada Lum", "tag/imagenet", "search/planets"]


def address(key: str, form: str = "atom") -> str:
    return f"/feeds/{quote(key)}.{form}"


def check(written: bytes, form: str) -> int:
    """Hold a feed to the rules of its format and give the number of its papers."""
    if form == "json":
        found = json.loads(written)
        check_json(found)
        return len(found["items"])
    (check_atom if form == "atom" else check_rss)(written)
    return len(parsed(written, f"{FORMATS[form].type}; charset=utf-8").entries)


@pytest.fixture
def tagged(indexed: int) -> int:
    ingest([made(20, abstract="We measure planets on ImageNet.")], now=NOW)
    from broadsheet.papers import finding

    finding.index()
    return indexed + 1


@pytest.mark.parametrize("form", list(FORMATS))
@pytest.mark.parametrize("key", KEYS)
def test_every_list_has_a_valid_feed_in_every_format(tagged: int, client: Client, key: str, form: str) -> None:
    response = client.get(address(key, form))
    assert response.status_code == 200
    assert response.headers["Content-Type"] == f"{FORMATS[form].type}; charset=utf-8"
    wanted = {"tag/imagenet": 1, "category/cs.CL": 7}.get(key, tagged)
    assert check(response.content, form) == wanted
    assert response.headers["Cache-Control"] == "public, max-age=600"
    assert response.headers["Link"] == f'<http://testserver{address(key, form)}>; rel="self"'
    assert not response.cookies


@pytest.mark.parametrize("form", list(FORMATS))
@pytest.mark.parametrize("key", ["edition", "trending", "category/cs.DB", "search/anything"])
def test_a_list_without_papers_has_a_valid_feed(db: None, client: Client, key: str, form: str) -> None:
    assert check(client.get(address(key, form)).content, form) == 0


def test_a_search_is_asked_for_by_its_words_too(indexed: int, client: Client) -> None:
    by_words = client.get("/feeds/search.atom", {"q": "small planets"})
    assert by_words.content == client.get(address("search/small planets")).content
    assert check(by_words.content, "atom") == indexed


@pytest.mark.parametrize(("short", "form"), [("/feed", "atom"), ("/atom.xml", "atom"), ("/rss", "rss")])
def test_short_addresses_lead_to_the_newest_editions(edition: int, client: Client, short: str, form: str) -> None:
    assert client.get(short).headers["Location"] == f"/feeds/edition.{form}"


@pytest.mark.parametrize("form", list(FORMATS))
def test_nothing_new_is_not_sent_again(edition: int, client: Client, form: str) -> None:
    first = client.get(address("category/cs.CL", form))
    mark, since = first.headers["ETag"], first.headers["Last-Modified"]
    for headers in ({"If-None-Match": mark}, {"If-None-Match": f'W/{mark}, "x"'}, {"If-Modified-Since": since}):
        again = client.get(address("category/cs.CL", form), headers=headers)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["ETag"] == mark and "max-age" in again.headers["Cache-Control"]
    head = client.head(address("category/cs.CL", form))
    assert head.status_code == 200 and head.headers["ETag"] == mark and head.content == b""


def test_votes_are_no_news_and_papers_are(edition: int, client: Client) -> None:
    mark = client.get(address("category/cs.CL")).headers["ETag"]
    Paper.objects.update(comments_here=5)
    assert client.get(address("category/cs.CL"), headers={"If-None-Match": mark}).status_code == 304
    store.hide(Paper.objects.get(key="2405.15001").id, True)
    changed = client.get(address("category/cs.CL"), headers={"If-None-Match": mark})
    assert changed.status_code == 200 and b"2405.15001" not in changed.content


def test_a_feed_is_as_long_as_asked_for_and_goes_on(edition: int, client: Client) -> None:
    first = client.get(address("edition"), {"limit": "5"}).content
    assert check(first, "atom") == 5
    root = ElementTree.fromstring(first)
    links = {link.get("rel"): link.get("href") for link in root.findall(ATOM + "link")}
    assert links["self"] == "http://testserver/feeds/edition.atom?limit=5"
    seen, places = [], 0
    address_of_next: str | None = links["self"]
    while address_of_next:
        page = client.get(address_of_next.removeprefix("http://testserver")).content
        root, places = check_atom(page), places + 1
        seen += [entry.findtext(ATOM + "id") for entry in root.findall(ATOM + "entry")]
        address_of_next = next((x.get("href") for x in root.findall(ATOM + "link") if x.get("rel") == "next"), None)
    assert len(seen) == len(set(seen)) == edition and places == 3


def test_a_huge_list_is_cut(db: None, client: Client) -> None:
    ingest([made(number) for number in range(1, 131)], now=NOW)
    assert check(client.get(address("edition")).content, "atom") == 50
    assert check(client.get(address("edition", "rss"), {"limit": "100"}).content, "rss") == 100


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "limit=-1", "limit=all", "limit=", "limit=1e2", "page=0", "page=x", "page=999", "limit=٣"],
)
def test_nonsense_in_the_address_is_refused(edition: int, client: Client, query: str) -> None:
    assert client.get(f"{address('edition')}?{query}").status_code == 400


@pytest.mark.parametrize(
    "place",
    ["/feeds/nonsense.atom", "/feeds/category.atom", "/feeds/category/%C3%A7.rss", "/feeds/author/Nobody.json",
     "/feeds/tag/x.atom", "/feeds/search.atom", "/feeds/search.atom?q=", "/feeds/search/a%00b.atom", "/feeds/.atom",
     "/feeds/edition/2024-13.atom", "/feeds/organisation/x.atom", "/feeds/digest.atom", "/feeds/library.json",
     "/feeds/edition.xml", "/feeds/search.atom?q=" + "x" * 400, "/feeds/edition.atom/"],
)  # fmt: skip
def test_what_is_no_list_has_no_feed(edition: int, client: Client, place: str) -> None:
    assert client.get(place).status_code == 404


def test_a_feed_is_only_read(edition: int, client: Client) -> None:
    assert client.post(address("edition")).status_code == 405


def test_hostile_names_come_through_in_every_format(db: None, client: Client) -> None:
    name = 'Ada </author> & \N{RIGHT-TO-LEFT OVERRIDE} Lum/..? # % "x"'
    ingest([made(1, title="]]> &amp; <b>\x0bx", authors=(Author(name),))], now=NOW)
    for form in FORMATS:
        assert check(client.get(address("edition", form)).content, form) == 1
    found = client.get(address('author/Ada </author> & Lum/..? # % "x"'))
    assert found.status_code in (200, 404)


def test_a_feed_of_more_papers_needs_no_more_queries(db: None, client: Client) -> None:
    counts = []
    for first, last in ((1, 10), (11, 30)):
        ingest([made(number) for number in range(first, last)], now=NOW)
        with CaptureQueriesContext(connection) as asked:
            client.get(address("category/cs.CL"))
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 5


def test_a_hub_is_named_where_there_is_one(edition: int, client: Client, settings: Settings) -> None:
    values = {**settings.CONFIG.values, "websub_hub": "https://hub.example"}
    settings.CONFIG = type(settings.CONFIG)(settings.CONFIG.home, values)
    response = client.get(address("edition"))
    assert '<https://hub.example>; rel="hub"' in response.headers["Link"]
    root = check_atom(response.content)
    assert [x.get("href") for x in root.findall(ATOM + "link") if x.get("rel") == "hub"] == ["https://hub.example"]
    assert b'rel="hub"' in client.get(address("edition", "rss")).content
    told = json.loads(client.get(address("edition", "json")).content)
    check_json(told)
    assert told["hubs"] == [{"type": "WebSub", "url": "https://hub.example"}]
    # Of the many other lists no hub is told.
    for place in ("/feeds/author/Ada%20Lum.atom", "/feeds/edition.atom?limit=5", "/feeds/category/q-fin.TR.json"):
        assert b"hub.example" not in client.get(place).content


@pytest.fixture
def ada(edition: int) -> Reader:
    who = reader(1)
    follows.follow(who, "category/cs.CL", now=now())
    library.save(who, Paper.objects.get(key="2405.15002"), now=now())
    return who


def secret_of(who: Reader, *scopes: str, days: int | None = None, at: datetime | None = None) -> str:
    return tokens.make(who, "Feeds", scopes or ("feed",), days=days, now=at or now())[1]


@pytest.mark.parametrize("form", list(FORMATS))
@pytest.mark.parametrize(("key", "papers"), [("digest", 7), ("library", 1)])
def test_a_secret_address_opens_a_readers_own_feeds(
    ada: Reader, client: Client, key: str, papers: int, form: str
) -> None:
    secret = secret_of(ada)
    response = client.get(f"/feeds/own/{secret}/{key}.{form}")
    assert response.status_code == 200 and check(response.content, form) == papers
    assert response.headers["Cache-Control"] == "private, max-age=600"
    assert response.headers["X-Robots-Tag"] == "noindex"
    assert secret not in response.content.decode() + str(response.headers)
    mark = response.headers["ETag"]
    again = client.get(f"/feeds/own/{secret}/{key}.{form}", headers={"If-None-Match": mark})
    assert again.status_code == 304 and "private" in again.headers["Cache-Control"]


def test_a_wrong_expired_or_revoked_secret_opens_nothing(ada: Reader, client: Client) -> None:
    over = secret_of(ada, days=1, at=now() - timedelta(days=2))
    other, ended = secret_of(ada, "read", "write"), secret_of(ada)
    tokens.revoke(ada, tokens.of(ada)[0].pk)
    good = secret_of(ada)
    wrong = [f"{secret}/digest.atom" for secret in (over, other, ended, "bs_" + "x" * 43, "x", "%00", "bs_é")]
    wrong += [f"{good}/edition.atom", f"{good}/digest.pdf", f"{good}/", f"{good}", f"{good}/a/digest.atom", "a" * 5000]
    for place in wrong:
        response = client.get(f"/feeds/own/{place}")
        assert response.status_code == 404, place
        assert good not in response.content.decode()
    ada.state = "suspended"
    ada.save()
    assert client.get(f"/feeds/own/{good}/digest.atom").status_code == 404
    assert client.post(f"/feeds/own/{good}/digest.atom").status_code == 405


def test_no_secret_is_logged(ada: Reader, client: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.handler.addFilter(WithoutSecrets())
    secret = secret_of(ada)
    with caplog.at_level(logging.DEBUG):
        client.get(f"/feeds/own/{secret}/digest.pdf")
        client.post(f"/feeds/own/{secret}/digest.atom")
        client.get(f"/nowhere/{secret}")
    assert "Not Found: /feeds/own/bs_…" in caplog.text and secret[3:] not in caplog.text


def test_the_page_of_feeds_lists_them_and_every_one_is_there(edition: int, client: Client) -> None:
    html = client.get("/feeds").content.decode()
    found = {part.split('"')[0] for part in html.split('href="/feeds/')[1:]}
    assert {"edition.atom", "edition.rss", "trending.json", "category/cs.CL.atom"} <= found
    assert all(client.get(f"/feeds/{place}").status_code == 200 for place in found)


def test_the_outline_names_the_feeds_of_the_site(edition: int, client: Client) -> None:
    response = client.get("/feeds.opml")
    assert response.headers["Content-Type"] == "text/x-opml; charset=utf-8"
    root = ElementTree.fromstring(response.content)
    places = [line.get("xmlUrl", "") for line in root.iter("outline") if line.get("type") == "rss"]
    assert "http://testserver/feeds/category/cs.CL.atom" in places
    assert all(client.get(place.removeprefix("http://testserver")).status_code == 200 for place in places)


def test_a_readers_outline_names_what_they_follow(ada: Reader, client: Client) -> None:
    assert client.get("/follows.opml").status_code == 303
    follows.follow(ada, "author/Ada Lum", now=now())
    follows.follow(ada, "organisation/gone", now=now())
    client.force_login(ada)
    response = client.get("/follows.opml")
    assert "private" in response.headers["Cache-Control"]
    lines = list(ElementTree.fromstring(response.content).iter("outline"))
    assert [line.get("text") for line in lines] == ["Ada Lum", "Computation and Language"]
    assert lines[0].get("xmlUrl") == "http://testserver/feeds/author/Ada%20Lum.atom"


@pytest.mark.parametrize(
    ("place", "key"),
    [
        ("/", "edition"),
        ("/date/2024-05-27", "edition"),
        ("/week/2024-W22", "edition"),
        ("/trending", "trending"),
        ("/search?q=small+planets&cat=cs.CL&code=1", "search/small planets cat:cs.CL has:code"),
        ("/category/cs.CL", "category/cs.CL"),
        ("/author/Ada Lum", "author/Ada Lum"),
        ("/feeds", "edition"),
    ],
)
def test_pages_name_their_feeds_in_the_head_and_to_the_eye(indexed: int, client: Client, place: str, key: str) -> None:
    html = client.get(place).content.decode()
    for form, known in FORMATS.items():
        found = address(key, form).replace("%3A", ":")
        assert f'<link rel="alternate" type="{known.type}"' in html
        assert html.count(f'href="{found}"') >= 2, found
        assert client.get(found).status_code == 200
