"""Steered votes: looked for in the rows, kept as findings with their evidence, decided on by moderators."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from broadsheet.community import given, moderation, standing, tally
from broadsheet.community.models import Claim, Finding, Submission, Vote
from broadsheet.community.rules import rules
from broadsheet.papers.models import Paper
from broadsheet.ranking.integrity import Ballot, Suspicion, suspicions
from broadsheet.ranking.rules import Rules
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused

# How far a look goes back. The origins of votes are forgotten a little later.
LOOK_BACK: Final = timedelta(days=28)
# The newest votes that a look takes in; a bound for its memory and its time.
MOST: Final = 200_000
# A suspicion is an earlier finding again where this share of the smaller of the two is the same people.
SAME: Final = 0.5
# What a page shows of the votes behind a finding.
SHOWN_VOTES: Final = 200
FINDINGS_LOCK: Final = 0x62726F62
Search = Callable[[Sequence[Ballot], Mapping[int, frozenset[int]], Rules], list[Suspicion]]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a moderator sees of a finding.

    lines: (name, value) of each measure, in words. papers: those that it is about, most of its votes first.
    votes: the members' votes for them, in time; origins: the networks of these, as A, B, ... by vote number; votes from
    one network bear the same letters, "" where it is not known.
    """

    members: tuple[Reader, ...]
    papers: tuple[Paper, ...]
    lines: tuple[tuple[str, str], ...]
    votes: tuple[Vote, ...]
    origins: dict[int, str]


def look(now: datetime, search: Search = suspicions) -> int:
    """Look through the votes of the last weeks; say how many findings are new or have grown.

    The discount of a finding is in force at once, and the public log says so; a moderator confirms or clears it.
    """
    found = search(ballots(now), owners(now), rules())
    changed = _keep_all(found, now) if found else []
    for finding in changed:
        _apply(finding, now)
    return len(changed)


def ballots(now: datetime) -> list[Ballot]:
    """Read the votes of the last weeks, at most MOST of the newest.

    Standing is that before the discounts of findings: whom a finding weighs down does not become a new account by it.
    """
    rows = Vote.objects.filter(cast__gt=now - LOOK_BACK).order_by("-cast")
    found = rows.values_list("reader_id", "paper_id", "cast", "origin", "reader__standing")[:MOST]
    before = standing.before_findings({row[0] for row in found}, now)
    return [
        Ballot(reader, paper, cast.timestamp(), origin, before.get(reader, weight))
        for reader, paper, cast, origin, weight in found
    ]


def owners(now: datetime) -> dict[int, frozenset[int]]:
    """Say whose a paper is: those who claim it, and those who brought it in."""
    recent = Vote.objects.filter(cast__gt=now - LOOK_BACK).values("paper")
    claims = Claim.objects.filter(state__in=("waiting", "confirmed"), paper__in=recent)
    brought = Submission.objects.filter(state__in=("waiting", "accepted"), paper__in=recent, reader__isnull=False)
    found: dict[int, set[int]] = defaultdict(set)
    for rows in (claims, brought):
        for paper, reader in rows.values_list("paper_id", "reader_id"):
            found[paper].add(reader)
    return {paper: frozenset(readers) for paper, readers in found.items()}


def _keep_all(found: Iterable[Suspicion], now: datetime) -> list[Finding]:
    with transaction.atomic():
        _one_at_a_time()
        kept = [finding for suspicion in found if (finding := _keep(suspicion, now)) is not None]
        for finding in kept:
            moderation.note(
                None,
                "discount",
                subject(finding),
                about=about(finding),
                reason=_("Found by the search for steered votes; a moderator will look at it."),
                now=now,
            )
        return kept


def _one_at_a_time() -> None:
    """Let one worker at a time keep findings; SQLite's IMMEDIATE transactions do so by themselves."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [FINDINGS_LOCK])


def _keep(suspicion: Suspicion, now: datetime) -> Finding | None:
    """Keep a suspicion as a finding; None where it says nothing that is not kept already."""
    known = [(finding, _members(finding)) for finding in _earlier(suspicion)]
    if any(_is_decided(finding, members, suspicion) for finding, members in known):
        return None
    alike = [pair for pair in known if pair[0].state == "new" and _overlap(pair[1], suspicion.members) >= SAME]
    members = suspicion.members.union(*(before for _finding, before in alike))
    if any(before == members and finding.discount >= suspicion.discount for finding, before in alike):
        return None
    for finding, _before in alike[1:]:
        finding.delete()
    finding = alike[0][0] if alike else Finding(kind=suspicion.kind, paper_id=suspicion.paper, found=now, discount=0.0)
    finding.key = key(suspicion.kind, suspicion.paper, members)
    finding.discount = max(suspicion.discount, finding.discount)
    finding.evidence = suspicion.evidence
    finding.save()
    finding.members.set(Reader.objects.filter(id__in=members))
    return finding


def _earlier(suspicion: Suspicion) -> QuerySet[Finding]:
    same = Finding.objects.filter(kind=suspicion.kind, paper=suspicion.paper, members__in=suspicion.members)
    return same.distinct().order_by("id")


def _members(finding: Finding) -> frozenset[int]:
    return frozenset(finding.members.values_list("id", flat=True))


def _is_decided(finding: Finding, members: frozenset[int], suspicion: Suspicion) -> bool:
    """Whether a moderator has decided on this: cleared most of its members, or confirmed all of them."""
    inside = len(members & suspicion.members) / len(suspicion.members)
    return (finding.state == "cleared" and inside >= SAME) or (finding.state == "confirmed" and inside == 1)


def _overlap(one: frozenset[int], other: frozenset[int]) -> float:
    return len(one & other) / max(min(len(one), len(other)), 1)


def key(kind: str, paper: int | None, members: Iterable[int]) -> str:
    """Give the digest of a finding's kind, paper and members."""
    told = f"{kind} {paper or ''} {' '.join(map(str, sorted(members)))}"
    return sha256(told.encode()).hexdigest()[:32]


