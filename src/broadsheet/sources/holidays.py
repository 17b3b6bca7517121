"""The days on which arXiv announces nothing, as arXiv lists them, one year at a time; a site owner can give others."""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

# https://info.arxiv.org/help/availability.html
BY_YEAR: Mapping[int, frozenset[date]] = MappingProxyType(
    {
        2026: frozenset(
            {
                date(2026, 1, 1),
                date(2026, 1, 19),
                date(2026, 6, 19),
                date(2026, 7, 3),
                date(2026, 9, 7),
                date(2026, 11, 26),
                date(2026, 12, 25),
                date(2026, 12, 29),
                date(2026, 12, 31),
            }
        )
    }
)

LISTED: frozenset[date] = frozenset().union(*BY_YEAR.values())


def is_listed(year: int) -> bool:
    """Tell if the holidays of a year are known; where not, the calendar takes every announcement for due."""
    return year in BY_YEAR
