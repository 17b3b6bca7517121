"""The addresses of the API: Broadsheet's own, then those it shares with Hugging Face's, and 404 for all others."""

from django.urls import URLPattern, URLResolver, include, path, re_path

from broadsheet.api import hf

urlpatterns: list[URLPattern | URLResolver] = [
    path("v1/", include("broadsheet.api.v1.urls")),
    path("", include("broadsheet.api.write_urls")),
    path("daily_papers", hf.daily_papers, name="api-daily-papers"),
    path("papers", hf.indexed, name="api-papers"),
    path("papers/search", hf.search, name="api-search"),
    path("papers/<path:key>/comments", hf.discussion, name="api-comments"),
    path("papers/<path:key>/discussions", hf.discussion, name="api-discussions"),
    path("papers/<path:key>", hf.paper, name="api-paper"),
    path("arxiv/<path:key>/repos", hf.repositories, name="api-repositories"),
    re_path("^(?P<rest>.*)$", hf.nothing),
]
