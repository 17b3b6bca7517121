"""Harvests: claimed by one worker at a time, resumed where a killed one stopped, and never failed in silence."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import Q, QuerySet

from broadsheet.lib.clock import Clock
from broadsheet.lib.clock import now as wall_clock
from broadsheet.lib.http import Http
from broadsheet.lib.progress import Progress, silent
from broadsheet.papers import completeness, schedule
from broadsheet.papers.ingest import Report, ingest_batch
from broadsheet.papers.models import Harvest
from broadsheet.papers.outside import http as site_http
from broadsheet.sources.batch import LiveSource, SourceError
from broadsheet.sources.registry import Addresses, live_source

log = logging.getLogger("broadsheet.harvest")
# Longer than any one request with its retries; renewed with each batch.
LEASE: Final = timedelta(minutes=20)
# A moment further ahead was not told by another host's clock but by one that has been set back since.
ASTRAY: Final = 2 * LEASE
# Characters of the notes of one harvest that are kept.
NOTED: Final = 1000
# After a failure: soon at first, then ever more rarely, up to hours.
RETRY: Final = (timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=3))


@dataclass(frozen=True, slots=True)
class Harvested:
    """What a harvest brought. state: done, failed or busy (another process is at it)."""

    source: str
    state: str
    report: Report
    says: str = ""

    def to_json(self) -> dict[str, object]:
        """The result in the form that scripts rely on."""
        return {**self.report.to_json(), "source": self.source, "state": self.state, "says": self.says}


def site_source(name: str) -> LiveSource:
    """Make a source as the settings of this site want it. Raises SourceError for an unknown name."""
    config = settings.CONFIG
    addresses = Addresses(
        arxiv_oai=config.arxiv_oai_url,
        arxiv_feeds=config.arxiv_feeds_url,
        arxiv_api=config.arxiv_api_url,
        huggingface=config.huggingface_url,
    )
    return live_source(name, addresses, config.categories, schedule.holidays(), config.repair_days)


def harvest(
    source: LiveSource,
    *,
    since: date | None = None,
    until: date | None = None,
    http: Http | None = None,
    clock: Clock = wall_clock,
    progress: Progress = silent,
    every: timedelta | None = None,
) -> Harvested:
    """Fetch from a source and take in what it gives, batch by batch, each with the cursor to go on from.

    every: leave it where it is not due, being harvested that often; None harvests it in any case.
    """
    begun = clock()
    if not claim(source.name, begun, every):
        return Harvested(source.name, "busy", Report(), "another process harvests it")
    report, notes = Report(), []
    row = Harvest.objects.get(source=source.name)
    try:
        for batch in source.fetch(http or site_http(), row.cursor, since, until):
            moment = clock()
            report.add(ingest_batch(batch.items, now=moment, harvest=source.name, cursor=batch.cursor))
            completeness.note_batch(source.name, batch, moment)
            if not _mine(source.name, begun).update(held_until=moment + LEASE):
                return Harvested(source.name, "busy", report, "it took too long, and another process took it over")
            notes += [batch.note] if batch.note else []
            progress(report.seen)
    except SourceError as problem:
        return _ended(Harvested(source.name, "failed", report, str(problem)), begun, clock())
    except Exception as problem:
        # Not foreseen, so it is raised; but it is told where a source that does not answer is, and rests as long.
        says = f"{type(problem).__name__}: {problem}"[:NOTED]
        _ended(Harvested(source.name, "failed", report, says), begun, clock())
        raise
    except BaseException:
        # Whoever was told to stop need not keep the source until the lease ends.
        _mine(source.name, begun).update(held_until=clock())
        raise
    if not source.tells_days and source.name in settings.CONFIG.sources:
        covered = since or (clock() - timedelta(days=settings.CONFIG.repair_days)).date()
        completeness.note_run(source.name, covered, clock())
    return _ended(Harvested(source.name, "done", report, "; ".join(notes)[:NOTED]), begun, clock())


def claim(source: str, now: datetime, every: timedelta | None = None) -> bool:
    """Claim a harvest: true for one process until its lease ends, however that process ended.

    every: only where it is due, being harvested that often. Another process may have ended one since we looked.
    """
    row, _fresh = Harvest.objects.get_or_create(source=source, defaults={"first_started": now})
    if every is not None and not is_due(row, now, every):
        return False
    over = Q(held_until__isnull=True) | Q(held_until__lte=now) | Q(held_until__gt=now + ASTRAY)
    free = Harvest.objects.filter(over, source=source)
    # The row count tells who won: another worker may have been first, and done by now.
    won = free.filter(finished=row.finished)
    return won.update(held_until=now + LEASE, state="running", started=now, says="") == 1


def _mine(source: str, begun: datetime) -> QuerySet[Harvest]:
    """The row, as long as it is held by the claim of that moment."""
    return Harvest.objects.filter(source=source, started=begun, state="running")


def _ended(result: Harvested, begun: datetime, now: datetime) -> Harvested:
    ended: dict[str, object] = {"held_until": None, "finished": now, "state": result.state, "says": result.says}
    row = Harvest.objects.get(source=result.source)
    if result.state == "done":
        ended |= {"succeeded": now, "failures": 0}
    else:
        ended |= {"failures": row.failures + 1}
        log.warning("harvest of %s failed: %s", result.source, result.says)
    _mine(result.source, begun).update(**ended)
    return result


def is_due(row: Harvest | None, now: datetime, every: timedelta) -> bool:
    """Tell if a source is to be harvested: never yet, killed in the middle, long ago, or failed and rested."""
    if row is not None and row.held_until is not None:
        return not now < row.held_until <= now + ASTRAY
    if row is None or row.finished is None:
        return True
    rest = RETRY[min(row.failures, len(RETRY)) - 1] if row.failures else every
    return not now - rest < row.finished <= now + ASTRAY


def due(now: datetime, sources: Sequence[str]) -> list[str]:
    """Name the sources that are to be harvested now."""
    rows = {row.source: row for row in Harvest.objects.filter(source__in=sources)}
    every = timedelta(minutes=settings.CONFIG.harvest_every)
    return [name for name in sources if is_due(rows.get(name), now, every)]


def harvest_due(now: datetime) -> int:
    """Harvest every source that is due; give the number of papers that were new or changed."""
    brought, every = 0, timedelta(minutes=settings.CONFIG.harvest_every)
    for name in due(now, settings.CONFIG.sources):
        # The first may take minutes, in which another host harvests the second.
        report = harvest(site_source(name), every=every).report
        brought += report.new + report.revised + report.linked
    return brought
