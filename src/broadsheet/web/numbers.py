"""Numbers as readers write them."""

from typing import Final

from django.utils.formats import number_format

GROUPED_FROM: Final = 1000


def counted(number: int) -> str:
    """Write a count with its thousands apart, as 8,880; for texts alone, never for what a program reads."""
    return str(number) if number < GROUPED_FROM else str(number_format(number, force_grouping=True))
