import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.export import bibtex
from broadsheet.export.identifiers import Names
from broadsheet.export.tests.round_trip import again, doi_of, paper, recorded
from broadsheet.lib.text import title_key
from broadsheet.record.paper import PaperData
from broadsheet.sources.bibtex import read

# One reference in each dialect that people bring.
DIALECTS = {
    "arXiv's own": """@misc{byron2024wind, title={The {Wind} of $\\mathbb{R}^{n}$},
        author={Ada Byron and B. C. Dee}, year={2024}, eprint={2405.12345}, archivePrefix={arXiv},
        primaryClass={cs.LG}, url={https://arxiv.org/abs/2405.12345}}""",
    "DBLP": """@article{DBLP:journals/corr/abs-2405-12345, author = {Ada Byron and Jos{\\'{e}} de la Ef},
        title = {The Wind: {A} Study}, journal = {CoRR}, volume = {abs/2405.12345}, year = {2024},
        eprinttype = {arXiv}, eprint = {2405.12345}}""",
    "INSPIRE": """@article{Byron:2007, author = "Byron, Ada and others", collaboration = "WIND",
        title = "{Search for $W' \\to \\ell\\nu$}", eprint = "hep-ex/0701001", archivePrefix = "arXiv",
        doi = "10.1103/PhysRevD.76.013009", journal = "Phys. Rev. D", volume = "76", number = "1",
        pages = "013009", year = "2007"}""",
    "ADS": """@ARTICLE{2007ApJ...1B, author = {{Byron}, Ada and {van den Berg}, C.~D. and {Dee}, Jr., B.},
        title = "{Winds \\& storms}", journal = {\\apj}, year = 2007, month = jan, volume = {650}, pages = {L12-L15},
        doi = {10.1086/123456}}""",
    "Zotero": """@inproceedings{byron_wind_2020, title = {Wind in {Small} {Towns}},
        booktitle = {Proceedings of the {Wind} Conference}, author = {Byron, Ada and {The Big Group and Co}},
        month = may, year = {2020}, pages = {10--20}, doi = {10.1000/a\\_b}}""",
    "biblatex": """@online{b, author = {family=Berg, given=Ada, prefix=van and Lim, A.},
        title = {Wind}, subtitle = {A Tale},
        date = {2024-05-20}, eprint = {2405.12345}, eprinttype = {arxiv}, eprintclass = {cs.LG}}""",
    "Mendeley": """@article{Byron2024, arxivId = {2405.12345}, author = {Byron, Ada and G{\\"{o}}del, K.},
        title = {{The Wind}}, url = {http://arxiv.org/abs/2405.12345}, year = {2024}}""",
    "a book": """@book{b, author = {Пётр Ёлкин and 王小明}, title = {Ветер}, publisher = {Wind Press}, year = 1999}""",
}


def kept(data: PaperData) -> tuple[object, ...]:
    """What matters of a reference."""
    names = [author.name for author in data.authors]
    return title_key(data.title), names, data.journal_ref, data.identifiers, data.categories


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_matters_is_kept_in_every_dialect(dialect: str) -> None:
    first = again(read, DIALECTS[dialect])
    made = bibtex.entry(recorded(first), doi_of(first))
    second = again(read, made)
    assert kept(second) == kept(first)
    assert second.title == first.title
    # From then on nothing moves, the entry's key least of all.
    assert bibtex.entry(recorded(second), doi_of(second)) == made
    assert is_sound(made)


def test_an_arxiv_paper_becomes_a_misc_entry() -> None:
    assert bibtex.entry(paper()) == (
        "@misc{muller2024rauber,\n"
        "  title = {{The Räuber of 90\\% \\& more}},\n"
        "  author = {Zoë Müller and A. B. Lim},\n"
        "  year = {2024},\n"
        "  eprint = {2405.15738},\n"
        "  archivePrefix = {arXiv},\n"
        "  primaryClass = {cs.CL},\n"
        "  url = {https://arxiv.org/abs/2405.15738}\n}\n"
    )


def test_a_published_paper_becomes_an_article_with_its_doi() -> None:
    made = bibtex.entry(paper(journal_ref="J. Wind 3(2), 10-20 (2025)"), doi="10.1000/1")
    assert made.startswith("@article{muller2025rauber,") and "doi = {10.1000/1}" in made
    assert "  journal = {J. Wind},\n  volume = {3},\n  number = {2},\n  pages = {10--20},\n  year = {2025},\n" in made


def test_a_talk_becomes_a_part_of_its_proceedings() -> None:
    made = bibtex.entry(paper(journal_ref="Proceedings of Wind 2025"))
    assert (
        made.startswith("@inproceedings{") and "booktitle = {Proceedings of Wind}" in made and "year = {2025}" in made
    )


