"""Reports, and what moderators do about them: openly, with a reason, in a public log, told to whom it concerns.

A report hides nothing by itself, however many there are: a moderator decides. Nobody is shadow-banned: what was
removed says so in its place, and its author knows.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from broadsheet.community import standing, subjects, tally
from broadsheet.community.given import passage
from broadsheet.community.given import reason as read_reason
from broadsheet.community.models import Act, Claim, Comment, Freeze, Report
from broadsheet.community.subjects import Subject
from broadsheet.papers import store
from broadsheet.papers.models import Paper
from broadsheet.readers import notifications
from broadsheet.readers.models import ROLES, Reader
from broadsheet.readers.refused import Refused

CAUSES: Final[tuple[tuple[str, str | Promise], ...]] = (
    ("spam", gettext_lazy("Spam or advertising")),
    ("abuse", gettext_lazy("Abuse of a person or a group")),
    ("off-topic", gettext_lazy("Nothing to do with the paper")),
    ("wrong-paper", gettext_lazy("Wrong data: title, authors, links or category")),
    ("copyright", gettext_lazy("Somebody else’s work, without their leave")),
    ("steered-votes", gettext_lazy("Votes that were bought or agreed on")),
    ("other", gettext_lazy("Something else, as told below")),
)
REPORTS_PER_DAY: Final = 30
LONGEST_SAYS: Final = 2000
# Of the queue at once: subjects, and the reports that make them up.
MOST_SUBJECTS: Final = 200
MOST_REPORTS: Final = 5000
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Reported:
    """What was reported, with every open report of it.

    subject: None where it is gone. causes: with how many name each, the most frequent first.
    standing: of those who reported it, added up: it says how much is behind a report, and decides nothing.
    """

    name: str
    subject: Subject | None
    reports: Sequence[Report]
    causes: Sequence[tuple[str, int]]
    standing: float
    first: datetime

    @property
    def count(self) -> int:
        """How many readers reported it."""
        return len(self.reports)


def report(reader: Reader, subject: str, cause: str, says: str, *, now: datetime) -> Report:
    """Report a subject to the moderators. Raises Refused."""
    found, said = subjects.find(subject), passage(says, LONGEST_SAYS)
    if cause not in dict(CAUSES):
        raise Refused(_("Please choose what is wrong with it."))
    if cause == "other" and not said:
        raise Refused(_("Please tell the moderators what is wrong."))
    if found.affected == reader:
        raise Refused(_("This is your own. You can delete it or take it back yourself."))
    with transaction.atomic():
        held = _hold_reader(reader)
        _must_be_new(held, found.name, now)
        is_first = not Report.objects.filter(subject=found.name, state="open").exists()
        made = Report.objects.create(reader=held, subject=found.name, cause=cause, says=said, at=now)
        if is_first:
            _call_moderators(found, held, now)
    return made


def _hold_reader(reader: Reader) -> Reader:
    """Read a reader as it stands now, held, so that what it gave can be counted."""
    held = Reader.objects.select_for_update(no_key=True).filter(pk=reader.pk).first()
    if held is None or not held.is_active:
        raise Refused(_("Only readers with an active account can report something."))
    return held


def _must_be_new(reader: Reader, subject: str, now: datetime) -> None:
    if Report.objects.filter(reader=reader, subject=subject, state="open").exists():
        raise Refused(_("You have reported this already. A moderator will look at it."))
    today = Report.objects.filter(reader=reader, at__gt=now - _DAY).order_by("at").values_list("at", flat=True)
    if len(today) >= REPORTS_PER_DAY:
        raise Refused(
            _("You sent %(count)d reports in a day, which is as many as are taken. It works again in %(wait)s.")
            % {"count": len(today), "wait": in_words(today[len(today) - REPORTS_PER_DAY] + _DAY - now)}
        )


def in_words(wait: timedelta) -> str:
    """Say how long something takes, rounded up: minutes below two hours, else hours."""
    minutes = max(1, -(-int(wait.total_seconds()) // 60))
    if minutes < 120:
        return ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}
    hours = -(-minutes // 60)
    return ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours}


def _call_moderators(subject: Subject, reporter: Reader, now: datetime) -> None:
    moderators = Reader.objects.filter(role__in=ROLES[ROLES.index("moderator") :], state="active")
    called = [reader for reader in moderators if reader not in (reporter, subject.affected)]
    data = {"did": "waiting", "title": subject.title, "subject": subject.name}
    notifications.notify(called, "report", data, reverse("desk-reports"), now=now)


def queue() -> list[Reported]:
    """Give what was reported and not decided yet, what readers of more standing reported first."""
    rows = Report.objects.filter(state="open").select_related("reader").order_by("at", "id")[:MOST_REPORTS]
    grouped: dict[str, list[Report]] = {}
    for row in rows:
        grouped.setdefault(row.subject, []).append(row)
    found = subjects.find_all(grouped)
    waiting = [_reported(name, found.get(name), reports) for name, reports in grouped.items()]
    return sorted(waiting, key=lambda item: (-item.standing, item.first))[:MOST_SUBJECTS]


def _reported(name: str, subject: Subject | None, reports: Sequence[Report]) -> Reported:
    causes = Counter(report.cause for report in reports).most_common()
    weight = sum(report.reader.standing for report in reports if report.reader)
    return Reported(name, subject, reports, causes, weight, reports[0].at)


def decide(by: Reader, subject: str, uphold: bool, reason: str, *, now: datetime) -> None:
    """Uphold or dismiss the open reports of a subject. It changes nothing else; acts on the subject are apart.

    Raises Refused where `by` may not, without a reason, or where there is no open report.
    """
    found = subjects.find_all([subject]).get(subject)
    said = _allowed(by, reason, found.affected if found else None)
    did = "uphold" if uphold else "dismiss"
    with transaction.atomic():
        if not _close(by, subject, did, found, said, now):
            raise Refused(_("There is no open report of this any more."))
        affected = found.affected if found else None
        about = found.title if found else subject
        note(by, did, subject, about=about, reason=said, affected=affected, now=now)
        # Nothing happened to those whose thing was reported in vain, so they are not troubled with it.
        if found and affected and uphold:
            _tell([affected], by, did, found.title, said, found.url, now)
    if affected:
        standing.assess([affected.pk], now)


def _close(by: Reader, subject: str, did: str, found: Subject | None, reason: str, now: datetime) -> bool:
    """Close the open reports of a subject and tell those who made them; say whether there were any."""
    reports = list(Report.objects.select_for_update().filter(subject=subject, state="open").select_related(None))
    state = "upheld" if did == "uphold" else "dismissed"
    Report.objects.filter(pk__in=[row.pk for row in reports]).update(state=state, decided_by=by, decided=now)
    reporters = Reader.objects.filter(pk__in=[row.reader_id for row in reports if row.reader_id])
    title, url = (found.title, found.url) if found else (subject, "")
    data = {"did": did, "title": title, "subject": subject, "reason": reason}
    notifications.notify([reader for reader in reporters if reader != by], "report", data, url, now=now)
    if found and isinstance(found.row, Comment) and found.row.state == "deleted":
        forget(found.row)
    return bool(reports)


def forget(comment: Comment) -> None:
    """Drop the words of a comment that its author deleted. They are kept only while a report of it is open."""
    comment.history.all().delete()
    Comment.objects.filter(pk=comment.pk).update(text="", html="")


def remove(by: Reader, comment: Comment, reason: str, *, now: datetime) -> None:
    """Take a comment off its page, where a line says so; open reports of it are upheld. Raises Refused."""
    _change_comment(by, comment, ("shown", "removed"), "remove", reason, now)


def restore(by: Reader, comment: Comment, reason: str, *, now: datetime) -> None:
    """Show a removed comment again. Raises Refused."""
    _change_comment(by, comment, ("removed", "shown"), "restore", reason, now)


def _change_comment(
    by: Reader, comment: Comment, states: tuple[str, str], did: str, reason: str, now: datetime
) -> None:
    said = _allowed(by, reason, comment.author)
    before, after = states
    with transaction.atomic():
        store.lock_paper(comment.paper_id)
        if not Comment.objects.filter(pk=comment.pk, state=before).update(state=after):
            raise Refused(_("This comment is not there any more, or somebody was faster."))
        found = subjects.find(subjects.of(comment))
        if did == "remove":
            _close(by, found.name, "uphold", found, said, now)
        note(by, did, found.name, about=found.title, reason=said, affected=found.affected, now=now)
        _tell([found.affected], by, did, found.title, said, found.url, now)
        tally.recount([comment.paper_id])
    comment.state = after
    if comment.author_id:
        standing.assess([comment.author_id], now)


def hide(by: Reader, paper: Paper, reason: str, *, now: datetime) -> None:
    """Take a paper off every list; its page stays and says so; open reports of it are upheld. Raises Refused."""
    _change_paper(by, paper, True, reason, now)


def show(by: Reader, paper: Paper, reason: str, *, now: datetime) -> None:
    """Put a hidden paper back on the lists. Raises Refused."""
    _change_paper(by, paper, False, reason, now)


def _change_paper(by: Reader, paper: Paper, hidden: bool, reason: str, now: datetime) -> None:
    said = _allowed(by, reason, None)
    did = "hide" if hidden else "show"
    with transaction.atomic():
        store.lock_paper(paper.pk)
        if not Paper.objects.filter(pk=paper.pk, hidden=not hidden).exists():
            raise Refused(_("This paper is hidden already.") if hidden else _("This paper is shown already."))
        store.hide(paper.pk, hidden)
        found = subjects.find(subjects.of(paper))
        if hidden:
            _close(by, found.name, "uphold", found, said, now)
        _note_paper(by, did, found, said, now)
    paper.hidden = hidden


def freeze(by: Reader, paper: Paper, reason: str, *, now: datetime) -> None:
    """Let nobody write in the discussion of a paper for now; everyone still reads it. Raises Refused."""
    said = _allowed(by, reason, None)
    with transaction.atomic():
        _made, is_new = Freeze.objects.get_or_create(paper=paper, defaults={"by": by, "at": now, "reason": said})
        if not is_new:
            raise Refused(_("This discussion is frozen already."))
        _note_paper(by, "freeze", subjects.find(subjects.of(paper)), said, now)


def thaw(by: Reader, paper: Paper, reason: str, *, now: datetime) -> None:
    """Open a frozen discussion again. Raises Refused."""
    said = _allowed(by, reason, None)
    with transaction.atomic():
        gone, _rows = Freeze.objects.filter(paper=paper).delete()
        if not gone:
            raise Refused(_("This discussion is not frozen."))
        _note_paper(by, "thaw", subjects.find(subjects.of(paper)), said, now)


def _note_paper(by: Reader, did: str, found: Subject, reason: str, now: datetime) -> None:
    note(by, did, found.name, about=found.title, reason=reason, now=now)
    authors = Claim.objects.filter(paper=found.row.pk, state="confirmed").values("reader")
    _tell(Reader.objects.filter(pk__in=authors), by, did, found.title, reason, found.url, now)


def suspend(by: Reader, reader: Reader, reason: str, *, now: datetime) -> None:
    """Let a reader neither sign in nor act; their votes weigh nothing; what they wrote stays. Raises Refused."""
    _change_state(by, reader, ("active", "suspended"), "suspend", reason, now)


def reinstate(by: Reader, reader: Reader, reason: str, *, now: datetime) -> None:
    """Give a suspended reader everything back. Raises Refused."""
    _change_state(by, reader, ("suspended", "active"), "reinstate", reason, now)


def _change_state(by: Reader, reader: Reader, states: tuple[str, str], did: str, reason: str, now: datetime) -> None:
    said = _allowed(by, reason, None)
    before, after = states
    with transaction.atomic():
        held = _hold_for(by, reader)
        if held.state != before:
            raise Refused(_("This account is not %(state)s.") % {"state": before})
        if after != "active":
            must_leave_an_owner(held)
        Reader.objects.filter(pk=held.pk).update(state=after)
        found = subjects.find(subjects.of(held))
        if after != "active":
            _close(by, found.name, "uphold", found, said, now)
        note(by, did, found.name, about=found.title, reason=said, affected=held, now=now)
        _tell([held], by, did, found.title, said, reverse("moderation-log"), now)
    reader.state = after
    standing.assess([reader.pk], now)


def set_role(by: Reader, reader: Reader, role: str, reason: str, *, now: datetime) -> None:
    """Give a reader a role; only owners do. Raises Refused, also where no owner would be left."""
    said = _allowed(by, reason, None, role="owner")
    if role not in ROLES:
        raise Refused(_("There is no such role."))
    with transaction.atomic():
        held = _hold(reader)
        if held.role == role:
            raise Refused(_("@%(handle)s is %(role)s already.") % {"handle": held.handle, "role": role})
        if held.role == "owner":
            must_leave_an_owner(held)
        Reader.objects.filter(pk=held.pk).update(role=role)
        found = subjects.find(subjects.of(held))
        about = f"{found.title}: {held.role} → {role}"
        note(by, "role", found.name, about=about, reason=said, affected=held, now=now)
        _tell([held], by, "role", found.title, said, found.url, now, role=role)
    reader.role = role
    standing.assess([reader.pk], now)


def must_leave_an_owner(reader: Reader) -> None:
    """Refuse where the reader is the last owner who can act; inside a transaction that then holds all owners."""
    owners = Reader.objects.select_for_update(no_key=True).filter(role="owner", state="active").order_by("pk")
    if [owner.pk for owner in owners] == [reader.pk]:
        raise Refused(_("A site needs an owner. Make somebody else an owner first."))


def _hold(reader: Reader) -> Reader:
    found = Reader.objects.select_for_update(no_key=True).filter(pk=reader.pk).first()
    if found is None:
        raise Refused(_("There is no such reader any more."))
    return found


def _hold_for(by: Reader, reader: Reader) -> Reader:
    """Give a reader whom `by` stands above, held. Owners stand above everyone, but nobody above themselves."""
    held = _hold(reader)
    if held == by:
        raise Refused(_("Nobody decides about their own account."))
    if by.role != "owner" and ROLES.index(held.role) >= ROLES.index(by.role):
        raise Refused(_("Only an owner decides about another moderator or an owner."))
    return held


def _allowed(by: Reader, reason: str, affected: Reader | None, *, role: str = "moderator") -> str:
    """Give the reason as it is kept. Raises Refused without one, or where `by` may not decide."""
    if not by.may(role):
        raise Refused(_("Only owners do this.") if role == "owner" else _("Only moderators do this."))
    if affected is not None and affected == by and not by.may("owner"):
        raise Refused(_("This is your own: another moderator has to decide about it."))
    return read_reason(reason)


def _tell(
    readers: Iterable[Reader | None],
    by: Reader,
    did: str,
    title: str,
    reason: str,
    url: str,
    now: datetime,
    **more: str,
) -> None:
    data = {"did": did, "title": title, "reason": reason, "by": by.handle, **more}
    notifications.notify([reader for reader in readers if reader not in (None, by)], "moderation", data, url, now=now)


def note(
    by: Reader | None,
    did: str,
    subject: str,
    *,
    about: str,
    reason: str,
    affected: Reader | None = None,
    now: datetime,
) -> Act:
    """Write a line of the public log. Raises Refused without a reason.

    by: None for what the program does by itself. about: the subject's title at that time.
    """
    said = read_reason(reason)
    return Act.objects.create(
        at=now, by=by, did=did, subject=subject[:220], about=about[:300], reason=said, affected=affected
    )


def log(limit: int, before: int | None = None) -> list[Act]:
    """Give acts, the newest first; `before`: only those written before the one of that number."""
    acts = Act.objects.select_related("by", "affected").order_by("-pk")
    if before is not None:
        acts = acts.filter(pk__lt=min(before, 2**63 - 1))
    return list(acts[:limit])
