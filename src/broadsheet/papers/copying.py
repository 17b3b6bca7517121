"""The record as another Broadsheet takes it over: every paper changed after a number, as it is now.

What belongs to the record is copied: what sources said and what follows from it. What the readers of this site gave,
what its moderators decided and the log itself stay here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from django.db.models import Exists, Max, OuterRef

from broadsheet.papers import store
from broadsheet.papers.models import Change, Paper
from broadsheet.record.paper import PaperData, Sighting
from broadsheet.record.wire import to_json

# Papers that are read and held at once, however many are asked for.
AT_ONCE: Final = 500
# A vector is made anew from the text; it is no news of a paper.
UNTOLD: Final = "vector"


@dataclass(frozen=True, slots=True)
class Copy:
    """A paper as it is now, with the number of its newest change up to the one that was asked for."""

    seq: int
    paper: Paper
    data: PaperData

    def to_json(self) -> dict[str, Any]:
        """Give a line of an export. first_seen: when this site met the paper; another has a moment of its own."""
        first_seen = self.paper.first_seen.isoformat()
        return {"seq": self.seq, "key": self.paper.key, "first_seen": first_seen, "paper": to_json(self.data)}


def head() -> int:
    """Give the number of the newest change; 0 when there is none. The log has no gaps below it."""
    return int(Change.objects.aggregate(last=Max("seq"))["last"] or 0)


def changed(since: int, upto: int, category: str = "") -> Iterator[Copy]:
    """Give each paper that changed after one number and up to another, in the order of its newest change.

    upto: `head()` of the beginning, so that it ends while others go on writing. A paper that changes meanwhile may be
    given as it has become; it comes again after `upto`. category: of any other, papers are left out.
    """
    while since < upto:
        found = _newest(since, upto)
        yield from (copy for copy in _read(found) if not category or category in copy.data.categories)
        since = found[-1][0] if found else upto


def _newest(since: int, upto: int) -> list[tuple[int, int]]:
    """The next (number, paper), each paper where its last change in the span stands."""
    told = Change.objects.exclude(kind=UNTOLD).filter(seq__lte=upto)
    later = told.filter(paper=OuterRef("paper"), seq__gt=OuterRef("seq"))
    newest = told.filter(~Exists(later), seq__gt=since).order_by("seq")
    return list(newest.values_list("seq", "paper_id")[:AT_ONCE])


def _read(found: Sequence[tuple[int, int]]) -> Iterator[Copy]:
    related = ("identifiers", "versions", "sightings", "signals")
    papers = Paper.objects.prefetch_related(*related).in_bulk([number for _seq, number in found])
    for seq, number in found:
        yield Copy(seq, papers[number], as_copied(papers[number]))


def as_copied(paper: Paper) -> PaperData:
    """Give a paper with what each source said of it, in an order that depends on no database."""
    data = store.as_data(paper)
    return replace(data, identifiers=tuple(sorted(data.identifiers)), sightings=_sightings(paper))


def _sightings(paper: Paper) -> tuple[Sighting, ...]:
    counts: dict[str, list[tuple[str, int]]] = {}
    for signal in sorted(paper.signals.all(), key=lambda signal: signal.name):
        counts.setdefault(signal.source, []).append((signal.name, signal.value))
    seen = sorted(paper.sightings.all(), key=lambda sighting: sighting.source)
    told = {sighting.source for sighting in seen}
    found = []
    for one in seen:
        # Where a source's counts were kept under another's name, they will be so again.
        other = store.COUNTED_BY.get(one.source, one.source)
        counted = counts.get(one.source) or (counts.get(other) if other not in told else None)
        found.append(Sighting(one.source, one.raw_hash, one.datestamp, tuple(counted or ())))
    return tuple(found)
