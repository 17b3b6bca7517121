"""The map of topics as a drawing: each topic is a land whose area follows its size, with its name and a dot for papers.

Lands are the cells of a power diagram (Aurenhammer 1987): sites begin where the map has them, move to the middle of
their land (Lloyd) and push their borders until every land has its area. Near topics stay neighbours.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from broadsheet.foryou.map import Map, Place

Point = tuple[float, float]
Polygon = list[Point]

ROUNDS: Final = 60
INKS: Final = ("brick", "teal", "ochre", "slate", "moss", "plum", "rust", "graphite")
# Each land has at least this part of an even share, so that its name has room.
EVEN: Final = 0.62
# Dots for papers on the whole sheet.
DOTS: Final = 1500
# A letter of a serif face is about half as wide as it is high.
LETTER_WIDTH: Final = 0.48
BOLD_WIDTH: Final = 0.56
# How much smaller the second and third term of a name are set.
SMALLER: Final = 0.88
MOST_LINES: Final = 5
GOLDEN: Final = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a name, centred at x, with its baseline at y. main: of the term that tells most."""

    x: float
    y: float
    text: str
    main: bool


@dataclass(frozen=True, slots=True)
class Land:
    """A topic as it is drawn. number: from 1. border, dots: paths of SVG. letter: how high letters are."""

    number: int
    name: str
    ink: str
    border: str
    dots: str
    letter: float
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A drawing of so many units."""

    width: int
    height: int
    lands: tuple[Land, ...]


@lru_cache(maxsize=8)
def wide(drawn: Map) -> Sheet:
    """Draw the map for a screen."""
    return _sheet(drawn, 1000, 620, 16.5, 3)


@lru_cache(maxsize=8)
def tall(drawn: Map) -> Sheet:
    """Draw the map for a phone held upright."""
    return _sheet(drawn, 360, 700, 13.0, 2)


def _sheet(drawn: Map, width: int, height: int, letter: float, terms: int) -> Sheet:
    cells = lands(drawn.places, width, height)
    inks = _inks(cells)
    total = sum(place.size for place in drawn.places) or 1.0
    made = tuple(
        Land(
            number=number,
            name=place.name,
            ink=INKS[inks[number - 1]],
            border=_path(_inset(cell)),
            dots=_dots(cell, round(DOTS * place.size / total * (width * height / 620_000))),
            letter=(own := _letter(place.terms[0], cell, letter)),
            lines=_lines(place.terms[:terms], cell, own),
        )
        for number, (place, cell) in enumerate(zip(drawn.places, cells, strict=True), 1)
        if len(cell) > 2
    )
    return Sheet(width, height, made)


def lands(places: Sequence[Place], width: int, height: int) -> list[Polygon]:
    """Give the border of each place's land; together they fill the sheet."""
    if not places:
        return []
    turned = height > width
    sites = [_begin(place, number, width, height, turned) for number, place in enumerate(places)]
    share = width * height / len(places)
    mean = sum(place.size for place in places) / len(places) or 1.0
    wanted = [share * (EVEN + (1 - EVEN) * place.size / mean) for place in places]
    weights = [0.0] * len(sites)
    cells = [_cell(number, sites, weights, width, height) for number in range(len(sites))]
    for _ in range(ROUNDS):
        for number, cell in enumerate(cells):
            if len(cell) < 3:
                # A land that was pushed off the sheet grows back.
                weights[number] += share / 4
                continue
            middle, area = _middle(cell), _area(cell)
            weights[number] += 0.25 * (wanted[number] - area)
            x, y = sites[number]
            sites[number] = (x + 0.6 * (middle[0] - x), y + 0.6 * (middle[1] - y))
        cells = [_cell(number, sites, weights, width, height) for number in range(len(sites))]
    return cells


def _begin(place: Place, number: int, width: int, height: int, turned: bool) -> Point:
    x, y = (place.y, place.x) if turned else (place.x, place.y)
    # Two places at one point would have no border between them.
    return (0.06 + 0.88 * x) * width + 0.01 * number, (0.06 + 0.88 * (1 - y)) * height + 0.007 * number


def _cell(number: int, sites: Sequence[Point], weights: Sequence[float], width: int, height: int) -> Polygon:
    """Cut the sheet along the border to every other site."""
    x, y = sites[number]
    cell: Polygon = [(0.0, 0.0), (float(width), 0.0), (float(width), float(height)), (0.0, float(height))]
    for other, (u, v) in enumerate(sites):
        if other != number and cell:
            # Points p with |p - s|² - w <= |p - t|² - w'.
            side = u * u + v * v - x * x - y * y - weights[other] + weights[number]
            cell = _cut(cell, 2 * (u - x), 2 * (v - y), side)
    return cell


def _cut(polygon: Polygon, a: float, b: float, c: float) -> Polygon:
    """Give the part of a convex polygon in which ax + by <= c."""
    kept: Polygon = []
    for (x, y), (u, v) in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
        here, there = c - a * x - b * y, c - a * u - b * v
        if here >= 0:
            kept.append((x, y))
        if here * there < 0:
            part = here / (here - there)
            kept.append((x + part * (u - x), y + part * (v - y)))
    return kept


def _area(polygon: Polygon) -> float:
    return abs(_twice(polygon)) / 2


def _twice(polygon: Polygon) -> float:
    return sum(x * v - u * y for (x, y), (u, v) in zip(polygon, [*polygon[1:], polygon[0]], strict=True))