def _apply(finding: Finding, now: datetime) -> None:
    """Take weight away, or give it back, as the finding's state says."""
    if finding.paper_id is None:
        standing.assess(_members(finding), now)
    else:
        tally.recount([finding.paper_id])


def findings(state: str) -> list[Finding]:
    """Give the findings in a state, the newest first."""
    rows = Finding.objects.filter(state=state).select_related("paper", "decided_by").prefetch_related("members")
    return list(rows.order_by("-found", "-id"))


def confirm(finding: Finding, by: Reader, reason: str, *, now: datetime) -> None:
    """Let a finding's discount stand. Raises Refused."""
    _decide(finding, by, "confirmed", reason, now)


def clear(finding: Finding, by: Reader, reason: str, *, now: datetime) -> None:
    """Give the weight back for good: the same readers are not found again for the same. Raises Refused."""
    _decide(finding, by, "cleared", reason, now)


def _decide(finding: Finding, by: Reader, state: str, reason: str, now: datetime) -> None:
    if not by.may("moderator"):
        raise Refused(_("Only moderators decide on findings."))
    said = given.reason(reason)
    with transaction.atomic():
        held = Finding.objects.select_for_update().filter(pk=finding.pk).first()
        if held is None or held.state == state:
            raise Refused(_("Someone else has decided this already, or it was found anew; please look again."))
        if held.members.filter(pk=by.pk).exists():
            raise Refused(_("You are one of its members, so another moderator has to decide."))
        held.state, held.decided_by, held.decided, held.reason = state, by, now, said
        held.save(update_fields=["state", "decided_by", "decided", "reason"])
        did = "discount" if state == "confirmed" else "give-back"
        moderation.note(by, did, subject(held), about=about(held), reason=said, now=now)
    finding.refresh_from_db()
    _apply(finding, now)


def subject(finding: Finding) -> str:
    """Name what a finding is about, for the moderation log: its paper, or itself where it is about many."""
    return f"paper:{finding.paper.key}" if finding.paper else f"finding:{finding.pk}"


def about(finding: Finding) -> str:
    """Say in a few words what was found; the log shows it to everyone, so it names nobody."""
    number = finding.members.count()
    said = {
        "ring": _("A ring of %(number)d readers who vote for each other"),
        "burst": _("A burst of %(number)d votes by new accounts"),
        "origin": _("%(number)d new accounts of one network"),
    }
    return said[finding.kind] % {"number": number}


def evidence(finding: Finding) -> Evidence:
    """Gather what a page shows to moderators, with handles and titles as they are now."""
    members = tuple(finding.members.order_by("handle"))
    papers = _papers(finding)
    votes = Vote.objects.filter(reader__in=members, paper__in=papers).select_related("reader", "paper")
    shown = tuple(votes.order_by("cast", "id")[:SHOWN_VOTES])
    return Evidence(members, papers, tuple(_lines(finding.evidence)), shown, _letters(shown))


def _papers(finding: Finding) -> tuple[Paper, ...]:
    if finding.paper:
        return (finding.paper,)
    papers = Paper.objects.filter(id__in=finding.evidence.get("papers", []))
    return tuple(papers.order_by("-votes_here", "id"))


def _lines(measures: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in measures.items():
        if name in ("first", "last"):
            yield name, datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%d %H:%M UTC")
        elif not isinstance(value, list | dict):
            yield name.replace("_", " "), str(value)


def _letters(votes: Sequence[Vote]) -> dict[int, str]:
    """Name networks by letters in the order in which they come: a digest says nothing to a person."""
    names: dict[str, str] = {"": "", "-": ""}
    for vote in votes:
        if vote.origin not in names:
            place = len(names) - 2
            names[vote.origin] = chr(65 + place % 26) + (str(place // 26) if place >= 26 else "")
    return {vote.pk: names[vote.origin] for vote in votes}
