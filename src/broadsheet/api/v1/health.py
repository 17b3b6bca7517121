"""How the site is: checks, completeness of the last days, sources."""

from typing import cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Router, Schema

from broadsheet import __version__
from broadsheet.api.v1 import schemas
from broadsheet.api.v1.answers import READ
from broadsheet.digest import health as community
from broadsheet.papers import copying, health
from broadsheet.papers.completeness import DayHealth
from broadsheet.papers.models import Harvest, Paper

router = Router(tags=["health"])


class Asked(Schema):
    """How many days back."""

    days: int = Field(14, ge=1, le=60)


@router.get("health", response={200: schemas.Health, **READ}, summary="Is all well?")
def show(request: HttpRequest, response: HttpResponse) -> schemas.Health:
    """Give the checks that the health page shows. The status is 200 whatever they say; /healthz is for monitors."""
    response["Cache-Control"] = "no-cache"
    checks = community.checks()
    return schemas.Health(
        ok=all(check.ok for check in checks),
        version=__version__,
        papers=Paper.objects.count(),
        newest=Paper.objects.exclude(announced=None).order_by("-announced").values_list("announced", flat=True).first(),
        seq=copying.head(),
        checks=[
            schemas.Check(name=check.name, ok=check.ok, says=check.says, do=check.do, vital=check.vital)
            for check in checks
        ],
    )


@router.get("completeness", response={200: schemas.Completeness, **READ}, summary="How complete are the last days?")
def completeness(request: HttpRequest, asked: Query[Asked]) -> schemas.Completeness:
    """Say for each of the last days what came from each source, what is waited for, and what failed."""
    return schemas.Completeness(days=[_day(day) for day in health.recent_days(asked.days)])


def _day(day: DayHealth) -> schemas.DayHealth:
    parts = [
        schemas.Part(
            source=part.source,
            part=part.part,
            state=part.state,
            expected=part.expected,
            came=part.came,
            says=part.says,
        )
        for part in day.parts
    ]
    return schemas.DayHealth(day=day.day, state=cast(schemas.DayState, day.state), papers=day.papers, parts=parts)


@router.get("sources", response={200: schemas.Sources, **READ}, summary="Where papers come from")
def sources(request: HttpRequest) -> schemas.Sources:
    """Give the sources of the settings and how the last harvest of each went."""
    rows = {row.source: row for row in Harvest.objects.all()}
    return schemas.Sources(sources=[_source(name, rows.get(name)) for name in settings.CONFIG.sources])


def _source(name: str, row: Harvest | None) -> schemas.Source:
    if row is None:
        return schemas.Source(name=name, state="never", succeeded=None, says="")
    return schemas.Source(name=name, state=row.state, succeeded=row.succeeded, says=row.says)
