"""What this room keeps of a reader: to be taken along, and to be erased. Counts of papers follow."""

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any, Final

from django.db.models import Model, Q, QuerySet

from broadsheet.community import claims, comments, moderation, tally
from broadsheet.community.models import (
    Act,
    AddedLink,
    Affiliation,
    Claim,
    Comment,
    Finding,
    Freeze,
    Membership,
    Organisation,
    Report,
    Submission,
    Vote,
    Wording,
)
from broadsheet.lib.clock import now
from broadsheet.papers import store
from broadsheet.readers import belongings
from broadsheet.readers.models import Notification, Reader

# Stands where a reader was named who is here no more.
ERASED: Final = "[erased]"
# Numbers of rows, what is made from another column, and what would tell of the network of others.
_KEPT_BACK: Final = frozenset({"id", "html", "origin", "key"})
_OWN: Final = frozenset({"reader", "author", "by", "made_by", "decided_by", "affected"})


def register() -> None:
    """Register the parts, in the order of an export; they are erased the other way round."""
    for part in (
        belongings.Part("votes", _votes, _forget_votes),
        belongings.Part("comments", _comments, _forget_comments),
        belongings.Part("submissions", _submissions, _forget_submissions),
        belongings.Part("claims", _claims, _forget_claims),
        belongings.Part("links", _links, _forget_links),
        belongings.Part("memberships", _memberships, _forget_memberships),
        belongings.Part("organisations", _organisations, _forget_organisations),
        belongings.Part("affiliations", _affiliations, _forget_affiliations),
        belongings.Part("reports", _reports, _forget_reports),
        belongings.Part("findings", _findings, _forget_findings),
        belongings.Part("decisions", _decisions, _forget_decisions),
        belongings.Part("acts", _acts, _forget_acts),
        belongings.Part("acts_about_me", _acts_about, _hold),
    ):
        belongings.register(part)


def _told(rows: QuerySet[Any], more: Callable[[Any], dict[str, object]] = lambda row: {}) -> list[dict[str, object]]:
    """Give rows in JSON's terms, papers by their public id, in the order they were made."""
    return [_row(row) | more(row) for row in rows.order_by("pk")]


def _row(row: Model) -> dict[str, object]:
    told: dict[str, object] = {}
    for field in row._meta.concrete_fields:
        if field.name in _KEPT_BACK or field.name in _OWN:
            continue
        value = getattr(row, field.name) if field.name == "paper" else field.value_from_object(row)
        told[field.name] = _plain(value)
    return told


def _plain(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, Model) else value


def _votes(reader: Reader) -> object:
    return _told(Vote.objects.filter(reader=reader).select_related("paper"))


def _forget_votes(reader: Reader) -> None:
    rows = Vote.objects.filter(reader=reader)
    touched = list(rows.values_list("paper_id", flat=True))
    rows.delete()
    tally.recount(touched)


def _comments(reader: Reader) -> object:
    rows = Comment.objects.filter(author=reader).select_related("paper").prefetch_related("history")
    return _told(
        rows,
        lambda comment: {
            "number": comment.pk,
            "earlier": [{"text": old.text, "until": old.until.isoformat()} for old in comment.history.all()],
        },
    )


def _forget_comments(reader: Reader) -> None:
    """Drop the words; where others replied, an empty place stays. In others' comments the handle is a link no more."""
    rows = Comment.objects.filter(author=reader)
    touched = list(rows.values_list("paper_id", flat=True))
    Wording.objects.filter(comment__author=reader).delete()
    # The newest first: of a talk with oneself nothing has to stay.
    for comment in rows.order_by("-pk"):
        if comment.replies.exists():
            rows.filter(pk=comment.pk).update(text="", html="", edited=None, state="deleted", author=None)
        else:
            comment.delete()
    for model in (Comment, Wording):
        for said in model.objects.filter(text__icontains=f"@{reader.handle}"):
            model.objects.filter(pk=said.pk).update(html=comments.rendered(said.text, without=reader))
    tally.recount(touched)


def _submissions(reader: Reader) -> object:
    return _told(Submission.objects.filter(reader=reader).select_related("paper"))


def _forget_submissions(reader: Reader) -> None:
    """Leave of a paper that was taken in, or turned away, only what it was read as; nobody brought it."""
    rows = Submission.objects.filter(reader=reader)
    rows.filter(state__in=("waiting", "taken-back")).delete()
    rows.update(reader=None, given="", note="")


def _claims(reader: Reader) -> object:
    return _told(Claim.objects.filter(reader=reader).select_related("paper"))


def _forget_claims(reader: Reader) -> None:
    rows = Claim.objects.filter(reader=reader)
    # Whoever contests one of them stands alone again, and the reader's comments are no longer an author's.
    for claim in rows.filter(state__in=("waiting", "confirmed")).order_by("paper"):
        claims.take_back(reader, claim, now=now())
    rows.delete()


def _links(reader: Reader) -> object:
    return _told(AddedLink.objects.filter(reader=reader).select_related("paper"))


def _forget_links(reader: Reader) -> None:
    """Links are facts about papers and stay; nobody added them."""
    AddedLink.objects.filter(reader=reader).update(reader=None)


def _memberships(reader: Reader) -> object:
    rows = Membership.objects.filter(reader=reader).select_related("organisation")
    return _told(rows, lambda row: {"organisation": row.organisation.slug})


