"""Find papers: the shard gives the order, the record gives the papers."""

import threading
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from django.conf import settings

from broadsheet.lib.progress import Progress, silent
from broadsheet.papers import queries
from broadsheet.papers.changes import RecordLog
from broadsheet.papers.models import Paper
from broadsheet.search import encoder as encoders
from broadsheet.search.shard import ShardReader, catch_up
from broadsheet.search.types import Encoder, Filter, Hit, Mode, Results

_opening = threading.Lock()


@dataclass(frozen=True, slots=True)
class FoundPaper:
    """A paper found, with its rank in the answer, the block it stands in, and the terms of its place."""

    rank: int
    paper: Paper
    block: Literal["words", "meaning", ""]
    score: float
    why: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to a query.

    goes_to: the paper that the query names, if it is an identifier or an address of one that is here.
    words: the words to mark in titles and abstracts.
    """

    query: str
    mode: Mode
    total: int
    partial: bool
    hits: tuple[FoundPaper, ...]
    identifier: str = ""
    goes_to: Paper | None = None
    notes: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


@lru_cache(maxsize=2)
def query_encoder() -> Encoder | None:
    """The encoder for queries, loaded once in a process; None where it was not built."""
    if settings.CONFIG.encoder == "none":
        return None
    return encoders.find(settings.CONFIG.home, settings.CONFIG.encoder, threads=1)


@lru_cache(maxsize=2)
def _reader(encoder: str) -> ShardReader:
    return ShardReader(settings.CONFIG.home / "shard", query_encoder())


def reader() -> ShardReader:
    """The shard's reader of this process; it follows the shard by itself, and an encoder that is built later."""
    with _opening:
        if query_encoder() is None:
            # It may have been built since; looking again costs one look at the disk.
            query_encoder.cache_clear()
        encoder = query_encoder()
        return _reader(encoder.id if encoder else "")


def forget() -> None:
    """Open the encoder and the shard anew at the next query, as after one of them was built or moved."""
    query_encoder.cache_clear()
    _reader.cache_clear()


def index(rebuild: bool = False, progress: Progress = silent) -> int:
    """Bring the shard up to date with the record; give the number of changes applied."""
    encoder = query_encoder()
    name = encoder.id if encoder else ""
    return catch_up(settings.CONFIG.home / "shard", RecordLog(name), name, progress=progress, rebuild=rebuild).changes


def indexed_up_to() -> int:
    """Give the number of the last change that the shard has."""
    state = reader().state
    return state.seq if state else 0


def find(text: str, *, mode: Mode = "page", limit: int = 120, wanted: Filter | None = None) -> Found:
    """Find papers by words and by meaning; see `search.shard` for what a query may say."""
    results = reader().search(text, mode=mode, limit=limit, filter=wanted or Filter())
    goes_to = queries.by_key(results.identifier.split(":", 1)[1]) if results.identifier else None
    return Found(
        query=text,
        mode=mode,
        total=results.total,
        partial=results.partial,
        hits=_with_papers(results),
        identifier=results.identifier,
        goes_to=goes_to,
        notes=results.notes,
        words=_words(results.hits),
    )


def similar(paper: Paper, limit: int = 8, wanted: Filter | None = None) -> tuple[FoundPaper, ...]:
    """Find the papers nearest to one."""
    return _with_papers(reader().similar(paper.id, limit=limit, filter=wanted or Filter()))


def _with_papers(results: Results) -> tuple[FoundPaper, ...]:
    papers = {paper.id: paper for paper in queries.in_order(hit.paper for hit in results.hits)}
    # A paper withdrawn a moment ago may still be in the shard; a hidden one stays there.
    shown = [hit for hit in results.hits if hit.paper in papers and papers[hit.paper].is_shown]
    return tuple(
        FoundPaper(rank, papers[hit.paper], hit.block, hit.score, hit.why) for rank, hit in enumerate(shown, 1)
    )


def _words(hits: tuple[Hit, ...]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for hit in hits:
        words = hit.why.get("words")
        if isinstance(words, list | tuple):
            found.update(dict.fromkeys(str(word) for word in words))
    return tuple(found)
