import pytest

from broadsheet.ranking.hot import hot
from broadsheet.ranking.rules import Rules
from broadsheet.ranking.support import Counts, support
from broadsheet.web.reasons import sentences


def test_an_edition_is_explained_by_votes_time_and_lot() -> None:
    told = sentences({"votes": 1, "submitted": "2024-05-24"})
    assert told[0] == "1 vote counts first." and "2024-05-24" in told[1] and "lot" in told[2]


def test_a_dated_list_is_explained_by_every_part_of_the_support() -> None:
    told = sentences({"votes": 7, **support(Counts(2.0, 1.0, 10, 9), Rules()).to_json(), "submitted": "2024-05-24"})
    assert told == [
        "Its support is 5.00, where a vote of full standing gives 1.",
        "Votes here, each by its voter’s standing: 2.00.",
        "Readers who discuss it: 0.50.",
        "Votes counted elsewhere: 2.00.",
        "Stars of its code: 0.50.",
        "Among equals the latest submitted comes first: this one on 2024-05-24.",
        "What is still equal is drawn by lot, the same each time.",
    ]


def test_parts_that_give_nothing_are_left_out() -> None:
    told = sentences({"votes": 0, **support(Counts(0.0, 0.0, 0, 0), Rules()).to_json()})
    assert told[0].startswith("Its support is 0.00") and "lot" in told[1] and len(told) == 2


def test_the_hot_list_is_explained_by_every_term() -> None:
    terms = hot(Counts(12.0, 0.0, 0, 0), 2, 3.5, 3.5, Rules()).to_json()
    told = sentences(terms)
    assert told[0] == "Its support is 12.00, where a vote of full standing gives 1."
    assert told[1] == "Votes here, each by its voter’s standing: 12.00."
    assert told[2] == "Its field has 3.50 on average, all fields 3.50: counted as 9.17."
    assert told[3] == "It is 2 editions old." and "age takes -0.67" in told[4] and len(told) == 5


def test_words_are_explained_by_typos_distance_and_title() -> None:
    told = sentences({"typos": 1, "proximity": 4, "title_words": 2, "attribute": "title", "words": ["loss", "initial"]})
    assert told == [
        "It holds: loss, initial.",
        "1 typo between its words and yours.",
        "Distance between the words: 4 (smaller is better).",
        "2 of them stand in the title.",
    ]


@pytest.mark.parametrize(
    ("why", "says"),
    [
        ({"similarity": 0.512}, "similarity 0.51 of 1"),
        ({"words": 0.25, "meaning": 1.0}, "By words 0.25 of 1, by meaning 1.00 of 1."),
        ({"words": ["wind"]}, "It holds: wind."),
        ({"words": []}, "The newest come first."),
        ({"identifier": "arxiv:2405.15001"}, "You named it: arxiv:2405.15001."),
        ({"some_term": 0.12345}, "some term: 0.123"),
    ],
)
def test_each_kind_of_order_has_its_sentence(why: dict[str, object], says: str) -> None:
    assert says in sentences(why)[0]


def test_no_reason_is_no_sentence() -> None:
    assert sentences({}) == []
