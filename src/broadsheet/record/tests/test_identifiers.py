import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.record.identifiers import ArxivId, BadIdentifier, Identifier, arxiv_id, arxiv_month, doi, dois, identify


@pytest.mark.parametrize(
    "text",
    [
        "2405.12345",
        "arXiv:2405.12345",
        "arXiv: 2405.12345",
        "ARXIV:2405.12345",
        "oai:arXiv.org:2405.12345",
        "https://arxiv.org/abs/2405.12345",
        "http://www.arxiv.org/abs/2405.12345/",
        "https://export.arxiv.org/abs/2405.12345?context=cs",
        "arxiv.org/pdf/2405.12345.pdf",
        "https://arxiv.org/html/2405.12345",
        "10.48550/arXiv.2405.12345",
        "https://doi.org/10.48550/arXiv.2405.12345",
    ],
)
def test_one_paper_has_one_identifier_however_it_is_wrapped(text: str) -> None:
    assert arxiv_id(text) == ArxivId("2405.12345", 0, "2024-05")


def test_the_version_is_told_apart_from_the_paper() -> None:
    assert arxiv_id("https://arxiv.org/pdf/2405.12345v12.pdf") == ArxivId("2405.12345", 12, "2024-05")
    assert arxiv_id("hep-th/9901001v3") == ArxivId("hep-th/9901001", 3, "1999-01")


def test_the_old_style_loses_its_subject_class() -> None:
    assert arxiv_id("math.CA/0611800") == ArxivId("math/0611800", 0, "2006-11")


@pytest.mark.parametrize(
    ("value", "month"),
    [("2405.12345", "2024-05"), ("9105.00001", "2091-05"), ("hep-th/9901001", "1999-01"), ("math/0611800", "2006-11")],
)
def test_an_id_names_the_month_of_its_announcement(value: str, month: str) -> None:
    assert arxiv_month(value) == arxiv_id(value).month == month


@pytest.mark.parametrize(
    "text",
    [
        "1501.0026699999999",  # read as a number
        "1501.0001",  # 1501.00010 after that
        "1412.12345",  # five digits before they were given
        "2413.12345",  # month 13
        "2405.12345v0",
        "2405.123456789",
        "math/0711800",  # the old style had ended
        "nonsense/9901001",
        "２４０５.１２３４５",  # full-width digits
        "https://notarxiv.org/abs/2405.12345",
        "http://[",
        "",
    ],
)
def test_what_is_damaged_or_foreign_is_refused_and_not_guessed(text: str) -> None:
    with pytest.raises(BadIdentifier):
        arxiv_id(text)


@given(month=st.integers(1, 12), year=st.integers(15, 60), number=st.integers(0, 99_999), version=st.integers(0, 99))
def test_every_id_of_the_scheme_survives_its_addresses(month: int, year: int, number: int, version: int) -> None:
    bare = f"{year:02}{month:02}.{number:05}"
    said = f"{bare}v{version}" if version else bare

    for wrapped in (said, f"arXiv:{said}", f"https://arxiv.org/abs/{said}", f"https://arxiv.org/pdf/{said}.pdf"):
        assert arxiv_id(wrapped) == ArxivId(bare, version, f"20{year:02}-{month:02}")


@given(st.text(max_size=60))
def test_no_text_breaks_the_reading(text: str) -> None:
    identify(text)
    dois(text)


def test_a_doi_is_read_from_its_address_and_in_lower_case() -> None:
    wanted = Identifier("doi", "10.1000/abc.1")
    assert [doi(text) for text in ("10.1000/ABC.1", "doi: 10.1000/abc.1", "https://doi.org/10.1000/abc.1.")] == [
        wanted
    ] * 3


def test_a_field_of_several_dois_gives_each_once_and_skips_a_broken_one() -> None:
    field = "10.1000/one, 10.1000/two;10.1000/one 10.1007/s11390- 016-1673-z"
    assert [name.value for name in dois(field)] == ["10.1000/one", "10.1000/two"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("https://openreview.net/forum?id=AbCdEfGh12", "openreview:AbCdEfGh12"),
        ("https://www.biorxiv.org/content/10.1101/2020.01.01.123456v1.full.pdf", "doi:10.1101/2020.01.01.123456"),
        ("https://huggingface.co/papers/2405.12345", "arxiv:2405.12345"),
        ("b0123456789ab", "broadsheet:b0123456789ab"),
        ("https://example.org/a-paper", "url:https://example.org/a-paper"),
    ],
)
def test_addresses_of_papers_name_them(text: str, name: str) -> None:
    assert str(identify(text)) == name


@pytest.mark.parametrize("text", ["", "two words", "ftp://example.org/x", "https://openreview.net/forum?id=x"])
def test_what_names_no_paper_is_no_identifier(text: str) -> None:
    assert identify(text) is None
