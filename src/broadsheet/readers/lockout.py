"""What django-axes asks: whose password was wrong, and what to say to an address that guessed too often."""

from collections.abc import Mapping
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

LONGEST: Final = 255


def name_of(request: HttpRequest, credentials: Mapping[str, object] | None = None) -> str:
    """Give the address that someone tries to sign in with, in one form, whichever door they try."""
    given = credentials or {}
    name = given.get("email") or given.get("username") or request.POST.get("login") or request.POST.get("username")
    return str(name or "").replace("\0", "").strip().lower()[:LONGEST]


def answer(
    request: HttpRequest,
    response: HttpResponse | None = None,
    credentials: Mapping[str, object] | None = None,
) -> HttpResponse:
    """Answer 429 to an address that is locked out, with Retry-After."""
    locked = render(request, "429.html", status=429)
    locked["Retry-After"] = str(int(settings.AXES_COOLOFF_TIME.total_seconds()))
    return locked
