"""Editions by day, week and month, and the hot list."""

from datetime import date, timedelta
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Router, Schema

from broadsheet.api.errors import ApiError
from broadsheet.api.v1 import paging, schemas, shapes
from broadsheet.api.v1.answers import READ
from broadsheet.editions import lists
from broadsheet.editions.edition import Edition, Entry, NoSuchEdition
from broadsheet.editions.models import ClosedEdition

router = Router(tags=["editions"])


class Hottest(Schema):
    """How many papers of the hot list are wanted."""

    limit: int = Field(50, ge=1, le=100)


@router.get("editions", response={200: schemas.Days, **READ}, summary="Days with editions")
def days(request: HttpRequest, response: HttpResponse, asked: Query[schemas.Page]) -> schemas.Days:
    """Give the days that hold papers, the newest first, with their counts."""
    before = paging.read(asked.cursor, "editions")
    last = date.fromisoformat(before[0]) - timedelta(days=1) if before else lists.LAST_DAY
    counts = _newest_days(last, asked.limit + 1)
    page, key = paging.cut(counts, asked.limit, lambda one: [one[0].isoformat()])
    closed = set(ClosedEdition.objects.filter(day__in=[day for day, _count in page]).values_list("day", flat=True))
    return schemas.Days(
        days=[
            schemas.Day(key=day.isoformat(), papers=count, state="closed" if day in closed else "open")
            for day, count in page
        ],
        next=paging.onward(request, response, "editions", key),
    )


def _newest_days(last: date, count: int) -> list[tuple[date, int]]:
    found: set[date] = set()
    for name in ("announced", "placed"):
        days = lists.shown().filter(**{f"{name}__lte": last}).order_by(f"-{name}").values_list(name, flat=True)
        found.update(day for day in days.distinct()[:count] if day)
    wanted = sorted(found, reverse=True)[:count]
    return sorted(lists.days_with_papers(wanted[-1], wanted[0]).items(), reverse=True)[:count] if wanted else []


@router.get("editions/{key}", response={200: schemas.Edition, **READ}, summary="An edition")
def show(
    request: HttpRequest, response: HttpResponse, key: schemas.EditionKey, asked: Query[schemas.Page]
) -> schemas.Edition:
    """Give the edition of a day, a week or a month, or the hot list, with the terms of its order."""
    try:
        edition = lists.by_key(key)
    except NoSuchEdition as problem:
        raise ApiError(404, str(problem)) from None
    what = f"edition {key}"
    first = _after(edition.entries, paging.read(asked.cursor, what))
    page, onward = paging.cut(edition.entries[first:], asked.limit, lambda entry: [entry.rank, entry.paper.id])
    return _edition(edition, page, paging.onward(request, response, what, onward), request)


def _after(entries: tuple[Entry, ...], key: list[Any] | None) -> int:
    """Where the next page begins: behind the paper the last one ended with, which may have moved."""
    if key is None:
        return 0
    rank, number = key
    return next((place for place, entry in enumerate(entries, 1) if entry.paper.id == number), int(rank))


@router.get("trending", response={200: schemas.Edition, **READ}, summary="The hot list")
def trending(request: HttpRequest, asked: Query[Hottest]) -> schemas.Edition:
    """Give the papers that are talked of now, with every term of their score."""
    edition = lists.trending(asked.limit)
    return _edition(edition, edition.entries, None, request)


def _edition(edition: Edition, entries: Any, onward: str | None, request: HttpRequest) -> schemas.Edition:  # noqa: ANN401
    return schemas.Edition(
        key=edition.key,
        kind=cast(schemas.EditionKind, edition.kind),
        state=cast(schemas.EditionState, edition.state),
        total=edition.total,
        earlier=edition.earlier,
        later=edition.later,
        papers=shapes.places(lists.whole(entries), request),
        next=onward,
    )
