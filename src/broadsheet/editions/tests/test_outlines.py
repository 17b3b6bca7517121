"""Outlines of feeds: what becomes a list, and what is refused."""

import pytest

from broadsheet.editions import outlines
from broadsheet.export.opml import Outline, opml
from broadsheet.lib.tests.quick import within
from broadsheet.readers.refused import Refused


@pytest.mark.parametrize(
    ("address", "keys"),
    [
        ("https://rss.arxiv.org/rss/cs.CL", ("category/cs.CL",)),
        ("http://export.arxiv.org/rss/math.CO", ("category/math.CO",)),
        ("https://rss.arxiv.org/atom/cs.CL+cs.LG", ("category/cs.CL", "category/cs.LG")),
        ("https://arxiv.org/rss/hep-th", ("category/hep-th",)),
        ("http://export.arxiv.org/api/query?search_query=cat:cs.CV", ("category/cs.CV",)),
        ("http://export.arxiv.org/api/query?search_query=cat:cs.CV+AND+all:radiance", ("search/cat:cs.CV radiance",)),
        ("http://export.arxiv.org/api/query?search_query=au:Del_Maestro", ('search/author:"Del Maestro"',)),
        ('http://export.arxiv.org/api/query?search_query=ti:"two suns"', ('search/"two suns"',)),
        ("http://export.arxiv.org/api/query?search_query=ti:a+OR+ti:b", ()),
        ("http://export.arxiv.org/api/query", ()),
        ("https://here.example/feeds/author/Ada%20Lovelace.atom", ("author/Ada Lovelace",)),
        ("https://here.example/papers/feeds/like/long%20context.rss", ("like/long context",)),
        ("https://here.example/feeds/search.atom?q=long+context", ("search/long context",)),
        ("https://here.example/feeds/edition.json", ("edition",)),
        ("https://here.example/feeds/own/bs_secret/digest.atom", ()),
        ("https://elsewhere.example/blog.xml", ()),
        ("https://[broken/feeds/edition.atom", ()),
        ("javascript:alert(1)", ()),
        ("", ()),
    ],
)
def test_feeds_are_known_by_their_addresses(address: str, keys: tuple[str, ...]) -> None:
    assert outlines.keys_of(address) == keys


def test_what_this_site_writes_it_reads() -> None:
    line = Outline(
        "Ada & <Co>", "https://here.example/feeds/category/cs.CL.atom", "https://here.example/category/cs.CL"
    )
    found = outlines.read(opml("Mine", [("Group", [line]), ("", [line])]))
    assert found == [outlines.Line("Ada & <Co>", line.feed, ("category/cs.CL",))]


def test_the_name_that_a_reader_gave_is_beside_the_title_that_the_feed_gives_itself() -> None:
    feed, page = "https://here.example/feeds/category/cs.CL.atom", "https://here.example/category/cs.CL"
    written = opml("Mine", [("", [Outline("Computation and Language", feed, page, "My <field>")])])
    assert b'text="My &lt;field&gt;" title="Computation and Language"' in written
    assert outlines.read(written)[0].name == "My <field>"
    alike = b'<opml><body><outline title="A" text="A" xmlUrl="x"/><outline text="B" xmlUrl="y"/></body></opml>'
    assert [(line.title, line.name) for line in outlines.read(alike)] == [("A", ""), ("B", "")]


BILLION = b"""<?xml version="1.0"?><!DOCTYPE opml [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>
<opml version="2.0"><body><outline xmlUrl="&b;"/></body></opml>"""
OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE opml [<!ENTITY a SYSTEM "file:///etc/hostname">]>
<opml><body><outline xmlUrl="https://x.example/" text="&a;"/></body></opml>"""


MANY = b"".join(b'<outline xmlUrl="https://x.example/%d"/>' % number for number in range(outlines.MOST + 1))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"nothing",
        b"<opml>",
        b"<html/>",
        b"\x00\xff\xfe",
        BILLION,
        OUTSIDE,
        b'<!DOCTYPE opml SYSTEM "https://x.example/opml.dtd"><opml/>',
        b'<?xml version="1.0" encoding="klingon"?><opml/>',
        b"<opml>" + b" " * outlines.LONGEST + b"</opml>",
        b"<opml>" + MANY + b"</opml>",
    ],
)
def test_what_is_hostile_or_no_outline_is_refused(data: bytes) -> None:
    with pytest.raises(Refused):
        outlines.read(data)


def test_deep_nesting_is_read_like_any_other() -> None:
    deep = 60_000
    data = (
        b"<opml>" + b"<outline>" * deep + b'<outline xmlUrl="https://rss.arxiv.org/rss/cs.CL"/>' + b"</outline>" * deep
    )
    try:
        found = outlines.read(data + b"</opml>")
    except Refused:
        return
    assert [line.keys for line in found] == [("category/cs.CL",)]


def test_an_address_of_nothing_but_blanks_costs_next_to_nothing() -> None:
    # Looked at from every blank, they take minutes.
    with within(3):
        assert outlines.keys_of("https://export.arxiv.org/api/query?search_query=ti:wind" + "+" * 200_000 + "x") == ()
    assert outlines.keys_of("https://export.arxiv.org/api/query?search_query=ti:wind++AND+%20au:lum") == (
        "search/wind author:lum",
    )
