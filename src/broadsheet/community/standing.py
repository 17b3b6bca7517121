"""The standing of readers, derived from what the database knows of them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import chain
from typing import Final

from allauth.account.models import EmailAddress
from django.db import transaction
from django.db.models import Count, Max, Q
from django.db.models.functions import TruncDate

from broadsheet.community import tally
from broadsheet.community.models import AddedLink, Claim, Comment, Finding, Report, Submission, Vote
from broadsheet.community.rules import rules
from broadsheet.community.weights import CLOSE, IN_FORCE, stale
from broadsheet.ranking.standing import VoterFacts, standing
from broadsheet.readers.models import Reader

BATCH: Final = 200
# Readers assessed in one round of the worker.
AT_ONCE: Final = 1000
SECONDS_PER_DAY: Final = 86400
# Things a reader may be reported for, by the first part of a subject: where they are kept, and whose they are.
OWNED: Final = {
    "comment": (Comment, "author"),
    "link": (AddedLink, "reader"),
    "submission": (Submission, "reader"),
    "claim": (Claim, "reader"),
}


def assess_due(now: datetime) -> int:
    """Assess some of the readers who were not assessed today, new ones first; say how many."""
    today = now.astimezone(UTC).date().isoformat()
    never = Q(standing_terms__assessed__isnull=True)
    due = Reader.objects.exclude(state="waiting").filter(never | Q(standing_terms__assessed__lt=today))
    numbers = list(due.order_by("-id").values_list("id", flat=True)[:AT_ONCE])
    assess(numbers, now)
    return len(numbers)


def assess(numbers: Iterable[int], now: datetime) -> None:
    """Derive the standing of readers, weigh their votes anew and recount the papers that are touched by it.

    The standing is kept first and the papers follow one by one. Whoever is stopped in between is put right by the next
    assessment, which looks at every vote of the reader and not only at what has changed.
    """
    chosen = sorted(set(numbers))
    for start in range(0, len(chosen), BATCH):
        batch = chosen[start : start + BATCH]
        moved = _keep(batch, now)
        commented = Comment.objects.filter(author__in=moved, state="shown").values_list("paper_id", flat=True)
        tally.recount({*commented, *stale(batch)})


def _keep(batch: Sequence[int], now: datetime) -> list[int]:
    """Keep the standing of a batch with its terms; give those whose standing is another now."""
    in_force, moved = rules(), []
    with transaction.atomic():
        readers = Reader.objects.filter(id__in=batch).order_by("id").select_for_update(no_key=True)
        held = list(readers.only("id", "state", "standing", "standing_terms"))
        known = facts(batch, now)
        for reader in held:
            terms = standing(known[reader.pk], in_force)
            # Who was suspended, or waits, has no say.
            value = terms.value if reader.is_active else 0.0
            told = {**terms.to_json(), "value": round(value, 4), "assessed": now.astimezone(UTC).date().isoformat()}
            if abs(value - reader.standing) > CLOSE:
                moved.append(reader.pk)
            if reader.pk in moved or told != reader.standing_terms:
                Reader.objects.filter(pk=reader.pk).update(standing=value, standing_terms=told)
    return moved


def before_findings(numbers: Iterable[int], now: datetime) -> dict[int, float]:
    """Give the standing that those of these readers would have who lose some everywhere by findings."""
    chosen, in_force, found = sorted(set(numbers)), rules(), {}
    for start in range(0, len(chosen), BATCH):
        lowered = sorted(discounts(chosen[start : start + BATCH]))
        for number, known in (facts(lowered, now) if lowered else {}).items():
            found[number] = standing(replace(known, discount=0.0), in_force).value
    return found


def facts(numbers: Sequence[int], now: datetime) -> dict[int, VoterFacts]:
    """Read what the standing of readers (at most some hundreds) rests on.

    An invitation or an approval proves an address as well as a mail does: someone knows the person. The standing of
    those who gave them is taken as it was kept, so that a chain of invitations is one look-up long.
    """
    verified, days = _verified(numbers), _active_days(numbers)
    accepted, upheld, lost = _accepted(numbers), _upheld(numbers), discounts(numbers)
    found = {}
    for number, joined, role, inviter, inviter_standing, approver, approver_standing in Reader.objects.filter(
        id__in=numbers
    ).values_list("id", "joined", "role", "invited_by", "invited_by__standing", "approved_by", "approved_by__standing"):
        found[number] = VoterFacts(
            age_days=(now - joined).total_seconds() / SECONDS_PER_DAY,
            role=role,
            verified=number in verified or inviter is not None or approver is not None,
            voucher=max(inviter_standing or 0.0, approver_standing or 0.0),
            active_days=len(days[number]),
            accepted=accepted[number],
            upheld=upheld[number],
            discount=lost.get(number, 0.0),
        )
    return found


def _verified(numbers: Sequence[int]) -> set[int]:
    addresses = EmailAddress.objects.filter(user__in=numbers, verified=True)
    return set(addresses.values_list("user_id", flat=True))


def _active_days(numbers: Sequence[int]) -> Mapping[int, set[date]]:
    votes = Vote.objects.filter(reader__in=numbers).values_list("reader_id", "day").distinct()
    comments = Comment.objects.filter(author__in=numbers, state="shown").annotate(on=TruncDate("written", tzinfo=UTC))
    days: dict[int, set[date]] = defaultdict(set)
    for reader, day in chain(votes, comments.values_list("author_id", "on").distinct()):
        days[reader].add(day)
    return days


def _accepted(numbers: Sequence[int]) -> Mapping[int, int]:
    found: Counter[int] = Counter()
    for rows in (
        Submission.objects.filter(reader__in=numbers, state="accepted"),
        Claim.objects.filter(reader__in=numbers, state="confirmed"),
    ):
        found.update(dict(rows.order_by().values_list("reader_id").annotate(Count("id"))))
    return found


def _upheld(numbers: Sequence[int]) -> Mapping[int, int]:
    """Count for how many things of each reader a report was upheld; several reports of one thing count once."""
    handles = dict(Reader.objects.filter(id__in=numbers).values_list("handle", "id"))
    things: dict[str, list[int]] = defaultdict(list)
    found: Counter[int] = Counter()
    for subject in Report.objects.filter(state="upheld").order_by().values_list("subject", flat=True).distinct():
        kind, _colon, name = subject.partition(":")
        if kind == "reader":
            found[handles.get(name, 0)] += 1
        elif kind in OWNED and name.isdecimal():
            things[kind].append(int(name))
    for kind, names in things.items():
        found.update(_owners(kind, names, numbers))
    return found


def _owners(kind: str, names: Sequence[int], readers: Sequence[int]) -> Iterator[int]:
    model, owner = OWNED[kind]
    for start in range(0, len(names), BATCH):
        rows = model._default_manager.filter(id__in=names[start : start + BATCH], **{f"{owner}__in": readers})
        yield from rows.values_list(f"{owner}_id", flat=True)


def discounts(numbers: Iterable[int]) -> dict[int, float]:
    """Say what share of their weight readers lose everywhere, by the findings in force."""
    rings = Finding.objects.filter(state__in=IN_FORCE, paper__isnull=True, members__in=list(numbers))
    return dict(rings.order_by().values_list("members").annotate(Max("discount")))
