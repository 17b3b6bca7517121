"""The library: papers a reader saved."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import QuerySet

from broadsheet.papers.models import Paper
from broadsheet.readers.models import Reader, Saved


def save(reader: Reader, paper: Paper, *, now: datetime) -> None:
    """Put a paper into the reader's library; nothing changes where it is there already."""
    Saved.objects.bulk_create([Saved(reader=reader, paper=paper, at=now)], ignore_conflicts=True)


def remove(reader: Reader, paper: Paper) -> None:
    """Take a paper out of the reader's library."""
    Saved.objects.filter(reader=reader, paper=paper).delete()


def saved(reader: Reader, numbers: Iterable[int]) -> set[int]:
    """Give those of these papers' numbers that are in the reader's library."""
    return set(Saved.objects.filter(reader=reader, paper_id__in=list(numbers)).values_list("paper_id", flat=True))


def papers(reader: Reader) -> QuerySet[Paper]:
    """Give the papers in the reader's library, the last saved first."""
    return Paper.objects.filter(saved_by__reader=reader).order_by("-saved_by__at", "-pk")
