"""Encode the papers that have no vector yet. The work list is a query, so it can be stopped and started anywhere."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from broadsheet.lib.clock import Clock
from broadsheet.lib.clock import now as wall_clock
from broadsheet.lib.progress import Progress, silent
from broadsheet.papers import rows, store
from broadsheet.papers.models import Paper, Vector
from broadsheet.search.types import Encoder

# About six seconds of work on one core: what a kill can cost.
BATCH: Final = 256


def unencoded(encoder: str) -> QuerySet[Paper]:
    """The papers whose text has no vector by this encoder, the newest first: they are what readers look for."""
    known = Vector.objects.filter(encoder=encoder, text_hash=OuterRef("text_hash"))
    return Paper.objects.filter(~Exists(known), withdrawn=False).order_by("-announced", "-id")


def encode_missing(
    encoder: Encoder, *, clock: Clock = wall_clock, progress: Progress = silent, most: int | None = None
) -> int:
    """Encode what has no vector yet, at most `most` papers; each batch is kept in a transaction of its own."""
    total = unencoded(encoder.id).count()
    if most is not None:
        total = min(total, most)
    done = 0
    while done < total:
        group = list(
            unencoded(encoder.id).values_list("id", "title", "abstract", "text_hash")[: min(BATCH, total - done)]
        )
        if not group:
            break
        # Outside the transaction: encoding takes seconds, and nobody else could write meanwhile.
        vectors = encoder.encode_papers([(title, abstract) for _, title, abstract, _ in group]).astype("<f2")
        keep(encoder.id, [(row[3], vector.tobytes()) for row, vector in zip(group, vectors, strict=True)], clock())
        done += len(group)
        progress(done, total)
    return done


def keep(encoder: str, vectors: Sequence[tuple[str, bytes]], now: datetime) -> None:
    """Keep vectors by (text hash, bytes) and tell the log of every paper that has one of the texts."""
    with transaction.atomic():
        store.lock_log()
        rows.insert(
            Vector,
            ("encoder", "text_hash", "data"),
            [(encoder, text_hash, data) for text_hash, data in vectors],
            replace="encoder,text_hash",
        )
        hashes = [text_hash for text_hash, _data in vectors]
        papers = Paper.objects.filter(text_hash__in=hashes, withdrawn=False).order_by("id").values_list("id", flat=True)
        store.append_log([store.LogEntry(number, "vector") for number in papers], now)


def encoded_share(encoder: str) -> tuple[int, int]:
    """Tell how many papers have a vector, and of how many."""
    total = Paper.objects.filter(withdrawn=False).count()
    return total - unencoded(encoder).count(), total
