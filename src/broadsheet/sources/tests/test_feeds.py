from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from broadsheet.lib.http import Http, Response
from broadsheet.record.identifiers import Identifier
from broadsheet.record.paper import Author, PaperData, Rejected
from broadsheet.sources.arxiv_feeds import ArxivFeeds, Feed, read_feed
from broadsheet.sources.batch import Batch, SourceError
from broadsheet.sources.tests.loopback import FakeTime, Loopback, fake_http, playing

FRIDAY = "Fri, 20 Nov 2026 00:00:00 -0500"
RSS = (
    "<?xml version='1.0' encoding='UTF-8'?>\n<rss xmlns:arxiv=\"http://arxiv.org/schemas/atom\" "
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:atom="http://www.w3.org/2005/Atom" version="2.0"><channel>'
    '<title>{title}</title><atom:link href="x"/><description>{about}</description><pubDate>{built}</pubDate>{items}'
    "</channel></rss>"
)
ATOM = (
    '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:arxiv="http://arxiv.org/schemas/atom" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/"><title>cs.AI updates</title>{items}</feed>'
)


def item(number: int = 1, kind: str = "new", version: int = 1, when: str = FRIDAY, month: str = "2611") -> str:
    name = f"{month}.{number:05}v{version}"
    return (
        f"<item><title>Bees {number}</title><link>https://arxiv.org/abs/{month}.{number:05}</link>"
        f"<description>arXiv:{name} Announce Type: {kind} \nAbstract: On\nbees.</description>"
        f'<guid isPermaLink="false">oai:arXiv.org:{name}</guid><category>cs.AI</category><category>cs.LG</category>'
        f"<pubDate>{when}</pubDate><arxiv:announce_type>{kind}</arxiv:announce_type>"
        "<dc:rights>http://licence.example/by</dc:rights><dc:creator>Ada Ant, Bo Bug, Cy Crab</dc:creator></item>"
    )


def rss(*items: str, title: str = "cs.AI updates on arXiv.org", about: str = "") -> str:
    return RSS.format(title=title, about=about, built=FRIDAY, items="".join(items))


def read(body: str | bytes, form: str = "rss", status: int = 200) -> Feed:
    raw = body.encode() if isinstance(body, str) else body
    return read_feed(Response(status, {}, raw, "http://rss.example/cs.AI"), form)


def days(feed: Feed) -> list[date | None]:
    return [item.announced for item in feed.items if isinstance(item, PaperData)]


@pytest.fixture
def server() -> Iterator[Loopback]:
    with playing() as loopback:
        yield loopback


@pytest.fixture
def clock() -> FakeTime:
    return FakeTime(datetime(2026, 11, 20, 12, tzinfo=UTC))


@pytest.fixture
def http(tmp_path: Path, clock: FakeTime) -> Http:
    return fake_http(tmp_path, clock)


def fetched(server: Loopback, http: Http, cursor: dict[str, str] | None = None) -> Batch:
    (batch,) = ArxivFeeds(("cs.AI",), base=server.base).fetch(http, cursor or {})
    return batch


def test_every_field_of_an_item_is_read() -> None:
    more = "<arxiv:DOI>10.1000/ab</arxiv:DOI><arxiv:journal_reference>J. Bees 1</arxiv:journal_reference></item>"

    feed = read(rss(item(version=2).replace("</item>", more)))

    (paper,) = feed.items
    assert isinstance(paper, PaperData)
    assert len(paper.raw_hash) == 64
    assert paper == PaperData(
        source="arxiv-feeds",
        title="Bees 1",
        abstract="On bees.",
        identifiers=(Identifier("arxiv", "2611.00001"), Identifier("doi", "10.1000/ab")),
        authors=(Author("Ada Ant"), Author("Bo Bug"), Author("Cy Crab")),
        categories=("cs.AI", "cs.LG"),
        announced=date(2026, 11, 20),
        announced_by="feed",
        version=2,
        journal_ref="J. Bees 1",
        licence="http://licence.example/by",
        raw_hash=paper.raw_hash,
    )


def test_the_atom_form_is_read_alike() -> None:
    entry = (
        "<entry><id>oai:arXiv.org:2611.00001v1</id><title>Bees</title><updated>2026-11-21T01:00:00Z</updated>"
        '<link href="https://arxiv.org/abs/2611.00001"/>'
        "<summary>arXiv:2611.00001v1 Announce Type: new\nAbstract: On bees."
        '</summary><category term="cs.AI"/><published>2026-11-20T00:00:00-05:00</published>'
        "<arxiv:announce_type>new</arxiv:announce_type><dc:creator>Ada Ant</dc:creator></entry>"
    )

    feed = read(ATOM.format(items=entry), "atom")

    (paper,) = feed.items
    assert isinstance(paper, PaperData)
    assert (paper.title, paper.abstract, paper.categories) == ("Bees", "On bees.", ("cs.AI",))
    assert (paper.announced, paper.announced_by, paper.version) == (date(2026, 11, 20), "feed", 1)
    assert paper.authors == (Author("Ada Ant"),)


def test_a_suffix_stays_with_its_name() -> None:
    (paper,) = read(rss(item().replace("Bo Bug, ", "Bo Bug, Jr., "))).items

    assert isinstance(paper, PaperData)
    assert len(paper.authors) == 3


