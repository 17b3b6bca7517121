"""Digests: who wants which, what was chosen for them, and what became of each mail.

Rows here are the ledger of delivery: they are written before anything is sent, so that a crash can be told from a
mail that never was. States move one way; docs/digests.md draws them.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from django.db import models
from django.db.models.functions import Lower

from broadsheet.papers.models import Paper
from broadsheet.readers.models import Reader

RHYTHMS = ("daily", "weekly", "monthly", "when")
# Whatever changes one of these may change when a digest is due.
WISHES: Final = frozenset(
    {"state", "lists", "rhythm", "least", "weekday", "hour", "time_zone", "length", "paused_until", "confirmed"}
)
AT_ONCE: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Subscriptions(models.QuerySet["Subscription"]):
    """Subscriptions; one whose wish changes is looked at anew."""

    def update(self, **changes: Any) -> int:  # noqa: ANN401 - as in Django
        """Change all of them."""
        if WISHES & changes.keys():
            changes.setdefault("next_look", AT_ONCE)
        return super().update(**changes)


class Subscription(models.Model):
    """A wish for digests at one address; nobody needs an account for it.

    state: asked (the address is not confirmed), active, stopped (by its owner) or suppressed (it bounced for good, or
        its owner complained; `says` tells).
    lists: keys of `editions.named`, "follows" and "foryou" among them for those with an account.
    rhythm: daily, weekly, monthly, or when (as soon as `least` papers match).
    hour: of the day, from 0, in `time_zone`, from which a digest is due; weekday: of a weekly one, Monday is 0.
    length: most papers. form: html or text. language: "" for the site's.
    paused_until: no digest before that day. epoch: stands in every signed link; raising it ends the links of before.
    soft_bounces: mails that came back in a row, none between them that did not.
    next_look: the moment before which no digest can be due; a change of the wish sets it back, see `WISHES`.
    """

    address = models.EmailField()
    reader = models.ForeignKey(Reader, models.CASCADE, null=True, related_name="subscriptions")
    state = models.CharField(max_length=10, default="asked")
    lists = models.JSONField(default=list)
    rhythm = models.CharField(max_length=8, default="daily")
    least = models.IntegerField(default=1)
    weekday = models.IntegerField(default=0)
    hour = models.IntegerField(default=7)
    time_zone = models.CharField(max_length=60, default="UTC")
    length = models.IntegerField(default=10)
    form = models.CharField(max_length=4, default="html")
    language = models.CharField(max_length=10, default="", blank=True)
    paused_until = models.DateField(null=True)
    asked = models.DateTimeField()
    confirmed = models.DateTimeField(null=True)
    ended = models.DateTimeField(null=True)
    epoch = models.IntegerField(default=0)
    soft_bounces = models.IntegerField(default=0)
    says = models.CharField(max_length=300, default="", blank=True)
    next_look = models.DateTimeField(default=AT_ONCE)

    objects: ClassVar[models.Manager["Subscription"]] = models.Manager.from_queryset(Subscriptions)()

    class Meta:
        constraints = [models.UniqueConstraint(Lower("address"), name="one_subscription_per_address")]
        indexes = [models.Index(fields=["state", "next_look"])]

    def __str__(self) -> str:
        return f"subscription {self.pk}"

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **options: Any) -> None:  # noqa: ANN401
        """Keep it; a whole one, or one whose wish changed, is looked at anew."""
        if update_fields is None:
            self.next_look = AT_ONCE
        elif WISHES & set(update_fields):
            self.next_look, update_fields = AT_ONCE, {*update_fields, "next_look"}
        super().save(*args, update_fields=update_fields, **options)


class Digest(models.Model):
    """What was chosen for one subscription out of the editions from `first` to `last`.

    state: composed (there is a mail), nothing (no paper was worth sending; `says` tells why) or dry (written to a
        file).
    picks: [{"paper": key, "id": number, "list": key, "why": [terms …], "also": [keys of near-duplicates]}], in order.
    ranker: name and version of what ordered them, for audit. partial: an edition of it was not complete.
    """

    subscription = models.ForeignKey(Subscription, models.CASCADE, related_name="digests")
    first = models.DateField()
    last = models.DateField()
    state = models.CharField(max_length=10)
    picks = models.JSONField(default=list)
    ranker = models.CharField(max_length=40, default="")
    partial = models.BooleanField(default=False)
    says = models.CharField(max_length=300, default="", blank=True)
    made = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subscription", "last"], name="one_digest_per_last_edition")]

    def __str__(self) -> str:
        return f"digest {self.pk} of {self.last}"


class Told(models.Model):
    """A paper that a subscription was told of: never again in another digest."""

    subscription = models.ForeignKey(Subscription, models.CASCADE, related_name="told", db_index=False)
    paper = models.ForeignKey(Paper, models.CASCADE, related_name="+")
    digest = models.ForeignKey(Digest, models.CASCADE, related_name="told")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subscription", "paper"], name="told_once_by_digest")]

    def __str__(self) -> str:
        return f"{self.subscription} {self.paper}"


class Mail(models.Model):
    """One mail to one address: a row of the outbox and of the ledger.

    kind: digest or confirm (please confirm your address). body: the message as it will be signed and sent, made when
        it is sent where it is "" (digests are rendered from their picks).
    state: queued, claimed (taken by a sender, nothing sent), sending (in the hands of the server, or not: in doubt
        once the sender is gone), sent (accepted), failed (refused for good), doubtful (nobody can tell whether it was
        sent) or suppressed. message_id: derived from the row, so that trying again carries the same one.
    token: stands in the envelope's sender address, by which a bounce is matched.
    """

    subscription = models.ForeignKey(Subscription, models.CASCADE, related_name="mails")
    digest = models.OneToOneField(Digest, models.CASCADE, null=True, related_name="mail")
    kind = models.CharField(max_length=10, default="digest")
    address = models.EmailField()
    domain = models.CharField(max_length=255)
    message_id = models.CharField(max_length=200, unique=True)
    token = models.CharField(max_length=40, unique=True)
    state = models.CharField(max_length=10, default="queued")
    tries = models.IntegerField(default=0)
    next_try = models.DateTimeField()
    claimed_by = models.CharField(max_length=40, default="")
    claimed_until = models.DateTimeField(null=True)
    queued = models.DateTimeField()
    ended = models.DateTimeField(null=True)
    reply = models.CharField(max_length=300, default="")

    class Meta:
        indexes = [
            models.Index(fields=["state", "next_try"]),
            models.Index(fields=["state", "domain"]),
        ]

    def __str__(self) -> str:
        return f"mail {self.pk} {self.state}"


class Bounced(models.Model):
    """One recipient of one bounce or complaint, as it was read; the raw message is kept for a person.

    kind: hard, soft, late (its server still tries), complaint, stopped (by mail, or at the service of mail), delivered
        or unknown (kept for a person, nothing follows from it). subscription: None where the mail went to an address
        that it does not have any more. digest_of_raw: names the report, so that it counts once.
    """

    digest_of_raw = models.CharField(max_length=64, unique=True)
    kind = models.CharField(max_length=10)
    mail = models.ForeignKey(Mail, models.SET_NULL, null=True, related_name="bounces")
    subscription = models.ForeignKey(Subscription, models.SET_NULL, null=True, related_name="bounces")
    address = models.CharField(max_length=320, default="")
    status = models.CharField(max_length=12, default="")
    reply = models.CharField(max_length=4, default="")
    reason = models.CharField(max_length=20, default="")
    came_by = models.CharField(max_length=12, default="")
    raw = models.BinaryField(default=b"")
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["kind", "at"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.address}"


class Less(models.Model):
    """A reader or a subscription without an account wants less like a paper; personal ranking learns from it."""

    subscription = models.ForeignKey(Subscription, models.CASCADE, related_name="less")
    paper = models.ForeignKey(Paper, models.CASCADE, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subscription", "paper"], name="less_once")]

    def __str__(self) -> str:
        return f"less like {self.paper}"
