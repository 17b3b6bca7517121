"""A live source that gives what a test feeds it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar

from broadsheet.lib.http import Http
from broadsheet.record.paper import Item
from broadsheet.sources.batch import Batch, SourceError


@dataclass
class FakeSource:
    """Gives its batches after the one the cursor names; breaks where it was told to."""

    name: str = "arxiv-oai"
    batches: list[Batch] = field(default_factory=list)
    breaks_at: int = -1
    asked: list[tuple[dict[str, str], date | None]] = field(default_factory=list)
    tells_days: ClassVar[bool] = True

    def gives(self, *items: Item, day: date | None = None, expected: int | None = None, note: str = "") -> "FakeSource":
        """Add a batch."""
        cursor = {"done": str(len(self.batches) + 1)}
        self.batches.append(Batch(items, cursor, expected, note, day))
        return self

    def fetch(self, http: Http, cursor: Mapping[str, str], since: date | None, until: date | None) -> Iterator[Batch]:
        """Give the batches behind the cursor."""
        self.asked.append((dict(cursor), since))
        for number in range(int(cursor.get("done", 0)), len(self.batches)):
            if number == self.breaks_at:
                raise SourceError("the server answered 503; try again later")
            yield self.batches[number]
