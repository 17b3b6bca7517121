"""The address of the MCP server."""

from django.urls import URLPattern, URLResolver, path

from broadsheet.api.mcp import views

urlpatterns: list[URLPattern | URLResolver] = [path("", views.endpoint, name="mcp")]
