"""Encode the papers that have no vector yet. The work list is a query, so it can be stopped and started anywhere."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Protocol

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


Text = tuple[str, str, str]
Kept = tuple[str, bytes]


class Way(Protocol):
    """How texts become vectors."""

    @property
    def at_once(self) -> int:
        """How many texts it takes together."""

    @property
    def alone(self) -> bool:
        """Whether nobody else encodes in bulk meanwhile, which the caller sees to; else each text is held."""

    def vectors(self, texts: Sequence[Text]) -> Iterator[Sequence[Kept]]:
        """Give what the encoder makes of (title, abstract, hash), as (hash, bytes), in any order, as it comes."""


@dataclass(frozen=True, slots=True)
class Here:
    """In this process."""

    encoder: Encoder
    at_once: int = BATCH
    alone: bool = False

    def vectors(self, texts: Sequence[Text]) -> Iterator[Sequence[Kept]]:
        """Give them all when all are made."""
        rows = self.encoder.encode_papers([(title, abstract) for title, abstract, _ in texts]).astype("<f2")
        yield [(text[2], row.tobytes()) for text, row in zip(texts, rows, strict=True)]


def unencoded(encoder: str) -> QuerySet[Paper]:
    """The papers whose text has no vector by this encoder, the newest first: they are what readers look for."""
    known = Vector.objects.filter(encoder=encoder, text_hash=OuterRef("text_hash"))
    return Paper.objects.filter(~Exists(known), withdrawn=False).order_by("-announced", "-id")


def encode_missing(
    encoder: Encoder,
    *,
    clock: Clock = wall_clock,
    progress: Progress = silent,
    most: int | None = None,
    way: Way | None = None,
) -> int:
    """Encode what has no vector yet, at most `most` papers, here or another way; give how many.

    Each batch is kept in a transaction of its own.
    """
    chosen = way or Here(encoder)
    # Not in order, and no further than asked: each look at a paper that has its vector costs.
    total = unencoded(encoder.id).order_by()[:most].count()
    done, upto = 0, None
    while done < total:
        with (_first if chosen.alone else _taken)(encoder.id, min(chosen.at_once, total - done), upto) as (group, day):
            if not group and upto is None:
                break
            kept, upto = done, day
            if not group:
                continue
            # Outside the transaction: encoding takes seconds, and nobody else could write meanwhile.
            for vectors in _batched(chosen.vectors(group)):
                keep(encoder.id, vectors, clock())
                kept += len(vectors)
                progress(kept, total)
        done += len(group)
    return done


def _batched(given: Iterator[Sequence[Kept]]) -> Iterator[Sequence[Kept]]:
    """Put small lists together: each transaction waits for the disk."""
    batch: list[Kept] = []
    for vectors in given:
        batch.extend(vectors)
        if len(batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


@contextmanager
def _taken(encoder: str, most: int, upto: date | None) -> Iterator[tuple[list[Text], date | None]]:
    """Take texts as (title, abstract, hash) that no other host encodes at this moment; they are held in the block.

    upto: the day to begin at. Gives the texts, and the day before which none is left, None where there are no more.
    """
    waiting = list(_upto(upto, encoder).values_list("text_hash", "announced")[: most * AHEAD])
    with claims.holding([text_hash for text_hash, _day in waiting], most) as hashes:
        # Read when they are held: whoever held them before may have kept their vectors.
        rows = unencoded(encoder).filter(text_hash__in=hashes).values_list("title", "abstract", "text_hash")
        yield list(rows), waiting[0][1] if hashes else None


@contextmanager
def _first(encoder: str, most: int, upto: date | None) -> Iterator[tuple[list[Text], date | None]]:
    """Give texts that are to be encoded, each once; nobody else takes any. Else as `_taken`."""
    rows = list(_upto(upto, encoder).values_list("title", "abstract", "text_hash", "announced")[:most])
    yield list({row[2]: row[:3] for row in rows}.values()), rows[0][3] if rows else None


def _upto(day: date | None, encoder: str) -> QuerySet[Paper]:
    # What is newer was encoded in this run: passing over it again would cost more with each batch.
    return unencoded(encoder).filter(announced__lte=day) if day else unencoded(encoder)


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
