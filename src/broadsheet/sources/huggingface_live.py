"""Hugging Face's daily papers over its API: what a community chose, with its votes; taken as signals and links."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import ClassVar
from urllib.parse import urlencode

from broadsheet.lib.http import Http, Response
from broadsheet.record.paper import Item
from broadsheet.sources.batch import Batch, SourceError, ask, next_page
from broadsheet.sources.hf_daily import parse_rows

BASE = "https://huggingface.co"
NAME = "huggingface"
LIMIT = 100
MAX_PAGES = 50
FIRST_DAY = date(2023, 5, 4)


@dataclass(frozen=True)
class HuggingFace:
    """Reads the list of each day, and the last `again` days anew: days fill slowly and votes settle in a week or two.

    The cursor keeps the slice of the run under way and the last day of it that is in the record.
    """

    base: str = BASE
    again: int = 14
    name: str = NAME
    tells_days: ClassVar[bool] = True

    def fetch(
        self, http: Http, cursor: Mapping[str, str], since: date | None = None, until: date | None = None
    ) -> Iterator[Batch]:
        """Give a batch per day, in the order of the days. since, until: edition days. Raises SourceError."""
        today = http.clock().date()
        last = min(until or today, today)
        first = max(since or last - timedelta(days=self.again - 1), FIRST_DAY)
        part = f"{first}/{last}"
        if cursor.get("slice") == part and cursor.get("done"):
            first = date.fromisoformat(cursor["done"]) + timedelta(days=1)
        for number in range((last - first).days + 1):
            day = first + timedelta(days=number)
            items = tuple(self._day(http, day, today))
            state = {"slice": part, "done": day.isoformat()} if day < last else {"slice": "", "done": ""}
            yield Batch(items, {**cursor, **state}, len(items), "" if items else f"{day}: no papers listed", day)

    def _day(self, http: Http, day: date, today: date) -> Iterator[Item]:
        url = f"{self.base}/api/daily_papers?{urlencode({'date': day.isoformat(), 'limit': LIMIT})}"
        seen: set[str] = set()
        while url:
            if url in seen or len(seen) == MAX_PAGES:
                raise SourceError(f"the list of {day} at {self.base} does not come to an end: try later")
            seen.add(url)
            response, rows = ask(http, url, _read_rows)
            yield from parse_rows(rows, day, self.name, today=today)
            url = next_page(response, self.base)


def _read_rows(response: Response) -> tuple[Response, list[object]]:
    try:
        rows = json.loads(response.body)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{response.url} sent no JSON: {error}; try again later") from error
    if not isinstance(rows, list):
        raise SourceError(f"{response.url} sent {type(rows).__name__} instead of a list of papers; try again later")
    return response, rows
