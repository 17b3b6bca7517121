"""The addresses of digests: subscribing, preferences, what a mail links to, the archive."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
