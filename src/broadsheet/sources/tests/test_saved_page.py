import html
import json
import os
from datetime import UTC, date, datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest

from broadsheet.record.identifiers import Identifier
from broadsheet.record.paper import Author, Item, PaperData, Rejected
from broadsheet.sources.files import files_under, open_items
from broadsheet.sources.reading import BadFile
from broadsheet.sources.saved_page import read, text_page

LONG_BANNER = "Get trending papers in your email inbox once a day!"
BANNER = "Get trending papers in your email inbox!"
BYLINE = "byAK and the research community"
ABSTRACT = "An abstract of enough words to be one, told again and again until it is long. " * 3
PAPERS = (("A title: of a paper", ABSTRACT.strip()), ("SELF-things, 2nd", f"Other. {ABSTRACT.strip()}"))
BODY = [line for pair in PAPERS for line in pair]


def items(text: str | bytes) -> list[Item]:
    raw = text if isinstance(text, bytes) else text.encode()
    return list(read(BytesIO(raw), "page.txt", lambda: datetime(2026, 3, 1, tzinfo=UTC)))


@pytest.mark.parametrize(
    ("header", "listed"),
    [
        ([LONG_BANNER, BANNER, "Subscribe"], ""),
        (["new", BANNER, "Subscribe", "Daily Papers", BYLINE, "Sep 11"], "Sep 11"),
        (["new", BANNER, "Subscribe", BYLINE, "Mar 14"], "Mar 14"),
        (["Subscribe", "by Someone and the research community"], ""),
        (["December 1, 2024"], "December 1, 2024"),
        ([], ""),
    ],
)
@pytest.mark.parametrize("between", ["\n", "\n\n", "\r\n", "\r\n \r\n"])
def test_both_layouts_are_read_with_any_header(header: list[str], listed: str, between: str) -> None:
    found = text_page(between.join(header + BODY), "page.txt")
    assert (found.listed, found.papers) == (listed, PAPERS)


def test_a_button_glued_to_the_first_title_is_cut_off() -> None:
    glued = [LONG_BANNER, BANNER, "Subscribe" + BODY[0], *BODY[1:]]
    assert text_page("\n".join(glued) + "\n", "page.txt").papers == PAPERS


def test_a_title_that_begins_like_the_button_is_left_alone() -> None:
    for header in ([BANNER, "Subscribe"], []):
        lines = [*header, "Subscribers come and go", ABSTRACT]
        assert text_page("\n".join(lines), "page.txt").papers[0][0] == "Subscribers come and go"
    assert text_page("\n".join([BANNER, "Subscribe to ideas", ABSTRACT]), "p").papers[0][0] == "Subscribe to ideas"


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([BANNER, "Subscribe", *BODY, "A title alone"], "line 7: a title without its abstract"),
        ([BODY[0], BODY[2], BODY[1]], "line 2: an abstract of 16 characters"),
        ([BODY[0], BODY[1], "x" * 251, BODY[3]], "line 3: a title of 251 characters"),
        ([BODY[1], BODY[2]], "line 2: an abstract of 16 characters"),
        ([BANNER, "Subscribe"], "holds no papers"),
    ],
)
def test_a_page_that_does_not_alternate_is_refused_with_the_line(lines: list[str], says: str) -> None:
    with pytest.raises(BadFile, match=f"page.txt.*{says}"):
        items("\n".join(lines))


@pytest.mark.parametrize(("raw", "says"), [(b"A title\n\xff", "0xff at position 8"), (b"A title\n\x00", "NUL")])
def test_a_page_of_other_bytes_is_refused(raw: bytes, says: str) -> None:
    with pytest.raises(BadFile, match=says):
        items(raw)


def test_text_gives_a_title_an_abstract_and_the_hash_of_both_and_guesses_nothing() -> None:
    first, _ = items("\n".join(BODY))
    title, abstract = PAPERS[0]
    wanted = sha256(f"{title}\n{abstract}".encode()).hexdigest()
    assert first == PaperData(source="saved-page", title=title, abstract=abstract, raw_hash=wanted)


