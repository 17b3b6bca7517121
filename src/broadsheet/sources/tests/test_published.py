import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.sources.published import Published, arxiv_categories, read, written

NUMBER = st.one_of(st.just(""), st.integers(1, 999).map(str))
PUBLISHED = st.builds(
    Published,
    place=st.sampled_from(["J. Things", "Proceedings of Wind", "Physical Review D", "Ann. Météo."]),
    volume=NUMBER,
    issue=NUMBER,
    pages=st.one_of(st.just(""), st.tuples(st.integers(1, 9999), st.integers(1, 9999)).map("{0[0]}-{0[1]}".format)),
    year=st.one_of(st.just(""), st.integers(1900, 2099).map(str)),
).filter(lambda one: bool(one.volume) or not one.issue)


@given(PUBLISHED)
def test_what_is_written_is_read_again(told: Published) -> None:
    assert read(written(told)) == told


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Phys.Rev. D76 (2007) 013009", ("Phys.Rev.", "D76", "", "013009", "2007")),
        ("Phys.Rev.D76 (2007) 013009", ("Phys.Rev.", "D76", "", "013009", "2007")),
        ("NeurIPS 2017", ("NeurIPS", "", "", "", "2017")),
        ("Proceedings of Wind 2019, pages 10-20", ("Proceedings of Wind", "", "", "10-20", "2019")),
        ("J. Wind 3", ("J. Wind", "3", "", "", "")),
        ("2019", ("", "", "", "", "2019")),
        ("", ("", "", "", "", "")),
        ("to appear, or not; see the web", ("to appear, or not; see the web", "", "", "", "")),
        ("J. Wind 12345678", ("J. Wind 12345678", "", "", "", "")),
    ],
)
def test_forms_that_people_write_are_taken_apart_or_left_whole(text: str, parts: tuple[str, ...]) -> None:
    assert read(text) == Published(*parts)


@given(st.text(max_size=80))
def test_nothing_of_any_text_is_lost(text: str) -> None:
    told = read(text)
    kept = "".join((told.place, told.volume, told.issue, told.pages, told.year))
    assert {char for char in text if char.isalnum()} - set("noNOpPagesPAGES") <= set(kept)


def test_keywords_that_are_categories_of_arxiv_are_told_from_others() -> None:
    assert arxiv_categories(["cs.CL", "wind", "hep-th", "cs.CL", "cond-mat.mtrl-sci", "biology"]) == (
        "cs.CL",
        "hep-th",
        "cond-mat.mtrl-sci",
    )
