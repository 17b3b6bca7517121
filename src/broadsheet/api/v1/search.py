"""Search by words and by meaning."""

from datetime import date
from typing import Annotated

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from broadsheet.api.v1 import schemas, shapes
from broadsheet.api.v1.answers import READ
from broadsheet.papers import finding
from broadsheet.search.types import Filter, Mode

router = Router(tags=["search"])
# An empty one, as a form sends it that was left blank, is no wish.
Code = Annotated[str, Field(max_length=40, pattern=schemas.PLAIN)]


class Asked(Schema):
    """A query and what the papers must be. A query may hold operators, such as author:bengio or has:code."""

    q: str = Field(
        ..., min_length=1, max_length=schemas.LONGEST_QUERY, pattern=schemas.PLAIN, description="Words, or a question."
    )
    mode: Mode = Field(
        "page",
        description="page: all words first, then meaning; hybrid: both in one list; lexical or semantic: one of them.",
    )
    category: list[Code] = Field([], max_length=8, description="Only papers of one of these categories.")
    since: date | None = Field(None, alias="from", description="Only editions from this day on.")
    until: date | None = Field(None, description="Only editions up to this day.")
    has_code: bool | None = Field(None, description="Only papers with code, or only those without.")
    limit: int = Field(20, ge=1, le=120)


@router.get("search", response={200: schemas.Found, **READ}, summary="Search")
def find(request: HttpRequest, asked: Query[Asked]) -> schemas.Found:
    """Find papers; each hit says which words found it, how near it is, and why it stands where it stands."""
    wanted = Filter(asked.since, asked.until, tuple(filter(None, asked.category)), has_code=asked.has_code)
    found = finding.find(asked.q, mode=asked.mode, limit=asked.limit, wanted=wanted)
    return schemas.Found(
        query=asked.q,
        mode=asked.mode,
        total=found.total,
        partial=found.partial,
        notes=[str(note) for note in found.notes],
        names=found.goes_to.key if found.goes_to else "",
        hits=shapes.hits(found.hits, found.words, request),
    )
