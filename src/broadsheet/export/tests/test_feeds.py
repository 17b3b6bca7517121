import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from urllib.parse import quote

import pytest
from pytest_django import Settings

from broadsheet.editions.edition import Entry
from broadsheet.editions.named import NamedList, named
from broadsheet.export import feeds
from broadsheet.export.feeds import FORMATS, Feed
from broadsheet.export.tests.valid import ATOM, DUBLIN_CORE, check_atom, check_json, check_rss, parsed
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Paper
from broadsheet.papers.tests.factory import NOON, paper
from broadsheet.record.identifiers import Identifier
from broadsheet.record.paper import Author, PaperData

pytestmark = pytest.mark.django_db
SITE = "https://papers.example"
NASTY = "a]]> \x00\x01\x0b\x1f\ufffe\U0001f600 <script>alert(1)</script> &amp; &nbsp; <![CDATA[ --> \x85 \u202e"


def take(*items: PaperData, now: datetime = NOON) -> None:
    ingest(items, now=now)


def feed(key: str = "category/cs.CL", *, following: str = "", whose: str = "") -> Feed:
    address = f"{SITE}/feeds/{quote(key)}.atom"
    return feeds.feed_of(named(key), address=address, following=following, whose=whose)


@pytest.fixture(autouse=True)
def public(settings: Settings) -> None:
    settle(settings, SITE)


def settle(settings: Settings, place: str) -> None:
    settings.CONFIG = replace(settings.CONFIG, values={**settings.CONFIG.values, "public_url": place})


def nasty() -> Feed:
    """A feed of a paper whose every text is hostile, also beyond what the record would have let in."""
    one = Paper(
        id=1, key="b0123456789ab", title=NASTY, abstract=NASTY + " $x<y$ $\\text{<img onerror=x>}$",
        authors=[{"name": NASTY}, {"name": " \x00"}, {"name": ""}, "no author"], categories="cs.CL <b>&",
        announced=date(2026, 11, 18), first_seen=NOON,
    )  # fmt: skip
    found = NamedList("search/" + "x", NASTY, "/search?q=x", (Entry(1, one),))
    return feeds.feed_of(found)


def test_atom_holds_all_of_a_paper() -> None:
    take(paper(1, title="On $L_2$ winds", abstract="Bounds of $O(n^2)$ for \\emph{winds}."))
    made = feed()
    root = check_atom(feeds.atom(made))
    entry = root.find(ATOM + "entry")
    assert entry is not None
    assert entry.findtext(ATOM + "title") == "On L₂ winds"
    assert entry.findtext(ATOM + "summary") == "Bounds of O(n²) for winds."
    content = entry.findtext(ATOM + "content") or ""
    assert "Bounds of O(n<sup>2</sup>) for <em>winds</em>." in content and "<math" not in content
    names = [author.findtext(ATOM + "name") for author in entry.findall(ATOM + "author")]
    assert names == ["Ada Example1", "Bo Sample"]
    assert [one.get("term") for one in entry.findall(ATOM + "category")] == ["cs.LG", "cs.CL"]
    links = {(one.get("rel"), one.get("type")): one.get("href") for one in entry.findall(ATOM + "link")}
    assert links["alternate", None] == f"{SITE}/papers/2611.00001"
    assert links["related", "application/pdf"] == "https://arxiv.org/pdf/2611.00001"
    assert entry.findtext(ATOM + "published") == "2026-11-18T00:00:00+00:00"


def test_rss_names_every_author() -> None:
    take(paper(1))
    channel = check_rss(feeds.rss(feed()))
    item = channel.find("item")
    assert item is not None
    assert [one.text for one in item.findall(DUBLIN_CORE + "creator")] == ["Ada Example1", "Bo Sample"]
    assert item.findtext("pubDate") == "Wed, 18 Nov 2026 00:00:00 +0000"
    assert "We study two suns" in (item.findtext("description") or "")
    own = [one.get("href") for one in channel.findall(ATOM + "link") if one.get("rel") == "self"]
    assert own == [f"{SITE}/feeds/category/cs.CL.atom"]


def test_a_json_feed_keeps_to_its_specification() -> None:
    take(paper(1), paper(3))
    made = json.loads(feeds.as_json(feed(following=f"{SITE}/feeds/next")))
    check_json(made)
    assert made["next_url"] == f"{SITE}/feeds/next"
    first = next(item for item in made["items"] if item["url"].endswith("00001"))
    assert first["authors"] == [{"name": "Ada Example1"}, {"name": "Bo Sample"}]
    assert first["external_url"] == "https://arxiv.org/abs/2611.00001"
    assert first["tags"] == ["cs.LG", "cs.CL"]
    assert first["content_text"].startswith("We study two suns")


