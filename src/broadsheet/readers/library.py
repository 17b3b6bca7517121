"""The library: papers a reader saved."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db.models import QuerySet

from broadsheet.papers.ingest import recognise
from broadsheet.papers.models import Paper
from broadsheet.papers.store import LOOKUP
from broadsheet.readers.models import Reader, Saved
from broadsheet.record.paper import PaperData


def save(reader: Reader, paper: Paper, *, now: datetime) -> None:
    """Put a paper into the reader's library; nothing changes where it is there already."""
    Saved.objects.bulk_create([Saved(reader=reader, paper=paper, at=now)], ignore_conflicts=True)


def keep(reader: Reader, papers: Sequence[PaperData], *, now: datetime) -> int:
    """Put those of the papers that are in the record into the reader's library; give how many were not there yet."""
    return add(reader, (number for number in recognise(papers) if number is not None), now=now)


def add(reader: Reader, numbers: Iterable[int], *, now: datetime) -> int:
    """Put the papers with these numbers into the reader's library; give how many were not there yet.

    The first of them will be shown first, as in the list they come from.
    """
    wanted = list(dict.fromkeys(numbers))
    there = saved(reader, wanted)
    fresh = [number for number in wanted if number not in there]
    moments = (now - timedelta(microseconds=place) for place in range(len(fresh)))
    rows = [Saved(reader=reader, paper_id=number, at=at) for number, at in zip(fresh, moments, strict=True)]
    Saved.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)
    return len(fresh)


def remove(reader: Reader, paper: Paper) -> None:
    """Take a paper out of the reader's library."""
    Saved.objects.filter(reader=reader, paper=paper).delete()


def saved(reader: Reader, numbers: Iterable[int]) -> set[int]:
    """Give those of these papers' numbers that are in the reader's library."""
    wanted = list(numbers)
    parts = (wanted[start : start + LOOKUP] for start in range(0, len(wanted), LOOKUP))
    own = Saved.objects.filter(reader=reader)
    return {number for part in parts for number in own.filter(paper_id__in=part).values_list("paper_id", flat=True)}


def papers(reader: Reader) -> QuerySet[Paper]:
    """Give the papers in the reader's library, the last saved first."""
    return Paper.objects.filter(saved_by__reader=reader).order_by("-saved_by__at", "-pk")
