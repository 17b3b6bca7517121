from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import permutations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.digest.choose import Chosen, Pool, Wish, as_places, choose
from broadsheet.digest.ranker import Ranker

FIELDS = ("cs.CL", "cs.CV", "cs.LG", "cs.RO", "math.CO")


def pool(
    size: int,
    lists: Mapping[str, Sequence[int]],
    fields: Sequence[str] = ("cs.CL",),
    told: Mapping[int, Sequence[int]] | None = None,
    votes: int = 3,
) -> Pool:
    """Make a pool of papers 100, 101, … told: stories of more than one paper, by their best place."""
    story = np.arange(size, dtype=np.int32)
    for leader, members in (told or {}).items():
        story[list(members)] = leader
    return Pool(
        numbers=np.arange(100, 100 + size),
        keys=tuple(f"p{place}" for place in range(size)),
        fields=tuple(fields[place % len(fields)] for place in range(size)),
        votes=(votes,) * size,
        heat=tuple(1 - place / 100 for place in range(size)),
        story=story,
        stories={leader: tuple(members) for leader, members in (told or {}).items()},
        lists={key: as_places(places) for key, places in lists.items()},
        names={"author/ada": "Ada Lovelace"},
    )


def places(chosen: Chosen) -> list[int]:
    return [pick.number - 100 for pick in chosen.picks]


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Pool, Wish]:
    size = draw(st.integers(0, 60))
    some = st.sets(st.integers(0, size - 1)) if size else st.just(set())
    keys = ("author/ada", "category/cs.CL", "category/cs.CV", "search/two suns", "trending")
    lists = {key: sorted(draw(some)) for key in keys}
    stories: dict[int, tuple[int, ...]] = {}
    left = list(range(size))
    while len(left) > 2 and draw(st.booleans()):
        members = sorted(draw(st.sets(st.sampled_from(left), min_size=2, max_size=4)))
        stories[members[0]] = tuple(members)
        left = [place for place in left if place not in members]
    scores = draw(st.none() | st.lists(st.floats(-1, 1), min_size=size, max_size=size))
    told = frozenset(100 + place for place in draw(some))
    wish = Wish(
        tuple(draw(st.lists(st.sampled_from((*keys, "category/gone", "foryou")), max_size=6))),
        draw(st.integers(1, 30)),
        draw(st.integers(1, 3)),
        told,
        Ranker("mine", "2", lambda numbers: scores),
    )
    return pool(size, lists, FIELDS, stories), wish


@given(worlds())
def test_no_paper_stands_twice_none_was_told_before_and_the_length_is_kept(world: tuple[Pool, Wish]) -> None:
    papers, wish = world
    chosen = choose(papers, wish)
    told = [number for pick in chosen.picks for number in pick.told]
    assert len(told) == len(set(told))
    assert not set(told) & wish.told
    assert len(chosen.picks) <= wish.length
    assert bool(chosen.picks) != bool(chosen.says)
    stories = [int(papers.story[place]) for place in places(chosen)]
    assert len(stories) == len(set(stories))


@given(worlds())
def test_the_same_in_gives_the_same_out_whatever_the_order_of_lists(world: tuple[Pool, Wish]) -> None:
    papers, wish = world
    chosen = choose(papers, wish)
    assert choose(papers, wish) == chosen
    turned = replace(papers, lists=dict(reversed(list(papers.lists.items()))))
    assert choose(turned, replace(wish, lists=tuple(reversed(wish.lists)))) == chosen


