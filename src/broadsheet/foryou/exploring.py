"""What became of the places that lists gave to exploration, and how often each way of filling one should be taken."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final

from django.conf import settings
from django.db.models import OuterRef, Subquery

from broadsheet.community.models import Vote
from broadsheet.foryou.models import Opened, Shown
from broadsheet.learning.explore import Outcome, weights
from broadsheet.papers import schedule
from broadsheet.readers.models import Saved

# A paper that was shown counts as wanted when it is voted for or saved within this time; as many edition days.
WAITS: Final = timedelta(days=14)
HORIZON: Final = 10
# Opened, voted for or saved so soon after it was shown is known early.
SOON: Final = timedelta(days=1)
# Older places say next to nothing.
SINCE: Final = timedelta(days=180)
MOST: Final = 20_000
LOOKED_AGAIN: Final = timedelta(hours=1)


def arms(now: datetime, day: date) -> Mapping[str, float]:
    """Give the weight of each way to explore, learned from all readers together; looked up once an hour."""
    hour = int(now.timestamp() // LOOKED_AGAIN.total_seconds())
    return _weights(str(settings.DATABASES["default"]["NAME"]), hour, day)


def forget() -> None:
    """Look again at the next list."""
    _weights.cache_clear()


@lru_cache(maxsize=2)
def _weights(_record: str, hour: int, day: date) -> Mapping[str, float]:
    now = datetime.fromtimestamp(hour * LOOKED_AGAIN.total_seconds(), schedule.begins(day).tzinfo)
    # An hour begins before the moment at which it is asked: what was shown since is open anyway.
    return weights(outcomes(now + LOOKED_AGAIN, day), horizon=HORIZON, seed=day.toordinal())


def outcomes(now: datetime, day: date) -> list[Outcome]:
    """Give what became of the places of exploration, the newest first: one query."""
    mine = {"reader": OuterRef("reader"), "paper": OuterRef("paper")}
    rows = (
        Shown.objects.filter(at__gte=now - SINCE)
        .exclude(arm="")
        .annotate(
            voted=Subquery(Vote.objects.filter(**mine).values("cast")[:1]),
            saved=Subquery(Saved.objects.filter(**mine).values("at")[:1]),
            opened=Subquery(Opened.objects.filter(**mine).values("at")[:1]),
        )
        .order_by("-at", "pk")
        .values_list("arm", "day", "at", "voted", "saved", "opened")[:MOST]
    )
    return [_outcome(row, day) for row in rows]


def _outcome(
    row: tuple[str, date, datetime, datetime | None, datetime | None, datetime | None], today: date
) -> Outcome:
    arm, day, at, voted, saved, opened = row
    wanted = min((moment for moment in (voted, saved) if moment and moment >= at), default=None)
    if wanted and wanted <= at + SOON:
        state = "wanted"
    else:
        state = "opened" if opened and at <= opened <= at + SOON else "passed"
    since = schedule.age(day, today) if day < today else 0
    return Outcome(arm, state, float(since), wanted is not None and wanted <= at + WAITS)
