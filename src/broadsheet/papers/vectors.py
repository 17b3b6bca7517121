"""Encode the papers that have no vector yet. The work list is a query, so it can be stopped and started anywhere."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from broadsheet.lib.clock import Clock
from broadsheet.lib.clock import now as wall_clock
from broadsheet.lib.progress import Progress, silent
from broadsheet.papers import claims, rows, store
from broadsheet.papers.changes import vector_source
from broadsheet.papers.models import Paper, Vector
from broadsheet.search.types import Encoder

# About six seconds of work on one core: what a kill can cost.
BATCH: Final = 256
# So many times a batch is looked at for texts that no other host has taken.
AHEAD: Final = 8
# Small enough for others to write in between.
FORGOTTEN_AT_ONCE: Final = 500


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
        with _taken(encoder.id, min(BATCH, total - done)) as group:
            if not group:
                break
            # Outside the transaction: encoding takes seconds, and nobody else could write meanwhile.
            vectors = encoder.encode_papers([(title, abstract) for title, abstract, _ in group]).astype("<f2")
            keep(encoder.id, [(row[2], vector.tobytes()) for row, vector in zip(group, vectors, strict=True)], clock())
        done += len(group)
        progress(done, total)
    return done


@contextmanager
def _taken(encoder: str, most: int) -> Iterator[list[tuple[str, str, str]]]:
    """Take texts as (title, abstract, hash) that no other host encodes at this moment; they are held in the block."""
    waiting = list(unencoded(encoder).values_list("text_hash", flat=True)[: most * AHEAD])
    with claims.holding(waiting, most) as hashes:
        # Read when they are held: whoever held them before may have kept their vectors.
        rows = unencoded(encoder).filter(text_hash__in=hashes).values_list("title", "abstract", "text_hash")
        yield list(rows)


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
        store.append_log([store.LogEntry(number, "vector", vector_source(encoder)) for number in papers], now)


def encoded_share(encoder: str) -> tuple[int, int]:
    """Tell how many papers have a vector, and of how many."""
    total = Paper.objects.filter(withdrawn=False).count()
    return total - unencoded(encoder).count(), total


def forget(encoder: str, progress: Progress = silent) -> int:
    """Delete the vectors by one encoder, a batch at a time; give how many. Stopped anywhere, it can go on."""
    rows, done = Vector.objects.filter(encoder=encoder), 0
    total = rows.count()
    while numbers := list(rows.values_list("id", flat=True)[:FORGOTTEN_AT_ONCE]):
        Vector.objects.filter(id__in=numbers).delete()
        done += len(numbers)
        progress(done, max(done, total))
    return done
