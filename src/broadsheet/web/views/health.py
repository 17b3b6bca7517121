"""How complete the record is, and what needs care."""

from collections.abc import Mapping
from datetime import date

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from broadsheet.digest import health as everything
from broadsheet.papers import health
from broadsheet.web.numbers import counted

NEWEST_REFUSED = 8
STATES = {
    "complete": gettext_lazy("complete"),
    "partial": gettext_lazy("partial"),
    "late": gettext_lazy("late"),
    "waiting": gettext_lazy("waiting"),
    "holiday": gettext_lazy("no edition"),
    "failed": gettext_lazy("failed"),
}

FIGURES = {
    "papers": gettext_lazy("papers"),
    "newest": gettext_lazy("newest edition"),
    "quarantined": gettext_lazy("set aside"),
    "index_lag": gettext_lazy("changes not yet indexed"),
    "encoder": gettext_lazy("encoder"),
}


@never_cache
def show(request: HttpRequest) -> HttpResponse:
    """Show the checks, the last days by source, and the items that could not be read."""
    checks = everything.checks()
    return render(
        request,
        "web/health.html",
        {
            "section": "health",
            "checks": checks,
            "ok": all(check.ok for check in checks),
            "days": [{"row": day, "state": STATES.get(day.state, day.state)} for day in health.recent_days()],
            "figures": _figures(health.summary()),
            "quarantined": health.quarantine(NEWEST_REFUSED),
        },
    )


def _figures(summary: Mapping[str, object]) -> list[tuple[str, str]]:
    """Name the figures of the site for readers; what is not known is left out."""
    named = ((str(label), summary.get(name)) for name, label in FIGURES.items())
    return [(label, _written(value)) for label, value in named if value not in (None, "")]


def _written(value: object) -> str:
    if isinstance(value, date):
        return date_format(value, "j M Y")
    return counted(value) if isinstance(value, int) else str(value)