def _forget_memberships(reader: Reader) -> None:
    Membership.objects.filter(reader=reader).delete()


def _organisations(reader: Reader) -> object:
    return _told(Organisation.objects.filter(made_by=reader))


def _forget_organisations(reader: Reader) -> None:
    Organisation.objects.filter(made_by=reader).update(made_by=None)


def _affiliations(reader: Reader) -> object:
    rows = Affiliation.objects.filter(by=reader).select_related("paper", "organisation")
    return _told(rows, lambda row: {"organisation": row.organisation.slug})


def _forget_affiliations(reader: Reader) -> None:
    Affiliation.objects.filter(by=reader).update(by=None)


def _reports(reader: Reader) -> object:
    return _told(Report.objects.filter(reader=reader))


def _forget_reports(reader: Reader) -> None:
    """Take open reports back; decided ones stay as a number. Reports of the reader go with the reader."""
    rows = Report.objects.filter(reader=reader)
    rows.filter(state="open").delete()
    rows.update(reader=None, says="")
    Report.objects.filter(subject=f"reader:{reader.handle}").delete()


def _findings(reader: Reader) -> object:
    """What the search for steered votes thought of the reader; the others it names are not the reader's to take."""
    rows = Finding.objects.filter(members=reader).select_related("paper")
    return [
        {"kind": row.kind, "state": row.state, "discount": row.discount, "found": row.found.isoformat()}
        for row in rows.order_by("pk")
    ]


def _forget_findings(reader: Reader) -> None:
    for finding in Finding.objects.filter(members=reader):
        finding.members.remove(reader)


# What a reader decided as a curator or moderator, by the column that says so.
_DECIDED: Final[tuple[tuple[type[Model], str], ...]] = (
    (Finding, "decided_by"),
    (Submission, "decided_by"),
    (Claim, "decided_by"),
    (Report, "decided_by"),
    (Freeze, "by"),
)


def _decisions(reader: Reader) -> object:
    return [
        {"what": model._meta.model_name, "number": row.pk, "reason": getattr(row, "reason", "")}
        for model, column in _DECIDED
        for row in model._default_manager.filter(**{column: reader}).order_by("pk")
    ]


def _forget_decisions(reader: Reader) -> None:
    for model, column in _DECIDED:
        model._default_manager.filter(**{column: reader}).update(**{column: None})


def _acts(reader: Reader) -> object:
    return _told(Act.objects.filter(by=reader))


def _acts_about(reader: Reader) -> object:
    return _told(Act.objects.filter(affected=reader))


def _forget_acts(reader: Reader) -> None:
    """Keep what was done and why, without the names of the reader, in the public log and in what others were told."""
    named = f"@{reader.handle}"
    own = Q(by=reader) | Q(affected=reader) | Q(subject=f"reader:{reader.handle}")
    for act in Act.objects.filter(own | Q(about__icontains=named) | Q(reason__icontains=named)):
        is_own = act.affected_id == reader.pk or act.subject == f"reader:{reader.handle}"
        act.about, act.reason = (_without(reader, text, bare=is_own) for text in (act.about, act.reason))
        if act.subject == f"reader:{reader.handle}":
            act.subject = f"reader:{ERASED}"
        if act.affected_id == reader.pk:
            act.affected = None
        if act.by_id == reader.pk:
            act.by = None
        act.save()
    _forget_in_reasons(reader)
    _forget_in_notifications(reader)


def _forget_in_reasons(reader: Reader) -> None:
    for model in (Submission, Claim, Finding, Freeze):
        for row in model._default_manager.filter(reason__icontains=f"@{reader.handle}"):
            row.reason = _without(reader, row.reason, bare=False)
            row.save(update_fields=["reason"])


def _forget_in_notifications(reader: Reader) -> None:
    named = f"@{reader.handle}"
    texts = ("title", "reason")
    about = Q(data__subject=f"reader:{reader.handle}")
    for text in texts:
        about |= Q(**{f"data__{text}__icontains": named})
    for told in Notification.objects.filter(about).exclude(reader=reader):
        is_own = told.data.get("subject") == f"reader:{reader.handle}"
        told.data |= {text: _without(reader, told.data[text], bare=is_own) for text in texts if text in told.data}
        if is_own:
            told.data["subject"], told.url = f"reader:{ERASED}", ""
        told.save(update_fields=["data", "url"])


def _without(reader: Reader, text: str, *, bare: bool) -> str:
    """Take a reader's handle out of a text; `bare`: also without its @, and the name, where the reader is meant."""
    named: Iterable[str] = (reader.name, f"@{reader.handle}", reader.handle) if bare else (f"@{reader.handle}",)
    words = "|".join(re.escape(word) for word in named if word)
    return re.sub(rf"(?<![\w-])(?:{words})(?![\w-])", ERASED, text, flags=re.IGNORECASE)


def _hold(reader: Reader) -> None:
    """See that an owner stays, and hold every paper that will be counted anew, in the order of everybody else."""
    moderation.must_leave_an_owner(reader)
    touched: set[int] = set()
    for rows in (reader.votes.all(), reader.comments.all(), reader.claims.all()):
        touched |= set(rows.values_list("paper_id", flat=True))
    for number in sorted(touched):
        store.lock_paper(number)
