from datetime import UTC, datetime
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.record.paper import Author, Item, PaperData, Rejected
from broadsheet.sources import ris
from broadsheet.sources.bibtex import read


def items(text: str | bytes) -> list[Item]:
    raw = text if isinstance(text, bytes) else text.encode()
    return list(read(BytesIO(raw), "refs.bib", lambda: datetime(2026, 3, 1, tzinfo=UTC)))


def paper(text: str | bytes) -> PaperData:
    (item,) = items(text)
    assert isinstance(item, PaperData), item
    return item


def test_an_entry_gives_all_it_names() -> None:
    found = paper(r"""
        @Article{byron:24,
          title = {{BERT} and $\mathbb{R}^{n}$: on {K{\"a}hler} things},
          author = "Byron, Ada and Dee, Jr, B. C. and {The Big Collaboration and Co} and Jos\'{e} {de la} Ef and
            others",
          eprint = {2405.12345v2}, archivePrefix = {arXiv}, primaryClass = {cs.LG},
          doi = {10.1000/ABC}, url = {https://arxiv.org/abs/2405.12345},
          date = {2024-05-20}, journal = {J. Things}, volume = 3, year = 2024,
          abstract = {We prove
             it.},
        }""")

    assert found.title == r"BERT and $\mathbb{R}^{n}$: on Kähler things"
    assert [author.name for author in found.authors] == [
        "Ada Byron",
        "B. C. Dee Jr",
        "The Big Collaboration and Co",
        "José de la Ef",
    ]
    assert [str(name) for name in found.identifiers] == ["arxiv:2405.12345", "doi:10.1000/abc"]
    assert found.submitted == datetime(2024, 5, 20, 12, tzinfo=UTC)
    assert (found.abstract, found.journal_ref, found.categories) == ("We prove it.", "J. Things 3 (2024)", ("cs.LG",))
    assert (found.source, len(found.raw_hash)) == ("bibtex", 64)


def test_strings_are_joined_and_months_are_known() -> None:
    found = paper('@string{who = "Byron"} @misc(k, title = "On " # who # { and more}, year=2024, month = MAY, day = 3)')
    assert found.title == "On Byron and more"
    assert found.submitted == datetime(2024, 5, 3, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "fields",
    [
        "journal = {arXiv preprint arXiv:2405.12345}",
        "journal = {CoRR}, volume = {abs/2405.12345}",
        "note = {arXiv:2405.12345 [cs.LG]}",
        "howpublished = {arXiv.org/abs/2405.12345}",
        "eprint = {2405.12345}",
        r"url = {https://arxiv.org/pdf/2405.12345v3.pdf}",
        "doi = {10.48550/arXiv.2405.12345}",
    ],
)
def test_an_arxiv_id_is_found_wherever_people_leave_it(fields: str) -> None:
    found = paper(f"@misc{{k, title = {{A}}, {fields}}}")
    assert [str(name) for name in found.identifiers] == ["arxiv:2405.12345"]
    assert found.journal_ref == ""


def test_what_is_missing_stays_empty() -> None:
    found = paper("@unheardof{k, title = {A}, eprint = {x}, archivePrefix = {hal}, year = {in press}}")
    assert (found.identifiers, found.authors, found.submitted, found.abstract) == ((), (), None, "")


@pytest.mark.parametrize(
    ("author", "names"),
    [
        ("Byron, Ada and others", ["Ada Byron"]),
        ("{{NASA, Ames and co}} and A. Dee", ["NASA, Ames and co", "A. Dee"]),
        (r"{The Caf{\'e} Group, Paris}", ["The Café Group, Paris"]),
        (r"{\'E}. {\'E}lan and {\relax Ch}arles {\O}rsted", ["É. Élan", "Charles Ørsted"]),
        ("van den Berg, Jr., A. B. AND Ef, C.~D.", ["A. B. van den Berg Jr.", "C. D. Ef"]),
        ("{Barnes and Noble} and {Ernst \\& Co}", ["Barnes and Noble", "Ernst & Co"]),
        ("family=Berg, given=Ada, prefix=van and family={Ef Group}", ["Ada van Berg", "Ef Group"]),
        ("王小明 and 李, 明 and Пётр Ёлкин", ["王小明", "明 李", "Пётр Ёлкин"]),
        (
            'G{\\"o}del, Kurt and {\\L}ukasz \\.Zuk and {\\AA}ngstr\\"om, A.',
            ["Kurt Gödel", "Łukasz Żuk", "A. Ångström"],
        ),
        ("Dee {Smith, Jones}, Ada", ["Ada Dee Smith, Jones"]),
    ],
)
def test_names_are_read_as_people_write_them(author: str, names: list[str]) -> None:
    assert [one.name for one in paper(f"@misc{{k, title = {{A}}, author = {{{author}}}}}").authors] == names


