"""One paper: what it is, its versions, what is near it, what is said of it, what became of it."""

from collections.abc import Iterator
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Router, Schema

from broadsheet.api.v1 import paging, schemas, shapes
from broadsheet.api.v1.answers import READ
from broadsheet.community import comments
from broadsheet.community.comments import Node
from broadsheet.papers import finding

router = Router(tags=["papers"])


class Near(Schema):
    """How many papers near one are wanted."""

    limit: int = Field(8, ge=1, le=50)


@router.get("papers/{path:id}/versions", response={200: schemas.Versions, **READ}, summary="The versions of a paper")
def versions(request: HttpRequest, id: schemas.PaperId) -> schemas.Versions:
    """Give the versions of a paper, as far as a source told of them."""
    paper = shapes.known(id)
    told = paper.versions.order_by("number").values_list("number", "submitted")
    return schemas.Versions(
        key=paper.key, versions=[schemas.Version(number=number, submitted=moment) for number, moment in told]
    )


@router.get("papers/{path:id}/similar", response={200: schemas.Similar, **READ}, summary="Papers near one")
def similar(request: HttpRequest, id: schemas.PaperId, asked: Query[Near]) -> schemas.Similar:
    """Give the papers nearest to one, by meaning or, without an encoder, by words they share."""
    paper = shapes.known(id)
    return schemas.Similar(key=paper.key, hits=shapes.hits(finding.similar(paper, asked.limit), (), request))


@router.get("papers/{path:id}/comments", response={200: schemas.Comments, **READ}, summary="What is said of a paper")
def discussion(
    request: HttpRequest, response: HttpResponse, id: schemas.PaperId, asked: Query[schemas.Page]
) -> schemas.Comments:
    """Give the discussion of a paper: each comment before those that answer it."""
    paper = shapes.known(id)
    what = f"comments {paper.key}"
    after = paging.read(asked.cursor, what)
    said = list(_in_order(comments.thread(paper, None)))
    places = {node.comment.pk: place for place, node in enumerate(said)}
    first = places.get(after[0], -1) + 1 if after else 0
    page, key = paging.cut(said[first:], asked.limit, lambda node: [node.comment.pk])
    told = [_comment(node) for node in page]
    return schemas.Comments(key=paper.key, comments=told, next=paging.onward(request, response, what, key))


def _in_order(nodes: list[Node]) -> Iterator[Node]:
    waiting = nodes[::-1]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed(node.replies)


def _comment(node: Node) -> schemas.Comment:
    comment, shown = node.comment, not node.placeholder
    return schemas.Comment(
        id=comment.pk,
        parent=comment.parent_id,
        author=comment.author.handle if shown and comment.author else "",
        text=comment.text if shown else "",
        state=cast(schemas.CommentState, comment.state),
        written=comment.written,
        edited=comment.edited,
    )


@router.get("papers/{path:id}/history", response={200: schemas.History, **READ}, summary="What became of a paper")
def history(
    request: HttpRequest, response: HttpResponse, id: schemas.PaperId, asked: Query[schemas.Page]
) -> schemas.History:
    """Give the change log of a paper, the newest change first, with what the changed fields held before."""
    paper = shapes.known(id)
    what = f"history {paper.key}"
    before = paging.read(asked.cursor, what)
    changes = paper.changes.order_by("-seq").filter(**_below(before))
    page, key = paging.cut(list(changes[: asked.limit + 1]), asked.limit, lambda change: [change.seq])
    told = [
        schemas.Change(seq=change.seq, kind=change.kind, source=change.source, at=change.at, old=change.old)
        for change in page
    ]
    return schemas.History(key=paper.key, changes=told, next=paging.onward(request, response, what, key))


def _below(before: list[Any] | None) -> dict[str, int]:
    return {"seq__lt": before[0]} if before else {}


@router.get("papers/{path:id}", response={200: schemas.Paper, **READ}, summary="A paper")
def show(request: HttpRequest, id: schemas.PaperId) -> schemas.Paper:
    """Give a paper by any name it has."""
    return shapes.one(shapes.known(id), request)
