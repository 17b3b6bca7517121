"""The library of the reader whose token is shown: papers with tags, a note and a state."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import ConfigDict, Field

from broadsheet.api import acts
from broadsheet.api.auth import reader_for
from broadsheet.api.errors import ApiError
from broadsheet.api.v1 import paging, schemas, shapes
from broadsheet.api.v1.answers import ACT, OWN
from broadsheet.lib.clock import now
from broadsheet.papers.models import Paper
from broadsheet.readers import filing, library, library_search
from broadsheet.readers.filing import Filed
from broadsheet.readers.library_search import Asked, Row
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused

router = Router(tags=["me"])

State = Literal["", "to-read", "reading", "read"]
Tag = Annotated[str, Field(min_length=1, max_length=filing.LONGEST_TAG, pattern=schemas.PLAIN)]
LONGEST_TAGS: Final = 500


class Wanted(schemas.Page):
    """Which papers of the library are wanted, and which part of them."""

    q: str = Field(
        "",
        max_length=library_search.LONGEST_QUERY,
        pattern=schemas.PLAIN,
        description="Words that must all stand in title, abstract, authors, note or tags; the last may go on.",
    )
    tag: str = Field(
        "", max_length=LONGEST_TAGS, pattern=schemas.PLAIN, description="Tags, with commas; a paper has all of them."
    )
    state: Literal["", "list", "to-read", "reading", "read", "kept"] = Field(
        "", description="list is the reading list: to-read and reading; kept has none of them; empty for any."
    )


class SavedPaper(schemas.Given):
    """A paper of the library, when it was saved, and how it is filed."""

    state: State
    tags: list[str]
    note: str = Field(description="In Markdown; nobody else sees it.")


class SavedPage(Schema):
    """Papers of the library, the last saved first."""

    papers: list[SavedPaper]
    next: str | None


class Filing(Schema):
    """How a paper is to be filed; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    state: State | None = None
    tags: list[Tag] | None = Field(
        default=None, max_length=filing.MOST_TAGS, description="All tags of the paper; others are taken off."
    )
    note: str | None = Field(default=None, max_length=filing.LONGEST_NOTE, description="In Markdown.")


class SavedMark(schemas.Mark):
    """How a saved paper stands now."""

    state: State
    tags: list[str]
    note: str


class TagCount(Schema):
    """A tag and how many papers are under it."""

    name: str
    papers: int


class Tags(Schema):
    """The tags of the library, the largest first."""

    tags: list[TagCount]


@router.get("me/library", response={200: SavedPage, **OWN}, summary="My library")
def saved(request: HttpRequest, response: HttpResponse, asked: Query[Wanted]) -> SavedPage:
    """Give the papers the reader saved, the latest first: all, or those with some words, tags or state."""
    response["Cache-Control"] = "private, no-store"
    reader = reader_for(request, "read")
    tags = tuple(dict.fromkeys(filing.tag_key(tag.strip()) for tag in asked.tag.split(",") if tag.strip()))
    wanted = Asked(q=asked.q, tags=tags, state=asked.state)
    what = f"library {reader.pk}" + (f" {wanted}" if wanted.narrows else "")
    rows = _behind(library_search.find(reader, wanted).rows, paging.read(asked.cursor, what))
    page, key = paging.cut(rows[: asked.limit + 1], asked.limit, lambda row: [row.at.isoformat(), row.saved])
    return SavedPage(papers=_told(reader, page, request), next=paging.onward(request, response, what, key))


def _behind(rows: tuple[Row, ...], after: list[object] | None) -> tuple[Row, ...]:
    if after is None:
        return rows
    at, pk = datetime.fromisoformat(str(after[0])), after[1]
    return tuple(row for row in rows if (row.at, row.saved) < (at, pk))


def _told(reader: Reader, rows: list[Row], request: HttpRequest) -> list[SavedPaper]:
    numbers = [row.paper for row in rows]
    filed = filing.of(reader, numbers)
    told = shapes.papers(Paper.objects.filter(pk__in=numbers), request)
    return [
        SavedPaper(at=row.at, paper=told[row.paper], **_filed(filed.get(row.paper, Filed())))
        for row in rows
        if row.paper in told
    ]


def _filed(filed: Filed) -> dict[str, Any]:
    return {"state": filed.state, "tags": list(filed.tags), "note": filed.note}


@router.get("me/tags", response={200: Tags, **OWN}, summary="Tags of my library")
def tags(request: HttpRequest, response: HttpResponse) -> Tags:
    """Give the tags of the library with how many papers are under each."""
    response["Cache-Control"] = "private, no-store"
    reader = reader_for(request, "read")
    return Tags(tags=[TagCount(name=tag.name, papers=tag.papers) for tag in filing.tags(reader)])


@router.put("me/library/{path:id}", response={200: SavedMark, **ACT}, summary="Save a paper and file it")
def save(request: HttpRequest, id: schemas.PaperId, wanted: Filing | None = None) -> SavedMark:
    """Put a paper into the library, and give it tags, a note and a state; without a body it is saved and no more."""
    reader, moment = reader_for(request, "write"), now()
    acts.must_be_few("save", reader, moment)
    paper = shapes.known(id)
    told = wanted or Filing()
    try:
        filed = filing.file(reader, paper, now=moment, state=told.state, note=told.note, tags=told.tags)
    except Refused as refusal:
        raise ApiError(409, str(refusal)) from None
    return SavedMark(key=paper.key, on=True, votes=None, **_filed(filed))


@router.delete("me/library/{path:id}", response={200: schemas.Mark, **ACT}, summary="Take a paper out of my library")
def unsave(request: HttpRequest, id: schemas.PaperId) -> schemas.Mark:
    """Take a paper out of the library, with its tags and note; nothing changes where it is not there."""
    reader = reader_for(request, "write")
    acts.must_be_few("save", reader, now())
    paper = shapes.known(id)
    library.remove(reader, paper)
    return schemas.Mark(key=paper.key, on=False, votes=None)
