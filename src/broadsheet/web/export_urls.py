"""The addresses of papers and lists in other formats: the page's own, with the ending of the format."""

from collections.abc import Callable, Iterator

from django.http import HttpResponseBase
from django.urls import URLPattern, URLResolver, path
from django.views.decorators.http import require_safe

from broadsheet.web import formats
from broadsheet.web.views import exports, library, search

View = Callable[..., HttpResponseBase]
# Whatever stands before the ending; the names are those of the pages, and the format.
ROUTES: tuple[tuple[str, View, str, dict[str, str]], ...] = (
    ("papers/<path:key>", exports.paper, "paper", {}),
    ("date/<str:key>", exports.edition, "day", {"span": "day"}),
    ("week/<str:key>", exports.edition, "week", {"span": "week"}),
    ("month/<str:key>", exports.edition, "month", {"span": "month"}),
    ("trending", exports.trending, "trending", {}),
    ("search", search.export, "search", {}),
    ("library", library.export, "library", {}),
)


def _patterns() -> Iterator[URLPattern]:
    for route, view, name, told in ROUTES:
        for kind in formats.FORMATS:
            given = {**told, "kind": kind}
            yield path(f"{route}.{kind}", require_safe(view), given, name=formats.route(name, kind))


urlpatterns: list[URLPattern | URLResolver] = [*_patterns()]
