"""Reads of the record."""

from collections.abc import Iterable
from typing import Final

from broadsheet.papers.models import Identifier, Paper
from broadsheet.record.identifiers import identify

# PostgreSQL refuses a NUL in a question, and no name of a paper is longer.
LONGEST: Final = 500


def by_key(key: str) -> Paper | None:
    """Find a paper by its public id or by any name it has: an arXiv id with or without version, a DOI, an address."""
    if "\0" in key or len(key) > LONGEST:
        return None
    paper = Paper.objects.filter(key=key).first()
    if paper is None and (identifier := identify(key)):
        named = Identifier.objects.select_related("paper").filter(name=str(identifier)).first()
        paper = named.paper if named else None
    return paper


def in_order(ids: Iterable[int]) -> list[Paper]:
    """Give the papers with these numbers, in this order; those that are gone are left out."""
    wanted = list(ids)
    found = Paper.objects.in_bulk(wanted)
    return [found[number] for number in wanted if number in found]
