from datetime import UTC, date, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from broadsheet.editions import lists
from broadsheet.editions.edition import Edition
from broadsheet.editions.named import named
from broadsheet.export import markdown
from broadsheet.export.tests.round_trip import paper
from broadsheet.papers.finding import Found, FoundPaper
from broadsheet.papers.ingest import ingest
from broadsheet.record.identifiers import arxiv_id
from broadsheet.record.paper import Author, PaperData

# An independent reader of what is written here; the site's own comments are read with other settings.
READER = MarkdownIt("commonmark")
HOSTILE = (
    "[here](https://evil.example)",
    "<script>alert(1)</script>",
    "<https://evil.example>",
    "![x](https://evil.example/p.png)",
    "# not a heading",
    "> not a quote",
    "- not a list",
    "1. not a list",
    "2) nor this",
    "*not* _so_ **strong** `code` ~~gone~~",
    "$<img src=x onerror=alert(1)>$",
    "$]$(https://evil.example)",
    "$a$ [b][c] $d$",
    "&lt;b&gt; &#60;",
    "ends with #",
    "---",
    "    code",
    "a\n\n# b\u2028# c\r\n- d",
    "\\[x\\](y) \\",
    "a | b",
    "+ plus",
    "=====",
    "~~~",
)


def inlines(text: str) -> list[Token]:
    return [child for token in READER.parse(text) for child in token.children or []]


def test_a_paper_has_the_parts_that_programs_expect() -> None:
    made = markdown.paper(
        paper(
            title="Wind on *small* planets: $a*b*c$",
            announced=date(2024, 5, 27),
            links=[{"kind": "code", "url": "https://code.example/wind"}, {"kind": "code", "url": "javascript:x"}],
            facts={"links": [{"kind": "project", "url": "https://wind.example"}]},
            listing={"summary": "Small planets are windy."},
        )
    )
    assert made.split("\n\n") == [
        r"# Wind on \*small\* planets: $a*b*c$",
        "> The full text is not kept here; it is at <https://arxiv.org/abs/2405.15738>.",
        "- Authors: Zoë Müller, A. B. Lim\n- Published: 2024-05-24\n- arXiv: 2405.15738\n- Categories: cs.CL, cs.AI",
        "## Links",
        made.split("\n\n")[4],
        "## AI-generated summary",
        "> A machine wrote this summary, and it may be wrong; the abstract is the authors’ own.",
        "Small planets are windy.",
        "## Abstract",
        "We measure the wind.\n",
    ]
    links = made.split("\n\n")[4].split("\n")
    assert [line.split(":")[0] for line in links] == [
        "- Page",
        "- Abstract at arXiv",
        "- PDF at arXiv",
        "- Web version at arXiv",
        "- Edition",
        "- Code",
        "- Project page",
    ]
    assert links[0].endswith("/papers/2405.15738>") and links[4].endswith("/date/2024-05-27>")


def test_what_is_not_known_has_no_heading() -> None:
    made = markdown.paper(paper(key="b0123456789ab", authors=[], abstract="", submitted=None, categories=""))
    assert "Abstract" not in made and "AI-generated" not in made and "arXiv" not in made
    assert made.endswith(">\n") and not made.endswith("\n\n")


def test_a_withdrawn_paper_says_so() -> None:
    assert "> This paper was withdrawn." in markdown.paper(paper(withdrawn=True))


def test_tex_outside_formulas_is_read_and_formulas_stay() -> None:
    made = markdown.text(r"We \emph{show} 5\% of $\mathbb{R}_{*}^\dagger$ and \'etale {M}aps")
    assert made == r"We show 5% of $\mathbb{R}_{*}^\dagger$ and étale Maps"


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_source_says_stays_text_in_every_place(text: str) -> None:
    hostile = paper(title=text, abstract=text, authors=[{"name": text}], listing={"summary": text}, journal_ref=text)
    plain = paper(title="x", abstract="x", authors=[{"name": "x"}], listing={"summary": "x"}, journal_ref="x")
    assert shape(markdown.paper(hostile)) == shape(markdown.paper(plain))
    found = [Found("x", "page", 1, False, (FoundPaper(1, one, "words", 1.0),)) for one in (hostile, plain)]
    assert shape(markdown.hits(found[0])) == shape(markdown.hits(found[1]))


