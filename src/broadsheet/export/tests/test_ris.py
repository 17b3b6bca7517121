import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.export import ris
from broadsheet.export.tests.round_trip import again, doi_of, paper, recorded
from broadsheet.sources.ris import read

LINE = re.compile(r"[A-Z][A-Z0-9]  - .*")


def test_a_preprint_has_its_lines_in_the_form_of_the_format() -> None:
    assert ris.entry(paper(), "10.1000/1").split("\r\n") == [
        "TY  - UNPB",
        "TI  - The Räuber of 90% & more",
        "AU  - Müller, Zoë",
        "AU  - Lim, A. B.",
        "PY  - 2024",
        "DA  - 2024/05/24",
        "AB  - We measure the wind.",
        "DO  - 10.1000/1",
        "AN  - arXiv:2405.15738",
        "PB  - arXiv",
        "KW  - cs.CL",
        "KW  - cs.AI",
        "UR  - https://arxiv.org/abs/2405.15738",
        "ER  - ",
        "",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "TY  - JOUR\nTI  - Wind\nAU  - van den Berg, C. D., Jr\nAU  - The Wind Collaboration\nT2  - J. Things\nVL  - 3"
        "\nIS  - 2\nSP  - 10\nEP  - 20\nPY  - 2020\nDO  - 10.1000/x\nUR  - https://doi.org/10.1000/x\nER  - \n",
        "TY  - CONF\nT1  - Ветер\nA1  - 王小明\nA1  - Ёлкин, Пётр\nT2  - Proceedings of Wind\n"
        "Y1  - 2020/05/03/\nER  - \n",
        "TY  - GEN\nTI  - On $x < y$\nAU  - Ef, José de la\nAN  - arXiv:hep-th/9901001\nDA  - 1999/01/02\nER  - \n",
        "TY  - BOOK\nTI  - Winds\nAU  - Lim, A.\nPB  - Wind Press\nPY  - 1999\nER  - \n",
        "TY  - UNPB\nTI  - Winds\nPY  - 1999\nER  - \n",
    ],
)
def test_what_matters_is_kept(text: str) -> None:
    first = again(read, text)
    made = ris.entry(recorded(first), doi_of(first))
    second = again(read, made)
    for name in ("title", "authors", "identifiers", "journal_ref", "categories"):
        assert getattr(second, name) == getattr(first, name), name
    assert ris.entry(recorded(second), doi_of(second)) == made


TEXT = st.text(st.one_of(st.sampled_from("\r\n\u2028\x85 -,{}$\\TYER"), st.characters(codec="utf-8")), max_size=60)


@given(TEXT, TEXT, TEXT)
def test_no_text_becomes_a_line_of_its_own(title: str, name: str, abstract: str) -> None:
    made = ris.entry(paper(title=f"A {title}", authors=[{"name": f"B {name}"}], abstract=abstract))
    lines = made.split("\r\n")
    assert lines[0].startswith("TY  - ") and lines[-2:] == ["ER  - ", ""]
    assert all(LINE.fullmatch(line) for line in lines[:-1])
    assert sum(line.startswith(("TY", "ER")) for line in lines) == 2
    assert len(re.split(r"[\n\x0b\x0c\x85\u2028\u2029]", made)) == len(lines)
    assert again(read, made.replace("\x00", "")).identifiers


def test_records_follow_each_other() -> None:
    assert ris.entries([paper(), paper()], {}).count("ER  - \r\n") == 2
