"""The addresses of the API's first version."""

from collections.abc import Callable
from typing import cast

from django.http import HttpRequest, HttpResponseBase
from django.urls import URLPattern, URLResolver, path

from broadsheet.api.v1 import views
from broadsheet.api.v1.site import api

View = Callable[..., HttpResponseBase]


def _operations() -> list[URLPattern]:
    """The addresses of the operations; HEAD is answered wherever GET is, and each tells what it is for."""
    found = cast(list[URLPattern], api.urls[0])
    says: dict[str, list[str]] = {}
    for router in api._get_bound_routers():
        for route, view in router.path_operations.items():
            for operation in view.operations:
                route_of = route.replace("{", "<").replace("}", ">")
                says.setdefault(route_of, []).append(f"{', '.join(operation.methods)}: {operation.summary}.")
    made = [
        path(str(one.pattern), _with_head(one.callback, " ".join(says[str(one.pattern)])), name=f"v1-{one.name}")
        for one in found
        if str(one.pattern) in says
    ]
    for pattern in made:
        pattern.callback.csrf_exempt = True  # type: ignore[attr-defined]
    return made


def _with_head(operation: View, says: str) -> View:
    def view(request: HttpRequest, **named: str) -> HttpResponseBase:
        method = request.method
        if method == "HEAD":
            request.method = "GET"
        try:
            return operation(request, **named)
        finally:
            request.method = method

    view.__doc__ = says
    return view


urlpatterns: list[URLPattern | URLResolver] = [
    path("openapi.json", views.openapi, name="openapi"),
    path("docs", views.reference, name="api-docs"),
    *_operations(),
]
