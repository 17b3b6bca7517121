"""Submissions: papers that readers bring in, and curators place in an edition."""

from datetime import date, datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from broadsheet.community import moderation, placing
from broadsheet.community.given import passage
from broadsheet.community.given import reason as read_reason
from broadsheet.community.models import Submission
from broadsheet.community.placing import place, unplace
from broadsheet.community.resolve import LONGEST_GIVEN, Resolved, find, names, of, resolve
from broadsheet.papers import schedule, store
from broadsheet.papers.ingest import ingest_batch
from broadsheet.papers.models import Paper, Sighting
from broadsheet.readers import notifications
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused
from broadsheet.record.paper import PaperData
from broadsheet.record.wire import from_json, to_json

__all__ = [
    "Resolved",
    "accept",
    "decline",
    "left",
    "place",
    "read",
    "resolve",
    "submit",
    "take_back",
    "take_in",
    "unplace",
    "waiting",
]

LONGEST_NOTE: Final = 1000
DAY: Final = timedelta(days=1)
# A paper that a curator declined is not asked about again every day.
REST: Final = timedelta(days=30)


def left(reader: Reader, now: datetime) -> int | None:
    """How many papers a reader may still bring in within these 24 hours; None for curators, who may bring any."""
    if reader.may("curator"):
        return None
    brought = Submission.objects.filter(reader=reader, at__gt=now - DAY).count()
    return max(0, int(settings.CONFIG.submissions_per_day) - brought)


def submit(reader: Reader, given: str, note: str, *, now: datetime) -> Submission:
    """Bring a paper in; it waits for a curator. Raises Refused, also where the network does not answer."""
    _must_have_some_left(reader, now)
    said = passage(note, LONGEST_NOTE)
    found = resolve(given, now=now)
    _must_be_wanted(reader, found, now)
    try:
        with transaction.atomic():
            # One submission of a reader at a time, so that the count holds; the paper before the reader, as everywhere.
            if found.paper:
                store.lock_paper(found.paper.id)
            Reader.objects.select_for_update(no_key=True).get(pk=reader.pk)
            _must_have_some_left(reader, now)
            return Submission.objects.create(
                reader=reader,
                paper=found.paper,
                given=given.strip()[:LONGEST_GIVEN],
                data={} if found.paper else to_json(found.data),
                name=names(found.data)[0],
                title=found.data.title,
                note=said,
                at=now,
            )
    except IntegrityError:
        raise Refused(_("“%(title)s” waits for a curator already.") % {"title": found.data.title}) from None


def _must_have_some_left(reader: Reader, now: datetime) -> None:
    if not reader.is_active:
        raise Refused(_("Your account may not bring papers in at the moment."))
    if left(reader, now) == 0:
        most = settings.CONFIG.submissions_per_day
        raise Refused(_("You have brought in %(most)s papers within a day. Please go on tomorrow.") % {"most": most})


def _must_be_wanted(reader: Reader, found: Resolved, now: datetime) -> None:
    if found.waiting:
        raise Refused(
            _("“%(title)s” waits for a curator already; it was brought in on %(day)s.")
            % {"title": found.waiting.title, "day": found.waiting.at.date().isoformat()}
        )
    if found.paper:
        _must_be_placeable(found.paper, now)
    if reader.may("curator"):
        return
    if found.too_old:
        raise Refused(found.too_old)
    declined = of(found.data, found.paper).filter(state="declined", decided__gt=now - REST).first()
    if declined:
        raise Refused(_("A curator declined this paper not long ago: %(reason)s") % {"reason": declined.reason})


def _must_be_placeable(paper: Paper, now: datetime) -> None:
    placing.must_be_shown(paper)
    today = schedule.current_day(now)
    for day in (paper.announced, paper.placed):
        if day and day >= today:
            raise Refused(_("This paper is in the edition of %(day)s already.") % {"day": day.isoformat()})
    if paper.placed:
        raise Refused(placing.had_its_place(paper.placed))


def waiting() -> QuerySet[Submission]:
    """The submissions that nobody has decided on, the oldest first."""
    return Submission.objects.filter(state="waiting").select_related("reader", "paper").order_by("at", "id")


def read(submission: Submission) -> PaperData | None:
    """Give what a submission was read as; None where the paper was in the record already."""
    return from_json(submission.data) if submission.data else None


