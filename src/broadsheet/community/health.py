"""What is well with the site: papers, accounts, and what waits on the desk of curators and moderators."""

from datetime import datetime, timedelta
from typing import Final

from django.db.models import Min, QuerySet

from broadsheet.community.models import Claim, Report, Submission
from broadsheet.lib.clock import now as wall_clock
from broadsheet.papers import health as papers_health
from broadsheet.papers.health import Check
from broadsheet.readers import health as readers_health

# Whoever brought in or reported something should have an answer within a week.
PATIENCE: Final = timedelta(days=7)


def checks(now: datetime | None = None) -> list[Check]:
    """Look at everything, the rooms below included."""
    moment = now or wall_clock()
    return [*papers_health.checks(moment), *readers_health.checks(), desk_check(moment)]


def desk_check(now: datetime) -> Check:
    """Does somebody look at what readers bring in and report?"""
    queues: dict[str, QuerySet[Submission] | QuerySet[Claim] | QuerySet[Report]] = {
        "submission": Submission.objects.filter(state="waiting"),
        "claim": Claim.objects.filter(state="waiting"),
        "report": Report.objects.filter(state="open"),
    }
    waiting = {name: queue.count() for name, queue in queues.items()}
    *others, last = [f"{count:,} {name if count == 1 else f'{name}s'}" for name, count in waiting.items()]
    says = f"{', '.join(others)} and {last} wait"
    oldest = min(filter(None, (queue.aggregate(oldest=Min("at"))["oldest"] for queue in queues.values())), default=now)
    if now - oldest <= PATIENCE:
        return Check("desk", True, says)
    return Check("desk", False, f"{says}, the oldest for {(now - oldest).days} days", "decide on them at /desk")
