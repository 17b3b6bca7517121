"""What this is, how it orders papers, and where they come from."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from broadsheet.community.rules import rules
from broadsheet.web import categories


def show(request: HttpRequest) -> HttpResponse:
    """Show the page about the site."""
    config, in_force = settings.CONFIG, rules()
    return render(
        request,
        "web/about.html",
        {
            "section": "about",
            "categories": [(code, categories.name(code)) for code in config.categories],
            "rules": in_force,
            "newcomer_percent": f"{100 * in_force.newcomer:g}",
            "days": config.trending_days,
        },
    )
