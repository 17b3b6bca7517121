import json
from io import BytesIO

import pytest

from broadsheet.lib.tests.quick import within
from broadsheet.record.paper import PaperData
from broadsheet.sources import bibtex, csl_json, ris
from broadsheet.sources.marks import Marks, Note, marks_of
from broadsheet.sources.note_text import plain_note

BIB = r"""@misc{one, title={On bees}, keywords={wax, {Long Context}; cs.LG}, annote={Ask \emph{Bo}: 50\% of
wax\_work is \$5.}}
@misc{two, title={On honey}}
@misc{three, title={Broken, keywords={x}
"""
RIS = "TY  - JOUR\nTI  - On bees\nKW  - wax\nKW  - hive; cs.LG\nN1  - <p>Read&nbsp;<b>this</b>.</p>\nER  - \n"
CSL = [
    {
        "type": "article",
        "title": "On bees",
        "keyword": "wax, hive",
        "note": "arXiv:2611.1 [cs]\nDOI: 10.1/x\nMine.",
    },
    {"type": "article", "title": "On honey", "keyword": 3, "note": ["x"]},
    "nonsense",
]


ASKED = r"Ask \emph{Bo}: 50% of" + "\nwax_work is $5."


def test_the_html_that_some_programs_write_into_bibtex_is_read() -> None:
    text = r"@misc{a, title={T}, "
    text += r"annote={{\textless}p{\textgreater}Read \textless b\textgreater this{\textless}/p{\textgreater}}}"
    assert list(marks_of(BytesIO(text.encode()), "bibtex").values()) == [Marks(notes=(Note("Read this"),))]


@pytest.mark.parametrize(
    ("form", "read", "text", "wanted"),
    [
        (
            "bibtex",
            bibtex.read,
            BIB,
            Marks(("wax", "Long Context"), (Note(ASKED),)),
        ),
        ("ris", ris.read, RIS, Marks(("wax", "hive"), (Note("Read this."),))),
        ("csl-json", csl_json.read, json.dumps(CSL), Marks(("wax", "hive"), (Note("Mine."),))),
    ],
)
def test_keywords_and_notes_are_found_by_the_hash_of_their_paper(
    form: str, read: object, text: str, wanted: Marks
) -> None:
    papers = [item for item in read(BytesIO(text.encode()), "x") if isinstance(item, PaperData)]  # type: ignore[operator]
    found = marks_of(BytesIO(text.encode()), form)
    assert found == {papers[0].raw_hash: wanted}


@pytest.mark.parametrize("form", ["bibtex", "ris", "csl-json", "arxiv-jsonl"])
@pytest.mark.parametrize("data", [b"", b"\xff\x00", b"[" * 5000, b"{}", b"@misc{", b"TY  - \xff"])
def test_what_cannot_be_read_has_no_marks(form: str, data: bytes) -> None:
    assert marks_of(BytesIO(data), form) == {}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("plain\r\n\r\n\r\n\r\ntext  here ", "plain\n\ntext here"),
        ("a < b and c > d", "a < b and c > d"),
        ("<div><h1>Head</h1><p>One<br/>two</p><ul><li>x</li><li>y</li></ul></div>", "Head\n\nOne\ntwo\n\n- x\n- y"),
        ('<p>see <a href="https://there.example/a?b&amp;c">this</a></p>', "see this (https://there.example/a?b&c)"),
        ('<p><a href="https://x.example/">https://x.example/</a></p>', "https://x.example/"),
        ('<p><a href="javascript:alert(1)">no</a></p>', "no"),
        ("<p>a<script>alert('<p>')</script>b<style>p{}</style></p>", "ab"),
        ("<p>a<!-- b <p> --> c &lt;b&gt;</p>", "a c <b>"),
        ("<p>a<script>never closed", "a"),
        ("<p>\u202eturned\x00 \ud800half</p>", "turned half"),
        ("", ""),
    ],
)
def test_notes_become_plain_text(written: str, read: str) -> None:
    assert plain_note(written) == read


@pytest.mark.parametrize("part", ["<p>", "<!--", "<script>", "<a href='http", "<", "<p", "&", "<li", "\n"])
def test_no_note_takes_long(part: str) -> None:
    with within(3):
        plain_note("<p>" + part * 100_000)
