"""The list of papers that a group reads together."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from django.db import transaction
from django.db.models import F, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from broadsheet.community.given import line
from broadsheet.editions import named
from broadsheet.editions.edition import Entry
from broadsheet.editions.named import NamedList, NoSuchList, SharedKind
from broadsheet.groups import members
from broadsheet.groups.models import Group, Member, Shelved
from broadsheet.papers.models import Paper
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused

KIND: Final = "group"
LONGEST_NOTE: Final = 300
MOST: Final = 2000
EARLIEST, LATEST = date(1990, 1, 1), date(2200, 1, 1)


@dataclass(frozen=True, slots=True)
class Shelf:
    """A group's list, by what comes next.

    due: papers with a day, the next one first. open: those without, the last put first. done: read together, the last
    one first.
    """

    due: tuple[Shelved, ...]
    open: tuple[Shelved, ...]
    done: tuple[Shelved, ...]

    @property
    def to_read(self) -> int:
        """How many are not read yet."""
        return len(self.due) + len(self.open)


def of(group: Group, most_done: int = 50) -> Shelf:
    """Give the list of a group: all that is to be read, and the last `most_done` that were."""
    rows = _rows(group)
    due = rows.filter(done=False, due__isnull=False).order_by("due", "at", "pk")
    undated = rows.filter(done=False, due=None).order_by("-at", "-pk")
    done = rows.filter(done=True).order_by(F("due").desc(nulls_last=True), "-at", "-pk")[:most_done]
    return Shelf(tuple(due), tuple(undated), tuple(done))


def in_order(group: Group) -> QuerySet[Shelved]:
    """Give all of a list in one order: what has a day, what has none, what was read."""
    return _rows(group).order_by("done", F("due").asc(nulls_last=True), "-at", "-pk")


def _rows(group: Group) -> QuerySet[Shelved]:
    shown = Shelved.objects.filter(group=group, paper__hidden=False)
    return shown.select_related("paper", "by")


def one(group: Group, number: int) -> Shelved | None:
    """Give a place on the list of this group, by its number."""
    return _rows(group).filter(pk=number).first()


def holding(reader: Reader, paper: Paper) -> set[int]:
    """Give the numbers of the reader's groups on whose list a paper stands."""
    own = Member.objects.filter(reader=reader, state="in").values("group_id")
    return set(Shelved.objects.filter(paper=paper, group__in=own).values_list("group_id", flat=True))


def put(by: Member, paper: Paper, note: str, due: str, *, now: datetime) -> Shelved:
    """Put a paper on the list. due: a day as 2024-05-27, or "". Raises Refused."""
    said, day = line(note, LONGEST_NOTE), read_day(due)
    if not paper.is_shown:
        raise Refused(_("This paper is not on the lists any more."))
    with transaction.atomic():
        # Held, so that the group is not closed before the paper stands there.
        if Member.objects.select_for_update(no_key=True).filter(pk=by.pk, state="in").first() is None:
            raise Refused(_("You are not in this group any more."))
        if Shelved.objects.filter(group=by.group_id).count() >= MOST:
            raise Refused(
                _("The list holds %(most)s papers already; please remove some first.") % {"most": f"{MOST:,}"}
            )
        values = {"by": by.reader, "note": said, "due": day, "at": now}
        made, fresh = Shelved.objects.get_or_create(group_id=by.group_id, paper=paper, defaults=values)
    if not fresh:
        raise Refused(_("This paper stands on the list already."))
    return made


def change(by: Member, row: Shelved, note: str, due: str) -> None:
    """Change the note and the day of a paper on the list; any member may. Raises Refused."""
    said, day = line(note, LONGEST_NOTE), read_day(due)
    _must_be_in(by)
    Shelved.objects.filter(pk=row.pk, group=by.group_id).update(note=said, due=day)


def mark(by: Member, row: Shelved, done: bool) -> None:
    """Say that a paper was read together, or that it was not; any member may. Raises Refused."""
    _must_be_in(by)
    Shelved.objects.filter(pk=row.pk, group=by.group_id).update(done=done)


def remove(by: Member, row: Shelved) -> None:
    """Take a paper off the list: who put it there, or a keeper. Raises Refused."""
    _must_be_in(by)
    if not may_remove(by, row):
        raise Refused(_("Who put it there may take it off, and keepers of the group."))
    Shelved.objects.filter(pk=row.pk, group=by.group_id).delete()


def may_remove(by: Member, row: Shelved) -> bool:
    """Whether a member may take a paper off the list."""
    return by.keeper or row.by_id == by.reader_id


def _must_be_in(by: Member) -> None:
    if not Member.objects.filter(pk=by.pk, state="in").exists():
        raise Refused(_("You are not in this group any more."))


def read_day(text: str) -> date | None:
    """Read a day as a form sends it; None for none. Raises Refused."""
    told = text.strip()
    if not told:
        return None
    try:
        day = date.fromisoformat(told)
    except ValueError:
        day = None
    if day is None or not told.isascii() or not EARLIEST <= day <= LATEST:
        raise Refused(_("Write the day as in 2024-05-27."))
    return day


def provide() -> None:
    """Make the lists of groups lists of their members: for feeds, deliveries and programs."""
    named.provide_shared(KIND, SharedKind(_head, _entries, _keys))


def _head(reader: Reader, slug: str) -> NamedList:
    return _named(_place(reader, slug))


def _named(place: Member) -> NamedList:
    group = place.group
    path = reverse("group", args=[group.slug])
    return NamedList(f"{KIND}/{group.slug}", _("Reading list of %(group)s") % {"group": group.name}, path, (), own=True)


def _place(reader: Reader, slug: str) -> Member:
    # Asked at every look, so that whoever is no longer in the group gets nothing more.
    place = members.place(reader, slug)
    if place is None:
        raise NoSuchList(_("There is no such group, or you are not in it."))
    return place


def _entries(reader: Reader, slug: str, skip: int, limit: int, now: datetime) -> Iterable[Entry]:
    rows = _rows(_place(reader, slug).group).filter(paper__withdrawn=False).order_by("-at", "-pk")
    return [Entry(rank, row.paper, day=row.at.date()) for rank, row in enumerate(rows[skip : skip + limit], skip + 1)]


def _keys(reader: Reader) -> Iterable[str]:
    slugs = (
        Member.objects.filter(reader=reader, state="in").order_by("group__name").values_list("group__slug", flat=True)
    )
    return [f"{KIND}/{slug}" for slug in slugs]


def entries(group: Group) -> list[Entry]:
    """Give the whole list in its order, for an export."""
    return [Entry(rank, row.paper) for rank, row in enumerate(in_order(group), 1)]
