"""The live sources by name: one line each."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from broadsheet.record.identifiers import BadIdentifier, arxiv_id
from broadsheet.sources.arxiv_api import ArxivApi
from broadsheet.sources.arxiv_feeds import ArxivFeeds
from broadsheet.sources.arxiv_oai import ArxivOai
from broadsheet.sources.batch import LiveSource, SourceError
from broadsheet.sources.broadsheet_live import Broadsheet
from broadsheet.sources.huggingface_live import HuggingFace

LIVE = ("arxiv-feeds", "arxiv-oai", "huggingface")


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the sources are reached."""

    arxiv_oai: str
    arxiv_feeds: str
    arxiv_api: str
    huggingface: str


def live_source(
    name: str, addresses: Addresses, categories: tuple[str, ...], holidays: Collection[date], repair_days: int
) -> LiveSource:
    """Make the live source of that name; `arxiv-api:` is followed by ids, divided by commas, or by a query.

    `broadsheet:` is followed by the address of another site. Raises SourceError for a name that is none.
    """
    name, _, asked = name.partition(":")
    match name:
        case "arxiv-feeds":
            return ArxivFeeds(categories, addresses.arxiv_feeds, holidays=holidays)
        case "arxiv-oai":
            return ArxivOai(categories, addresses.arxiv_oai, overlap=repair_days, holidays=holidays)
        case "huggingface":
            return HuggingFace(addresses.huggingface)
        case "arxiv-api":
            ids = tuple(part.strip() for part in asked.split(",") if part.strip())
            named = {"ids": ids} if ids and all(map(_is_arxiv_id, ids)) else {"query": asked}
            return ArxivApi(**named, base=addresses.arxiv_api, holidays=holidays)
        case "broadsheet":
            return Broadsheet(asked)
    there = ", ".join((*LIVE, "arxiv-api:IDS", "arxiv-api:QUERY", "broadsheet:ADDRESS"))
    raise SourceError(f"no source is called {name}; there are {there}", permanent=True)


def _is_arxiv_id(text: str) -> bool:
    try:
        return bool(arxiv_id(text))
    except BadIdentifier:
        return False
