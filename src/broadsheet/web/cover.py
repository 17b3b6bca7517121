"""Typographic covers: a quiet plate for a paper, drawn from its category, its title and nothing else.

A cover is an inline SVG of a few hundred bytes. Colours come from the style sheet by class, so that the covers follow
light and dark; the same paper always gets the same cover.
"""

import math
import re
from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from typing import Final

from django.utils.html import escape
from django.utils.safestring import SafeString

from broadsheet.lib.text import plain
from broadsheet.web import categories

Draw = Callable[[bytes, int, int], str]

# A name before the colon of a title ("ALBERT: A Lite BERT …"): one or two words, short enough for a plate.
_NAME: Final = re.compile(r"([^\s:]{2,18}(?: [^\s:]{1,10})?)\s*:\s")


@lru_cache(maxsize=4096)
def draw(title: str, category: str, *, wide: bool = False) -> SafeString:
    """Draw the cover of a paper: 100 by 100 units with its initial, or 200 by 150 with its name where `wide`."""
    return SafeString(_wide(plain(title), category) if wide else _small(plain(title), category))


def system_name(title: str) -> str:
    """Give the name that a title puts before its colon; "" where it has none that would fit on a cover."""
    match = _NAME.match(title)
    return match[1] if match else ""


def _initial(title: str) -> str:
    return next((char for char in title if char.isalnum()), "\N{PILCROW SIGN}").upper()


def _seed(title: str) -> bytes:
    return sha256(title.encode()).digest()


def _motif(title: str, width: int, height: int) -> str:
    seed = _seed(title)
    return MOTIFS[seed[0] % len(MOTIFS)](seed[1:], width, height)


def _small(title: str, category: str) -> str:
    return _plate(100, 100, category, _motif(title, 100, 100), _initial(title), 58)


def _wide(title: str, category: str) -> str:
    name = system_name(title) or _initial(title)
    return _plate(200, 150, category, _motif(title, 200, 150), name, min(96, 290 // len(name)))


def _plate(width: int, height: int, category: str, motif: str, text: str, size: int) -> str:
    """Write a cover; `size` is that of the text, in units of the drawing."""
    middle = f'x="{width // 2}" y="{height / 2 + size * 0.33:.0f}" text-anchor="middle" font-size="{size}"'
    return (
        f'<svg class="cover ink-{categories.ink(category)}" viewBox="0 0 {width} {height}" '
        'preserveAspectRatio="xMidYMid slice" aria-hidden="true" focusable="false">'
        f'<path class="motif" d="{motif}"/><text class="initial" {middle}>{escape(text)}</text></svg>'
    )


def _arcs(seed: bytes, width: int, height: int) -> str:
    """Circles around one corner or edge, in even steps."""
    x, y = ((0, height), (width, height), (width, 0), (width // 2, height))[seed[0] % 4]
    step = 7 + seed[1] % 6
    return "".join(_circle(x, y, radius) for radius in range(step, width + height // 3, step))


def _circle(x: float, y: float, radius: float) -> str:
    return f"M{x - radius:.0f} {y:.0f}a{radius} {radius} 0 1 0 {2 * radius} 0a{radius} {radius} 0 1 0 {-2 * radius} 0"


def _slopes(seed: bytes, width: int, height: int) -> str:
    """Parallel lines that draw together from one side to the other."""
    lean, offset, parts = (seed[0] % 90) - 45, 2.0, []
    while offset < width + 60:
        parts.append(f"M{offset - 30:.0f} 0l{lean} {height}")
        offset += 3 + offset / (9 + seed[1] % 8)
    return "".join(parts)


def _waves(seed: bytes, width: int, height: int) -> str:
    """Lines of a calm sea; each is a chain of equal half-waves."""
    half, rise, step = 14 + seed[0] % 22, 3 + seed[1] % 9, 6 + seed[2] % 5
    chain = f"q{half // 2} {-2 * rise} {half} 0" + f"t{half} 0" * (width // half + 1)
    return "".join(f"M{-(seed[3] % half) - row % 3 * 4} {row}{chain}" for row in range(step, height + rise, step))


def _bars(seed: bytes, width: int, height: int) -> str:
    """Upright strokes of uneven height, as in a spectrum."""
    parts = []
    for place, x in enumerate(range(4, width, 5)):
        share = (seed[place % 12] / 255 + math.sin(place / (2 + seed[13] % 5)) + 1) / 3
        parts.append(f"M{x} {height}v{-8 - share * height * 0.8:.0f}")
    return "".join(parts)


def _rings(seed: bytes, width: int, height: int) -> str:
    """Three groups of circles that cross one another."""
    parts = []
    for group in range(3):
        x, y = seed[group * 2] % width, seed[group * 2 + 1] % height
        parts += [_circle(x, y, radius) for radius in range(12 + seed[group + 8] % 9, 52, 8)]
    return "".join(parts)


def _weave(seed: bytes, width: int, height: int) -> str:
    """Tiles with two quarter circles each, turned this way or that: paths that wander (after S. Truchet, 1704)."""
    side, parts = 20, []
    for row in range(0, height, side):
        for column in range(0, width, side):
            place = row // side * (width // side) + column // side
            if seed[place // 8 % 24] >> place % 8 & 1:
                parts.append(f"M{column + 10} {row}a10 10 0 0 1-10 10m20 0a10 10 0 0 0-10 10")
            else:
                parts.append(f"M{column + 10} {row}a10 10 0 0 0 10 10m-20 0a10 10 0 0 1 10 10")
    return "".join(parts)


def _field(seed: bytes, width: int, height: int) -> str:
    """Short strokes that turn with their place, like grass in the wind."""
    parts, turn = [], 0.02 + seed[0] / 9000
    for y in range(6, height, 12):
        for x in range(6, width, 12):
            angle = seed[1] / 40 + x * turn + y * turn * (1 - seed[2] / 128)
            dx, dy = 4.5 * math.cos(angle), 4.5 * math.sin(angle)
            parts.append(f"M{x - dx:.0f} {y - dy:.0f}l{2 * dx:.0f} {2 * dy:.0f}")
    return "".join(parts)


MOTIFS: Final[tuple[Draw, ...]] = (_arcs, _slopes, _waves, _bars, _rings, _weave, _field)