@pytest.mark.parametrize("form", ["atom", "rss"])
def test_feedparser_reads_what_was_written(form: str) -> None:
    take(paper(1, abstract="Bounds of $O(n^2)$."), paper(3))
    made = feed()
    found = parsed(FORMATS[form].write(made), FORMATS[form].type)
    assert found.version == {"atom": "atom10", "rss": "rss20"}[form]
    assert [entry.id for entry in found.entries] == [item.id for item in made.items]
    first = next(entry for entry in found.entries if entry.link.endswith("00001"))
    assert first.published_parsed[:3] == (2026, 11, 18)
    # What the sanitiser of a reader's program leaves of the formula still is a power.
    html = first.content[0].value if form == "atom" else first.summary
    assert "O(n<sup>2</sup>)" in html
    assert {tag.term for tag in first.tags} == {"cs.LG", "cs.CL"}
    if form == "atom":
        assert [author.name for author in first.authors] == ["Ada Example1", "Bo Sample"]


@pytest.mark.parametrize("form", list(FORMATS))
def test_hostile_texts_break_no_feed(form: str) -> None:
    written = FORMATS[form].write(nasty())
    if form == "json":
        made = json.loads(written)
        check_json(made)
        html, title = made["items"][0]["content_html"], made["items"][0]["title"]
    else:
        (check_atom if form == "atom" else check_rss)(written)
        entry = parsed(written, FORMATS[form].type).entries[0]
        html, title = entry.content[0].value if form == "atom" else entry.summary, entry.title
    assert "<script" not in html and "<img" not in html
    assert "\x00" not in title and "😀" in title


@pytest.mark.parametrize("form", list(FORMATS))
def test_an_empty_list_is_a_valid_feed_that_tells_no_moment_of_asking(form: str) -> None:
    made = feed("category/q-fin.TR")
    written = FORMATS[form].write(made)
    if form == "json":
        check_json(json.loads(written))
    else:
        (check_atom if form == "atom" else check_rss)(written)
        assert b"1991" in written
    assert FORMATS[form].write(feed("category/q-fin.TR")) == written


def test_the_same_papers_give_the_same_bytes_and_votes_change_nothing() -> None:
    take(paper(1))
    first = {form: (made.write(feed()), feed().mark(form)) for form, made in FORMATS.items()}
    Paper.objects.update(votes_here=7, comments_here=3)
    assert {form: (made.write(feed()), feed().mark(form)) for form, made in FORMATS.items()} == first


def test_the_mark_differs_by_format_and_by_what_is_in_the_feed() -> None:
    take(paper(1))
    before = feed()
    assert len({before.mark(form) for form in FORMATS}) == 3
    take(paper(1, abstract="Another text altogether.", version=2, versions=()))
    assert feed().mark("atom") != before.mark("atom")


def test_a_new_version_updates_a_paper_and_a_mere_date_does_not() -> None:
    take(paper(1))
    first = feed().items[0]
    assert first.updated == first.published == datetime(2026, 11, 18, tzinfo=UTC)
    take(paper(1, datestamp=date(2026, 11, 20)), now=NOON + timedelta(days=1))
    assert feed().items[0].updated == first.updated
    take(paper(1, abstract="Rewritten from its start.", version=2), now=NOON + timedelta(days=2))
    again = feed().items[0]
    assert (again.id, again.published) == (first.id, first.published)
    assert again.updated == NOON + timedelta(days=2)


def test_ids_stay_when_the_site_moves_and_are_those_of_the_paper(settings: Settings) -> None:
    take(paper(1))
    here = feed()
    settle(settings, "https://other.example")
    there = feed()
    assert there.items[0].url == "https://other.example/papers/2611.00001"
    assert here.items[0].id == there.items[0].id == feeds.paper_id("2611.00001")
    assert here.id == there.id != feed("category/cs.LG").id
    assert here.items[0].id.startswith("urn:uuid:")


def test_the_feeds_of_two_readers_are_two_feeds() -> None:
    take(paper(1))
    assert feed(whose="reader 1").id != feed(whose="reader 2").id


def test_a_paper_of_no_archive_and_no_day_has_an_entry_all_the_same() -> None:
    take(
        paper(1, identifiers=(Identifier("doi", "10.1000/x"),), announced=None, announced_by="", submitted=None,
              authors=(Author("Ada Example"),)),
    )  # fmt: skip
    found = NamedList("library", "Library", "/library", tuple(Entry(1, one) for one in Paper.objects.all()))
    made = feeds.feed_of(found)
    check_atom(feeds.atom(made))
    check_json(json.loads(feeds.as_json(made)))
    assert made.items[0].published == NOON
