"""How today's digests stand, for whoever runs the site: read from the ledger, and nothing else.

Today is the last 24 hours: the mornings of all time zones fall into them once. What is still open counts however old
it is.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Max, Min, Q, QuerySet

from broadsheet.digest.models import Bounced, Digest, Mail, Subscription

DAY: Final = timedelta(days=1)
# Over so long the speed of the queue is measured.
LATELY: Final = timedelta(minutes=15)
STATES: Final = ("queued", "claimed", "sending", "sent", "failed", "doubtful", "suppressed")
OPEN: Final = ("queued", "claimed", "sending", "doubtful")
ENDED: Final = ("sent", "failed", "suppressed")
SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Domain:
    """A receiving domain that takes mails slowly or not at all. put_off: mails that wait for another try.

    says: its last answer. next_try: the first one to come; None where nothing waits.
    """

    name: str
    put_off: int
    failed: int
    next_try: datetime | None
    says: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How the digests of a day stand.

    due: subscriptions that are to be looked at now. composed, nothing: digests of that day. states: mails by state.
    oldest: since when the mail that has waited longest is due; None where none is. per_minute: mails that left the
    queue lately.
    """

    since: datetime
    due: int
    composed: int
    nothing: int
    states: dict[str, int]
    doubtful: tuple[Mail, ...]
    domains: tuple[Domain, ...]
    oldest: datetime | None
    per_minute: float

    @property
    def mails(self) -> int:
        """How many mails there are."""
        return sum(self.states.values())

    @property
    def ended(self) -> int:
        """How many mails need nothing more."""
        return sum(self.states[state] for state in ENDED)

    def to_json(self) -> dict[str, object]:
        """Give it to scripts."""
        return {
            "since": self.since.isoformat(),
            "due": self.due,
            "composed": self.composed,
            "nothing": self.nothing,
            "mails": self.states,
            "doubtful": [_shown(mail) for mail in self.doubtful],
            "domains": [
                {"domain": one.name, "put_off": one.put_off, "failed": one.failed, "says": one.says}
                for one in self.domains
            ],
            "oldest": self.oldest.isoformat() if self.oldest else None,
            "per_minute": self.per_minute,
        }


def today(now: datetime) -> Progress:
    """Tell how the digests of the last 24 hours stand."""
    since = now - DAY
    made = dict(Digest.objects.filter(made__gte=since).values_list("state").annotate(Count("pk")).order_by())
    return Progress(
        since=since,
        due=due(now),
        composed=made.get("composed", 0) + made.get("dry", 0),
        nothing=made.get("nothing", 0),
        states=_states(since),
        doubtful=tuple(doubtful()[: SHOWN * 5]),
        domains=tuple(domains(since, now)),
        oldest=overdue(now).aggregate(oldest=Min("next_try"))["oldest"],
        per_minute=round(_ended(now - LATELY).count() / (LATELY.total_seconds() / 60), 1),
    )


def due(now: datetime) -> int:
    """Count the subscriptions that are to be looked at now."""
    has_reader = Q(reader=None) | Q(reader__state="active")
    return Subscription.objects.filter(has_reader, state="active", next_look__lte=now).count()


def doubtful() -> QuerySet[Mail]:
    """Give the mails of which nobody knows whether they were sent."""
    return Mail.objects.filter(state="doubtful").select_related("digest", "subscription").order_by("pk")


def overdue(now: datetime) -> QuerySet[Mail]:
    """Give the mails that are due and wait."""
    return Mail.objects.filter(state="queued", next_try__lte=now)


def moves(now: datetime) -> bool:
    """Tell whether mails left the queue lately."""
    return _ended(now - LATELY).exists()


def bounces(count: int = SHOWN) -> list[Bounced]:
    """Give the last bounces and complaints, the newest first."""
    return list(Bounced.objects.select_related("mail").order_by("-at", "-pk")[:count])


def sample(now: datetime, count: int = 3) -> list[Digest]:
    """Give some digests of today that went into mails, drawn by lot."""
    fresh = Digest.objects.filter(made__gte=now - DAY, state__in=("composed", "dry"))
    # Sorting numbers alone by lot is quick even where a hundred thousand were made.
    chosen = list(fresh.order_by("?").values_list("pk", flat=True)[:count])
    return list(Digest.objects.filter(pk__in=chosen).select_related("subscription").order_by("pk"))


def domains(since: datetime, now: datetime) -> list[Domain]:
    """Give the domains that put mails off or refuse them, the slowest first."""
    put_off, failed = Q(state="queued", tries__gt=0), Q(state="failed")
    rows = (
        Mail.objects.filter(put_off | (failed & Q(next_try__gte=since)), state__in=("queued", "failed"))
        .values("domain")
        .annotate(waits=Count("pk", filter=put_off), fails=Count("pk", filter=failed), last=Max("pk"))
        .annotate(next=Min("next_try", filter=put_off))
        .order_by("-waits", "-fails", "domain")[:SHOWN]
    )
    found = list(rows)
    says = dict(Mail.objects.filter(pk__in=[row["last"] for row in found]).values_list("pk", "reply"))
    return [Domain(row["domain"], row["waits"], row["fails"], row["next"], says.get(row["last"], "")) for row in found]


def _states(since: datetime) -> dict[str, int]:
    """Count mails by state: of today's digests, and whatever is open or was tried today besides."""
    parts = (
        Mail.objects.filter(digest__made__gte=since),
        Mail.objects.filter(Q(digest=None) | Q(digest__made__lt=since), state__in=OPEN),
        Mail.objects.filter(digest=None, state__in=ENDED, next_try__gte=since),
    )
    counted = Counter[str]()
    for part in parts:
        counted.update(dict(part.values_list("state").annotate(Count("pk")).order_by()))
    return {state: counted[state] for state in STATES}


def _ended(since: datetime) -> QuerySet[Mail]:
    # Few wait longer than a day, and the index holds the next try, not the end.
    return Mail.objects.filter(state__in=ENDED, next_try__gte=since - DAY, ended__gte=since)


def _shown(mail: Mail) -> dict[str, object]:
    return {
        "id": mail.pk,
        "address": mail.address,
        "message_id": mail.message_id,
        "queued": mail.queued.isoformat(),
        "tries": mail.tries,
        "says": mail.reply,
    }
