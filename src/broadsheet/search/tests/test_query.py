"""The language of the search box."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.search.query import LONGEST_QUERY, MOST_WORDS, parse


def terms(text: str) -> list[str]:
    return [term.word for term in parse(text).terms]


def test_words_are_folded_and_the_last_may_go_on() -> None:
    parsed = parse("Hölder LOSS")
    assert [term.word for term in parsed.terms] == ["holder", "loss"]
    assert parsed.prefix
    assert not parse("loss ").prefix
    assert not parse('"loss"').prefix


def test_fields_become_filters_and_leave_the_text_for_meaning() -> None:
    parsed = parse("whales cat:cs.CL category:stat.ML source:arxiv has:code from:2024-05 until:2024-06-02 songs")
    assert parsed.text == "whales songs"
    assert parsed.filter.categories == ("cs.CL", "stat.ML")
    assert parsed.filter.sources == ("arxiv",)
    assert parsed.filter.has_code is True
    assert (parsed.filter.since, parsed.filter.until) == (date(2024, 5, 1), date(2024, 6, 2))


@pytest.mark.parametrize(
    ("value", "first", "last"),
    [
        ("2024-05-27", date(2024, 5, 27), date(2024, 5, 27)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2023", date(2023, 1, 1), date(2023, 12, 31)),
    ],
)
def test_a_date_is_a_day_a_month_or_a_year(value: str, first: date, last: date) -> None:
    asked = parse(f"date:{value}").filter
    assert (asked.since, asked.until) == (first, last)


def test_a_date_that_is_none_is_named_in_a_note() -> None:
    parsed = parse("whales from:2024-13-45")
    assert parsed.filter.since is None
    assert "2024-13-45" in parsed.notes[0]


def test_phrases_exclusions_and_authors() -> None:
    parsed = parse('author:"Ada Berg" author:li "self training" -loss -"deep net"')
    assert parsed.authors == (("ada", "berg"), ("li",))
    assert parsed.phrases == (("self", "training"),)
    assert parsed.without == (("loss",), ("deep", "net"))
    assert [term.word for term in parsed.terms] == ["self", "training"]


def test_a_text_of_many_words_is_prose_without_operators() -> None:
    parsed = parse(
        'papers on "slip flow" in rarefied gases -dash internal or external -dash at low speeds in long tubes'
    )
    assert (parsed.phrases, parsed.without) == ((), ())
    assert '"' not in parsed.text


def test_compounds_are_two_words_that_know_they_belong_together() -> None:
    fine, tuning = parse("fine-tuning").terms
    assert (fine.word, fine.compound, tuning.word, tuning.joined) == ("fine", 10, "tuning", True)


def test_a_field_that_is_not_known_is_text() -> None:
    assert terms("BERT:pre-training") == ["bert", "pre", "training"]


@pytest.mark.parametrize(
    ("text", "identifier"),
    [
        ("2406.01234", "arxiv:2406.01234"),
        ("https://arxiv.org/abs/2406.01234v2", "arxiv:2406.01234"),
        ("10.1000/xyz", "doi:10.1000/xyz"),
        ("whales 2406.01234", ""),
        ("http://[", ""),
    ],
)
def test_a_query_that_names_a_paper_says_so(text: str, identifier: str) -> None:
    assert parse(text).identifier == identifier


def test_an_identifier_field_is_read_like_any_identifier() -> None:
    assert parse("id:2406.01234v3").ids == ("arxiv:2406.01234",)


def test_what_is_too_long_is_dropped_with_a_note() -> None:
    parsed = parse("a b " * 400)
    assert len(parsed.terms) == MOST_WORDS
    assert len(parsed.notes) == 2
    assert len(parsed.text) <= LONGEST_QUERY


@given(st.text(max_size=1_200) | st.from_regex(r'([-"]?(author|cat|id|from|date|has|x)?:?["\w.\-]{0,9} ?){0,9}'))
def test_every_text_is_a_query(text: str) -> None:
    parsed = parse(text)
    assert len(parsed.terms) <= MOST_WORDS
    for term in parsed.terms:
        assert term.word
        assert " " not in term.word
