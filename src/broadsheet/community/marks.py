"""What readers gave to the papers of a page, read in a few queries for all of them together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from broadsheet.community import links, organisations, votes
from broadsheet.community.models import AddedLink, Organisation, Submission
from broadsheet.readers import library
from broadsheet.readers.models import Reader


@dataclass(frozen=True, slots=True)
class Marks:
    """By the papers' numbers: whether the reader of the page voted and saved, and what readers told of the papers."""

    voted: frozenset[int] = frozenset()
    saved: frozenset[int] = frozenset()
    submitters: Mapping[int, Reader] = field(default_factory=dict)
    organisations: Mapping[int, list[Organisation]] = field(default_factory=dict)
    links: Mapping[int, list[AddedLink]] = field(default_factory=dict)


UNMARKED: Final = Marks()


def of_papers(numbers: Iterable[int], reader: Reader | None) -> Marks:
    """Read the marks of the papers with these numbers for a reader; None for a stranger."""
    wanted = list(numbers)
    if not wanted:
        return UNMARKED
    return Marks(
        voted=frozenset(votes.voted_for(reader, wanted)) if reader else frozenset(),
        saved=frozenset(library.saved(reader, wanted)) if reader else frozenset(),
        submitters=submitters(wanted),
        organisations=organisations.of_papers(wanted),
        links=links.of_papers(wanted),
    )


def submitters(numbers: Iterable[int]) -> dict[int, Reader]:
    """Give the reader who first brought in each paper, where one did and still has an account."""
    accepted = Submission.objects.filter(paper__in=list(numbers), state="accepted", reader__isnull=False)
    found: dict[int, Reader] = {}
    for submission in accepted.select_related("reader").order_by("at", "id"):
        if submission.paper_id and submission.reader:
            found.setdefault(submission.paper_id, submission.reader)
    return found
