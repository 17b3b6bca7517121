"""The live sources by name: one line each."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from broadsheet.sources.arxiv_feeds import ArxivFeeds
from broadsheet.sources.arxiv_oai import ArxivOai
from broadsheet.sources.batch import LiveSource, SourceError
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
    """Make the live source of that name. Raises SourceError for a name that is none."""
    match name:
        case "arxiv-feeds":
            return ArxivFeeds(categories, addresses.arxiv_feeds, holidays=holidays)
        case "arxiv-oai":
            return ArxivOai(categories, addresses.arxiv_oai, overlap=repair_days, holidays=holidays)
        case "huggingface":
            return HuggingFace(addresses.huggingface)
    raise SourceError(f"no source is called {name}; there are {', '.join(LIVE)}", permanent=True)
