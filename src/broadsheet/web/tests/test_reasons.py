import pytest

from broadsheet.ranking.hot import hot
from broadsheet.web.reasons import sentences


def test_an_edition_is_explained_by_votes_time_and_lot() -> None:
    told = sentences({"votes": 1, "submitted": "2024-05-24"})
    assert told[0] == "1 vote counts first." and "2024-05-24" in told[1] and "lot" in told[2]


def test_the_hot_list_is_explained_by_every_term() -> None:
    told = " ".join(sentences(hot(12, 2, 3.5, 3, 3).to_json()))
    for figure in ("12 votes", "3.50", "2 editions", "-0.67"):
        assert figure in told


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
