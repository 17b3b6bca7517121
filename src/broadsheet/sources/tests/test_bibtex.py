from datetime import UTC, datetime
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.record.paper import Author, Item, PaperData, Rejected
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
    assert (found.abstract, found.journal_ref, found.categories) == ("We prove it.", "J. Things 3 2024", ("cs.LG",))
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
