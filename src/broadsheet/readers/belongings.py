"""Everything a reader gave: to be taken along, and to be erased. Each room registers its part."""

from collections.abc import Callable
from dataclasses import dataclass

from django.db import transaction

from broadsheet.papers.database import overwrite_deleted
from broadsheet.readers.models import Reader


@dataclass(frozen=True, slots=True)
class Part:
    """What one room keeps of readers.

    export: gives it in JSON's terms. erase: deletes it, or takes the reader out of it; runs in a transaction.
    """

    name: str
    export: Callable[[Reader], object]
    erase: Callable[[Reader], None]


_parts: dict[str, Part] = {}


def register(part: Part) -> None:
    """Add a room's part, from the room's `AppConfig.ready`. One of the same name takes its place."""
    _parts[part.name] = part


def names() -> list[str]:
    """Give the names of the parts, in the order of their export."""
    return list(_parts)


def export(reader: Reader) -> dict[str, object]:
    """Give everything a reader gave, by part, in JSON's terms."""
    return {name: part.export(reader) for name, part in _parts.items()}


def erase(reader: Reader) -> None:
    """Erase everything a reader gave, and the reader. All of it happens, or nothing; what is erased is overwritten."""
    overwrite_deleted()
    with transaction.atomic():
        # The later rooms stand on the earlier ones, so they go first.
        for part in reversed(_parts.values()):
            part.erase(reader)
        reader.delete()
