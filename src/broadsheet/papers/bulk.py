"""Encoding through the cluster: when it is worth it, that one process does it at a time, and what if it fails."""

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from broadsheet.lib.files import lock
from broadsheet.lib.progress import Progress, silent
from broadsheet.papers import claims
from broadsheet.papers.vectors import Kept, Text, encode_missing, unencoded
from broadsheet.search import bring, encoder
from broadsheet.search.cluster.encoding import Bulk, Job
from broadsheet.search.cluster.node import ClusterError
from broadsheet.search.types import Encoder

# Less than a minute of one core. Starting encoders on every node takes some seconds, and a day's papers, of all of
# arXiv some 1,500, are fewer: they stay with the host that harvested them.
WORTH_IT: Final = 2_048
# Seconds for which a cluster that failed is left alone.
REST: Final = 300.0

log = logging.getLogger(__name__)
# Kept between the rounds of a worker: starting it anew takes seconds.
_held: dict[Job, Bulk] = {}
_rests_until: dict[str, float] = {}


@dataclass(frozen=True, slots=True)
class _Together:
    """On all nodes of the cluster."""

    bulk: Bulk
    alone: bool = True

    @property
    def at_once(self) -> int:
        return self.bulk.at_once

    def vectors(self, texts: Sequence[Text]) -> Iterator[Sequence[Kept]]:
        named = [(text_hash, title, abstract) for title, abstract, text_hash in texts]
        for rows in self.bulk.encode(named):
            yield [(text_hash, vector.astype("<f2", copy=False).tobytes()) for text_hash, vector in rows]


def wanted(id: str) -> bool:
    """Tell whether the papers that have no vector by this encoder are to be encoded through the cluster."""
    address = settings.CONFIG.cluster
    if not address:
        return False
    few = unencoded(id).order_by()[:WORTH_IT].count() < WORTH_IT
    if few or time.monotonic() < _rests_until.get(address, 0.0):
        let_go()
        return False
    return True


def encode(encoder: Encoder, progress: Progress = silent, one_round: bool = False) -> tuple[int, bool]:
    """Encode through the cluster what has no vector yet, or no more than it takes at once; give how many papers.

    The second is False where it failed, which is logged: what was kept until then stays kept. Of all hosts one process
    does this at a time, for the nodes are the same; another one does nothing.
    """
    config, kept = settings.CONFIG, _Counted(progress)
    with lock(config.home / "encoding.lock", wait=False) as first, claims.alone("bulk encoding") as mine:
        if not (first and mine):
            log.info("another process is encoding through the cluster; this one leaves it to that")
            return 0, True
        try:
            way = _Together(_bulk(_job(encoder.id)))
            return encode_missing(encoder, progress=kept, most=way.at_once if one_round else None, way=way), True
        except ClusterError as problem:
            log.warning("%s; this host encodes alone", problem)
            _rests_until[config.cluster] = time.monotonic() + REST
            let_go()
            return kept.done, False


class _Counted:
    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.done = 0

    def __call__(self, done: int, total: int | None = None) -> None:
        self.done = done
        self.progress(done, total)


def _bulk(job: Job) -> Bulk:
    if job not in _held:
        let_go()
        _held[job] = opened(job)
    return _held[job]


def opened(job: Job) -> Bulk:
    """Begin to speak to the cluster. Raises ClusterError."""
    return Bulk(job)


def let_go() -> None:
    """Give back what the cluster holds for this process."""
    while _held:
        _held.popitem()[1].close()


def _job(id: str) -> Job:
    """Describe the encoder of an id to the nodes. Raises ClusterError where it is no longer here."""
    config = settings.CONFIG
    for name in bring.names(config.home):
        card = encoder.Card.read(encoder.place(config.home, name))
        if card.id == id:
            return Job(config.cluster, config.home, name, id, floating=card.precision == "fp32")
    raise ClusterError("the encoder is no longer here")
