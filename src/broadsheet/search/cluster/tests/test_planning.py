"""Which actors are made and ended, so that each shard has its replicas, apart and evenly spread."""

from collections import Counter
from dataclasses import replace

import pytest

from broadsheet.search.cluster.actors import End, Layout, Make, Standing, plan


def _layout(shards: int = 4, replicas: int = 1) -> Layout:
    return Layout("shard", shards, replicas, "enc")


def _apply(layout: Layout, seen: list[Standing], nodes: list[str]) -> list[Standing]:
    """Do what the plan says, until it says nothing more; each that is made follows at once."""
    for _ in range(50):
        steps = plan(layout, seen, nodes)
        if not steps:
            return seen
        for step in steps:
            if isinstance(step, Make):
                name = layout.name(step.shard, step.replica)
                assert name not in [one.name for one in seen]
                seen = [*seen, Standing(name, step.shard, step.replica, "following", step.node)]
            else:
                seen = [one for one in seen if one.name != step.name]
    raise AssertionError("the plan does not come to rest")


def _load(seen: list[Standing]) -> dict[str, int]:
    return dict(Counter(one.node for one in seen))


def test_all_that_is_missing_is_made_and_evenly_spread() -> None:
    seen = _apply(_layout(4), [], ["a", "b"])
    assert sorted(one.shard for one in seen) == [0, 1, 2, 3]
    assert _load(seen) == {"a": 2, "b": 2}


def test_replicas_of_a_shard_are_on_different_nodes_where_there_are_several() -> None:
    seen = _apply(_layout(3, 2), [], ["a", "b", "c"])
    assert _load(seen) == {"a": 2, "b": 2, "c": 2}
    for shard in range(3):
        assert len({one.node for one in seen if one.shard == shard}) == 2


def test_one_node_takes_them_all() -> None:
    assert _load(_apply(_layout(2, 2), [], ["a"])) == {"a": 4}


@pytest.mark.parametrize("replicas", [1, 2])
def test_a_node_that_joins_takes_its_part_without_a_shard_ever_missing(replicas: int) -> None:
    layout = _layout(4, replicas)
    seen = _apply(layout, [], ["a"])
    while steps := plan(layout, seen, ["a", "b"]):
        for step in steps:
            if isinstance(step, Make):
                name = layout.name(step.shard, step.replica)
                seen.append(Standing(name, step.shard, step.replica, "following", step.node))
            else:
                seen = [one for one in seen if one.name != step.name]
        assert {one.shard for one in seen} == {0, 1, 2, 3}
    assert _load(seen) == {"a": 2 * replicas, "b": 2 * replicas}
    assert all(len({one.node for one in seen if one.shard == shard}) == replicas for shard in range(4))


def test_nothing_is_ended_before_what_takes_its_place_follows() -> None:
    layout = _layout(2)
    old = [Standing(layout.name(shard, 0), shard, 0, "following", "a") for shard in range(2)]
    coming = Standing(layout.name(0, 1), 0, 1, "starting", "b")
    assert plan(layout, [*old, coming], ["a", "b"]) == []
    assert plan(layout, [*old, replace(coming, state="following")], ["a", "b"]) == [End(old[0].name)]


def test_a_silent_replica_is_no_missing_one() -> None:
    layout = _layout(1)
    assert plan(layout, [Standing(layout.name(0, 0), 0, 0)], ["a"]) == []


def test_without_moving_only_what_is_missing_is_made() -> None:
    layout = _layout(4)
    seen = _apply(layout, [], ["a"])
    assert plan(layout, seen, ["a", "b"], move=False) == []
    assert plan(layout, seen[:3], ["a", "b"], move=False) == [Make(3, 0, "b")]


def test_without_nodes_there_is_nothing_to_do() -> None:
    assert plan(_layout(), [], []) == []


def test_a_name_tells_shard_and_replica_of_its_own_layout_alone() -> None:
    layout = _layout(4)
    assert layout.parse(layout.name(3, 1)) == (3, 1)
    assert replace(layout, encoder="other").parse(layout.name(3, 1)) is None
    assert replace(layout, shards=8).parse(layout.name(3, 1)) is None
    assert layout.parse("something else") is None