@given(st.text(st.sampled_from("ab \\*_[]()<>#`$&|~-+=1.!:/{}\n;\"'"), max_size=40))
def test_no_text_breaks_out(text: str) -> None:
    hostile, plain = (paper(title=f"a{one}", abstract=f"a{one}", authors=[{"name": f"a{one}"}]) for one in (text, ""))
    # Inside formulas nothing is escaped, so emphasis may be seen there by readers that know no formulas.
    if "$" not in text and "\\(" not in text and "\\[" not in text:
        assert shape(markdown.paper(hostile)) == shape(markdown.paper(plain))
    for made in (markdown.paper(hostile), markdown.hits(Found(text, "page", 0, False, ()))):
        assert not [one for one in READER.parse(made) if one.type == "html_block"]
        assert not [one for one in inlines(made) if one.type in ("html_inline", "image")]


@pytest.mark.parametrize("url", ["https://x.example/a b", "https://x.example/<b>", "https://x.example/`)\n# x"])
def test_an_address_stays_one_link(url: str) -> None:
    made = markdown.paper(paper(links=[{"kind": "code", "url": url}]))
    hrefs = [str(one.attrs["href"]) for one in inlines(made) if one.type == "link_open"]
    assert len(hrefs) == 6 and hrefs[-1].startswith("https://x.example/") and " " not in hrefs[-1]


def shape(text: str) -> list[object]:
    """What Markdown sees in a text, without the words: blocks, and links with their places in them."""
    seen: list[object] = []
    for token in READER.parse(text):
        seen.append((token.type, token.tag))
        links = [one for one in token.children or [] if one.type == "link_open"]
        seen += [one.attrs["href"] for one in links]
        seen += [one.type for one in token.children or [] if one.type in ("html_inline", "image", "code_inline")]
    return seen


def data(number: int) -> PaperData:
    return PaperData(
        source="arxiv-oai",
        title=f"Wind, part {number}",
        abstract="We measure $w_1$.",
        identifiers=(arxiv_id(f"2405.{number:05}").identifier,),
        authors=(Author("Ada Lum"), Author("Bo Brandt")),
        categories=("cs.CL",),
        submitted=datetime(2024, 5, 24, tzinfo=UTC),
        announced=date(2024, 5, 27),
        announced_by="feed",
        signals=(("upvotes", 50 - number),),
        raw_hash=f"{number:064}",
    )


@pytest.fixture
def edition(db: None) -> Edition:
    ingest([data(number) for number in range(1, 4)], now=datetime(2024, 5, 27, 12, tzinfo=UTC))
    return lists.day(date(2024, 5, 27))


def test_an_edition_is_a_list_with_everything_a_reader_wants(edition: Edition) -> None:
    made = markdown.edition(edition)
    first = made.split("\n\n")[3:6]
    assert made.startswith("# Edition 2024-05-27\n\n<") and made.split("\n\n")[2] == "3 papers."
    assert first[0].startswith("## 1. [Wind, part 1](http") and first[0].endswith("/papers/2405.00001)")
    assert first[1:] == ["Ada Lum, Bo Brandt · 49 votes · 2024-05-27 · cs.CL", "We measure $w_1$."]
    assert made.endswith("$.\n") and "reason" not in made


def test_reasons_are_given_where_they_are_asked_for(edition: Edition) -> None:
    assert markdown.edition(edition, reasons=lambda why: [f"has *{len(why)}* terms"]).count("- has \\*") == 3


def test_a_longer_edition_needs_no_more_queries(edition: Edition) -> None:
    with CaptureQueriesContext(connection) as captured:
        markdown.edition(edition)
    assert len(captured) == 1


def test_a_long_edition_says_that_it_was_cut(edition: Edition, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markdown, "MOST", 2)
    made = markdown.edition(edition)
    assert "The first 2 of 3 papers." in made and made.count("\n## ") == 2


def test_a_list_with_a_key_is_given_like_an_edition(edition: Edition) -> None:
    made = markdown.named(named("category/cs.CL"))
    assert made.startswith("# cs.CL\n\n<") and made.count("\n## ") == 3


def test_a_search_that_finds_nothing_says_so() -> None:
    assert markdown.hits(Found("wind", "page", 0, False, ())) == "# Search: wind\n\n0 papers.\n"