CARD = """
<article class="border"><a href="/papers/2405.12345"><img src="x.png"></a>
  <div>Submitted by <a href="/someone">someone</a></div>
  <label><input type="checkbox"><div class="leading-none">32</div></label>
  <h3 class="text"><a href="/papers/2405.12345" class="clamp">A &amp; B:
     a <b>title</b></a></h3>
  <p class="line-clamp-2">Words of <em>the</em> abstract.</p>
  <a href="/papers/2405.12345#community"><svg></svg> 3</a>
</article>
"""


def test_the_cards_of_a_web_page_give_what_they_show() -> None:
    other = CARD.replace("2405.12345", "2405.00002").replace("<p", "<i").replace("</p>", "</i>")
    bad = CARD.replace("2405.12345", "1501.0044")
    first, second, third = items(f"<!DOCTYPE html><html><body><h3>Papers</h3>{CARD}{other}{bad}</body></html>")

    assert isinstance(first, PaperData) and isinstance(second, PaperData) and isinstance(third, Rejected)
    assert (first.title, first.abstract) == ("A & B: a title", "Words of the abstract.")
    assert first.identifiers == (Identifier("arxiv", "2405.12345"),)
    assert first.signals == (("upvotes", 32), ("comments", 3))
    assert second.abstract == "" and "someone" not in repr(first)
    assert third.subject == "1501.0044" and third.raw


def test_the_data_a_page_carries_for_its_scripts_is_preferred_to_its_cards() -> None:
    told = {
        "id": "2405.12345",
        "title": "The whole title",
        "summary": "All of the words.",
        "authors": [{"name": "Ada Byron"}],
        "submittedOnDailyAt": "2024-05-28T00:00:00.000Z",
        "upvotes": 40,
    }
    props = html.escape(json.dumps({"date": "x", "dailyPapers": [{"paper": told, "numComments": 2}]}), quote=True)
    other = html.escape(json.dumps({"theme": "dark"}), quote=True)
    before = f'<div data-props="{other}"></div><div data-props="not json"></div>'
    (found,) = items(f'<html>{before}<div data-props="{props}">{CARD}</div></html>')

    assert isinstance(found, PaperData)
    assert (found.source, found.title, found.authors) == ("saved-page", "The whole title", (Author("Ada Byron"),))
    assert (found.announced, found.signals) == (date(2024, 5, 28), (("upvotes", 40), ("comments", 2)))
    assert found.raw_hash == sha256(b"The whole title\nAll of the words.").hexdigest()


@pytest.mark.parametrize(
    "text", ["<html><body>502 Bad Gateway", "<!doctype html><article><h3>None</h3></article>", "<div"]
)
def test_a_web_page_without_papers_is_refused(text: str) -> None:
    with pytest.raises(BadFile, match="without papers|holds no papers|title without"):
        items(text)


def test_unclosed_cards_and_deep_props_do_no_harm() -> None:
    deep = "[" * 50_000
    with pytest.raises(BadFile):
        items(f'<html><div data-props="{deep}"></div><article><article><h3><a href="/papers/2405.12345">')


@pytest.fixture(scope="module")
def pages() -> Path:
    beside = Path(__file__).resolve().parents[5] / "shared"
    folder = Path(os.environ.get("BROADSHEET_SHARED", beside)) / "data" / "pages"
    if not folder.is_dir():
        pytest.skip(f"the saved pages are not here: {folder}")
    return folder


def test_the_five_saved_pages_give_every_title_in_its_place(pages: Path) -> None:
    found = []
    for number, path in enumerate(files_under([pages])):
        form, papers = open_items(path)
        assert form == "saved-page"
        for rank, item in enumerate(papers, 1):
            assert isinstance(item, PaperData) and len(item.abstract) >= 599
            found.append({"page": number, "rank": rank, "title": item.title})
    wanted = [json.loads(line) for line in (pages / "titles.jsonl").read_text(encoding="utf-8").splitlines()]

    assert found == wanted
    assert [sum(1 for one in found if one["page"] == page) for page in range(5)] == [119, 76, 119, 117, 72]


def test_the_five_saved_pages_hold_457_papers_and_these_days(pages: Path) -> None:
    papers: set[tuple[str, str]] = set()
    listed = []
    for path in sorted(pages.glob("*.txt")):
        page = text_page(path.read_text(encoding="utf-8"), path.name)
        papers.update(page.papers)
        listed.append(page.listed)
    assert (len(papers), listed) == (457, ["", "Sep 11", "", "Mar 14", "Mar 21"])
