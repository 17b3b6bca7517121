"""Small answers for machines: health, robots, the icon and the web manifest."""

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import cache_control, never_cache

from broadsheet import __version__
from broadsheet.digest import health


@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 200 while readers are served as they should be, else 503; name every check that fails."""
    try:
        checks = health.checks()
    except DatabaseError:
        return JsonResponse({"ok": False, "version": __version__, "failing": ["database"]}, status=503)
    failing = [check for check in checks if not check.ok]
    vital = any(check.vital for check in failing)
    told = {"ok": not failing, "version": __version__, "failing": [check.name for check in failing]}
    return JsonResponse(told, status=503 if vital else 200)


@cache_control(max_age=86_400)
def robots(request: HttpRequest) -> HttpResponse:
    """Tell robots what to leave alone: pages that cost work and hold nothing of their own."""
    lines = (
        "User-agent: *",
        "Disallow: /search",
        "Disallow: /health",
        "Disallow: /account/",
        "Disallow: /report/",
        "Disallow: /desk",
        "Disallow: /*?",
    )
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


@cache_control(max_age=86_400)
def favicon(request: HttpRequest) -> HttpResponse:
    """Draw the icon."""
    return render(request, "web/favicon.svg", content_type="image/svg+xml")


@cache_control(max_age=86_400)
def manifest(request: HttpRequest) -> JsonResponse:
    """Give the web manifest, by which a phone can keep the site on its home screen."""
    return JsonResponse(
        {
            "name": settings.CONFIG.site_name,
            "short_name": settings.CONFIG.site_name,
            "start_url": reverse("latest"),
            "display": "minimal-ui",
            "background_color": "#faf7f0",
            "theme_color": "#faf7f0",
            "icons": [{"src": reverse("favicon"), "sizes": "any", "type": "image/svg+xml"}],
        },
        content_type="application/manifest+json",
    )
