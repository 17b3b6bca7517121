import pytest

from broadsheet.digest.reasons import sentences, standing


@pytest.mark.parametrize(
    ("why", "said"),
    [
        ([{"kind": "category", "name": "cs.CL"}, {"votes": 14}], "New in cs.CL, 14 votes."),
        ([{"kind": "author", "name": "Ada Lovelace"}, {"votes": 0}], "By Ada Lovelace, whom you follow."),
        ([{"kind": "search", "name": "two suns"}, {"votes": 1}], "It holds what you look for: two suns, 1 vote."),
        ([{"kind": "trending", "name": ""}], "Trending here."),
        ([{"discovery": "liked", "name": "cs.RO"}], "Outside your lists: what readers here liked most."),
        ([{"discovery": "new", "name": "cs.RO"}], "Outside your lists: new in cs.RO."),
        ([{"kind": "author", "name": "100 %(name)s %d"}], "By 100 %(name)s %d, whom you follow."),
    ],
)
def test_a_reason_is_one_sentence(why: list[dict[str, object]], said: str) -> None:
    assert sentences(why) == [said]


@pytest.mark.parametrize(
    ("ranker", "kinds", "said"),
    [
        ("trending/1", ["trending", "edition"], "2 papers that trend here"),
        ("trending/1", ["trending"], "1 paper that trends here"),
        ("trending/1", ["edition", "author"], "2 papers chosen for you"),
        ("gaussian/3 k1", ["trending"], "1 paper chosen for you"),
        ("", [], "0 papers that trend here"),
    ],
)
def test_a_digest_says_chosen_for_you_only_where_something_was(ranker: str, kinds: list[str], said: str) -> None:
    picks = [{"why": [{"kind": kind, "name": ""}, {"votes": 1}]} for kind in kinds]
    assert standing(len(kinds), ranker, [*picks, {"why": [{"discovery": "new"}]}, {}]) == said


def test_terms_that_are_not_known_are_passed_over() -> None:
    assert sentences([{"kind": "crystal ball"}, {"votes": 3}]) == []
    assert sentences([]) == []
