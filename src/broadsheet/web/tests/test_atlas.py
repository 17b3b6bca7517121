import math
import re

import pytest

from broadsheet.foryou.map import Map, Place
from broadsheet.web import atlas


def places(count: int) -> tuple[Place, ...]:
    """Topics on a spiral, the first the largest."""
    sizes = [1 / (number + 2) for number in range(count)]
    turns = [2.4 * number for number in range(count)]
    return tuple(
        Place(
            (f"topic {number}", "second term", "third"),
            sizes[number] / sum(sizes),
            0.5 + 0.5 * math.cos(turns[number]) * math.sqrt(number / count),
            0.5 + 0.5 * math.sin(turns[number]) * math.sqrt(number / count),
            (number,),
        )
        for number in range(count)
    )


@pytest.mark.parametrize("count", [1, 2, 5, 24])
def test_lands_fill_the_sheet_without_overlap_and_larger_topics_have_more_of_it(count: int) -> None:
    cells = atlas.lands(places(count), 1000, 620)
    areas = [atlas._area(cell) for cell in cells]
    assert abs(sum(areas) - 620_000) < 1
    assert min(areas) > 0.3 * 620_000 / count
    assert max(areas) == areas[0]
    for x in range(25, 1000, 50):
        assert sum(atlas._inside(cell, x + 0.3, 310.2, 0.0) for cell in cells) <= 1


def test_topics_at_one_place_still_have_a_land_each() -> None:
    same = tuple(Place((f"t{number}",), 0.25, 0.5, 0.5, ()) for number in range(4))
    assert all(atlas._area(cell) > 1000 for cell in atlas.lands(same, 360, 700))


def test_neighbours_have_different_inks() -> None:
    cells = atlas.lands(places(24), 1000, 620)
    inks = atlas._inks(cells)
    for one in range(24):
        for other in range(one):
            assert inks[one] != inks[other] or not atlas._touch(cells[one], cells[other])


@pytest.mark.parametrize("draw", [atlas.wide, atlas.tall])
def test_names_and_dots_stay_in_their_land(draw: object) -> None:
    drawn = Map("v", places(24))
    sheet = atlas.wide(drawn) if draw is atlas.wide else atlas.tall(drawn)
    cells = atlas.lands(drawn.places, sheet.width, sheet.height)
    for land, cell in zip(sheet.lands, cells, strict=True):
        assert land.lines and land.lines[0].main and land.lines[0].text.startswith("Topic")
        assert all(atlas._inside(cell, line.x, line.y, 0.0) for line in land.lines)
        dots = re.findall(r"M(-?\d+) (-?\d+)h0", land.dots)
        assert dots and all(atlas._inside(cell, int(x), int(y), 0.0) for x, y in dots)


def test_an_empty_map_draws_nothing() -> None:
    assert atlas.wide(Map("v", ())).lands == ()


def test_the_same_map_is_the_same_drawing() -> None:
    drawn = Map("v", places(12))
    assert atlas._sheet(drawn, 1000, 620, 16.0, 3) == atlas._sheet(drawn, 1000, 620, 16.0, 3)
