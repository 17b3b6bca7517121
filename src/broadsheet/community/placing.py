"""Placing a paper in an edition beside its own: what curators do."""

from datetime import date, datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from broadsheet.community import moderation
from broadsheet.community.given import reason as read_reason
from broadsheet.papers import schedule, store
from broadsheet.papers.models import Paper
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused

# Nobody plans a front page further ahead.
AHEAD: Final = timedelta(days=14)


def place(by: Reader, paper: Paper, day: date | None, reason: str, *, now: datetime) -> Paper:
    """Place a paper in the edition of a day; None for today's. Raises Refused for a day that is over."""
    must_be_curator(by)
    said = read_reason(reason)
    day = open_day(day, now)
    with transaction.atomic():
        placed = put(paper.id, day, now)
        if placed.announced == day:
            raise Refused(_("This paper is in the edition of %(day)s by its own announcement.") % {"day": day})
        moderation.note(by, "place", f"paper:{placed.key}", about=placed.title, reason=said, now=now)
    return placed


def unplace(by: Reader, paper: Paper, reason: str, *, now: datetime) -> Paper:
    """Take a paper out of the edition in which it was placed, as long as that is open. Raises Refused."""
    must_be_curator(by)
    said = read_reason(reason)
    with transaction.atomic():
        found = _locked(paper.id)
        if found.placed is None:
            raise Refused(_("Nobody placed this paper in an edition."))
        _must_be_open(found.placed, now)
        store.place(found.id, None)
        moderation.note(by, "unplace", f"paper:{found.key}", about=found.title, reason=said, now=now)
    found.placed = None
    return found


def put(number: int, day: date, now: datetime) -> Paper:
    """Place a paper for a curator who was asked already, inside the caller's transaction; give it as it is then.

    A paper that was announced on that day stands there anyway. One that had its place in an edition that is over keeps
    it: yesterday's page never changes. Raises Refused.
    """
    paper = _locked(number)
    must_be_shown(paper)
    if paper.announced == day or paper.placed == day:
        return paper
    if paper.placed is not None and not schedule.is_open(paper.placed, now):
        raise Refused(had_its_place(paper.placed))
    store.place(paper.id, day)
    paper.placed = day
    return paper


def _locked(number: int) -> Paper:
    if not store.lock_paper(number):
        raise Refused(_("This paper is not here any more."))
    return Paper.objects.get(id=number)


def had_its_place(day: date) -> str:
    """The sentence for a paper that curators placed in an edition that is over."""
    return _("This paper had its place in the edition of %(day)s.") % {"day": day.isoformat()}


def must_be_shown(paper: Paper) -> None:
    """Raise Refused for a paper that its authors took back or a moderator took off the lists."""
    if paper.withdrawn:
        raise Refused(_("The authors of this paper took it back."))
    if paper.hidden:
        raise Refused(_("A moderator took this paper off the lists; the public log says why."))


def must_be_curator(by: Reader) -> None:
    """Raise Refused for anybody but curators."""
    if not by.may("curator"):
        raise Refused(_("Only curators may do that."))


def open_day(day: date | None, now: datetime) -> date:
    """Give the day to place a paper in, today's edition for None. Raises Refused for a day that is none or over."""
    current = schedule.current_day(now)
    if day is None:
        return current
    if day > current + AHEAD:
        raise Refused(_("That day is too far ahead; papers are placed at most two weeks before their edition."))
    _must_be_open(day, now)
    if not schedule.has_edition(day):
        raise Refused(_("There is no edition on %(day)s.") % {"day": day.isoformat()})
    return day


def _must_be_open(day: date, now: datetime) -> None:
    # The year first: the calendar cannot count at the beginning of all dates.
    if day.year < 1991 or not schedule.is_open(day, now):
        raise Refused(_("The edition of %(day)s is over and does not change any more.") % {"day": day.isoformat()})