def test_only_first_announcements_have_an_edition_day() -> None:
    friday = date(2026, 11, 20)
    feed = read(
        rss(
            item(5000),
            item(5001, "cross"),
            item(4000, "cross"),
            item(5002, "cross", version=2),
            item(5003, "cross", month="2610"),
            item(100, "replace", version=2),
            item(5004, "replace-cross"),
        )
    )

    assert days(feed) == [friday, friday, None, None, None, None, None]
    assert [item.announced_by for item in feed.items if isinstance(item, PaperData)][2:] == [""] * 5
    assert feed.day == friday


def test_a_feed_of_cross_lists_alone_goes_by_version_and_month() -> None:
    feed = read(rss(item(1, "cross"), item(2, "cross", month="2609"), item(3, "cross", version=3)))

    assert days(feed) == [date(2026, 11, 20), None, None]


def test_the_day_is_that_of_new_york() -> None:
    assert read(rss(item(when="Fri, 20 Nov 2026 04:59:00 GMT"))).day == date(2026, 11, 19)
    assert read(rss(item(when="Fri, 20 Nov 2026 05:00:00 GMT"))).day == date(2026, 11, 20)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (item(2, when="Fri, 31 Dec 9999 00:00:00 -0500"), "outside the years"),
        (item(2, when="soon"), "not a moment"),
        (item(2, when=""), "not a moment"),
        (item(2, month="26x1"), "not an arXiv identifier"),
        (item(2).replace("<title>Bees 2</title>", "<title> </title>"), "no title"),
        (item(2).replace("bees", "b\x00es"), "well-formed"),
    ],
)
def test_one_bad_item_is_set_aside(bad: str, reason: str) -> None:
    first, second = read(rss(item(1), bad)).items

    assert isinstance(first, PaperData)
    assert isinstance(second, Rejected)
    assert reason in second.reason


def test_invalid_utf8_is_set_aside() -> None:
    first, second = read(rss(item(1), item(2)).encode().replace(b"Bees 2", b"B\xff 2")).items

    assert isinstance(first, PaperData)
    assert isinstance(second, Rejected)


@pytest.mark.parametrize("body", ["", "<html/>", rss(item(1))[:-60], ATOM.format(items="")])
def test_what_is_no_rss_may_be_tried_again(body: str) -> None:
    with pytest.raises(SourceError) as caught:
        read(body)

    assert not caught.value.permanent


def test_an_error_feed_is_permanent(server: Loopback, http: Http) -> None:
    server.answer("/rss/cs.AI", rss(title="Feed error for query: cs.XX", about="Invalid archive"), status=400)

    with pytest.raises(SourceError, match=r"Feed error.*Invalid archive") as caught:
        fetched(server, http)

    assert caught.value.permanent
    assert len(server.asked) == 1


def test_a_feed_of_today_needs_no_note(server: Loopback, http: Http) -> None:
    server.answer("/rss/cs.AI", rss(item(1), item(2)))

    batch = fetched(server, http)

    assert (len(batch.items), batch.expected, batch.note) == (2, 2, "")
    assert batch.cursor["cs.AI:day"] == "2026-11-20"


def test_a_feed_that_still_shows_the_day_before_says_so(server: Loopback, http: Http) -> None:
    server.answer("/rss/cs.AI", rss(item(1, when="Thu, 19 Nov 2026 00:00:00 -0500")))

    assert fetched(server, http).note == "cs.AI: stale: shows the edition 2026-11-19, 2026-11-20 is due"


def test_on_saturday_the_feed_of_friday_is_not_stale(server: Loopback, http: Http, clock: FakeTime) -> None:
    clock.moment = datetime(2026, 11, 21, 12, tzinfo=UTC)
    server.answer("/rss/cs.AI", rss(item(1)))

    assert fetched(server, http).note == ""


@pytest.mark.parametrize("moment", [datetime(2026, 11, 21, 12, tzinfo=UTC), datetime(2026, 11, 27, 12, tzinfo=UTC)])
def test_an_empty_feed_is_right_on_weekends_and_holidays(
    moment: datetime, server: Loopback, http: Http, clock: FakeTime
) -> None:
    clock.moment = moment
    server.answer("/rss/cs.AI", rss())

    batch = fetched(server, http)

    assert (batch.items, batch.note) == ((), "cs.AI: no edition today (weekend or holiday)")


def test_an_empty_feed_on_a_working_day_is_noted(server: Loopback, http: Http) -> None:
    server.answer("/rss/cs.AI", rss())

    assert fetched(server, http).note == "cs.AI: empty, though the edition 2026-11-20 is due"


def test_an_unchanged_feed_is_not_sent_again(server: Loopback, http: Http, clock: FakeTime) -> None:
    server.answer("/rss/cs.AI", rss(item(1)), ETag='"1"', Last_Modified="Fri, 20 Nov 2026 05:00:00 GMT")
    server.answer("/rss/cs.AI", status=304)

    cursor = fetched(server, http).cursor
    second = fetched(server, http, cursor)
    clock.moment = datetime(2026, 11, 23, 12, tzinfo=UTC)
    third = fetched(server, http, second.cursor)

    assert server.asked[1].headers["If-None-Match"] == '"1"'
    assert (second.items, second.note) == ((), "cs.AI: unchanged")
    assert third.note == "cs.AI: unchanged, stale: shows the edition 2026-11-20, 2026-11-23 is due"
    assert third.cursor == cursor
