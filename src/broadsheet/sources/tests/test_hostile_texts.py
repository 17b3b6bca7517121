"""Texts made to keep a reader of files busy: each of these took minutes to years before it was bounded."""

from collections.abc import Callable
from io import BytesIO

import pytest

from broadsheet.lib.http import Response
from broadsheet.lib.tests.quick import within
from broadsheet.record.facts import facts
from broadsheet.record.identifiers import identify
from broadsheet.sources import bibtex, names, saved_page
from broadsheet.sources.batch import SourceError, next_page
from broadsheet.sources.xml import read_page

MANY = 100_000


def test_comments_that_no_page_follows_are_no_page() -> None:
    with within(3):
        assert not saved_page.is_html(b"<!---->" * 500 + b"x")
        with pytest.raises(SourceError, match="something else than RSS"):
            read_page(Response(200, {}, b"<!---->" * 500 + b"x", "http://feed.example/"), "rss", "item", "RSS")
    assert saved_page.is_html(b"<!-- saved --> <!-- from --> <html>")


@pytest.mark.parametrize(
    "read",
    [
        lambda: bibtex.unprotected(r"\(" * MANY),
        lambda: names.bibtex_authors("{" + " and x" * MANY),
        lambda: names.split_authors("(" * MANY + ")" * MANY),
        lambda: identify("https://www.biorxiv.org/content/10.1101/" + "v1." * MANY + "!"),
        lambda: facts("A title", "http://" * MANY),
    ],
)
def test_what_opens_again_and_again_and_never_ends_is_read_once(read: Callable[[], object]) -> None:
    with within(3):
        read()


def test_a_hundred_thousand_entries_on_one_line_are_read_once() -> None:
    with within(3):
        assert sum(1 for _ in bibtex.read(BytesIO(b"@a{b}" * MANY), "refs.bib")) == MANY


def test_entries_on_one_line_and_those_that_do_not_close_keep_their_bounds() -> None:
    text = "@misc{a, title={A}} @misc{b, title={B\n@misc{c, title={C}} @misc{d, title={D}}"
    found = [(entry.key, entry.fields.get("title"), bool(entry.wrong)) for entry in bibtex.entries(text)]
    assert found == [("a", "A", False), ("", None, True), ("c", "C", False), ("d", "D", False)]


def test_a_formula_ends_before_the_next_one_opens() -> None:
    assert bibtex.unprotected(r"{Big} \({x}\) and {small}") == r"Big \({x}\) and small"
    assert bibtex.unprotected(r"\( open \({x}\) {closed}") == r"\( open \({x}\) closed"


@pytest.mark.parametrize("link", ["<http://[>; rel=next", "<https://elsewhere.example/>; rel=next"])
def test_a_next_page_that_is_none_or_elsewhere_is_not_asked(link: str) -> None:
    with pytest.raises(SourceError, match="next page"):
        next_page(Response(200, {"link": link}, b"", "https://hub.example/1"), "https://hub.example")
