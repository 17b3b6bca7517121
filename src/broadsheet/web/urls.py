"""The addresses of the pages."""

from collections.abc import Callable

from django.http import HttpResponseBase
from django.urls import URLPattern, URLResolver, include, path
from django.views.decorators.http import require_safe
from django.views.generic import RedirectView

from broadsheet.api.v1.views import openapi
from broadsheet.web.views import about, edition, health, machine, paper, search, thumbnail


def page(route: str, view: Callable[..., HttpResponseBase], name: str, **kwargs: str) -> URLPattern:
    """Give a page its address; pages are only read, so anything but GET and HEAD is refused."""
    return path(route, require_safe(view), kwargs, name=name)


urlpatterns: list[URLPattern | URLResolver] = [
    # First: the ending of a format is no part of a day, a week, a month or a paper's name.
    path("", include("broadsheet.web.export_urls")),
    page("", edition.latest, "latest"),
    page("date/<str:key>", edition.day, "day"),
    page("week", edition.newest, "this-week", kind="week"),
    page("month", edition.newest, "this-month", kind="month"),
    page("week/<str:key>", edition.week, "week"),
    page("month/<str:key>", edition.month, "month"),
    page("trending", edition.trending, "trending"),
    path("papers", RedirectView.as_view(pattern_name="latest")),
    page("papers/<path:key>", paper.show, "paper"),
    page("search", search.show, "search"),
    path("", include("broadsheet.web.community_urls")),
    path("", include("broadsheet.web.library_urls")),
    path("", include("broadsheet.web.group_urls")),
    path("", include("broadsheet.web.account_urls")),
    path("", include("broadsheet.web.taste_urls")),
    path("", include("broadsheet.web.list_urls")),
    path("", include("broadsheet.web.delivery_urls")),
    path("", include("broadsheet.web.digest_urls")),
    path("", include("broadsheet.web.start_urls")),
    path("", include("broadsheet.web.foryou_urls")),
    path("api/", include("broadsheet.api.urls")),
    path("mcp", include("broadsheet.api.mcp.urls")),
    page(".well-known/openapi.json", openapi, "well-known-openapi"),
    page("about", about.show, "about"),
    page("health", health.show, "health"),
    page("healthz", machine.healthz, "healthz"),
    page("robots.txt", machine.robots, "robots"),
    page("favicon.svg", machine.favicon, "favicon"),
    path("favicon.ico", RedirectView.as_view(pattern_name="favicon", permanent=True)),
    page("thumbnails/<path:key>.svg", thumbnail.paper, "thumbnail"),
    page("avatars/<str:handle>.svg", thumbnail.avatar, "avatar"),
    page("manifest.webmanifest", machine.manifest, "manifest"),
]

handler400 = "broadsheet.web.views.errors.bad_request"
handler404 = "broadsheet.web.views.errors.not_found"
handler500 = "broadsheet.web.views.errors.server_error"
