"""The papers of the last edition days as all readers' lists choose from them: read once in a process."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from broadsheet.community.rules import rules
from broadsheet.editions import lists
from broadsheet.editions.order import counts, newest_day
from broadsheet.foryou import features as known
from broadsheet.learning.arrange import Floats
from broadsheet.learning.background import Background, Prepared
from broadsheet.learning.stories import stories
from broadsheet.papers import schedule
from broadsheet.papers.models import Change, Paper
from broadsheet.ranking.support import support

# Votes are no changes of the record, so what was read is read again after this time.
READ_AGAIN: Final = timedelta(minutes=10)
# One for each window that readers may choose, and the ones before.
KEPT: Final = 6


class _Row(NamedTuple):
    """What stands in for a paper."""

    id: int
    title: str
    categories: str
    announced: date | None
    placed: date | None
    votes_outside: int
    vote_weight: float
    commenters: float
    stars: int


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """The papers of the last `days` edition days up to `day`, n rows in any order.

    change: the number of the last change of the record. numbers, votes (support), age (edition days), story: (n,).
    papers: as profiles read them.
    """

    day: date
    days: int
    change: int
    background: Background
    numbers: NDArray[np.int64]
    votes: Floats
    age: Floats
    story: NDArray[np.int32]
    papers: Prepared

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def version(self) -> str:
        """Name what it was made from, votes aside."""
        return f"{self.day} {self.days} {self.change} {self.background.version}"


def today(now: datetime) -> date | None:
    """Give the newest edition day that has papers; None for an empty record."""
    newest = lists.latest_day(now)
    return min(newest, schedule.latest_due(now)) if newest else None


def of(days: int, background: Background, now: datetime) -> Pool | None:
    """Give the pool of the last edition days; None where there is no edition yet. Two short queries once it is read."""
    day = today(now)
    if day is None:
        return None
    change = Change.objects.order_by("-seq").values_list("seq", flat=True).first() or 0
    return _read(day, days, change, background, int(now.timestamp() // READ_AGAIN.total_seconds()))


def forget() -> None:
    """Read everything again."""
    _read.cache_clear()


@lru_cache(maxsize=KEPT)
def _read(day: date, days: int, change: int, background: Background, _again: int) -> Pool:
    # Most weeks have five editions, and no fortnight of holidays is without any.
    first = day - timedelta(days=2 * days + 7)
    found = [_Row(*row) for row in lists.places(first, day).values_list(*_Row._fields)]
    ages = {one: schedule.age(min(one, day), day) for one in {newest_day(cast(Paper, row)) for row in found} if one}
    aged = [(row, ages.get(newest_day(cast(Paper, row)) or day, 0)) for row in found]
    valid = rules()
    totals = {row.id: support(counts(cast(Paper, row)), valid).total for row, _age in aged}
    # The best first, as stories want them.
    kept = sorted(((row, age) for row, age in aged if age < days), key=lambda one: (-totals[one[0].id], one[0].id))
    numbers = [row.id for row, _age in kept]
    features = known.features_of(numbers, background)
    vectors = features.vectors if features.dim else None
    story, _told = stories(
        [row.title for row, _age in kept], vectors, [row.categories.split(" ", 1)[0] for row, _ in kept]
    )
    return Pool(
        day=day,
        days=days,
        change=change,
        background=background,
        numbers=np.array(numbers, np.int64),
        votes=np.array([totals[number] for number in numbers], np.float64),
        age=np.array([age for _row, age in kept], np.float64),
        story=story,
        papers=background.prepare(features),
    )