def _middle(polygon: Polygon) -> Point:
    """Give the centroid; of a polygon without area the mean of its corners."""
    twice = _twice(polygon)
    if abs(twice) < 1e-6:
        return sum(x for x, _y in polygon) / len(polygon), sum(y for _x, y in polygon) / len(polygon)
    pairs = list(zip(polygon, [*polygon[1:], polygon[0]], strict=True))
    x = sum((x + u) * (x * v - u * y) for (x, y), (u, v) in pairs) / (3 * twice)
    y = sum((y + v) * (x * v - u * y) for (x, y), (u, v) in pairs) / (3 * twice)
    return x, y


def _inset(polygon: Polygon, by: float = 1.6) -> Polygon:
    """Draw a land a little smaller, so that a strip of paper is left between neighbours."""
    x, y = _middle(polygon)
    reach = max(math.sqrt(_area(polygon)), 1.0)
    part = max(0.0, 1 - 2 * by / reach)
    return [(x + part * (u - x), y + part * (v - y)) for u, v in polygon]


def _path(polygon: Polygon) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in polygon) + "Z"


def _dots(polygon: Polygon, count: int) -> str:
    """Spread dots over a land, by the lattice of the golden ratio: even, and not in rows."""
    low_x, high_x = min(x for x, _y in polygon), max(x for x, _y in polygon)
    low_y, high_y = min(y for _x, y in polygon), max(y for _x, y in polygon)
    box = max((high_x - low_x) * (high_y - low_y), 1.0)
    tries = max(1, round(count * box / max(_area(polygon), 1.0)))
    points = (
        (low_x + (high_x - low_x) * (step + 0.5) / tries, low_y + (high_y - low_y) * ((step * GOLDEN) % 1))
        for step in range(tries)
    )
    return "".join(f"M{x:.0f} {y:.0f}h0" for x, y in points if _inside(polygon, x, y, 5.0))


def _inside(polygon: Polygon, x: float, y: float, margin: float) -> bool:
    """Tell whether a point is in a convex polygon whose corners come clockwise on the screen, off its border."""
    for (a, b), (u, v) in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
        length = math.hypot(u - a, v - b)
        if length > 1e-9 and (u - a) * (y - b) - (v - b) * (x - a) < margin * length:
            return False
    return True


def _inks(cells: Sequence[Polygon]) -> list[int]:
    """Give neighbours different inks, each the one that is used least so far."""
    used: list[int] = []
    times = [0] * len(INKS)
    for number, cell in enumerate(cells):
        near = {used[other] for other in range(number) if _touch(cell, cells[other])}
        ink = min((one for one in range(len(INKS)) if one not in near), key=lambda one: (times[one], one), default=0)
        used.append(ink)
        times[ink] += 1
    return used


def _touch(one: Polygon, other: Polygon) -> bool:
    return sum(math.dist(a, b) < 1.0 for a in one for b in other) > 1


def _letter(term: str, cell: Polygon, most: float) -> float:
    """Give how high letters may be for the longest word of a name to fit into its land."""
    longest = max(map(len, term.split()), default=1)
    room = _width_at(cell, _middle(cell)[1]) - most / 2
    return round(min(most, max(room / (longest * BOLD_WIDTH), 0.6 * most)), 1)


def _lines(terms: Sequence[str], cell: Polygon, letter: float) -> tuple[Line, ...]:
    """Set a name in the middle of its land, each term on lines of its own, broken where the land is too narrow."""
    x, y = _middle(cell)
    room = max(_width_at(cell, y) - letter, 4 * letter)
    first, *others = terms
    rows = [(row, True) for row in _broken(first[:1].upper() + first[1:], room, letter)]
    for term in others:
        added = [(row, False) for row in _broken(term, room, letter * SMALLER)]
        # A term broken in two reads as two, a land with many lines as none, and a long word runs over the border.
        fits = max(len(row) for row, _main in added) * letter * SMALLER * LETTER_WIDTH <= room
        if fits and (len(added) == 1 or len(rows) + len(added) < MOST_LINES):
            rows += added
    fitting = rows[: max(1, int(_height_at(cell, x) / (1.25 * letter)))]
    top = y - 1.2 * letter * (len(fitting) - 1) / 2 + 0.35 * letter
    return tuple(
        Line(round(x, 1), round(top + 1.2 * letter * number, 1), row, main)
        for number, (row, main) in enumerate(fitting)
    )


def _broken(term: str, room: float, letter: float) -> list[str]:
    rows: list[str] = []
    for word in term.split():
        if rows and (len(rows[-1]) + 1 + len(word)) * letter * LETTER_WIDTH <= room:
            rows[-1] += f" {word}"
        else:
            rows.append(word)
    return rows


def _width_at(polygon: Polygon, y: float) -> float:
    return _extent(polygon, y)


def _height_at(polygon: Polygon, x: float) -> float:
    return _extent([(v, u) for u, v in polygon], x)


def _extent(polygon: Polygon, y: float) -> float:
    """Give how wide a convex polygon is at a height."""
    found = [
        a + (y - b) / (v - b) * (u - a)
        for (a, b), (u, v) in zip(polygon, [*polygon[1:], polygon[0]], strict=True)
        if (b <= y) != (v <= y)
    ]
    return max(found) - min(found) if found else 0.0
