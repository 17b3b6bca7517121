"""What was expected of each source for each day, and what came: nothing is missed in silence."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count

from broadsheet.papers import schedule
from broadsheet.papers.models import Harvest, Paper, SourceDay
from broadsheet.record.paper import PaperData
from broadsheet.sources.batch import Batch

# Worst first: a day is as good as its worst part.
STATES = ("failed", "partial", "waiting", "late", "complete", "holiday")


@dataclass(frozen=True, slots=True)
class DayHealth:
    """A day and what each part of each source gave for it; `state` is that of the worst part."""

    day: date
    state: str
    papers: int
    parts: tuple[SourceDay, ...]


def note_batch(source: str, batch: Batch, now: datetime) -> None:
    """Note what a batch gave for the day that it is the list of."""
    if batch.day is None or not (batch.items or schedule.has_edition(batch.day)):
        return
    of_day = any(isinstance(item, PaperData) and item.announced == batch.day for item in batch.items)
    came = len(batch.items) if of_day else 0
    whole = not batch.note and (batch.expected is None or came >= batch.expected)
    state = "waiting" if not of_day else "partial" if not whole else _in_time(source, batch.day, batch.part, now)
    SourceDay.objects.update_or_create(
        source=source,
        day=batch.day,
        part=batch.part,
        defaults={"state": state, "expected": batch.expected, "came": came, "says": batch.note, "checked": now},
    )


def _in_time(source: str, day: date, part: str, now: datetime) -> str:
    """A list that is first whole when its day is over is late, unless the site was not there before."""
    known = SourceDay.objects.filter(source=source, day=day, part=part).first()
    late = schedule.is_late(day, now) and known is not None and known.state != "complete"
    return "late" if late else "complete"


def note_run(source: str, since: date, now: datetime) -> None:
    """Note, after a whole run of a source that tells no days, what the record has of each day the run covers."""
    counts = dict(
        Paper.objects.filter(sightings__source=source, announced__gte=since)
        .values_list("announced")
        .annotate(papers=Count("id"))
    )
    for day in schedule.due_days(since, now):
        state = "complete" if counts.get(day) else "waiting"
        SourceDay.objects.update_or_create(
            source=source,
            day=day,
            part="",
            defaults={"state": state, "came": counts.get(day, 0), "says": "", "checked": now},
        )


def recent_days(now: datetime, sources: Sequence[str], count: int = 14) -> list[DayHealth]:
    """Tell of the last days, newest first: what came, what is waited for, what failed, what was a holiday."""
    last = schedule.latest_due(now)
    days = [last - timedelta(days=back) for back in range(count)]
    rows: dict[date, list[SourceDay]] = {}
    for row in SourceDay.objects.filter(day__in=days).order_by("source", "part"):
        rows.setdefault(row.day, []).append(row)
    harvests = {harvest.source: harvest for harvest in Harvest.objects.all()}
    papers = dict(Paper.objects.filter(announced__in=days).values_list("announced").annotate(papers=Count("id")))
    return [_day(day, rows.get(day, []), harvests, sources, papers.get(day, 0), now) for day in days]


def _day(
    day: date,
    rows: list[SourceDay],
    harvests: dict[str, Harvest],
    sources: Sequence[str],
    papers: int,
    now: datetime,
) -> DayHealth:
    if not schedule.has_edition(day) and not rows:
        return DayHealth(day, "holiday", papers, ())
    told = {row.source for row in rows}
    missing = [_missing(source, day, harvests.get(source), now) for source in sources if source not in told]
    parts = (*rows, *(row for row in missing if row))
    worst = min((part.state for part in parts), key=STATES.index, default="waiting")
    return DayHealth(day, worst, papers, parts)


def _missing(source: str, day: date, harvest: Harvest | None, now: datetime) -> SourceDay | None:
    """What to say of a source that told nothing of a day; nothing where it was not harvested yet in those days."""
    if harvest is None or harvest.started is None:
        return SourceDay(source=source, day=day, state="waiting", says="never harvested", checked=now)
    if harvest.state == "failed":
        return SourceDay(source=source, day=day, state="failed", says=harvest.says, checked=now)
    first = harvest.first_started
    if first and day < first.date():
        return None
    return SourceDay(source=source, day=day, state="waiting", says="", checked=now)
