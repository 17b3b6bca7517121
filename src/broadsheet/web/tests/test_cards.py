"""Cards: what stands on them is safe, of this moment, and of nobody but the reader of the page."""

import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import NoReverseMatch, reverse, set_script_prefix

from broadsheet.community.tests.factory import reader
from broadsheet.papers import finding, store
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Paper
from broadsheet.readers.models import Reader
from broadsheet.record.paper import Author, Link
from broadsheet.web.addresses import address
from broadsheet.web.card_html import put
from broadsheet.web.tests.accounts import signed_in
from broadsheet.web.tests.conftest import NOW, made

pytestmark = pytest.mark.django_db
KEY = "2405.15001"
LISTS = ["/date/2024-05-27", "/trending", "/search?q=planets", "/category/cs.CL", f"/papers/{KEY}"]
EVIL = "<script>alert(1)</script>\"'&"

Page = Callable[[str], str]


def pressed(html: str) -> set[str]:
    """Give what a page shows as done by its reader."""
    return set(re.findall(r'formaction="(/(?:vote|save)/[^"]+)" name="on" value="0" aria-pressed="true"', html))


@pytest.mark.parametrize("path", LISTS)
def test_a_reader_never_sees_what_another_did(indexed: int, client: Client, path: str) -> None:
    ada, bo = signed_in(reader(1)), signed_in(reader(2))
    ada.post(f"/vote/{KEY}", {"on": "1"})
    bo.post(f"/save/{KEY}", {"on": "1"})
    for _again in range(2):
        told = [each.get(path).content.decode() for each in (ada, bo, client)]
        assert [pressed(html) for html in told] == [{f"/vote/{KEY}"}, {f"/save/{KEY}"}, set()]
    assert "form=" not in told[2] and "/login/?next=" not in told[0] + told[1]


@pytest.mark.parametrize("path", LISTS[:4])
def test_what_a_moderator_hides_is_gone_from_the_next_page(indexed: int, page: Page, path: str) -> None:
    assert f'id="paper-{KEY}"' in page(path)
    store.hide(Paper.objects.get(key=KEY).id, True)
    assert f'id="paper-{KEY}"' not in page(path)


@pytest.mark.parametrize("path", LISTS)
def test_a_vote_is_counted_on_the_next_page(indexed: int, client: Client, path: str) -> None:
    assert "▲</span> 99<" in client.get(path).content.decode()
    signed_in(reader(1)).post(f"/vote/{KEY}", {"on": "1"})
    assert "▲</span> 100<" in client.get(path).content.decode()


def test_nothing_of_a_source_or_of_the_address_is_markup(db: None, client: Client) -> None:
    told = {"title": f"Winds {EVIL}", "abstract": f"We measure {EVIL}.", "authors": (Author(EVIL),)}
    ingest([made(1, categories=(EVIL,), links=(Link("code", f"https://a.example/{EVIL}"),), **told)], now=NOW)
    finding.index()
    for path in ("/date/2024-05-27?why=1&" + EVIL, "/search?q=winds&mode=lexical", f"/papers/{KEY}"):
        for each in (client, signed_in(Reader.objects.first() or reader(1))):
            html = each.get(path).content.decode()
            assert KEY in html and "alert(1)" in html
            assert "<script>alert" not in html and "\"'&" not in html


def test_a_layout_escapes_what_is_no_html_yet() -> None:
    inner = put('<a title="{}">{more}</a>', EVIL, more=7)
    told = "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#x27;&amp;"
    assert put("<p>{}</p>", inner) == f'<p><a title="{told}">7</a></p>'


@pytest.mark.parametrize("name", ["paper", "vote", "save", "put-on-list", "category", "author", "tag", "reader"])
@pytest.mark.parametrize("prefix", ["/", "/papers0/"])
def test_addresses_are_those_of_the_router(name: str, prefix: str) -> None:
    set_script_prefix(prefix)
    try:
        for value in ("2405.15001", "cs.CL", "b0a1-c", "0", "..", "hep-th/9901001", "Ada Löwe", "a?b#c%20", "x\ny"):
            try:
                wanted = reverse(name, args=[value])
            except NoReverseMatch:
                wanted = reverse("search") + "?q="
            assert address(name, value).startswith(wanted)
            assert address(name, value) == wanted or wanted.endswith("?q=")
    finally:
        set_script_prefix("/")
