"""What this is, how it orders papers, and where they come from."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from broadsheet.web import categories


def show(request: HttpRequest) -> HttpResponse:
    """Show the page about the site."""
    config = settings.CONFIG
    return render(
        request,
        "web/about.html",
        {
            "section": "about",
            "categories": [(code, categories.name(code)) for code in config.categories],
            "editions_per_tenfold": config.trending_editions_per_tenfold,
            "prior": config.trending_prior,
            "days": config.trending_days,
        },
    )
