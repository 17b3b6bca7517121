"""The names of many papers outside, read in one query for all of them."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q

from broadsheet.papers.models import Identifier


@dataclass(frozen=True, slots=True)
class Names:
    """What a reference names beside the paper's own id: its DOI, and an address where it is read."""

    doi: str = ""
    url: str = ""


NAMELESS = Names()
_ADDRESSES = {"openreview": "https://openreview.net/forum?id={}", "url": "{}"}


def of_papers(numbers: Iterable[int]) -> dict[int, Names]:
    """Give the names of the papers with these numbers; of several the first in order. Those without are left out."""
    found: dict[int, dict[str, str]] = {}
    of_a_scheme = Q(name__startswith="doi:") | Q(name__startswith="openreview:") | Q(name__startswith="url:http")
    rows = Identifier.objects.filter(of_a_scheme, paper_id__in=list(numbers)).order_by("name")
    for number, name in rows.values_list("paper_id", "name"):
        scheme, _colon, value = name.partition(":")
        found.setdefault(number, {}).setdefault(scheme, value)
    return {number: _names(told) for number, told in found.items()}


def dois(numbers: Iterable[int]) -> dict[int, str]:
    """Give the DOIs of the papers with these numbers; those without one are left out."""
    return {number: names.doi for number, names in of_papers(numbers).items() if names.doi}


def _names(told: dict[str, str]) -> Names:
    url = next((pattern.format(told[scheme]) for scheme, pattern in _ADDRESSES.items() if scheme in told), "")
    return Names(told.get("doi", ""), url)