@given(worlds())
def test_what_is_no_discovery_stands_in_the_list_it_names(world: tuple[Pool, Wish]) -> None:
    papers, wish = world
    chosen = choose(papers, wish)
    discoveries = [pick for pick in chosen.picks if "discovery" in pick.why[0]]
    assert len(discoveries) <= max(wish.length // 10, 1)
    assert chosen.picks[len(chosen.picks) - len(discoveries) :] == tuple(discoveries)
    for pick in chosen.picks:
        if pick in discoveries:
            assert pick.list == ""
        else:
            assert pick.list in wish.lists
            assert pick.list == "foryou" or pick.number - 100 in papers.lists[pick.list]


@given(worlds())
def test_no_more_is_left_out_than_has_to_be(world: tuple[Pool, Wish]) -> None:
    papers, wish = world
    chosen = choose(papers, wish)
    if chosen.found < max(wish.least, 1):
        assert not chosen.picks
        return
    wished = choose(papers, replace(wish, length=100)).picks
    told = {int(papers.story[pick.number - 100]) for pick in wished if "discovery" not in pick.why[0]}
    own = [pick for pick in chosen.picks if "discovery" not in pick.why[0]]
    kept = max(wish.length // 10, int(wish.length >= 5))
    assert len(own) >= min(len(told), wish.length - kept)


def test_lists_take_turns_and_the_better_paper_of_a_turn_stands_first() -> None:
    papers = pool(30, {"category/cs.CL": range(20), "author/ada": [25, 27], "category/cs.CV": [21, 22, 23]})
    wish = Wish(("author/ada", "category/cs.CL", "category/cs.CV"), 4)
    for order in permutations(wish.lists):
        assert places(choose(papers, replace(wish, lists=order))) == [0, 21, 25, 1]


def test_a_paper_of_two_lists_stands_for_the_more_special_one() -> None:
    papers = pool(3, {"category/cs.CL": [0, 1, 2], "author/ada": [1]})
    chosen = choose(papers, Wish(("category/cs.CL", "author/ada"), 3))
    assert {pick.key: pick.list for pick in chosen.picks} == {
        "p0": "category/cs.CL",
        "p1": "author/ada",
        "p2": "category/cs.CL",
    }
    assert chosen.picks[1].why == ({"kind": "author", "name": "Ada Lovelace"}, {"votes": 3, "heat": 0.99})


def test_one_place_in_ten_shows_what_the_lists_would_not() -> None:
    papers = pool(40, {"category/cs.CL": range(5, 40)}, FIELDS)
    wish = Wish(("category/cs.CL",), 4)
    assert places(choose(papers, wish)) == [5, 6, 7, 8]
    five = choose(papers, replace(wish, length=5))
    assert places(five) == [5, 6, 7, 8, 0]
    assert places(choose(papers, replace(wish, length=20)))[-2:] == [0, 1]
    assert five.picks[-1].why[0] == {"discovery": "liked", "name": "cs.CL"}


def test_whoever_wishes_for_everything_discovers_another_field() -> None:
    fields = ["cs.CL"] * 10 + ["cs.RO"]
    chosen = choose(pool(11, {"trending": range(11)}, fields), Wish(("trending",), 5))
    assert places(chosen) == [0, 1, 2, 3, 10]
    assert chosen.picks[-1].why[0] == {"discovery": "field", "name": "cs.RO"}


def test_without_anything_to_discover_the_lists_have_all_places() -> None:
    assert places(choose(pool(9, {"trending": range(9)}), Wish(("trending",), 5))) == [0, 1, 2, 3, 4]


def test_near_duplicates_are_folded_under_the_best_of_the_wished_lists() -> None:
    papers = pool(6, {"category/cs.CL": [2, 3, 4], "author/ada": [1]}, told={0: (0, 1, 3)})
    chosen = choose(papers, Wish(("category/cs.CL",), 3))
    assert places(chosen) == [2, 3, 4]
    assert chosen.picks[1].also == ((100, "p0"), (101, "p1"))
    both = choose(papers, Wish(("category/cs.CL", "author/ada"), 3))
    assert places(both) == [1, 2, 4]
    told = choose(papers, Wish(("category/cs.CL",), 3, told=frozenset({100})))
    assert told.picks[1].also == ((101, "p1"),)


def test_fewer_than_asked_for_is_nothing_yet() -> None:
    papers = pool(5, {"author/ada": [0, 1]})
    assert choose(papers, Wish(("author/ada",), 5, least=3)) == Chosen(
        (), "There are fewer new papers in your lists than you asked for.", 2
    )
    assert len(choose(papers, Wish(("author/ada",), 4, least=2)).picks) == 2


def test_nothing_worth_reading_says_why() -> None:
    papers = pool(2, {"author/ada": [0, 1]})
    assert choose(pool(0, {}), Wish(("author/ada",), 5)).says == "No papers were announced."
    assert choose(papers, Wish((), 5)).says == "You chose no list that is there."
    gone = Wish(("author/ada",), 5, told=frozenset({100, 101}))
    assert choose(papers, gone).says == "There was nothing new in your lists."


def test_a_profile_orders_papers_and_equal_scores_stay_as_they_trend() -> None:
    papers = pool(6, {"category/cs.CL": range(6)})
    mine = Ranker("mine", "2", lambda numbers: [1.0 if number in (103, 105) else 0.0 for number in numbers])
    assert places(choose(papers, Wish(("category/cs.CL",), 4, rank=mine))) == [3, 5, 0, 1]
    knows_nothing = replace(mine, score=lambda numbers: None)
    assert places(choose(papers, Wish(("category/cs.CL",), 4, rank=knows_nothing))) == [0, 1, 2, 3]


def test_for_you_is_everything_by_profile_and_without_one_what_trends_in_the_other_lists() -> None:
    papers = pool(6, {"category/cs.CL": [4, 5]})
    mine = Ranker("mine", "2", lambda numbers: [float(number) for number in numbers])
    assert places(choose(papers, Wish(("foryou",), 3, rank=mine))) == [5, 4, 3]
    assert places(choose(papers, Wish(("foryou",), 3))) == [0, 1, 2]
    assert choose(papers, Wish(("foryou",), 3, rank=mine)).picks[0].why[0]["kind"] == "foryou"
    assert {pick.why[0]["kind"] for pick in choose(papers, Wish(("foryou",), 3)).picks} == {"trending"}
    assert places(choose(papers, Wish(("foryou", "category/cs.CL"), 3))) == [4, 5]