@pytest.mark.parametrize(
    ("fields", "identifiers"),
    [
        ("eprint = {9901001}, primaryClass = {hep-th}", ["arxiv:hep-th/9901001"]),
        ("arxivId = {2405.12345}", ["arxiv:2405.12345"]),
        ("eprint = {arXiv:2405.12345v3}, eprinttype = {arXiv}, eprintclass = {cs.LG}", ["arxiv:2405.12345"]),
        (r"doi = {10.1000/a\_b}", ["doi:10.1000/a_b"]),
        (r"doi = {10.1000/a{\_}b}", ["doi:10.1000/a_b"]),
        (r"url = {https://doi.org/10.1000/a\%2Fb}", ["doi:10.1000/a/b"]),
        (r"url = {\url{https://example.org/a\_b\&c}}", ["url:https://example.org/a_b&c"]),
    ],
)
def test_identifiers_are_read_whatever_was_escaped(fields: str, identifiers: list[str]) -> None:
    assert [str(name) for name in paper(f"@misc{{k, title = {{A}}, {fields}}}").identifiers] == identifiers


@pytest.mark.parametrize(
    ("fields", "published"),
    [
        (
            "journal = {J. Things}, volume = 3, number = {2}, pages = {10--20}, year = 2020",
            "J. Things 3(2), 10-20 (2020)",
        ),
        (r"journal = {Astronomy \& Astrophysics}, year = 2020", "Astronomy & Astrophysics (2020)"),
        (r"journal = \apj, year = 2020", "The Astrophysical Journal (2020)"),
        (r"journal = {\prd}, pages = {013009}, year = 2020", "Physical Review D, 013009 (2020)"),
        ("journaltitle = {J. Things}, date = {2020-03}", "J. Things (2020)"),
        ("booktitle = {Proceedings of {Things}}, publisher = {P}", "Proceedings of Things"),
        ("publisher = {Wind Press}, year = 2011", "Wind Press (2011)"),
        ("school = {University of Wind}, year = {1999}", "University of Wind (1999)"),
        ("year = 2011", "2011"),
        ("year = 2024, eprint = {2405.12345}", ""),
    ],
)
def test_where_and_when_it_came_out_is_kept(fields: str, published: str) -> None:
    assert paper(f"@misc{{k, title = {{A}}, {fields}}}").journal_ref == published


def test_a_collaboration_in_a_field_of_its_own_is_an_author() -> None:
    found = paper('@article{k, title = {A}, author = "Byron, Ada and others", collaboration = "WIND"}')
    assert [author.name for author in found.authors] == ["Ada Byron", "WIND Collaboration"]
    twice = paper("@article{k, title = {A}, author = {{WIND Collaboration}}, collaboration = {WIND}}")
    assert [author.name for author in twice.authors] == ["WIND Collaboration"]


@pytest.mark.parametrize("month", ['"10~" # jan', 'jan # "~10"', "{January 10}", "{10 Jan.}"])
def test_a_day_in_the_field_of_the_month_is_read(month: str) -> None:
    assert paper(f"@misc{{k, title={{A}}, year=2024, month={month}}}").submitted == datetime(
        2024, 1, 10, 12, tzinfo=UTC
    )