def accept(by: Reader, submission: Submission, day: date | None, reason: str, *, now: datetime) -> Paper:
    """Take the paper into the record and place it in the edition of a day; None for today's. Raises Refused.

    All in one transaction, so that a kill leaves the submission waiting; of two curators the first one wins.
    """
    placing.must_be_curator(by)
    day = placing.open_day(day, now)
    said = read_reason(reason or _("Placed in the edition of %(day)s.") % {"day": day.isoformat()})
    with transaction.atomic():
        known = _hold(submission)
        _decide(submission, "accepted", now, by=by, reason=said, day=day)
        paper = placing.put(known or _taken_in(from_json(submission.data), now), day, now)
        Submission.objects.filter(pk=submission.pk).update(paper=paper)
        submission.paper = paper
        _tell(by, submission, "accept", reverse("paper", args=[paper.key]), now)
    return paper


def take_in(by: Reader, given: str, *, now: datetime) -> Paper:
    """Take a paper into the record, as a curator, without a place in any edition. Raises Refused as `resolve` does."""
    placing.must_be_curator(by)
    found = resolve(given, now=now)
    return found.paper or Paper.objects.get(id=_taken_in(found.data, now))


def decline(by: Reader, submission: Submission, reason: str, *, now: datetime) -> None:
    """Decline a submission, with a reason. Raises Refused."""
    placing.must_be_curator(by)
    said = read_reason(reason)
    with transaction.atomic():
        if submission.paper_id:
            store.lock_paper(submission.paper_id)
        _decide(submission, "declined", now, by=by, reason=said)
        _tell(by, submission, "decline", reverse("submissions"), now)


def take_back(reader: Reader, submission: Submission, *, now: datetime) -> None:
    """Take one's own submission back while it waits. Raises Refused."""
    if submission.reader_id != reader.pk:
        raise Refused(_("Only those who brought a paper in may take it back."))
    _decide(submission, "taken-back", now)


def _hold(submission: Submission) -> int | None:
    """Hold the paper of a submission, if the record has it by now, and give its number.

    The paper is held before anything else is, everywhere. It may have come by another way while the submission waited:
    then what a reader pasted adds nothing to it.
    """
    paper = submission.paper or find(from_json(submission.data))
    if paper is None or not store.lock_paper(paper.id):
        return None
    return paper.id


def _decide(
    submission: Submission,
    state: str,
    now: datetime,
    *,
    by: Reader | None = None,
    reason: str = "",
    day: date | None = None,
) -> None:
    """Settle a submission that waits; the row count tells who was first."""
    still = Submission.objects.filter(pk=submission.pk, state="waiting")
    if not still.update(state=state, decided_by=by, decided=now, reason=reason, day=day):
        raise Refused(_already_decided(submission))
    submission.refresh_from_db()


def _already_decided(submission: Submission) -> str:
    now_is = Submission.objects.select_related("decided_by").filter(pk=submission.pk).first()
    match now_is.state if now_is else "":
        case "accepted":
            return _("%(by)s has accepted this submission already.") % {"by": now_is and now_is.decided_by}
        case "declined":
            return _("%(by)s has declined this submission already.") % {"by": now_is and now_is.decided_by}
        case "taken-back":
            return _("The reader has taken this submission back.")
    return _("This submission is not here any more.")


def _taken_in(data: PaperData, now: datetime) -> int:
    """Take a paper in through the one door, and give its number."""
    report = ingest_batch([data], now=now)
    if report.quarantined:
        raise Refused(_("This paper contradicts another one of the record, so it cannot be taken in."))
    sighting = Sighting.objects.filter(raw_hash=data.raw_hash).first()
    paper = sighting.paper_id if sighting else None
    if paper is None:
        raise Refused(_("This paper could not be taken in."))
    return paper


def _tell(by: Reader, submission: Submission, did: str, url: str, now: datetime) -> None:
    affected = submission.reader
    moderation.note(
        by,
        did,
        f"submission:{submission.pk}",
        about=submission.title,
        reason=submission.reason,
        affected=affected,
        now=now,
    )
    if affected and affected != by:
        data = {
            "did": did,
            "title": submission.title,
            "reason": submission.reason,
            "by": by.handle,
            "day": submission.day.isoformat() if submission.day else "",
        }
        notifications.notify([affected], "submission", data, url, now=now)
