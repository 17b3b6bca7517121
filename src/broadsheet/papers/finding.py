"""Find papers: the shard gives the order, the record gives the papers."""

import threading
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Final, Literal

from django.conf import settings

from broadsheet.lib.progress import Progress, silent
from broadsheet.papers import queries
from broadsheet.papers.changes import RecordLog
from broadsheet.papers.models import Paper
from broadsheet.papers.record_elsewhere import Elsewhere, opened_elsewhere, shareable
from broadsheet.search import encoder as encoders
from broadsheet.search.choice import name_in_use, shard_place
from broadsheet.search.cluster.actors import Layout
from broadsheet.search.cluster.gateway import Gateway
from broadsheet.search.cluster.node import ClusterError
from broadsheet.search.cluster.remote import Cluster
from broadsheet.search.divided import Shards
from broadsheet.search.dividing import catch_up_all
from broadsheet.search.executor import Searcher
from broadsheet.search.shard import CaughtUp
from broadsheet.search.types import Encoder, Filter, Hit, Mode, Results
from broadsheet.search.weights import EncoderError

_opening = threading.Lock()

# Papers that are found at once.
MOST: Final = 120


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


@lru_cache(maxsize=1)
def _gateway(address: str, home: Path) -> Gateway:
    return Gateway(address, home)


def gateway() -> Gateway:
    """Give the process's way to the cluster that the settings name. Raises ClusterError where they name none."""
    if not settings.CONFIG.cluster:
        raise ClusterError("no cluster is set: `cluster` in broadsheet.toml names its head")
    return _gateway(settings.CONFIG.cluster, settings.CONFIG.home)


@lru_cache(maxsize=2)
def _clustered(layout: Layout, named: _Named, gateway: Gateway) -> Cluster:
    return Cluster(layout, named.encoder, asker=gateway)


def layout_at(place: Path, encoder: str) -> Layout:
    """How a cluster divides the papers with the vectors of the encoder of this id; the place is one of this home."""
    path = str(place.relative_to(settings.CONFIG.home))
    return Layout(path, settings.CONFIG.shards, settings.CONFIG.replicas, encoder)


def place() -> Path:
    """Where in this home the index is that answers."""
    return _present()[0]


def layout() -> Layout:
    """How a cluster divides the papers, with the vectors of the encoder that answers."""
    place, named = _present()
    return layout_at(place, named.id)


def reader() -> Searcher:
    """Whoever answers searches in this process; it follows index, division and choice of an encoder by itself."""
    with _opening:
        place, named = _present()
        if settings.CONFIG.cluster:
            return _clustered(layout_at(place, named.id), named, gateway())
        return _reader(place, named)


def _present() -> tuple[Path, _Named]:
    """Where the shard is that answers, and the encoder whose vectors it holds: both from before a switch, or after."""
    while True:
        name = encoder_name()
        encoder = query_encoder()
        if name == encoder_name():
            id = encoder.id if encoder else id_on_card(name)
            return shard_place(settings.CONFIG.home, name), _Named(id, encoder)


def await_cluster() -> None:
    """Let a process that asks once wait until it is part of the cluster, where there is one."""
    if settings.CONFIG.cluster:
        reader().warm()


def id_on_card(name: str) -> str:
    """The id of an encoder as its card tells it; empty where that cannot be read."""
    # An encoder whose graph is damaged cannot encode, but the shard keeps its vectors until it is mended.
    try:
        return encoders.Card.read(encoders.place(settings.CONFIG.home, name)).id
    except EncoderError:
        return ""


def forget() -> None:
    """Open the encoder and the shard anew at the next query, as after one of them was built or moved."""
    if settings.CONFIG.cluster:
        # A process that is forked from this one must not hold the other end of its questions.
        gateway().close()
    for kept in (_encoder, _reader, _clustered, _gateway):
        kept.cache_clear()


def index(rebuild: bool = False, progress: Progress = silent) -> int:
    """Bring the shard up to date with the record; give the number of changes applied."""
    place, named = _present()
    return index_at(place, named.id, rebuild, progress).changes


def index_at(place: Path, encoder: str, rebuild: bool = False, progress: Progress = silent) -> CaughtUp:
    """Bring the shards at a place up to date with the record, with the vectors of the encoder of this id.

    In a cluster, those of all its hosts. Raises ClusterError where it does not answer.
    """
    if settings.CONFIG.cluster:
        return gateway().catch_up(layout_at(place, encoder), Elsewhere(encoder), rebuild)
    elsewhere = partial(opened_elsewhere, encoder) if shareable() else None
    return catch_up_all(place, settings.CONFIG.shards, RecordLog(encoder), encoder, progress, rebuild, elsewhere)


def indexed_up_to() -> int:
    """Give the number of the last change that the shard has."""
    state = reader().state
    return state.seq if state else 0


def find(text: str, *, mode: Mode = "page", limit: int = MOST, wanted: Filter | None = None) -> Found:
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
