"""What is new for a reader in each list they follow, since they last looked."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q

from broadsheet.editions import lists
from broadsheet.editions.holding import Holding
from broadsheet.papers import schedule
from broadsheet.readers.models import Follow

# Whoever comes back after longer finds the papers of so many days of editions marked as new.
LOOKS_BACK: Final = timedelta(days=14)


def unseen(followed: Sequence[Follow], now: datetime) -> dict[str, frozenset[int]]:
    """Give the papers of the last editions that came since a reader last looked, by the key of the list.

    What was there when they began to follow a list is not new.
    """
    newest = lists.latest_day(now)
    if not followed or newest is None:
        return {}
    first = min(newest, schedule.latest_due(now)) - LOOKS_BACK
    since = min(_since(one) for one in followed)
    papers = lists.shown().filter(Q(announced__gte=first) | Q(placed__gte=first), first_seen__gt=since)
    rows = list(papers.values_list("id", "categories", "first_seen"))
    came = {number: moment for number, _codes, moment in rows}
    holding = Holding({number: codes for number, codes, _moment in rows}, first)
    return {one.key: frozenset(paper for paper in holding.of(one.key) if came[paper] > _since(one)) for one in followed}


def _since(follow: Follow) -> datetime:
    return follow.seen or follow.at
