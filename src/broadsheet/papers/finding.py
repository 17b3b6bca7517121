"""Find papers: the shard gives the order, the record gives the papers."""

import threading
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Literal

from django.conf import settings

from broadsheet.lib.progress import Progress, silent
from broadsheet.papers import queries
from broadsheet.papers.changes import RecordLog
from broadsheet.papers.models import Paper
from broadsheet.papers.record_elsewhere import opened_elsewhere, shareable
from broadsheet.search import encoder as encoders
from broadsheet.search.choice import name_in_use, shard_place
from broadsheet.search.divided import Shards
from broadsheet.search.dividing import catch_up_all
from broadsheet.search.executor import Searcher
from broadsheet.search.shard import CaughtUp
from broadsheet.search.types import Encoder, Filter, Hit, Mode, Results
from broadsheet.search.weights import EncoderError

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


@dataclass(frozen=True, slots=True)
class _Named:
    """An encoder by its id, so that a reader can be kept for it."""

    id: str
    encoder: Encoder | None = field(compare=False)


def encoder_name() -> str:
    """The name of the encoder that answers, or `none`."""
    return name_in_use(settings.CONFIG.home, settings.CONFIG.encoder)


def query_encoder() -> Encoder | None:
    """The encoder for queries, loaded once in a process; None where it was not built.

    It follows the choice that `broadsheet encoder use` makes, which costs one short look at the disk.
    """
    name = encoder_name()
    # Building it anew makes another stamp: an encoder that comes later is found.
    built = encoders.stamp(encoders.place(settings.CONFIG.home, name))
    return _encoder(settings.CONFIG.home, name, built) if built else None


@lru_cache(maxsize=2)
def _encoder(home: Path, name: str, built: int) -> Encoder | None:
    return encoders.find(home, name, threads=1)


@lru_cache(maxsize=2)
def _reader(place: Path, named: _Named) -> Shards:
    return Shards(place, named.encoder)


def reader() -> Searcher:
    """The index's reader of this process; it follows the index, its division and the choice of an encoder by itself."""
    with _opening:
        return _reader(*_present())


def _present() -> tuple[Path, _Named]:
    """Where the shard is that answers, and the encoder whose vectors it holds: both from before a switch, or after."""
    while True:
        name = encoder_name()
        encoder = query_encoder()
        if name == encoder_name():
            id = encoder.id if encoder else _id_on_card(name)
            return shard_place(settings.CONFIG.home, name), _Named(id, encoder)


def _id_on_card(name: str) -> str:
    # An encoder whose graph is damaged cannot encode, but the shard keeps its vectors until it is mended.
    try:
        return encoders.Card.read(encoders.place(settings.CONFIG.home, name)).id
    except EncoderError:
        return ""


def forget() -> None:
    """Open the encoder and the shard anew at the next query, as after one of them was built or moved."""
    _encoder.cache_clear()
    _reader.cache_clear()


def index(rebuild: bool = False, progress: Progress = silent) -> int:
    """Bring the shard up to date with the record; give the number of changes applied."""
    place, named = _present()
    return index_at(place, named.id, rebuild, progress).changes


def index_at(place: Path, encoder: str, rebuild: bool = False, progress: Progress = silent) -> CaughtUp:
    """Bring the shards at a place up to date with the record, with the vectors of the encoder of this id."""
    elsewhere = partial(opened_elsewhere, encoder) if shareable() else None
    return catch_up_all(place, settings.CONFIG.shards, RecordLog(encoder), encoder, progress, rebuild, elsewhere)


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
