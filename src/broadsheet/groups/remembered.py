"""The last list of a group, which a process remembers for minutes; nothing of it is on disk."""

from typing import Final

from django.core.cache import caches

SECONDS: Final = 600


def get(number: int) -> object:
    """Give what is remembered of the group with that number; None for nothing."""
    return caches["memory"].get(_name(number))


def put(number: int, kept: object) -> None:
    """Remember something of a group in the place of what was there."""
    caches["memory"].set(_name(number), kept, SECONDS)


def forget(number: int) -> None:
    """Throw away what this process remembers of a group."""
    caches["memory"].delete(_name(number))


def _name(number: int) -> str:
    return f"group:{number}"
