"""The addresses of the pages about deliveries: web hooks and chats."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
