"""Closing a day: its order at that moment is kept, so that yesterday's page never changes."""

from datetime import date, datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Max

from broadsheet.editions.lists import places, shown
from broadsheet.editions.models import ClosedEdition, ClosedPlace
from broadsheet.editions.order import by_support, why
from broadsheet.papers import schedule

# An edition is the news until the next one; its last readers vote from their own evening.
OPEN_FOR: Final = timedelta(hours=36)
# While papers of a day still come in, as in the middle of an import, it is not the time to fix its order.
QUIET_FOR: Final = timedelta(hours=1)


def close_due(now: datetime) -> int:
    """Close every day that is over and to which nothing was added for a while; say how many were closed.

    A day is closed once, in one transaction; two workers that close the same day at once leave one order.
    """
    days = shown().filter(announced__lt=now.date()).exclude(announced__in=ClosedEdition.objects.values("day"))
    newest = days.values_list("announced").annotate(newest=Max("first_seen")).order_by("announced")
    over = [day for day, seen in newest if day and schedule.begins(day) + OPEN_FOR <= now and seen + QUIET_FOR <= now]
    return sum(_close(day, now) for day in over)


def _close(day: date, now: datetime) -> bool:
    with transaction.atomic():
        _edition, fresh = ClosedEdition.objects.get_or_create(day=day, defaults={"closed": now})
        if fresh:
            supported = by_support(places(day, day), day.isoformat())
            ClosedPlace.objects.bulk_create(
                [
                    ClosedPlace(edition_id=day, paper=paper, rank=rank, why=why(paper, terms))
                    for rank, (paper, terms) in enumerate(supported, 1)
                ]
            )
        return bool(fresh)
