import pytest

from broadsheet.digest.reasons import sentences


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


def test_terms_that_are_not_known_are_passed_over() -> None:
    assert sentences([{"kind": "crystal ball"}, {"votes": 3}]) == []
    assert sentences([]) == []
