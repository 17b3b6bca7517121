"""The addresses of lists of papers, of their feeds, and of what a reader follows."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
