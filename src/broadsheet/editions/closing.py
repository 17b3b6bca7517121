"""Closing a day: its order at that moment is kept, so that yesterday's page never changes."""

from datetime import date, datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Max

from broadsheet.editions.lists import places, shown
from broadsheet.editions.models import ClosedEdition, ClosedPlace
from broadsheet.editions.order import by_support
from broadsheet.papers import schedule

# While papers of a day still come in, as in the middle of an import, it is not the time to fix its order.
QUIET_FOR: Final = timedelta(hours=1)


def close_due(now: datetime) -> int:
    """Close every day that is over and to which nothing was added for a while; say how many were closed.

    A day is closed once, in one transaction; two workers that close the same day at once leave one order.
    """
    newest: dict[date, datetime] = {}
    for name in ("announced", "placed"):
        past = (
            shown()
            .filter(**{f"{name}__lt": now.date()})
            .exclude(**{f"{name}__in": ClosedEdition.objects.values("day")})
        )
        for day, seen in past.values_list(name).annotate(newest=Max("first_seen")).order_by(name):
            newest[day] = max(seen, newest.get(day, seen))
    over = [day for day in sorted(newest) if not schedule.is_open(day, now) and newest[day] + QUIET_FOR <= now]
    return sum(_close(day, now) for day in over)


def _close(day: date, now: datetime) -> bool:
    with transaction.atomic():
        _edition, fresh = ClosedEdition.objects.get_or_create(day=day, defaults={"closed": now})
        if fresh:
            supported = by_support(places(day, day), day.isoformat())
            ClosedPlace.objects.bulk_create(
                [
                    ClosedPlace(edition_id=day, paper=one.paper, rank=rank, why=one.why)
                    for rank, one in enumerate(supported, 1)
                ]
            )
        return bool(fresh)
