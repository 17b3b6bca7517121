"""Pictures for programs: a paper's cover and somebody's monogram, drawn so that they stand without a style sheet."""

from hashlib import sha256
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils.html import escape
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control

from broadsheet.papers import queries
from broadsheet.web import categories, cover
from broadsheet.web.views.errors import NotHere

DAY: Final = 86_400
PAPER: Final = "#faf7f0"
# The light half of each ink in the style sheet.
DYES: Final = {
    "brick": "#8d3223", "teal": "#1f5f66", "slate": "#34507c", "ochre": "#7c5a10", "moss": "#46602a", "plum": "#6c3a66",
    "rust": "#8a4a16", "graphite": "#4b4a47",
}  # fmt: skip
LONGEST_HANDLE: Final = 100


@cache_control(max_age=DAY)
def paper(request: HttpRequest, key: str) -> HttpResponse:
    """Draw the cover of a paper."""
    found = queries.by_key(key) if key.isprintable() else None
    if found is None:
        raise NotHere(_("We have no paper of that id."))
    category = next(iter(found.category_list), "")
    drawn = cover.draw(found.title, category, wide=True)
    dye = DYES.get(categories.ink(category), DYES["graphite"])
    ground = _mixed(dye)
    begin, _svg, inner = drawn.partition(">")
    shape = begin[begin.index(" viewBox") :]
    inner = inner.replace('class="motif"', f'fill="none" stroke="{dye}" stroke-width=".6" opacity=".55"')
    letters = f'font-family="Georgia, serif" font-weight="700" fill="{dye}" stroke="{ground}" stroke-width="7"'
    inner = inner.replace('class="initial"', f'{letters} paint-order="stroke" stroke-linejoin="round"')
    return _svg_of(f'{shape} width="800" height="600"', f'<rect width="100%" height="100%" fill="{ground}"/>{inner}')


@cache_control(max_age=DAY)
def avatar(request: HttpRequest, handle: str) -> HttpResponse:
    """Draw a monogram from a handle; it tells nothing of whether anybody here has it."""
    if len(handle) > LONGEST_HANDLE or not handle.isprintable():
        raise NotHere(_("There is no picture at this address."))
    dye = list(DYES.values())[sha256(handle.encode()).digest()[0] % len(DYES)]
    letter = escape(next((char for char in handle if char.isalnum()), "?").upper())
    text = 'x="50" y="69" text-anchor="middle" font-family="Georgia, serif" font-size="56" font-weight="700"'
    drawn = f'<rect width="100" height="100" fill="{dye}"/><text {text} fill="{PAPER}">{letter}</text></svg>'
    return _svg_of(' viewBox="0 0 100 100" width="200" height="200"', drawn)


def _mixed(dye: str, share: float = 0.13) -> str:
    """Mix an ink thinly into the colour of the paper."""
    pairs = [(int(dye[at : at + 2], 16), int(PAPER[at : at + 2], 16)) for at in (1, 3, 5)]
    return "#" + "".join(f"{round(share * ink + (1 - share) * white):02x}" for ink, white in pairs)


def _svg_of(shape: str, inner: str) -> HttpResponse:
    return HttpResponse(f'<svg xmlns="http://www.w3.org/2000/svg"{shape}>{inner}', content_type="image/svg+xml")