def test_titles_keep_their_formulas_and_lose_what_only_tex_needs() -> None:
    found = paper(r"@misc{k, title = {{Ants} \& {B}ees: 5\% of $x_{i}\%$ and a\_b, \emph{so}}, subtitle = {A {T}ale}}")
    assert found.title == r"Ants & Bees: 5% of $x_{i}\%$ and a_b, \emph{so}: A Tale"


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ("@article{one, title = {never closed,\n  year = 2024,\n", "do not close"),
        ("@article{one, title = {a}, year = {2024}\n", "do not close"),
        ('@article{one, title = "never closed}\n', "does not end"),
        ("@article{one, year = 2024}\n", "without a title"),
        ("@article{one, title = {a}, year = 9999}\n", "cannot be right"),
        ("@article{one, title = {a}, date = {2024-02-31}}\n", "not a date"),
        ("@article{one, title = {a\x00b}}\n", "NUL"),
        ("@article{one, title = {a} year ! 2024}\n", "cannot be read from"),
    ],
)
def test_a_broken_entry_is_kept_aside_and_the_next_one_read(broken: str, says: str) -> None:
    first, second = items(f"{broken}@article{{two, title = {{Whole}}}}")
    assert isinstance(first, Rejected) and says in first.reason and first.raw.startswith(b"@article{one")
    assert isinstance(second, PaperData) and second.title == "Whole"


def test_equal_keys_and_repeated_fields_are_no_error() -> None:
    found = items("@misc{k, title={One}, title={Other}}\n@misc{k, title={Two}}")
    assert [item.title for item in found if isinstance(item, PaperData)] == ["One", "Two"]


def test_comments_preambles_and_words_between_are_passed_over() -> None:
    text = (
        "Words me@example.org. @comment{jabref: x}\n@preamble{ {\\newcommand{\\x}{y}} }\n% @not\n@misc{k, title={One}}"
    )
    assert [item.title for item in items(text) if isinstance(item, PaperData)] == ["One"]


def test_latin_1_files_are_read() -> None:
    assert paper("@misc{k, title={Über}, author={Müller, Jörg}}".encode("latin-1")).authors == (Author("Jörg Müller"),)


@given(st.text(alphabet='@{}"=#,\\ab12\n (', max_size=200))
def test_no_text_breaks_the_reading(text: str) -> None:
    for item in items(f"{text}\n@misc{{k, title={{One}}}}"):
        assert isinstance(item, PaperData | Rejected)


def test_a_million_open_braces_are_read_in_linear_time() -> None:
    assert all(isinstance(item, Rejected) for item in items("@a{" + "{" * 1_000_000))
    assert len(items("@a{x, title={" * 20_000)) <= 20_000


def test_formulas_are_left_as_they_are_written() -> None:
    found = paper(r"@misc{k, title = {{Caf{\'e}s of $x_{\ldots}$ and {\bf bold} \textbf{{B}}}}}")
    assert found.title == r"Cafés of $x_{\ldots}$ and {\bf bold} \textbf{B}"


def test_strings_that_name_one_another_do_not_fill_the_memory() -> None:
    names = "abcdefghijklmn"
    bomb = '@string{a = "0123456789"}\n' + "\n".join(
        f"@string{{{name} = {' # '.join([before] * 10)}}}" for before, name in zip(names, names[1:], strict=False)
    )
    found = paper(f"{bomb}\n@article{{k, title = c, author = {{Lum, Ada}}, journal = n}}")
    assert len(found.title) == 1000 and len(found.journal_ref) < 2000
    (item,) = items(f"{bomb}\n@article{{k, title = {' # '.join(['c'] * 10_000)}, author = {{Lum, Ada}}}}")
    assert isinstance(item, Rejected) and "too long" in item.reason


@pytest.mark.parametrize("form", ["bibtex", "ris"])
def test_an_entry_of_more_authors_than_any_paper_has_is_refused(form: str) -> None:
    if form == "bibtex":
        found = items("@article{k, title={x}, author={" + " and ".join(["A B"] * 20_001) + "}}")
    else:
        found = list(ris.read(BytesIO(b"TY  - JOUR\n" + b"AU  - B, A\n" * 20_001 + b"TI  - x\nER  - \n"), "x.ris"))
    (item,) = found
    assert isinstance(item, Rejected) and "authors" in item.reason