def test_a_year_that_cannot_be_of_the_paper_is_not_taken_for_one() -> None:
    assert "year = {2024}" in bibtex.entry(paper(journal_ref="J. Wind, of the storm of (1999)"))


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("B. C. Dee Jr", "Dee, Jr, B. C."),
        ("Ludwig van der Berg III", "van der Berg, III, Ludwig"),
        ("The WIND Collaboration", "{The WIND Collaboration}"),
        ("Barnes and Noble", "{Barnes and Noble}"),
        ("Dee, Ada", "{Dee, Ada}"),
        ("others", "{others}"),
        ("José de la Ef", "José de la Ef"),
        ("王小明", "王小明"),
        ("A_B & Co. C", "{A\\_B \\& Co. C}"),
    ],
)
def test_names_that_bibtex_would_take_apart_wrongly_are_held_together(name: str, written: str) -> None:
    made = bibtex.entry(paper(authors=[{"name": name}, {"name": "A. Lim"}]))
    assert f"  author = {{{written} and A. Lim}},\n" in made
    assert again(read, made).authors[0].name == name


@pytest.mark.parametrize(
    ("title", "written"),
    [
        ("A {broken title", "A broken title"),
        ("}{", ""),
        (r"Sets $\{a, b\}$", r"Sets $\{a, b\}$"),
        (r"Half open $[0, a\}$", r"Half open $[0, a\rbrace $"),
        ("It costs $5 to $10", r"It costs \$5 to \$10"),
        ("under_score and $x_i$", r"under\_score and $x_i$"),
        (r"already \& done \_", r"already \& done \_"),
        ("ends in \\", "ends in "),
        ("@misc{x, title={y}}", "@misc{x, title={y}}"),
        ("#1 at 50%", r"\#1 at 50\%"),
    ],
)
def test_titles_are_escaped_outside_formulas_and_never_break_the_entry(title: str, written: str) -> None:
    made = bibtex.entry(paper(title=title))
    assert not written or f"  title = {{{{{written}}}}},\n" in made
    assert is_sound(made)


def test_a_paper_without_authors_or_date_still_has_an_entry() -> None:
    made = bibtex.entry(paper(key="b0123456789ab", authors=[], submitted=None, categories="", title="?"))
    assert made.startswith("@misc{anon,")


def test_a_paper_with_nothing_but_an_address_keeps_it() -> None:
    made = bibtex.entry(paper(key="b0123456789ab", categories=""), url="https://example.org/a{b}")
    assert "url = {https://example.org/a%7Bb%7D}" in made
    assert "url = {https://doi.org/10.1000/x}" in bibtex.entry(paper(key="b0123456789ab"), doi="10.1000/x")


def test_papers_of_one_list_have_keys_of_their_own_whatever_its_order() -> None:
    papers = [paper(id=number, key=f"2405.{number:05}") for number in (2, 1, 3)]
    made = bibtex.entries(papers, {1: Names(doi="10.1000/1")})
    keys = ["muller2024rauber-2405.00002", "muller2024rauber", "muller2024rauber-2405.00003"]
    assert re.findall(r"@misc\{(.*),", made) == keys
    assert re.findall(r"@misc\{(.*),", bibtex.entries(papers[::-1], {})) == keys[::-1]
    assert made.count("doi = ") == 1


# Whatever keyboards give, and what TeX and BibTeX take for their own.
NAMES = st.text(st.sampled_from("abcdeéßøłŽ王И'-. ,{}\\&%#_$\"=@and"), min_size=1, max_size=30)
TITLES = st.text(st.one_of(st.sampled_from('{}\\$%&#_@"=,^~ ab\n'), st.characters(codec="utf-8")), max_size=60)


@given(st.lists(NAMES, max_size=4), TITLES)
def test_no_name_and_no_title_breaks_an_entry(names: list[str], title: str) -> None:
    made = bibtex.entry(paper(authors=[{"name": name} for name in names], title=f"A {title}"))
    assert is_sound(made), made
    assert again(read, made.replace("\x00", "")).identifiers


WORD = st.text(st.characters(categories=("Lu", "Ll", "Lo"), codec="utf-8"), min_size=1, max_size=8)


@given(st.lists(st.lists(WORD, min_size=1, max_size=4).map(" ".join), min_size=1, max_size=4))
def test_names_of_any_script_come_back(names: list[str]) -> None:
    made = bibtex.entry(paper(authors=[{"name": name} for name in names]))
    assert [author.name for author in again(read, made).authors] == names


def is_sound(entry: str) -> bool:
    """An independent look at an entry: braces balance as BibTeX counts them, and nothing bare is left for TeX."""
    depth = 0
    for char in entry:
        depth += (char == "{") - (char == "}")
        if depth < 0:
            return False
    fields = [line for line in entry.split("\n") if not line.lstrip().startswith(("url =", "doi ="))]
    outside = re.sub(r"(?<!\\)\$.*?(?<!\\)\$|\\\(.*?\\\)|\\\[.*?\\\]", "", "\n".join(fields)).replace("\\\\", "")
    return depth == 0 and not re.search(r"(?<!\\)[%&#]", outside) and entry.startswith("@") and entry.endswith("}\n")
