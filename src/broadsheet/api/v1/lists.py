"""Every list by its key, and the categories there are."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Final

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Router

from broadsheet.api.auth import caller_of
from broadsheet.api.errors import ApiError
from broadsheet.api.v1 import paging, schemas, shapes
from broadsheet.api.v1.answers import READ
from broadsheet.editions import lists, named
from broadsheet.editions.edition import Entry
from broadsheet.editions.named import NamedList, NoSuchList
from broadsheet.export.address import absolute
from broadsheet.papers.models import Paper

router = Router(tags=["lists"])
# Counting all papers of a large site takes seconds; what is read now is in the last month.
COUNTED: Final = timedelta(days=30)
AGAIN: Final = 10


class Asked(schemas.Page):
    """Which list is wanted, and which part of it."""

    key: str = Field(
        ...,
        min_length=1,
        max_length=schemas.LONGEST_LIST,
        pattern=schemas.PLAIN,
        description="edition, edition/2024-05-27, trending, category/cs.CL, author/Ada Lovelace, organisation/lab, "
        "tag/imagenet, search/long context, like/long context (by meaning), similar/2405.12345 (papers like it); "
        "with a token also library, digest and foryou.",
    )


@router.get("lists", response={200: schemas.Listing, **READ}, summary="Any list")
def show(request: HttpRequest, response: HttpResponse, asked: Query[Asked]) -> schemas.Listing:
    """Give a list by its key: a category, an author, an organisation, a tag, the newest papers of a search."""
    reader = caller_of(request).reader
    try:
        found = named.head(asked.key, reader=reader)
    except NoSuchList as problem:
        raise ApiError(404, str(problem)) from None
    if found.own:
        # What is one reader's own is for nobody's cache.
        response["Cache-Control"] = "private, no-store"
    what = f"list {found.key} {reader.pk if reader and found.own else ''}"
    after = paging.read(asked.cursor, what)
    kind, _slash, value = found.key.partition("/")
    if kind in named.SELECT:
        entries, key = _by_day(named.of_kind(kind, value), asked.limit, after)
    else:
        entries, key = _by_rank(found, asked.limit, after, lambda skip, limit: _entries(found, reader, skip, limit))
    return _listing(found, shapes.places(entries, request), paging.onward(request, response, what, key), request)


def _listing(
    found: NamedList, papers: list[schemas.Place], onward: str | None, request: HttpRequest
) -> schemas.Listing:
    url = absolute(found.path, request)
    return schemas.Listing(key=found.key, title=str(found.title), url=url, papers=papers, next=onward)


def _entries(found: NamedList, reader: Any, skip: int, limit: int) -> tuple[Entry, ...]:  # noqa: ANN401
    return named.named(found.key, limit=limit, reader=reader, skip=skip).entries


def _by_day(papers: QuerySet[Paper], limit: int, after: list[Any] | None) -> tuple[list[Entry], list[Any] | None]:
    """The next papers of a list that is ordered by day, votes and key; the key tells all three and the rank."""
    rank = after[3] if after else 0
    found = list(papers.filter(_behind(after))[: limit + 1])
    entries = [Entry(number, paper) for number, paper in enumerate(found, rank + 1)]
    return paging.cut(
        entries,
        limit,
        lambda entry: [_day(entry.paper).isoformat(), entry.paper.votes, entry.paper.key, entry.rank],
    )


def _day(paper: Paper) -> date:
    day = paper.announced or paper.placed
    assert day, "lists show papers of a known day"
    return day


def _behind(after: list[Any] | None) -> Q:
    if after is None:
        return Q()
    told, votes, key, _rank = after
    day = date.fromisoformat(told)
    return Q(day__lt=day) | Q(day=day, votes__lt=votes) | Q(day=day, votes=votes, key__gt=key)


def _by_rank(
    found: NamedList,
    limit: int,
    after: list[Any] | None,
    entries: Any,  # noqa: ANN401
) -> tuple[list[Entry], list[Any] | None]:
    """The next papers of a list that is made anew each time: behind the paper the last page ended with."""
    rank, number = after or (0, 0)
    # A few are read again, as the list may have moved by a few places since.
    skip = max(0, rank - AGAIN)
    told = entries(skip, min(limit + 1 + rank - skip, named.MOST))
    placed = [replace(entry, rank=place) for place, entry in enumerate(told, skip + 1)]
    first = next((place for place, entry in enumerate(placed, 1) if entry.paper.id == number), rank - skip)
    return paging.cut(placed[first:], min(limit, named.MOST - AGAIN - 1), lambda entry: [entry.rank, entry.paper.id])


@router.get("categories", response={200: schemas.Categories, **READ}, summary="Categories")
def categories(request: HttpRequest) -> schemas.Categories:
    """Count the papers of each category in the newest thirty days of editions."""
    newest = lists.latest_day()
    if newest is None:
        return schemas.Categories(since=None, categories=[])
    since = newest - COUNTED
    told = lists.shown().filter(announced__range=(since, newest)).values_list("categories", flat=True)
    counts = Counter(code for codes in told.iterator() for code in codes.split())
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return schemas.Categories(
        since=since, categories=[schemas.Category(code=code, papers=papers) for code, papers in ordered]
    )
