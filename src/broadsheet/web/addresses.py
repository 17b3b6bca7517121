"""Addresses of pages about one thing each, of which a list of papers needs hundreds."""

import re
from functools import lru_cache
from typing import Final

from django.urls import NoReverseMatch, get_script_prefix, reverse
from django.utils.http import urlencode

_PLAIN: Final = re.compile(r"[A-Za-z0-9.-]+")
_ANY: Final = "0"


def address(name: str, value: str) -> str:
    """Give the address of the page about a category, an author, a paper by its key; `name` as in `urls`.

    It is that of a search where no address can hold the value: sources give what they like for a name, and no page may
    break on one with a line break or a slash.
    """
    if _PLAIN.fullmatch(value):
        before, after = _around(get_script_prefix(), name)
        return before + value + after
    try:
        return reverse(name, args=[value])
    except NoReverseMatch:
        return f"{reverse('search')}?{urlencode({'q': value})}"


@lru_cache(maxsize=64)
def _around(prefix: str, name: str) -> tuple[str, str]:
    """Give what stands before and after the value; prefix: where the site stands on its host."""
    before, _value, after = reverse(name, args=[_ANY]).rpartition(_ANY)
    return before, after
