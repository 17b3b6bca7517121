"""What members who share let their group know: the papers they wrote, saved, voted for or named as liked.

Nothing else of a reader is read for a group: not what they opened or wanted less of, no notes, tags, words or follows.
All of it is read anew each time, so that nothing of a member remains once they stop sharing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import F, Model, QuerySet, Window
from django.db.models.functions import RowNumber

from broadsheet.community.models import Claim, Vote
from broadsheet.foryou.models import Opinion, Seed, Tuned
from broadsheet.lib.text import fold
from broadsheet.papers.models import Authorship
from broadsheet.papers.store import LOOKUP
from broadsheet.readers.models import Saved

# Of one kind of one member the newest so many are read; of all members together so many count.
MOST_OF_A_KIND: Final = 400
MOST: Final = 6000
FEWEST_EACH: Final = 40
# A name that so many papers bear is the name of several people.
MOST_UNDER_A_NAME: Final = 150
# The one that is told where a paper is of several kinds: the first.
KINDS: Final = ("wrote", "signed", "saved", "voted", "named")
_OWN: Final = frozenset({"author", "orcid"})


@dataclass(frozen=True, slots=True)
class Like:
    """A paper that a member let the group know of.

    kind: wrote (a confirmed claim, or named as their own), signed (it bears a name under which they claimed others),
    saved, voted or named (to learn from).
    """

    paper: int
    kind: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Known:
    """What one member lets the group know: likes, the newest first, and the names under which they claimed papers."""

    likes: tuple[Like, ...] = ()
    names: frozenset[str] = frozenset()

    @property
    def written(self) -> frozenset[int]:
        """The numbers of the papers they wrote, as far as is known."""
        return frozenset(like.paper for like in self.likes if like.kind in ("wrote", "signed"))


def of(readers: Iterable[int]) -> dict[int, Known]:
    """Read it for members by their numbers, in ten short queries for all of them together."""
    wanted = sorted(set(readers))
    if not wanted:
        return {}
    found: dict[int, dict[int, Like]] = {number: {} for number in wanted}
    for reader, like in _told(wanted):
        before = found[reader].get(like.paper)
        if before is None or KINDS.index(like.kind) < KINDS.index(before.kind):
            found[reader][like.paper] = like
    names = _names(wanted)
    _add_signed(found, names)
    unwanted = _unwanted(wanted)
    most = max(FEWEST_EACH, MOST // len(wanted))
    return {number: _known(found[number].values(), names[number], unwanted[number], most) for number in wanted}


def _known(likes: Iterable[Like], names: frozenset[str], unwanted: set[int], most: int) -> Known:
    kept = [like for like in likes if like.paper not in unwanted or like.kind in ("wrote", "signed")]
    # What they wrote says most, so it is never crowded out by what they saved.
    kept.sort(key=lambda like: (like.kind in ("wrote", "signed"), like.at, like.paper), reverse=True)
    return Known(tuple(kept[:most]), names)


def _told(readers: list[int]) -> Iterable[tuple[int, Like]]:
    for reader, paper, at in _newest(Claim, "at", readers, state="confirmed").values_list(
        "reader_id", "paper_id", "at"
    ):
        yield reader, Like(paper, "wrote", at)
    for model, moment, kind in ((Saved, "at", "saved"), (Vote, "cast", "voted")):
        for reader, paper, at in _newest(model, moment, readers).values_list("reader_id", "paper_id", moment):
            yield reader, Like(paper, kind, at)
    seeds = _newest(Seed, "at", readers).values_list("reader_id", "paper_id", "origin", "at")
    for reader, paper, origin, at in seeds:
        yield reader, Like(paper, "wrote" if origin in _OWN else "named", at)
    for reader, paper, at in _newest(Opinion, "at", readers, more=True).values_list("reader_id", "paper_id", "at"):
        yield reader, Like(paper, "named", at)


def _newest(model: type[Model], at: str, readers: list[int], **only: object) -> QuerySet[Any]:
    rows = model._default_manager.filter(reader__in=readers, paper__hidden=False, **only)
    place = Window(RowNumber(), partition_by=[F("reader")], order_by=[F(at).desc(), F("pk").desc()])
    counted: QuerySet[Any] = rows.annotate(place_among=place).filter(place_among__lte=MOST_OF_A_KIND)
    return counted


def _names(readers: list[int]) -> dict[int, frozenset[str]]:
    found: dict[int, set[str]] = {number: set() for number in readers}
    claims = Claim.objects.filter(reader__in=readers, state="confirmed").values_list("reader_id", "evidence")
    for reader, evidence in claims:
        name = fold(str(evidence.get("author", ""))) if isinstance(evidence, dict) else ""
        if name:
            found[reader].add(name)
    return {number: frozenset(names) for number, names in found.items()}


def _add_signed(found: dict[int, dict[int, Like]], names: Mapping[int, frozenset[str]]) -> None:
    """Add papers under the names that members claimed others under; names that many papers bear are passed over."""
    wanted = sorted({name for of_one in names.values() for name in of_one})
    papers: dict[str, list[tuple[int, datetime]]] = {}
    for start in range(0, len(wanted), LOOKUP):
        rows = Authorship.objects.filter(name_key__in=wanted[start : start + LOOKUP], paper__hidden=False)
        place = Window(RowNumber(), partition_by=[F("name_key")], order_by=F("paper_id").desc())
        first = rows.annotate(place_among=place).filter(place_among__lte=MOST_UNDER_A_NAME + 1)
        for name, paper, at in first.values_list("name_key", "paper_id", "paper__first_seen"):
            papers.setdefault(name, []).append((paper, at))
    for reader, of_one in names.items():
        for name in sorted(of_one):
            under = papers.get(name, [])
            if len(under) <= MOST_UNDER_A_NAME:
                _sign(found[reader], under)


def _sign(likes: dict[int, Like], papers: Iterable[tuple[int, datetime]]) -> None:
    for paper, at in papers:
        if paper not in likes or likes[paper].kind != "wrote":
            likes[paper] = Like(paper, "signed", at)


def _unwanted(readers: list[int]) -> dict[int, set[int]]:
    """Give the papers that a member silenced: "not this" in the profile, or less like it."""
    found: dict[int, set[int]] = {number: set() for number in readers}
    silenced = Tuned.objects.filter(reader__in=readers, kind="paper", weight=0).values_list("reader_id", "value")
    for reader, value in silenced:
        if value.isascii() and value.isdigit():
            found[reader].add(int(value))
    for reader, paper in Opinion.objects.filter(reader__in=readers, more=False).values_list("reader_id", "paper_id"):
        found[reader].add(paper)
    return found
